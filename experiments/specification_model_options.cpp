// SPDX-License-Identifier: MIT
//
// The options of what is trained: data, layers, optimizer.
#include "controllers/batch_size_option.hpp"
#include "experiments/specification_options.hpp"
#include "nn/activation.hpp"
#include "nn/dataset.hpp"
#include "nn/dense.hpp"
#include "nn/network.hpp"
#include "nn/optimizer.hpp"

namespace batchlab {

namespace {

using Kind = Option::Kind;

// Those that are generated, or read, or both.
std::vector<std::string> data_set_names(bool generated, bool read) {
  std::vector<std::string> names;
  for (const KnownDataSet& set : known_data_sets()) {
    if (set.generated ? generated : read) names.push_back(set.name);
  }
  return names;
}

}  // namespace

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
      only_for("set", read,
               choice_option("scaling", {"unit", "none"},
                             "unit: bytes divided by 255; none: bytes as they are")),
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
      number_option(
          "reset_factor", nullptr, 1.0001, 1e6, "",
          "moments begin anew when the batch size has changed by this factor; "
          "unset: they are kept"),
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

}  // namespace batchlab
