// SPDX-License-Identifier: MIT
//
// Steps against examples to a target, over a sweep of constant batch sizes:
//
//     (S / Smin - 1) (E / Emin - 1) = 1,   so with E = B S and Bcrit = Emin / Smin
//     S(B) = Smin (1 + Bcrit / B),   E(B) = Emin (1 + B / Bcrit)
//
// Fitted by least squares of log S over all runs. The 95 % intervals are those of the
// profile likelihood for independent normal errors of log S with one unknown variance:
// all values for which the sum of squares, at the best value of the other parameter, is
// at most (1 + t(0.975, n - 2)^2 / (n - 2)) times the least. They cover 95 % (tested),
// and are open where the sweep tells nothing: Bcrit has no upper and Smin no lower end
// where all batch sizes scale perfectly, Bcrit and Emin have no lower end where none
// does.
// McCandlish, Kaplan, Amodei: An empirical model of large-batch training (2018),
// arXiv 1812.06162, eq. 2.11.
//
// Critical at 20 % overhead: the B whose run needs 20 % more examples than Emin, the
// limit of small batches, which is 20 % more steps than linear scaling would give from
// there: 1 + B / Bcrit = 1.2, B = 0.2 Bcrit. Zhang et al. (2024), arXiv 2410.21676,
// scale from a measured batch size B0 instead: B = 0.2 Bcrit + 1.2 B0 for the same law.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/run_store.hpp"
#include "results/sample_statistics.hpp"
#include "results/target.hpp"

namespace batchlab {

// One run of the sweep; steps to the target, infinity: it never reached it.
struct SweepRun {
  double batch_size = 0;
  std::int64_t seed = 0;
  double steps = 0;
};

// Of the runs of one batch size.
struct TradeOffPoint {
  double batch_size = 0;
  std::size_t runs = 0, never = 0;
  double steps = 0, examples = 0;  // geometric mean over runs; infinite if any never
  double fitted_steps = 0;         // 0 where there is no fit
  bool used = false;  // in the fit: only where every run reached the target
};

struct FittedValue {
  double value = 0;   // 0 or infinite where the best fit is a limit of the law
  Interval interval;  // low 0, high infinity: no such end
};

struct TradeOffFit {
  FittedValue minimum_steps, minimum_examples;
  FittedValue critical_batch_size;     // Emin / Smin
  FittedValue overhead_20_batch_size;  // 0.2 of it
  double residual_deviation = 0;       // of log S: 0.05 is 5 %
};

struct TradeOff {
  std::vector<TradeOffPoint> points;  // by batch size
  std::optional<TradeOffFit> fit;     // absent: see notes
  std::vector<std::string> notes;     // what the sweep cannot tell, a sentence each
};

// Fits where at least three batch sizes have runs that all reached the target. Throws
// Error(data) for a batch size or a number of steps that is not positive.
[[nodiscard]] TradeOff trade_off(std::span<const SweepRun> runs);

struct ConstantSweep {
  std::vector<SweepRun> runs;
  std::vector<const Run*> sources;  // of each of them
  std::vector<std::string> notes;   // what was not taken, a sentence each
};

// The runs of rule "constant" among these, finished or diverged, with the batch size of
// their options; never where they did not reach the target. Left out are finished runs
// that were not measured by it. Where one batch size was trained in several ways, such
// as with several learning rates, only the runs of the way with the fewest examples to
// the target are taken, and a note says so: the law holds for the best rate of each.
// Not looked at: what limits make of that batch size, whether its learning rate suits
// it, and that steps are known only to the interval between evaluations, which must be
// short.
[[nodiscard]] ConstantSweep constant_sweep(std::span<const Run* const> runs,
                                           const Target& target);

// Of the logged steps up to the target, each weighted with its examples.
struct MeanNoiseScale {
  double value = 0;      // examples
  std::size_t runs = 0;  // of those that reached the target, with a value
  double share = 0;      // of the examples of their logged steps: with a value
};
// Absent where no run of the sweep that reached the target logged its noise scale.
// Files that cannot be read count as without.
[[nodiscard]] std::optional<MeanNoiseScale> mean_noise_scale(
    const ConstantSweep& sweep);

// What there is to tell of a sweep, in the order to show it.
struct SweepFigure {
  const char* key;   // "minimum_steps"
  const char* name;  // "fewest updates, Smin"
  const char* unit;
  std::optional<FittedValue> fitted;  // absent: no fit, or not measured
  bool has_interval = true;
};
[[nodiscard]] std::vector<SweepFigure> sweep_figures(
    const TradeOff& law, const std::optional<MeanNoiseScale>& noise_scale);

// The figures of the sweep among these runs by their keys, as {"value", "interval_low",
// "interval_high", "unit"}, null where absent; "points" and "notes". An open end is 0
// or "inf". Null where fewer than two batch sizes were trained with.
[[nodiscard]] nlohmann::json trade_off_json(std::span<const Run* const> runs,
                                            const Target& target);

}  // namespace batchlab
