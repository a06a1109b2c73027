// SPDX-License-Identifier: MIT
//
// The sections of a specification and their options: defaults, ranges, help.
#include "experiments/specification_options.hpp"

#include "controllers/batch_size_option.hpp"
#include "controllers/coupling.hpp"
#include "controllers/statistics.hpp"
#include "nn/activation.hpp"
#include "nn/dataset.hpp"
#include "nn/dense.hpp"
#include "nn/network.hpp"
#include "nn/optimizer.hpp"

namespace batchlab {

namespace {

using Kind = Option::Kind;

constexpr double largest_seed = 4294967295.0;

std::vector<std::string> coupling_names() {
  std::vector<std::string> names;
  for (const Coupling& coupling : couplings()) names.push_back(coupling.name);
  return names;
}

// Those that are generated, or read, or both.
std::vector<std::string> data_set_names(bool generated, bool read) {
  std::vector<std::string> names;
  for (const KnownDataSet& set : known_data_sets()) {
    if (set.generated ? generated : read) names.push_back(set.name);
  }
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

std::span<const Option> data_options() {
  static const auto read = data_set_names(false, true),
                    generated = data_set_names(true, false);
  static const std::vector<Option> options{
      {"set", Kind::choice, "fashion-mnist", 0, 0, data_set_names(true, true), "",
       "`batchlab data` says what they are"},
      only_for("set", read,
               {"folder",
                Kind::text,
                nullptr,
                0,
                0,
                {},
                "",
                "where the IDX files are; unset: the set's own"}),
      only_for("set", read,
               {"first_example",
                Kind::integer,
                0,
                0,
                most_counted,
                {},
                "examples",
                "where the examples in use begin in the training file"}),
      only_for("set", read,
               count_option("examples", nullptr, "examples",
                            "how many of the training file are in use; unset: all")),
      only_for("set", generated,
               {"examples",
                Kind::integer,
                10000,
                2,
                1e6,
                {},
                "examples",
                "how many to generate; to test, a fifth as many more"}),
      only_for(
          "set", generated,
          {"dimensions", Kind::integer, 100, 1, 1000, {}, "", "numbers in an example"}),
      only_for("set", generated,
               {"seed",
                Kind::integer,
                0,
                0,
                largest_seed,
                {},
                "",
                "draws the examples: the same for all runs"}),
      {"validation_fraction",
       Kind::number,
       0,
       0,
       0.99,
       {},
       "",
       "share of those held out for validation"},
      {"validation_part",
       Kind::choice,
       "random",
       0,
       0,
       {"first", "last", "random"},
       "",
       "which part is held out"},
      {"split_seed",
       Kind::integer,
       0,
       0,
       largest_seed,
       {},
       "",
       "draws the random part: the same for all runs"},
      {"shuffle", Kind::boolean, true, 0, 0, {}, "", "a new order in each epoch"},
      {"tail",
       Kind::choice,
       "keep",
       0,
       0,
       {"keep", "drop", "carry"},
       "",
       "a short last batch of an epoch: keep it, drop it, or fill it from the next "
       "epoch"},
      {"scaling",
       Kind::choice,
       "unit",
       0,
       0,
       {"unit", "none"},
       "",
       "unit: bytes divided by 255; none: bytes as they are"},
  };
  return options;
}

std::span<const Option> layer_options() {
  static const std::vector<Option> options{
      {"type", Kind::choice, nullptr, 0, 0, layer_types(), "", "kind of layer"},
      only_for("type", {"dense"},
               {"units", Kind::integer, nullptr, 1, 1 << 20, {}, "", "outputs"}),
      only_for(
          "type", {"dense"},
          choice_option("activation", activation_names(), "applied to the outputs")),
      only_for(
          "type", {"dense"},
          choice_option("initialisation", initialisation_names(), "of the weights")),
      only_for("type", {"quadratic"},
               {"eigenvalues",
                Kind::number_list,
                nlohmann::json::array(),
                0,
                1e6,
                {},
                "",
                "of the loss's curvature (Q), one for each dimension; []: a tenth in "
                "(30, 60), the others in (0, 1), drawn as in DeepOBS quadratic_deep"}),
      only_for("type", {"quadratic"},
               {"seed",
                Kind::integer,
                0,
                0,
                largest_seed,
                {},
                "",
                "draws the directions of Q, and eigenvalues that are not given"}),
      only_for("type", {"dropout"},
               number_option("rate", nullptr, 0, 0.999, "", "share of values zeroed")),
  };
  return options;
}

std::span<const Option> optimizer_options() {
  static const std::vector<std::string> adam{"adam", "adamw"};
  static const std::string decay = "decoupled, per unit of learning rate";
  static const std::vector<Option> options{
      {"name", Kind::choice, "adam", 0, 0, optimizer_names(), "", "update rule"},
      only_for("name", {"sgd", "adagrad"},
               number_option("learning_rate", 0.01, 1e-12, 1e6, "", "base rate")),
      only_for("name", adam,
               number_option("learning_rate", 0.001, 1e-12, 1e6, "", "base rate")),
      only_for("name", {"sgd"},
               number_option("momentum", 0, 0, 0.9999, "",
                             "of the "
                             "velocity")),
      only_for("name", {"sgd"},
               {"nesterov", Kind::boolean, false, 0, 0, {}, "", "look ahead"}),
      only_for("name", {"sgd"}, number_option("weight_decay", 0, 0, 1, "", decay)),
      only_for("name", {"adamw"},
               number_option("weight_decay", 0.004, 0, 1, "", decay)),
      only_for(
          "name", adam,
          number_option("beta1", 0.9, 0, 0.999999, "", "memory of the mean gradient")),
      only_for(
          "name", adam,
          number_option("beta2", 0.999, 0, 0.99999999, "", "memory of its square")),
      only_for("name", adam,
               number_option("epsilon", 1e-7, 1e-30, 1, "",
                             "added to the root of the square")),
      only_for("name", {"adagrad"},
               number_option("epsilon", 1e-10, 1e-30, 1, "",
                             "added to the root of the sum of squares")),
      only_for("name", {"adagrad"},
               number_option("initial_squared_gradient_sum", 0, 0, 1e6, "",
                             "at which the sum of squares begins")),
  };
  return options;
}

std::span<const Option> evaluation_options() {
  static const std::vector<Option> options{
      count_option("every_examples", nullptr, "examples",
                   "evaluate so often; unset: at each epoch's end"),
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
       "gradient noise from each example's gradient, from the lanes of the batch, or "
       "from the gradients of two steps"},
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
       "most rows that a thread works at at once; unset: 128"},
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
