// SPDX-License-Identifier: MIT
//
// The options of a specification's sections but for what is trained.
#include "experiments/specification_options.hpp"

#include "controllers/batch_size_option.hpp"
#include "controllers/coupling.hpp"
#include "controllers/statistics.hpp"

namespace batchlab {

namespace {

using Kind = Option::Kind;

std::vector<std::string> coupling_names() {
  std::vector<std::string> names;
  for (const Coupling& coupling : couplings()) names.push_back(coupling.name);
  return names;
}

std::vector<std::string> measurable_names() {
  std::vector<std::string> names;
  for (const Quantity& quantity : quantities) {
    if (quantity.per_step) names.emplace_back(quantity.name);
  }
  return names;
}

}  // namespace

std::span<const Option> top_options() {
  static const std::vector<Option> options{
      {"name",
       Kind::text,
       "experiment",
       0,
       0,
       {},
       "",
       "names the experiment and its folder: letters, digits, . _ -"},
      {"seeds",
       Kind::integer_list,
       {0, 1, 2},
       0,
       largest_seed,
       {},
       "",
       "one run per controller and seed"},
      {"budget", Kind::table, {{"epochs", 5}}, 0, 0, {}, "", "when a run ends"},
      {"target",
       Kind::table,
       nullptr,
       0,
       0,
       {},
       "",
       "what the comparison measures the way to"},
      {"data", Kind::table, nlohmann::json::object(), 0, 0, {}, "", "the examples"},
      {"model",
       Kind::table,
       nullptr,
       0,
       0,
       {},
       "",
       "the network; unset with data.set = noisy-quadratic: one quadratic layer"},
      {"optimizer",
       Kind::table,
       nlohmann::json::object(),
       0,
       0,
       {},
       "",
       "the optimizer"},
      {"schedule",
       Kind::table,
       nlohmann::json::object(),
       0,
       0,
       {},
       "",
       "learning-rate schedule over examples"},
      {"evaluation",
       Kind::table,
       nlohmann::json::object(),
       0,
       0,
       {},
       "",
       "when to evaluate"},
      {"statistics",
       Kind::table,
       nlohmann::json::object(),
       0,
       0,
       {},
       "",
       "how gradient noise is measured"},
      {"engine",
       Kind::table,
       nlohmann::json::object(),
       0,
       0,
       {},
       "",
       "how a batch is cut for threads and caches"},
      {"initial_weights",
       Kind::text,
       nullptr,
       0,
       0,
       {},
       "",
       "safetensors file to start from; unset: drawn from the seed"},
      count_option("log_every", 1, "steps", "thins steps.csv"),
      {"shadow",
       Kind::name_list,
       nlohmann::json::array(),
       0,
       0,
       {},
       "",
       "rules that are asked at every step but not followed: names or tables"},
      {"controllers", Kind::table_list, nullptr, 0, 0, {}, "", "the rules to compare"},
  };
  return options;
}

std::span<const Option> budget_options() {
  static const std::vector<Option> options{
      count_option("epochs", nullptr, "epochs", "whole passes over the training data"),
      count_option("examples", nullptr, "examples", "exactly so many"),
      count_option("steps", nullptr, "steps", "updates"),
      {"seconds",
       Kind::number,
       nullptr,
       1e-3,
       1e9,
       {},
       "seconds",
       "of the training clock; such a run cannot be repeated bit by bit"},
  };
  return options;
}

std::span<const Option> target_options() {
  static const std::vector<Option> options{
      {"metric",
       Kind::choice,
       "test_accuracy",
       0,
       0,
       {"test_accuracy", "test_loss", "validation_accuracy", "validation_loss"},
       "",
       "what is compared with the value at each evaluation"},
      {"value",
       Kind::number,
       nullptr,
       0,
       1e6,
       {},
       "",
       "reached at or above it (accuracy, from 0 to 1), at or below it (loss)"},
      {"stop", Kind::boolean, false, 0, 0, {}, "", "end the run when it is reached"},
  };
  return options;
}

std::span<const Option> evaluation_options() {
  static const std::vector<Option> options{
      count_option("every_examples", nullptr, "examples",
                   "evaluate so often; unset: at each epoch's end"),
      number_option(
          "average_decay", nullptr, 0.01, 0.9999999, "",
          "evaluate an average of the weights that keeps so much of itself at "
          "a step of the reference batch size (rho); unset: the weights"),
  };
  return options;
}

std::span<const Option> statistics_options() {
  static const std::vector<Option> options{
      {"estimator",
       Kind::choice,
       "per_example",
       0,
       0,
       {"per_example", "micro_batch", "two_step"},
       "",
       "gradient noise from each example's gradient, from the lanes of the batch (of "
       "large layers an eighth of the weights, at random), or from the gradients of "
       "two steps"},
      {"finite_population",
       Kind::boolean,
       true,
       0,
       0,
       {},
       "",
       "count that an epoch is drawn without replacement (1/N)"},
      {"horizon_examples",
       Kind::number,
       20000,
       1,
       most_counted,
       {},
       "examples",
       "memory of the averages behind noise_scale"},
      {"measure", Kind::text_list, nlohmann::json::array(), 0, 0, measurable_names(),
       "", "statistics to log beyond what the controller needs"},
  };
  return options;
}

std::span<const Option> engine_options() {
  static const std::vector<Option> options{
      {"lanes",
       Kind::integer,
       nullptr,
       1,
       256,
       {},
       "",
       "parts of a batch whose gradients estimator micro_batch compares, at least; "
       "unset: 2"},
      {"tile_height",
       Kind::integer,
       nullptr,
       1,
       512,
       {},
       "examples",
       "most rows that a thread takes backward at once; unset: 128"},
  };
  return options;
}

std::span<const Option> controller_entry_options() {
  static const std::vector<Option> options{
      {"name", Kind::text, nullptr, 0, 0, {}, "", "`batchlab controllers` lists them"},
      {"label",
       Kind::text,
       nullptr,
       0,
       0,
       {},
       "",
       "names the entry in results: letters, digits, . _ -; unset: its name"},
      {"learning_rate",
       Kind::number,
       nullptr,
       1e-12,
       1e6,
       {},
       "",
       "base rate of this entry; unset: the optimizer's"},
      {"coupling", Kind::choice, "none", 0, 0, coupling_names(), "",
       "how the learning rate follows the batch size"},
      only_for("coupling", {"power"},
               number_option("coupling_power", 0.75, -2, 2, "",
                             "power of the batch size (p)")),
      count_option("reference_batch_size", nullptr, "examples",
                   "where the coupling's factor is 1; unset: the first batch size"),
      {"shadow",
       Kind::name_list,
       nullptr,
       0,
       0,
       {},
       "",
       "shadows of this entry; unset: those of the top level"},
      {"limits",
       Kind::table,
       nlohmann::json::object(),
       0,
       0,
       {},
       "",
       "the safety layer around the rule"},
  };
  return options;
}

std::span<const Option> shadow_options() {
  static const std::vector<Option> options = [] {
    std::vector<Option> shared;
    for (const Option& option : controller_entry_options()) {
      const bool is_shared =
          option.name == "name" || option.name == "label" || option.name == "limits";
      if (is_shared) shared.push_back(option);
    }
    return shared;
  }();
  return options;
}

}  // namespace batchlab
