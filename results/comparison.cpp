// SPDX-License-Identifier: MIT
//
// Runs grouped by specification and controller, each group summarised over its seeds.

#include "results/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "controllers/error.hpp"
#include "results/bootstrap.hpp"
#include "results/comparison_notes.hpp"
#include "results/time_to_target.hpp"
#include "results/trade_off.hpp"

namespace batchlab {
namespace {

using Runs = std::vector<const Run*>;
using nlohmann::json;

// Groups in order of first appearance.
template <class Key>
std::vector<std::pair<std::string, Runs>> grouped(const Runs& runs, Key key) {
  std::vector<std::pair<std::string, Runs>> groups;
  for (const Run* run : runs) {
    const std::string name = key(*run);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& other) { return other.first == name; });
    if (group == groups.end()) group = groups.insert(groups.end(), {name, {}});
    group->second.push_back(run);
  }
  return groups;
}

// Of the controller's entry in the specification; last where nothing is said.
std::int64_t position(const Run& run) {
  const json::json_pointer place("/controller/position");
  const auto& settings = run.configuration;
  if (!settings.contains(place) || !settings.at(place).is_number_integer()) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return settings.at(place).get<std::int64_t>();
}

// That of the first run that has one; differing targets are among the notes.
std::optional<Target> common_target(const Runs& runs) {
  for (const Run* run : runs) {
    if (auto target = target_of(*run)) return target;
  }
  return std::nullopt;
}

std::string reported_split(const Runs& runs) {
  std::string split;
  for (const Run* run : runs) {
    if (run->last_evaluation("test") != nullptr) return "test";
    if (run->last_evaluation("validation") != nullptr) split = "validation";
  }
  return split;
}

// With the interval of the bootstrap, where there are runs enough.
Summary summarised(std::span<const double> values) {
  Summary summary = summarise(values);
  const std::vector<double> sample(values.begin(), values.end());
  if (const auto interval = bootstrap_interval({&sample, 1}, PooledStatistic::mean)) {
    summary.bootstrap_low = interval->low;
    summary.bootstrap_high = interval->high;
  }
  return summary;
}

// Gathers the figures of one row, a run at a time.
class RowBuilder {
 public:
  RowBuilder(const std::string& controller, const std::string& split,
             const std::optional<Target>& target)
      : split_(split), target_(target) {
    row_.controller = controller;
  }

  void add(const Run& run) {
    ++row_.runs;
    all_.push_back(&run);
    if (run.status() != "finished") {
      const std::string reason = run.record.value("reason", json()).is_string()
                                     ? run.record.at("reason").get<std::string>()
                                     : "";
      trouble(run, run.status() + (reason.empty() ? "" : ": " + reason));
      return;
    }
    ++row_.finished;
    add_totals(run);
    add_evaluation(run);
    if (target_) add_target(run);
  }

  ComparisonRow row() {
    row_.accuracy = summarised(accuracy_);
    row_.loss = summarised(loss_);
    row_.updates = summarised(updates_);
    row_.examples = summarised(examples_);
    row_.training_seconds = summarised(seconds_);
    row_.examples_per_second = summarised(rate_);
    row_.microseconds_per_decision = summarised(decision_microseconds_);
    for (const TimePart& part : kTimeParts) {
      row_.*part.summary = summarised(time_parts_[part.key]);
    }
    if (target_) summarise_target();
    return std::move(row_);
  }

 private:
  void trouble(const Run& run, const std::string& what) {
    row_.troubles.push_back(fmt::format("seed {}: {}", run.seed(), what));
  }

  // A figure that is no number would turn a whole row into nan.
  void keep(const Run& run, const char* what, double value,
            std::vector<double>& sample) {
    if (std::isfinite(value)) return sample.push_back(value);
    trouble(run, fmt::format("{} is {}, left out", what, value));
  }

  std::optional<double> total(const Run& run, const char* key,
                              std::vector<double>& sample) {
    const json value = run.record.value(key, json());
    if (value.is_number()) {
      sample.push_back(value.get<double>());
      return sample.back();
    }
    trouble(run, fmt::format("run.json has no {}", key));
    return std::nullopt;
  }

  void add_totals(const Run& run) {
    total(run, "steps", updates_);
    const auto examples = total(run, "examples_seen", examples_);
    const auto seconds = total(run, "training_seconds", seconds_);
    if (examples && seconds && *seconds > 0) rate_.push_back(*examples / *seconds);
    if (const auto cost = microseconds_per_decision(run)) {
      decision_microseconds_.push_back(*cost);
    }
    for (const TimePart& part : kTimeParts) {
      const json value = run.record.value(part.key, json());
      if (value.is_number()) time_parts_[part.key].push_back(value.get<double>());
    }
  }

  void add_evaluation(const Run& run) {
    const Evaluation* last = run.last_evaluation(split_);
    if (last == nullptr) {
      return trouble(run,
                     split_.empty() ? "no evaluation" : "no evaluation on " + split_);
    }
    if (!std::isnan(last->accuracy)) {  // as it is where the data have no classes
      keep(run, "last accuracy", last->accuracy, accuracy_);
    }
    keep(run, "last loss", last->loss, loss_);
    const json steps = run.record.value("steps", json());
    if (!steps.is_number_integer() || steps == last->step) return;
    trouble(run, fmt::format("last evaluation is of step {} of {}", last->step,
                             steps.get<std::int64_t>()));
  }

  void add_target(const Run& run) {
    const auto at = reached(run, *target_);
    if (!at) {
      row_.target_unknown += measured(run, *target_) ? 0 : 1;
      return;
    }
    ++row_.reached;
    target_examples_.push_back(at->examples);
    target_updates_.push_back(at->updates);
    target_seconds_.push_back(at->training_seconds);
  }

  void summarise_target() {
    const TimeToTarget times = time_to_target(all_, *target_);
    row_.examples_to_target = with_censored(target_examples_, times.examples);
    row_.updates_to_target = with_censored(target_updates_, times.updates);
    row_.seconds_to_target = with_censored(target_seconds_, times.training_seconds);
  }

  static Summary with_censored(std::span<const double> reached,
                               const CensoredSummary& all) {
    Summary summary = summarised(reached);
    summary.median = all.median;
    summary.interquartile_mean = all.interquartile_mean;
    return summary;
  }

  ComparisonRow row_;
  Runs all_;
  const std::string& split_;
  const std::optional<Target>& target_;
  std::vector<double> accuracy_, loss_, updates_, examples_, seconds_, rate_,
      decision_microseconds_;
  std::map<std::string, std::vector<double>> time_parts_;
  std::vector<double> target_examples_, target_updates_, target_seconds_;
};

// By position in the specification, then label; within a row by seed.
void sort_runs(Runs& runs) {
  std::stable_sort(runs.begin(), runs.end(), [](const Run* left, const Run* right) {
    const auto key = [](const Run& run) {
      return std::tuple(position(run), run.controller(), run.seed());
    };
    return key(*left) < key(*right);
  });
}

// Of the accuracy where any run has one.
void add_differences(Comparison& comparison, const Runs& runs) {
  const auto has_values = [](const ControllerSample& sample) {
    return !sample.values.empty();
  };
  const auto add = [&](const char* name, double Evaluation::*figure, Better better) {
    const auto samples = last_figures(runs, comparison.split, figure);
    if (std::none_of(samples.begin(), samples.end(), has_values)) return false;
    comparison.differences = compare_with_best(samples, better);
    comparison.differences_of = comparison.split + " " + name;
    return true;
  };
  if (add("accuracy", &Evaluation::accuracy, Better::higher)) return;
  add("loss", &Evaluation::loss, Better::lower);
}

// One specification's runs without those that a row of their own alone refuses.
Runs without_refused(const Runs& runs, std::vector<std::string>& notes) {
  const std::string split = reported_split(runs);
  const std::optional<Target> target = common_target(runs);
  Runs kept;
  for (const Run* run : runs) {
    try {
      RowBuilder builder(run->controller(), split, target);
      builder.add(*run);
      static_cast<void>(builder.row());
      kept.push_back(run);
    } catch (const Error& error) {
      notes.push_back(
          fmt::format("left out: {}: {}", run->folder.string(), error.what()));
    }
  }
  return kept;
}

Comparison compare_specification(const std::string& specification, Runs runs) {
  Comparison comparison;
  std::vector<std::string> refused;
  runs = without_refused(runs, refused);
  sort_runs(runs);
  comparison.specification = specification;
  comparison.split = reported_split(runs);
  const std::optional<Target> target = common_target(runs);
  if (target) {
    comparison.target = target->text();
    comparison.trade_off = trade_off_json(runs, *target);
  }
  for (const auto& [label, members] : grouped(runs, std::mem_fn(&Run::controller))) {
    RowBuilder builder(label, comparison.split, target);
    for (const Run* run : members) builder.add(*run);
    comparison.rows.push_back(builder.row());
  }
  add_differences(comparison, runs);
  comparison.notes = comparison_notes(runs, comparison);
  comparison.notes.insert(comparison.notes.begin(), refused.begin(), refused.end());
  return comparison;
}

}  // namespace

std::optional<double> microseconds_per_decision(const Run& run) {
  const json seconds = run.record.value("controller_seconds", json());
  const json steps = run.record.value("steps", json());
  if (!seconds.is_number() || !steps.is_number() || steps <= 0) return std::nullopt;
  return 1e6 * seconds.get<double>() / steps.get<double>();
}

std::vector<ControllerSample> last_figures(std::span<const Run* const> runs,
                                           std::string_view split,
                                           double Evaluation::*figure) {
  std::vector<ControllerSample> samples;
  const Runs all(runs.begin(), runs.end());
  for (const auto& [label, members] : grouped(all, std::mem_fn(&Run::controller))) {
    ControllerSample& sample = samples.emplace_back();
    sample.label = label;
    for (const Run* run : members) {
      const Evaluation* last = run->last_evaluation(split);
      const bool usable = run->status() == "finished" && last != nullptr &&
                          std::isfinite(last->*figure);
      if (!usable) {
        ++sample.left_out;
        continue;
      }
      sample.seeds.push_back(run->seed());
      sample.values.push_back(last->*figure);
    }
  }
  return samples;
}

std::vector<std::string> troubles(const Comparison& comparison) {
  std::vector<std::string> all;
  for (const ComparisonRow& row : comparison.rows) {
    for (const std::string& trouble : row.troubles) {
      all.push_back(row.controller + ", " + trouble);
    }
  }
  return all;
}

std::vector<const Run*> comparable(std::span<const Run* const> runs,
                                   std::vector<std::string>& notes) {
  std::vector<const Run*> kept;
  const Runs all(runs.begin(), runs.end());
  for (const auto& [name, members] : grouped(all, std::mem_fn(&Run::specification))) {
    const Runs some = without_refused(members, notes);
    kept.insert(kept.end(), some.begin(), some.end());
  }
  return kept;
}

std::vector<Comparison> compare(std::span<const Run> runs) {
  Runs all;
  for (const Run& run : runs) all.push_back(&run);
  std::vector<Comparison> comparisons;
  for (auto& [name, members] : grouped(all, std::mem_fn(&Run::specification))) {
    comparisons.push_back(compare_specification(name, std::move(members)));
  }
  return comparisons;
}

}  // namespace batchlab
