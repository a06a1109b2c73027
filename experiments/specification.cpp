// SPDX-License-Identifier: MIT
#include "experiments/specification.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "controllers/error.hpp"
#include "experiments/checksum.hpp"
#include "experiments/specification_document.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::usage, what);
}

template <class T>
std::optional<T> optional_of(const json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

GeneratedData generated_from(const json& data) {
  if (!find_data_set(data.at("set")).generated) return {};
  return {data.at("examples"), data.at("dimensions"), data.at("seed")};
}

DataConfiguration data_from(const json& data) {
  static const std::map<std::string, SplitPart> parts{{"first", SplitPart::first},
                                                      {"last", SplitPart::last},
                                                      {"random", SplitPart::random}};
  static const std::map<std::string, EpochTail> tails{{"keep", EpochTail::keep},
                                                      {"drop", EpochTail::drop},
                                                      {"carry", EpochTail::carry}};
  DataConfiguration result;
  result.set = data.at("set");
  result.folder = optional_of<std::string>(data.value("folder", json())).value_or("");
  result.validation_fraction = data.at("validation_fraction");
  result.validation_part = parts.at(data.at("validation_part"));
  result.split_seed = data.at("split_seed");
  result.first_example = data.value("first_example", std::int64_t{0});
  result.examples = optional_of<std::int64_t>(data.at("examples"));
  result.shuffle = data.at("shuffle");
  result.tail = tails.at(data.at("tail"));
  result.input_scale = data.value("scaling", "unit") == "unit" ? 1.0F / 255 : 1.0F;
  result.generated = generated_from(data);
  return result;
}

std::vector<LayerOptions> layers_from(const json& model) {
  std::vector<LayerOptions> layers;
  for (const json& layer : model.at("layers")) {
    LayerOptions options;
    options.type = layer.at("type");
    options.units = layer.value("units", std::size_t{0});
    options.activation = layer.value("activation", options.activation);
    options.initialisation = layer.value("initialisation", options.initialisation);
    options.rate = layer.value("rate", 0.0);
    options.eigenvalues = layer.value("eigenvalues", options.eigenvalues);
    options.seed = layer.value("seed", options.seed);
    layers.push_back(options);
  }
  return layers;
}

OptimizerOptions optimizer_from(const json& optimizer) {
  OptimizerOptions options;
  options.name = optimizer.at("name");
  options.momentum = optimizer.value("momentum", options.momentum);
  options.nesterov = optimizer.value("nesterov", options.nesterov);
  options.weight_decay = optimizer.value("weight_decay", options.weight_decay);
  options.beta1 = optimizer.value("beta1", options.beta1);
  options.beta2 = optimizer.value("beta2", options.beta2);
  options.epsilon = optimizer.value("epsilon", options.epsilon);
  options.initial_squared_gradient_sum = optimizer.value(
      "initial_squared_gradient_sum", options.initial_squared_gradient_sum);
  return options;
}

std::optional<Target> target_from(const json& target) {
  if (target.is_null()) return std::nullopt;
  const std::string metric = target.at("metric");
  return Target{metric.substr(0, metric.find('_')), metric.ends_with("accuracy"),
                target.at("value"), target.at("stop")};
}

Estimator estimator_from(const std::string& name) {
  if (name == "micro_batch") return Estimator::micro_batch;
  return name == "two_step" ? Estimator::two_step : Estimator::per_example;
}

Needs measured_from(const json& names) {
  Needs needs;
  for (const Quantity& quantity : quantities) {
    if (std::find(names.begin(), names.end(), quantity.name) != names.end()) {
      needs = needs | Needs{quantity.field};
    }
  }
  return needs;
}

RunConfiguration run_from(const json& shared, const json& entry, std::uint32_t seed) {
  RunConfiguration run;
  run.document = shared;
  run.document.erase("seeds");
  run.document.erase("controllers");
  run.document["seed"] = seed;
  run.document["controller"] = entry;
  run.specification = shared.at("name");
  run.label = entry.at("label");
  run.seed = seed;
  run.data = data_from(shared.at("data"));
  run.layers = layers_from(shared.at("model"));
  run.optimizer = optimizer_from(shared.at("optimizer"));
  run.reset_factor = optional_of<double>(shared.at("optimizer").at("reset_factor"));
  run.learning_rate = entry.at("learning_rate").is_null()
                          ? shared.at("optimizer").at("learning_rate").get<double>()
                          : entry.at("learning_rate").get<double>();
  run.schedule = shared.at("schedule");
  const json& budget = shared.at("budget");
  run.budget = {optional_of<std::int64_t>(budget.at("epochs")),
                optional_of<std::int64_t>(budget.at("examples")),
                optional_of<std::int64_t>(budget.at("steps")),
                optional_of<double>(budget.at("seconds"))};
  run.target = target_from(shared.at("target"));
  run.evaluate_every_examples =
      optional_of<std::int64_t>(shared.at("evaluation").at("every_examples"));
  run.average_decay = optional_of<double>(shared.at("evaluation").at("average_decay"));
  const json& statistics = shared.at("statistics");
  run.measured = measured_from(statistics.at("measure"));
  run.estimator = estimator_from(statistics.at("estimator"));
  run.finite_population = statistics.at("finite_population");
  run.noise_scale_horizon = statistics.at("horizon_examples");
  const json& engine = shared.at("engine");
  run.cut = {optional_of<std::size_t>(engine.at("lanes")).value_or(0),
             optional_of<std::size_t>(engine.at("tile_height")).value_or(0)};
  if (!shared.at("initial_weights").is_null()) {
    run.initial_weights = shared.at("initial_weights");
  }
  run.log_every = shared.at("log_every");
  run.controller = entry.at("name");
  run.controller_options = entry.at("options");
  run.coupling = entry.at("coupling");
  run.coupling_power = entry.value("coupling_power", 0.0);
  run.reference_batch_size =
      optional_of<std::int64_t>(entry.at("reference_batch_size"));
  run.limits = entry.at("limits");
  for (const json& shadow : entry.at("shadow")) {
    run.shadows.push_back({shadow.at("label"), shadow.at("name"), shadow.at("options"),
                           shadow.at("limits")});
  }
  return run;
}

}  // namespace

std::string RunConfiguration::folder_name() const {
  return fmt::format("{}-seed{}", label, seed);
}

std::string RunConfiguration::identity() const {
  json counted = document;
  counted["controller"].erase("position");
  return checksum(counted.dump());
}

void RunConfiguration::intervene(const Intervention& intervention) {
  interventions.push_back(intervention);
  document["interventions"].push_back(to_json(intervention));
}

std::vector<RunConfiguration> expand(const json& document) {
  const json shared = complete_document(document);
  std::vector<RunConfiguration> runs;
  for (const json& entry : shared.at("controllers")) {
    for (const std::uint32_t seed : shared.at("seeds")) {
      runs.push_back(run_from(shared, entry, seed));
    }
  }
  return runs;
}

DataSource load_data(const DataConfiguration& configuration) {
  return load_data(configuration.set, configuration.folder, configuration.generated);
}

Split make_split(const DataConfiguration& configuration, const Dataset& training) {
  const auto available = static_cast<std::int64_t>(training.examples());
  const std::int64_t first = configuration.first_example;
  if (first >= available) {
    refuse(
        fmt::format("data: first_example must be below {} (the training file), got {}",
                    available, first));
  }
  const std::int64_t count = configuration.examples.value_or(available - first);
  if (count > available - first) {
    refuse(fmt::format(
        "data: examples must be in [1, {}] (from first_example {} on), got {}",
        available - first, first, count));
  }
  Split result =
      split(static_cast<std::size_t>(count), configuration.validation_fraction,
            configuration.validation_part, configuration.split_seed);
  for (auto* part : {&result.training, &result.validation}) {
    for (std::uint32_t& example : *part) example += static_cast<std::uint32_t>(first);
  }
  return result;
}

std::string first_difference(const json& there, const json& here) {
  for (const json& change : json::diff(there, here)) {
    std::string pointer = change.at("path");
    if (pointer == "/controller/position") continue;
    const json::json_pointer path(pointer);
    const auto shown = [&](const json& document) {
      return document.contains(path) ? printable(document.at(path).dump()) : "nothing";
    };
    std::replace(pointer.begin(), pointer.end(), '/', '.');
    return fmt::format("{}: {} there, {} here", pointer.substr(1), shown(there),
                       shown(here));
  }
  return "";
}

}  // namespace batchlab
