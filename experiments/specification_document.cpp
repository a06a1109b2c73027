// SPDX-License-Identifier: MIT
#include "experiments/specification_document.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "controllers/error.hpp"
#include "controllers/learning_rate_schedule.hpp"
#include "experiments/checksum.hpp"
#include "experiments/controller_entry.hpp"
#include "experiments/specification_options.hpp"
#include "nn/dataset.hpp"
#include "nn/network.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::usage, what);
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

}  // namespace

json complete_document(const json& document) {
  json complete = complete_shared(document);
  complete["controllers"] = complete_entries(
      complete.at("controllers"), complete.at("shadow"), complete.at("optimizer"));
  complete.erase("shadow");
  return complete;
}

}  // namespace batchlab
