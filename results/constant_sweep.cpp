// SPDX-License-Identifier: MIT
//
// The runs that a sweep over batch sizes is made of, and their noise scale:
//
//     mean = sum B_i noise_i / sum B_i,   i: logged steps up to the target, of all runs
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <utility>

#include "controllers/error.hpp"
#include "results/report_text.hpp"
#include "results/setting_differences.hpp"
#include "results/time_to_target.hpp"
#include "results/trade_off.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::optional<double> number_at(const json& settings, const char* place) {
  const json::json_pointer pointer(place);
  if (!settings.contains(pointer) || !settings.at(pointer).is_number()) {
    return std::nullopt;
  }
  return settings.at(pointer).get<double>();
}

std::optional<double> constant_batch_size(const Run& run) {
  const json::json_pointer name("/controller/name");
  const json& settings = run.configuration;
  if (!settings.contains(name) || settings.at(name) != "constant") return std::nullopt;
  return number_at(settings, "/controller/options/batch_size");
}

// All that makes runs of one batch size differ, but the seed.
std::string way_of(const Run& run) {
  json settings = run.configuration.at("controller");
  for (const char* key : {"label", "position", "shadow"}) settings.erase(key);
  if (!number_at(run.configuration, "/controller/learning_rate")) {
    settings["learning_rate"] =
        number_at(run.configuration, "/optimizer/learning_rate").value_or(0);
  }
  return settings.dump(-1, ' ', true, json::error_handler_t::replace);
}

// Runs of one batch size, made in one way, by their places in the sweep.
using Way = std::vector<std::size_t>;
using WaysBySize = std::map<double, std::map<std::string, Way>>;

// Share of runs that never arrived, then the mean log steps of the others: less is
// better.
std::pair<double, double> rank_of(const Way& way, const std::vector<SweepRun>& runs) {
  double never = 0, logs = 0;
  for (const std::size_t i : way) {
    if (std::isinf(runs[i].steps)) {
      ++never;
    } else {
      logs += std::log(runs[i].steps);
    }
  }
  const auto count = static_cast<double>(way.size());
  return {never / count, never < count ? logs / (count - never) : kInfinity};
}

// The best way; all runs where none arrived in any.
Way best_of(const std::map<std::string, Way>& ways, const std::vector<SweepRun>& runs) {
  const Way* best = nullptr;
  Way all;
  for (const auto& [settings, way] : ways) {
    all.insert(all.end(), way.begin(), way.end());
    if (best == nullptr || rank_of(way, runs) < rank_of(*best, runs)) best = &way;
  }
  return rank_of(*best, runs).first < 1 ? *best : all;
}

ConstantSweep best_ways(const ConstantSweep& all, const WaysBySize& sizes) {
  ConstantSweep best;
  std::vector<std::string> chosen;
  for (const auto& [batch_size, ways] : sizes) {
    const Way way = best_of(ways, all.runs);
    for (const std::size_t i : way) {
      best.runs.push_back(all.runs[i]);
      best.sources.push_back(all.sources[i]);
    }
    if (ways.size() == 1 || rank_of(way, all.runs).first == 1) continue;
    chosen.push_back(fmt::format("{} (of {} with batch size {})",
                                 clean_text(all.sources[way.front()]->controller(), 60),
                                 ways.size(), figure_text(batch_size)));
  }
  if (!chosen.empty()) {
    best.notes.push_back(fmt::format(
        "where a batch size was trained in several ways (learning rates, say), only "
        "the one with the fewest examples to the target is taken, chosen by these same "
        "runs, which makes it look rather better than it is: {}",
        joined(chosen, 12)));
  }
  return best;
}

// nan where the cell is no number.
double cell_number(const std::string& text) {
  double value = std::nan("");
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? value : std::nan("");
}

// Most logs have no noise scale, which their first line tells.
bool logs_noise_scale(const std::filesystem::path& log) {
  std::ifstream file(log);
  std::string header;
  return std::getline(file, header) &&
         ("," + header + ",").find(",noise_scale,") != std::string::npos;
}

struct WeightedSum {
  double sum = 0, examples = 0, logged_examples = 0;
};

WeightedSum noise_scales(const Run& run, double most_steps) {
  WeightedSum total;
  const auto log = run.folder / "steps.csv";
  if (!logs_noise_scale(log)) return total;
  const Table table = read_csv(log);
  const auto step = table.column("step"), size = table.column("batch_size"),
             noise = table.column("noise_scale");
  if (!step || !size || !noise) return total;
  for (const auto& row : table.rows) {
    const double examples = cell_number(row[*size]), scale = cell_number(row[*noise]);
    if (!(cell_number(row[*step]) <= most_steps) || !(examples > 0)) continue;
    total.logged_examples += examples;
    if (!std::isfinite(scale)) continue;
    total.examples += examples;
    total.sum += examples * scale;
  }
  return total;
}

// JSON has no infinity.
json number_or_inf(double number) {
  return std::isinf(number) ? json("inf") : json(number);
}

json figure_json(const SweepFigure& one) {
  const FittedValue& fitted = *one.fitted;
  json value = {{"value", number_or_inf(fitted.value)}, {"unit", one.unit}};
  if (!one.has_interval) return value;
  value["interval_low"] = number_or_inf(fitted.interval.low);
  value["interval_high"] = number_or_inf(fitted.interval.high);
  return value;
}

}  // namespace

ConstantSweep constant_sweep(std::span<const Run* const> runs, const Target& target) {
  ConstantSweep all;
  WaysBySize sizes;
  for (const Run* run : runs) {
    const auto batch_size = constant_batch_size(*run);
    if (!batch_size || !is_over(*run)) continue;
    const bool unknown = run->status() == "finished" && !measured(*run, target);
    if (unknown) continue;  // the summary tells
    const auto at = reached(*run, target);
    sizes[*batch_size][way_of(*run)].push_back(all.runs.size());
    all.runs.push_back({*batch_size, run->seed(), at ? at->updates : kInfinity});
    all.sources.push_back(run);
  }
  return best_ways(all, sizes);
}

std::optional<MeanNoiseScale> mean_noise_scale(const ConstantSweep& sweep) {
  MeanNoiseScale mean;
  WeightedSum all;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i) {
    if (std::isinf(sweep.runs[i].steps)) continue;
    WeightedSum of_run;
    try {
      of_run = noise_scales(*sweep.sources[i], sweep.runs[i].steps);
    } catch (const Error&) {  // told where its curves were read
    }
    if (!(of_run.examples > 0)) continue;
    ++mean.runs;
    all.sum += of_run.sum;
    all.examples += of_run.examples;
    all.logged_examples += of_run.logged_examples;
  }
  if (mean.runs == 0) return std::nullopt;
  mean.value = all.sum / all.examples;
  mean.share = all.examples / all.logged_examples;
  return mean;
}

std::vector<SweepFigure> sweep_figures(
    const TradeOff& law, const std::optional<MeanNoiseScale>& noise_scale) {
  const auto fitted =
      [&](FittedValue TradeOffFit::*value) -> std::optional<FittedValue> {
    if (!law.fit) return std::nullopt;
    return (*law.fit).*value;
  };
  const auto mean = noise_scale
                        ? std::optional(FittedValue{noise_scale->value, Interval{}})
                        : std::nullopt;
  return {{"minimum_steps", "fewest updates, Smin", "updates",
           fitted(&TradeOffFit::minimum_steps)},
          {"minimum_examples", "fewest examples, Emin", "examples",
           fitted(&TradeOffFit::minimum_examples)},
          {"critical_batch_size", "critical batch size, Emin / Smin", "examples a step",
           fitted(&TradeOffFit::critical_batch_size)},
          {"overhead_20_batch_size",
           "batch size at 20 % overhead of examples, 0.2 Emin / Smin",
           "examples a step", fitted(&TradeOffFit::overhead_20_batch_size)},
          {"mean_noise_scale", "mean noise scale up to the target", "examples", mean,
           false}};
}

json trade_off_json(std::span<const Run* const> runs, const Target& target) {
  const ConstantSweep sweep = constant_sweep(runs, target);
  TradeOff law;
  try {
    law = trade_off(sweep.runs);
  } catch (const Error&) {  // no steps, say: the report tells
    return {};
  }
  if (law.points.size() < 2) return {};
  json all;
  for (const SweepFigure& one : sweep_figures(law, mean_noise_scale(sweep))) {
    all[one.key] = one.fitted ? figure_json(one) : json();
  }
  for (const TradeOffPoint& point : law.points) {
    all["points"].push_back({{"batch_size", point.batch_size},
                             {"runs", point.runs},
                             {"never", point.never},
                             {"updates", number_or_inf(point.steps)},
                             {"examples", number_or_inf(point.examples)}});
  }
  all["notes"] = sweep.notes;
  for (const std::string& note : law.notes) all["notes"].push_back(note);
  return all;
}

}  // namespace batchlab
