// SPDX-License-Identifier: MIT
//
// Writes the rows of a run: steps.csv, evaluations.csv, decisions.csv and, where it has
// shadows or interventions, shadows.csv and interventions.csv.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "experiments/decision_rows.hpp"
#include "experiments/training.hpp"
#include "results/run_store.hpp"

namespace batchlab {

class Recorder final : public RunObserver {
 public:
  // `measured`: which statistics have a column. `log_every` thins steps, never
  // decisions.
  Recorder(const std::filesystem::path& folder, Needs measured, std::int64_t log_every);

  void on_decision(const Statistics& at, const Decision& wanted,
                   const LimitedDecision& used) override;
  void on_shadow_decision(const Statistics& at, const std::string& label,
                          const Decision& wanted, const LimitedDecision& used) override;
  void on_moments_reset() override { moments_reset_ = true; }
  void on_intervention(const Statistics& at, const Intervention& intervention) override;
  void on_step(const Statistics& after, double training_seconds) override;
  void on_evaluation(const Statistics& at, double training_seconds,
                     const std::string& split, const EvaluationResult& result) override;

  // Writes what is still held back: the last step, however thinned. Throws Error(disk).
  void finish();

 private:
  void flush();
  void write_decision(std::optional<double> learning_rate);
  [[nodiscard]] std::string step_row(const Statistics& after,
                                     double training_seconds) const;

  std::filesystem::path folder_;
  Needs measured_;
  std::int64_t log_every_;
  LineWriter steps_, evaluations_, decisions_;
  std::optional<LineWriter> shadows_, interventions_;  // from the first row on
  DecisionChanges changes_;
  std::map<std::string, DecisionChanges> shadow_changes_;  // by label
  struct DecisionCells {
    std::string sizes, noise, reason;
  };
  std::optional<DecisionCells> decision_;  // not written yet
  bool moments_reset_ = false;             // for its first step
  std::string unlogged_step_;
  std::int64_t epoch_ = 1;  // in which the last step began
  std::int64_t epochs_completed_ = 0;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace batchlab
