// SPDX-License-Identifier: MIT
//
// A fair sweep over batch sizes: the learning rate is tuned for each of them, by the
// examples to a target with one seed; other seeds then train with the rates chosen.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/specification.hpp"
#include "results/run_store.hpp"

namespace batchlab {

// Learning rates, ascending: those given are [begin, end), the others extend them by
// their own ratios.
struct RateGrid {
  std::vector<double> rates;
  std::size_t begin = 0, end = 0;
};

// `given`: at least two, ascending. So many more on each side, as far as a
// specification takes them, to four digits.
[[nodiscard]] RateGrid rate_grid(const std::vector<double>& given,
                                 std::size_t extensions);

// `rate` times 10^(k/2), k = -2 to 2, to four digits.
[[nodiscard]] std::vector<double> rates_around(double rate);

struct TuningOptions {
  std::vector<std::int64_t> batch_sizes;
  std::vector<double> learning_rates;  // empty: rates_around() the specification's
  std::optional<std::uint32_t> seed;   // that tunes; absent: the specification's first
  std::size_t extensions = 3;          // each way
};

struct Tuning {
  nlohmann::json document;   // the specification given, with neither controllers nor
                             // shadows; runs stop at the target
  std::string name, metric;  // of the specification, its target
  std::uint32_t seed = 0;
  std::vector<std::uint32_t> fresh_seeds;  // the others
  std::vector<std::int64_t> batch_sizes;   // ascending
  RateGrid grid;
};

// Throws Error(usage) where `document` has no target, a budget in steps or seconds
// (which is another number of examples for each batch size), or no second seed, and
// where sizes or rates are missing, out of range, or there twice.
[[nodiscard]] Tuning make_tuning(nlohmann::json document, const TuningOptions& options);

// The specification <name>-tune: every batch size with every rate of the grid, in this
// order, with the seed that tunes.
[[nodiscard]] nlohmann::json trials_document(const Tuning& tuning);

// The specification <name>-tuned: each batch size with its rate, for the other seeds.
// Batch sizes without a rate are left out.
[[nodiscard]] nlohmann::json tuned_document(
    const Tuning& tuning, std::span<const std::optional<double>> rates);

// What a batch size and a rate came to.
struct Trial {
  bool diverged = false;
  std::optional<double> examples = {};  // to the target
  std::optional<double> loss = {};      // last, of the validation, else the test split
  std::string loss_split = {};
};
[[nodiscard]] Trial read_trial(const Run& run);

// Rates that were tried, [begin, end) of a grid, and what they came to.
struct Choice {
  std::size_t begin = 0, end = 0;
  std::size_t best = 0;    // position in the grid
  bool none = false;       // all diverged, or have no loss
  bool by_loss = false;    // none reached the target, or the first ones tied
  std::string loss_split;  // where by_loss
  [[nodiscard]] bool lowest() const { return best == begin; }
  [[nodiscard]] bool highest() const { return best + 1 == end; }
};

// Fewest examples to the target, then lowest loss, then lowest rate. `trials`: those of
// the grid's positions from `begin` on.
[[nodiscard]] Choice choose(std::size_t begin, std::span<const Trial> trials);

}  // namespace batchlab
