// SPDX-License-Identifier: MIT
//
// What a person sees while a run goes on: on a terminal one line that is rewritten,
// else a line per evaluation. To standard error.
#pragma once

#include <chrono>
#include <string>

#include "experiments/training.hpp"

namespace batchlab {

// Where a run stands among those to do.
struct SweepPosition {
  std::size_t number = 1, total = 1;              // run k of n
  std::size_t finished = 0;                       // runs done before this one began
  std::size_t jobs = 1;                           // runs at once
  std::chrono::steady_clock::time_point started;  // of the sweep
};

class Progress final : public RunObserver {
 public:
  // `rewrite`: a terminal, and no other process writes to it meanwhile.
  Progress(const RunConfiguration& configuration, const SweepPosition& position,
           bool rewrite);
  ~Progress() override;

  void on_decision(const Statistics& at, const Decision& wanted,
                   const LimitedDecision& used) override;
  void on_intervention(const Statistics& at, const Intervention& intervention) override;
  void on_step(const Statistics& after, double training_seconds) override;
  void on_evaluation(const Statistics& at, double training_seconds,
                     const std::string& split, const EvaluationResult& result) override;

  // A line of its own, of this run.
  void note(const std::string& text);

 private:
  [[nodiscard]] double fraction(const Statistics& at, double training_seconds) const;
  [[nodiscard]] std::string line(const Statistics& at, double training_seconds,
                                 bool narrow) const;

  const RunConfiguration& configuration_;
  SweepPosition position_;
  bool rewrite_;
  std::int64_t batch_size_ = 0;  // decided; a short last batch does not show
  std::string last_evaluation_, last_accuracy_;  // for the full and the narrow line
  std::chrono::steady_clock::time_point shown_;
};

// Writes to standard error. Nobody listening (a closed pipe, a full disk) is no reason
// to stop: failures are ignored.
void say(const std::string& text);

// 75.4 -> "1:15", 3700 -> "1:01:40".
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace batchlab
