// SPDX-License-Identifier: MIT
#include "experiments/controller_entry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>

#include "controllers/coupling.hpp"
#include "controllers/error.hpp"
#include "controllers/limits.hpp"
#include "controllers/registry.hpp"
#include "experiments/specification_options.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::usage, what);
}

// An unknown key may be meant for the entry or for its rule: both are suggested.
void check_keys(const Entry& rule, std::span<const Option> own, const json& given) {
  std::vector<std::string> known;
  for (const Option& option : rule.options) known.push_back(option.name);
  for (const Option& option : own) known.push_back(option.name);
  for (const auto& [key, value] : given.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error(ErrorKind::usage,
                  rule.name + ": " + unknown_name("option", key, known).what());
    }
  }
}

void check_optimizer(const Entry& rule, const json& optimizer) {
  const std::string name = optimizer.at("name");
  const double momentum = optimizer.value("momentum", 0.0);
  if (!rule.plain_sgd_only || (name == "sgd" && momentum == 0)) return;
  refuse(
      fmt::format("{}: optimizer must be sgd without momentum, got {}{}; for example "
                  "optimizer = {{ name = \"sgd\", momentum = 0 }}",
                  rule.name, name,
                  momentum == 0 ? "" : fmt::format(" with momentum {}", momentum)));
}

void check_coupling(const std::string& where, const Coupling& coupling,
                    const json& optimizer) {
  const auto& defined = coupling.optimizers;
  const std::string name = optimizer.at("name");
  if (defined.empty() ||
      std::find(defined.begin(), defined.end(), name) != defined.end())
    return;
  refuse(fmt::format("{}: coupling {} is defined for {}, got optimizer {}", where,
                     coupling.name, fmt::join(defined, " and "), name));
}

// A rule at `where`: its `own` keys, "options" of the rule, "limits".
json complete_rule(const std::string& where, std::span<const Option> own,
                   const json& given, const json& optimizer) {
  json own_given = json::object(), rule_given = json::object();
  for (const auto& [key, value] : given.items()) {
    const bool is_own = std::any_of(own.begin(), own.end(), [&](const Option& option) {
      return option.name == key;
    });
    (is_own ? own_given : rule_given)[key] = value;
  }
  json entry = checked_options(where, own, own_given);
  if (entry.at("name").is_null()) refuse(where + ": name is missing");
  const Entry& rule = find_controller(entry.at("name"));
  check_keys(rule, own, given);
  check_optimizer(rule, optimizer);
  entry["options"] = checked_options(rule.name, rule.options, rule_given);
  json limits = rule.limits.is_object() ? rule.limits : json::object();
  limits.update(entry.at("limits"));
  entry["limits"] = checked_options(rule.name + ": limits", limits_options(), limits);
  if (!entry.at("label").is_null()) check_name(where + ": label", entry.at("label"));
  return entry;
}

// Labels tell entries apart. Those given must differ; of those that are not, the second
// "constant" becomes "constant-2".
void settle_labels(const std::string& where, json& entries) {
  std::set<std::string> used;
  for (const json& entry : entries) {
    if (entry.at("label").is_null()) continue;
    if (!used.insert(entry.at("label")).second) {
      refuse(
          fmt::format("{}: label {} is there twice", where, entry.at("label").dump()));
    }
  }
  for (json& entry : entries) {
    if (!entry.at("label").is_null()) continue;
    const std::string name = entry.at("name");
    std::string label = name;
    for (int n = 2; !used.insert(label).second; ++n)
      label = fmt::format("{}-{}", name, n);
    entry["label"] = label;
  }
}

json complete_shadows(const std::string& where, const json& list,
                      const json& optimizer) {
  json shadows = json::array();
  for (const json& given : list) {
    try {
      shadows.push_back(complete_shadow(given, optimizer));
    } catch (const Error& error) {
      throw Error(error.kind(),
                  fmt::format("{}[{}]: {}", where, shadows.size(), error.what()));
    }
  }
  settle_labels(where, shadows);
  return shadows;
}

json complete_entry(const std::string& where, const json& given,
                    const json& shared_shadows, const json& optimizer) {
  json entry = complete_rule(where, controller_entry_options(), given, optimizer);
  check_coupling(where, find_coupling(entry.at("coupling")), optimizer);
  json& shadows = entry.at("shadow");
  shadows = shadows.is_null()
                ? shared_shadows
                : complete_shadows(where + ": shadow", shadows, optimizer);
  return entry;
}

}  // namespace

void check_name(const std::string& what, const std::string& name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 100 || name[0] == '.' || name[0] == '-' ||
      !std::all_of(name.begin(), name.end(), fine)) {
    refuse(fmt::format(
        "{}: must be 1 to 100 letters, digits, . _ - and not begin with . or "
        "-, got \"{}\"",
        what, printable(name)));
  }
}

json complete_entries(const json& given, const json& shadow, const json& optimizer) {
  const json shared_shadows = complete_shadows("shadow", shadow, optimizer);
  json entries = json::array();
  for (const json& one : given) {
    const std::size_t position = entries.size();
    entries.push_back(complete_entry(fmt::format("controllers[{}]", position), one,
                                     shared_shadows, optimizer));
    entries.back()["position"] = position;
  }
  settle_labels("controllers", entries);
  return entries;
}

json complete_shadow(const json& given, const json& optimizer) {
  const json table = given.is_string() ? json::object({{"name", given}}) : given;
  json entry = complete_rule("entry", shadow_options(), table, optimizer);
  const Entry& rule = find_controller(entry.at("name"));
  if (rule.branches) {
    refuse(
        fmt::format("{}: tries several ways before it chooses, so that it must be "
                    "followed: an entry of its own, not a shadow or a replay",
                    rule.name));
  }
  return entry;
}

}  // namespace batchlab
