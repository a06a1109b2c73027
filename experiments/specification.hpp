// SPDX-License-Identifier: MIT
//
// The experiment specification: from a document to the runs that it stands for. A run
// is one controller entry with one seed; its identity is the hash of its resolved
// configuration.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controllers/learning_rate_schedule.hpp"
#include "controllers/limits.hpp"
#include "controllers/registry.hpp"
#include "experiments/intervention.hpp"
#include "nn/data_stream.hpp"
#include "nn/dataset.hpp"
#include "nn/network.hpp"
#include "nn/optimizer.hpp"
#include "nn/training_step.hpp"

namespace batchlab {

struct DataConfiguration {
  std::string set, folder;
  double validation_fraction = 0;
  SplitPart validation_part = SplitPart::random;
  std::uint32_t split_seed = 0;
  std::int64_t first_example = 0;        // of the training file
  std::optional<std::int64_t> examples;  // from there on; absent: all
  bool shuffle = true;
  EpochTail tail = EpochTail::keep;
  float input_scale = 1;    // from bytes to the network's inputs
  GeneratedData generated;  // of a set that is generated
};

// The run ends with the first that is spent.
struct Budget {
  std::optional<std::int64_t> epochs, examples, steps;
  std::optional<double> seconds;  // of the training clock: not reproducible
};

struct Target {
  std::string split;     // "test" or "validation"
  bool accuracy = true;  // else loss
  double value = 0;
  bool stop = false;  // end the run when reached
  [[nodiscard]] bool reached(const EvaluationResult& result) const {
    return accuracy ? result.accuracy >= value : result.loss <= value;
  }
};

// A rule that is asked at every step, but not followed.
struct ShadowConfiguration {
  std::string label;
  std::string controller;             // name in the registry
  nlohmann::json controller_options;  // complete
  nlohmann::json limits;              // complete options
};

struct RunConfiguration {
  // Complete: every option with its value. What config.json holds and the identity
  // hashes.
  nlohmann::json document;

  std::string specification;  // its name
  std::string label;          // of the controller entry
  std::uint32_t seed = 0;
  DataConfiguration data;
  std::vector<LayerOptions> layers;
  OptimizerOptions optimizer;
  std::optional<double>
      reset_factor;          // of the batch size: moments begin anew; absent: never
  double learning_rate = 0;  // base rate, before schedule and coupling
  nlohmann::json schedule;   // complete options
  Budget budget;
  std::optional<Target> target;
  std::optional<std::int64_t> evaluate_every_examples;  // absent: at each epoch's end
  std::optional<double> average_decay;  // of the weights evaluated; absent: no average
  Needs measured;                       // beyond what the controller needs
  Estimator estimator = Estimator::per_example;  // of the gradient's noise
  bool finite_population = true;                 // its 1/N
  double noise_scale_horizon = 0;                // examples
  CutOptions cut;
  std::string initial_weights;  // a safetensors file, or empty
  std::int64_t log_every = 1;   // steps

  std::string controller;             // name in the registry
  nlohmann::json controller_options;  // complete
  std::string coupling;
  double coupling_power = 0;
  std::optional<std::int64_t> reference_batch_size;  // absent: the first batch size
  nlohmann::json limits;                             // complete options
  std::vector<ShadowConfiguration> shadows;
  std::vector<Intervention> interventions;  // of no specification: of a run made before
  // Why this run fails though others can be made: its plugin crashed or hung when asked
  // for an option that is measured. Of no document; empty: nothing did.
  std::string failure;

  // <label>-seed<n>: the run's folder below that of the experiment.
  [[nodiscard]] std::string folder_name() const;
  // Of the document; where the entry stands in the specification does not count.
  [[nodiscard]] std::string identity() const;
  // With one more intervention it is another run: the document lists it.
  void intervene(const Intervention& intervention);
};

// All runs of `document`, by controller entry, then seed. Throws Error(usage) for
// unknown keys and names (naming the closest), wrong types and ranges.
[[nodiscard]] std::vector<RunConfiguration> expand(const nlohmann::json& document);

// Reads or generates the data. Throws as load_data() of nn/dataset.hpp does.
[[nodiscard]] DataSource load_data(const DataConfiguration& configuration);

// The training examples and what is held out, of loaded data.
[[nodiscard]] Split make_split(const DataConfiguration& configuration,
                               const Dataset& training);

// First key path in which two configurations differ, with both values: "budget.epochs:
// 5 there, 2 here"; empty when they are the same run.
[[nodiscard]] std::string first_difference(const nlohmann::json& there,
                                           const nlohmann::json& here);

}  // namespace batchlab
