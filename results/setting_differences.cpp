// SPDX-License-Identifier: MIT
#include "results/setting_differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNames = 3;
constexpr std::size_t kMostValues = 4;
constexpr std::size_t kLongestValue = 40;

// "/model/layers/0/units" as "model.layers.0.units".
std::string dotted(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', '.');
  return pointer.substr(std::min<std::size_t>(1, pointer.size()));
}

json flat(const json& settings) {
  return settings.empty() ? json::object() : settings.flatten();
}

// A text that is no value of a setting stands for one that is missing.
std::string value_text(const json& settings, const std::string& key) {
  const auto found = settings.find(key);
  if (found == settings.end()) return "not set";
  return printable(found->dump(-1, ' ', false, json::error_handler_t::replace),
                   kLongestValue);
}

// Values in order of appearance, and which runs have them.
class Holders {
 public:
  void add(const std::string& value, const NamedSettings& run) {
    auto found = std::find_if(values_.begin(), values_.end(),
                              [&](const auto& one) { return one.first == value; });
    if (found == values_.end()) found = values_.insert(values_.end(), {value, {}});
    found->second.push_back(&run);
    of_controller_[run.controller].insert(value);
  }

  [[nodiscard]] bool differ() const { return values_.size() > 1; }

  // "10 (phases) and 20 (constant seed 1)".
  [[nodiscard]] std::string text() const {
    std::vector<std::string> parts;
    for (const auto& [value, runs] : values_) {
      parts.push_back(fmt::format("{} ({})", value, joined(names(runs), kMostNames)));
    }
    return joined(parts, kMostValues, " and ");
  }

 private:
  using Runs = std::vector<const NamedSettings*>;

  // Controllers; runs of those that have several values.
  [[nodiscard]] std::vector<std::string> names(const Runs& runs) const {
    std::vector<std::string> names;
    for (const NamedSettings* run : runs) {
      const bool several = of_controller_.at(run->controller).size() > 1;
      std::string name = several ? fmt::format("{} seed {}", run->controller, run->seed)
                                 : run->controller;
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(std::move(name));
      }
    }
    return names;
  }

  std::vector<std::pair<std::string, Runs>> values_;
  std::map<std::string, std::set<std::string>> of_controller_;
};

}  // namespace

std::vector<SettingDifference> setting_differences(
    const std::vector<NamedSettings>& runs) {
  std::vector<json> settings;
  std::set<std::string> keys;
  for (const NamedSettings& run : runs) {
    settings.push_back(flat(run.settings));
    for (const auto& item : settings.back().items()) keys.insert(item.key());
  }
  std::vector<SettingDifference> differences;
  for (const std::string& key : keys) {
    Holders holders;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      holders.add(value_text(settings[i], key), runs[i]);
    }
    if (!holders.differ()) continue;
    differences.push_back({dotted(key), dotted(key) + " is " + holders.text()});
  }
  return differences;
}

std::string joined(const std::vector<std::string>& texts, std::size_t most,
                   const std::string& separator) {
  std::string line;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i == most) return line + fmt::format(" and {} more", texts.size() - most);
    line += (i == 0 ? "" : separator) + texts[i];
  }
  return line;
}

}  // namespace batchlab
