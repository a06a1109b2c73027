// SPDX-License-Identifier: MIT
//
// A batch-size controller is a pure rule: scalars about the step just made go in, the
// batch size that it wants comes out. It sees no tensor, clock, file or random number,
// and clamps and rounds nothing: that is the safety layer's work (limits.hpp).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controllers/statistics.hpp"

namespace batchlab {

// Consecutive examples of the training split, by position before shuffling.
struct Subset {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool operator==(const Subset&) const = default;
};

// For rules that try something before they choose (Entry::branches): first the state of
// the run is kept under a number, then that under another is returned to. State:
// parameters, optimizer, position in the data, averages, schedule; not the counts.
struct Branching {
  std::optional<int> keep_as{}, go_back_to{};
  bool trial = false;  // the next step may be given up: not evaluated, may diverge
  bool operator==(const Branching&) const = default;
};

struct Decision {
  double batch_size = 0;  // wanted for the next step, in examples
  std::string reason;     // in words, with the numbers
  std::optional<double>
      learning_rate{};              // base rate of the next step; absent: the run's
  double learning_rate_factor = 1;  // on the base rate of the next step
  std::optional<Subset> subset{};   // that it is drawn from; absent: all
  Branching branching{};
};

class Controller {
 public:
  virtual ~Controller() = default;

  // The optional statistics that decide() reads. The loop measures these and no others.
  [[nodiscard]] virtual Needs needs() const { return {}; }

  // Called once before the first step (statistics.step == 0, nothing measured: the
  // answer is the first batch size), then after every step. Same calls, same answers.
  [[nodiscard]] virtual Decision decide(const Statistics& statistics) = 0;

  // Asked within a step, between its gradient and its update, of a rule whose entry
  // says so (Entry::extends_batches), until it asks for nothing more: the examples that
  // the batch should have before it is applied, if more than statistics.batch_size.
  // `statistics`: needs and batch_size of the batch so far, the rest of the step
  // before.
  [[nodiscard]] virtual double extended_batch_size(const Statistics& /*statistics*/) {
    return 0;
  }

  // Everything that the rule remembers. load(save()) gives the same future.
  [[nodiscard]] virtual nlohmann::json save() const;
  virtual void load(const nlohmann::json& state);

  // The last call, where a run is over. Throws Error(plugin) where what a rule from
  // outside holds does not end in order: its process crashes or hangs.
  virtual void finish() {}
};

}  // namespace batchlab
