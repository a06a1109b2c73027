// SPDX-License-Identifier: MIT
//
// The rounds of trials of a tuning: trained, read back, extended at the edges.
#pragma once

#include <optional>
#include <vector>

#include "experiments/sweep.hpp"
#include "experiments/tuning.hpp"

namespace batchlab {

class TuningSearch {
 public:
  // Both are kept by reference. Throws Error(usage) where expand() does.
  TuningSearch(const Tuning& tuning, const SweepOptions& options);

  // Trains what is missing until no best rate lies at an edge that can be moved. In a
  // dry run it ends at the first round with something to do. Returns 0, or the exit
  // code of a round that has runs which failed or were interrupted. Throws as
  // run_sweep() does.
  [[nodiscard]] int run();

  // Whether the choices are made.
  [[nodiscard]] bool done() const { return done_; }
  // By batch size.
  [[nodiscard]] const std::vector<Choice>& choices() const { return choices_; }
  // By position of the batch size, and of the rate in the grid.
  [[nodiscard]] const Trial& trial(std::size_t size, std::size_t rate) const;
  // The rates chosen, by batch size; absent where none has a loss.
  [[nodiscard]] std::vector<std::optional<double>> chosen() const;

 private:
  [[nodiscard]] std::vector<std::size_t> tried() const;
  [[nodiscard]] bool read();
  [[nodiscard]] bool extend();

  const Tuning& tuning_;
  const SweepOptions& options_;
  std::vector<RunConfiguration> runs_;  // of the whole grid
  std::vector<Trial> trials_;           // likewise
  std::vector<Choice> choices_;
  bool done_ = false;
};

}  // namespace batchlab
