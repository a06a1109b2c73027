// SPDX-License-Identifier: MIT
#include "experiments/tuning_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controllers/error.hpp"
#include "results/comparison.hpp"

namespace batchlab {

namespace {

std::string trial_text(const Trial& trial) {
  if (trial.diverged) return "diverged";
  return trial.examples ? fmt::format("{:.0f}", *trial.examples) : "-";
}

std::string edge_text(const Choice& choice) {
  if (choice.lowest()) return "lowest";
  return choice.highest() ? "highest" : "no";
}

std::string mean_text(const Summary& summary, int digits) {
  return summary.mean ? fmt::format("{:.{}f}", *summary.mean, digits) : "-";
}

// Empty where the batch size has no rate, and so no runs.
ComparisonRow row_of(std::span<const Comparison> comparisons,
                     const std::string& label) {
  for (const Comparison& comparison : comparisons) {
    for (const ComparisonRow& row : comparison.rows) {
      if (row.controller == label) return row;
    }
  }
  return {};
}

void print_row(const Tuning& tuning, const Choice& choice, std::int64_t batch_size,
               const ComparisonRow& row) {
  fmt::print("{:>10} {:>13} {:>10} {:>9} {:>10} {:>12} {:>9}\n", batch_size,
             choice.none ? "none" : fmt::format("{}", tuning.grid.rates[choice.best]),
             edge_text(choice), fmt::format("{} of {}", row.reached, row.runs),
             mean_text(row.updates_to_target, 0), mean_text(row.examples_to_target, 0),
             mean_text(row.seconds_to_target, 3));
  for (const std::string& trouble : row.troubles) {
    fmt::print("           {}\n", printable(trouble, 200));
  }
}

void print_notes(const Tuning& tuning, const TuningSearch& search) {
  for (std::size_t size = 0; size < tuning.batch_sizes.size(); ++size) {
    const Choice& choice = search.choices()[size];
    const std::int64_t batch_size = tuning.batch_sizes[size];
    if (choice.none) {
      fmt::print("- batch size {}: no rate, for none has a loss\n", batch_size);
    } else if (choice.by_loss) {
      const bool reached = search.trial(size, choice.best).examples.has_value();
      fmt::print("- batch size {}: {}: the lowest last {} loss chose\n", batch_size,
                 reached ? "rates tied" : "no rate reached the target",
                 choice.loss_split);
    }
    if (!choice.none && (choice.lowest() || choice.highest())) {
      fmt::print("- batch size {}: the best rate may lie beyond those tried\n",
                 batch_size);
    }
  }
  if (!tuning.metric.starts_with("test")) return;
  fmt::print(
      "- the target is of the test split, which so chose the rates: --set "
      "target.metric=validation{}\n  with data.validation_fraction keeps it unseen\n",
      tuning.metric.substr(4));
}

}  // namespace

void print_trials(const Tuning& tuning, const TuningSearch& search) {
  fmt::print("{}: examples to the target ({}) by learning rate, seed {}; * chosen\n\n",
             tuning.name, tuning.metric, tuning.seed);
  for (std::size_t size = 0; size < tuning.batch_sizes.size(); ++size) {
    const Choice& choice = search.choices()[size];
    fmt::print("batch size {}\n", tuning.batch_sizes[size]);
    for (std::size_t rate = choice.begin; rate < choice.end; ++rate) {
      const Trial& trial = search.trial(size, rate);
      const bool chosen = !choice.none && rate == choice.best;
      fmt::print("  {} {:<10} {:>10}", chosen ? '*' : ' ', tuning.grid.rates[rate],
                 trial_text(trial));
      if (trial.loss) fmt::print("  {} loss {:.4f}", trial.loss_split, *trial.loss);
      fmt::print("\n");
    }
  }
}

void print_tuned(const Tuning& tuning, const TuningSearch& search,
                 std::span<const Run> runs) {
  fmt::print("\nto the target, mean of seeds {} (seed {} chose the rates)\n\n",
             fmt::join(tuning.fresh_seeds, ", "), tuning.seed);
  fmt::print("{:>10} {:>13} {:>10} {:>9} {:>10} {:>12} {:>9}\n", "batch size",
             "learning rate", "at an edge", "reached", "updates", "examples",
             "seconds");
  const std::vector<Comparison> comparisons = compare(runs);
  for (std::size_t size = 0; size < tuning.batch_sizes.size(); ++size) {
    print_row(
        tuning, search.choices()[size], tuning.batch_sizes[size],
        row_of(comparisons, fmt::format("constant-{}", tuning.batch_sizes[size])));
  }
  fmt::print("\n");
  print_notes(tuning, search);
}

}  // namespace batchlab
