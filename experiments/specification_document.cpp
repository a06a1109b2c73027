// SPDX-License-Identifier: MIT
#include "experiments/specification_document.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>

#include "controllers/coupling.hpp"
#include "controllers/error.hpp"
#include "controllers/learning_rate_schedule.hpp"
#include "controllers/limits.hpp"
#include "controllers/registry.hpp"
#include "experiments/checksum.hpp"
#include "experiments/specification_options.hpp"
#include "nn/dataset.hpp"
#include "nn/network.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::usage, what);
}

// Names become folders: nothing that could leave the output folder or surprise a shell.
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

json complete_layer(std::size_t number, const json& given) {
  const std::string owner = fmt::format("model.layers[{}]", number);
  if (!given.contains("type")) {
    refuse(fmt::format("{}: type is missing (one of {})", owner,
                       fmt::join(layer_types(), ", ")));
  }
  json layer = checked_options(owner, layer_options(), given);
  for (const auto& [key, value] : layer.items()) {
    if (value.is_null()) {
      refuse(fmt::format("{}: {} needs {}", owner, layer.at("type").dump(), key));
    }
  }
  return layer;
}

// A set that is generated goes with one quadratic layer, any other set with none.
void check_model(const json& layers, const std::string& set) {
  const bool quadratic = find_data_set(set).generated;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const json& type = layers[i].at("type");
    if ((type == "quadratic") == quadratic) continue;
    refuse(quadratic ? fmt::format("model.layers[{}]: type must be quadratic for "
                                   "data.set = \"{}\", got {}",
                                   i, set, type.dump())
                     : fmt::format("model.layers[{}]: type quadratic needs data.set = "
                                   "\"noisy-quadratic\", got \"{}\"",
                                   i, set));
  }
  if (!quadratic || layers.size() == 1) return;
  refuse(fmt::format("model.layers: must be one layer for data.set = \"{}\", got {}",
                     set, layers.size()));
}

json complete_model(const json& given, const std::string& set) {
  static const std::vector<Option> options{{"layers",
                                            Option::Kind::table_list,
                                            nullptr,
                                            0,
                                            0,
                                            {},
                                            "",
                                            "from input to output"}};
  if (given.is_null()) {
    if (find_data_set(set).generated) {
      const json layer{{"type", "quadratic"}};
      return complete_model({{"layers", json::array({layer})}}, set);
    }
    refuse("model: missing; e.g. [model] layers = [{ type = \"dense\", units = 10 }]");
  }
  json model = checked_options("model", options, given);
  if (model.at("layers").is_null()) refuse("model: layers is missing");
  std::size_t number = 0;
  for (json& layer : model.at("layers")) {
    layer = complete_layer(number, layer);
    ++number;
  }
  check_model(model.at("layers"), set);
  return model;
}

json complete_target(const json& given, const json& data) {
  if (given.is_null()) return nullptr;
  json target = checked_options("target", target_options(), given);
  if (target.at("value").is_null())
    refuse("target: value is missing, e.g. value = 0.86");
  const std::string metric = target.at("metric");
  const double value = target.at("value");
  const std::string set = data.at("set");
  if (metric.ends_with("accuracy") && find_data_set(set).generated) {
    refuse(
        fmt::format("target: metric must be test_loss or validation_loss for "
                    "data.set = \"{}\", got {}",
                    set, metric));
  }
  if (metric.ends_with("accuracy") && value > 1) {
    refuse(
        fmt::format("target: value must be in [0, 1] for an accuracy, got {}", value));
  }
  if (metric.starts_with("validation") && data.at("validation_fraction") == 0.0) {
    refuse(fmt::format("target: {} needs data.validation_fraction above 0", metric));
  }
  return target;
}

json complete_budget(const json& given) {
  const json budget = checked_options("budget", budget_options(), given);
  if (std::all_of(budget.begin(), budget.end(),
                  [](const json& v) { return v.is_null(); })) {
    refuse(
        "budget: needs epochs, examples, steps or seconds, e.g. budget = { epochs = 5 "
        "}");
  }
  return budget;
}

json complete_statistics(const json& given) {
  const json section = checked_options("statistics", statistics_options(), given);
  const auto options = statistics_options();
  const auto& known = options.back().choices;
  for (const std::string name : section.at("measure")) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      refuse("statistics: " +
             std::string(unknown_name("statistic", name, known).what()));
    }
  }
  return section;
}

void check_seeds(const json& seeds) {
  std::set<std::uint32_t> seen;
  for (const std::uint32_t seed : seeds) {
    if (!seen.insert(seed).second)
      refuse(fmt::format("seeds: {} is there twice", seed));
  }
}

// The sections that all runs of a specification share.
json complete_shared(const json& given) {
  json top = checked_options("specification", top_options(), given);
  check_name("name", top.at("name"));
  top["budget"] = complete_budget(top.at("budget"));
  top["data"] = checked_options("data", data_options(), top.at("data"));
  top["target"] = complete_target(top.at("target"), top.at("data"));
  top["model"] = complete_model(top.at("model"), top.at("data").at("set"));
  top["optimizer"] =
      checked_options("optimizer", optimizer_options(), top.at("optimizer"));
  top["schedule"] = checked_options("schedule", schedule_options(), top.at("schedule"));
  top["evaluation"] =
      checked_options("evaluation", evaluation_options(), top.at("evaluation"));
  top["statistics"] = complete_statistics(top.at("statistics"));
  top["engine"] = checked_options("engine", engine_options(), top.at("engine"));
  if (top.at("controllers").is_null()) {
    refuse(
        "controllers: missing; a specification needs at least one [[controllers]] "
        "entry");
  }
  check_seeds(top.at("seeds"));
  if (!top.at("initial_weights").is_null()) {
    top["initial_weights_checksum"] = file_checksum(top.at("initial_weights"));
  }
  return top;
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

// A [[controllers]] entry: its own keys, "options" of the rule, "limits".
json complete_entry(const json& given, std::size_t position, const json& optimizer) {
  const std::string where = fmt::format("controllers[{}]", position);
  const auto own = controller_entry_options();
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
  check_coupling(where, find_coupling(entry.at("coupling")), optimizer);
  entry["options"] = checked_options(rule.name, rule.options, rule_given);
  json limits = rule.limits.is_object() ? rule.limits : json::object();
  limits.update(entry.at("limits"));
  entry["limits"] = checked_options(rule.name + ": limits", limits_options(), limits);
  if (!entry.at("label").is_null()) check_name(where + ": label", entry.at("label"));
  entry["position"] = position;
  return entry;
}

// Labels tell entries apart. Those given must differ; of those that are not, the second
// "constant" becomes "constant-2".
void settle_labels(std::vector<json>& entries) {
  std::set<std::string> used;
  for (const json& entry : entries) {
    if (entry.at("label").is_null()) continue;
    if (!used.insert(entry.at("label")).second) {
      refuse(fmt::format("controllers: label {} is there twice",
                         entry.at("label").dump()));
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

}  // namespace

json complete_document(const json& document) {
  json complete = complete_shared(document);
  std::vector<json> entries;
  for (const json& entry : complete.at("controllers")) {
    entries.push_back(complete_entry(entry, entries.size(), complete.at("optimizer")));
  }
  settle_labels(entries);
  complete["controllers"] = entries;
  return complete;
}

}  // namespace batchlab
