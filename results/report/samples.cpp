// SPDX-License-Identifier: MIT
//
// Every figure of every run, in sight, beside the figures of the sample.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "controllers/error.hpp"
#include "results/bootstrap.hpp"
#include "results/report/parts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

std::string cell(const std::optional<double>& value) {
  if (!value) return "–";
  return std::isinf(*value) ? "never" : figure_text(*value);
}

struct SeedValue {
  std::int64_t seed = 0;
  double value = 0;     // infinite: never
  bool in_mean = true;  // of the sample, unless infinite
};

// "0: 0.9, 1: 0.88", each without a break inside. Text alone: with elements of their
// own, the figures of a thousand runs took a browser longer than their curves.
std::string values_cell(const std::vector<SeedValue>& values) {
  std::string text;
  for (const SeedValue& one : values) {
    text += fmt::format("{}{}:\u00a0{}", text.empty() ? "" : ", ", one.seed,
                        cell(one.value));
  }
  return text.empty() ? "–" : text;
}

// A figure of one run's record.
std::vector<SeedValue> totals(const std::vector<const Run*>& runs, const char* key) {
  std::vector<SeedValue> values;
  for (const Run* run : runs) {
    const json value = run->record.value(key, json());
    if (run->status() != "finished" || !value.is_number()) continue;
    values.push_back({run->seed(), value.get<double>()});
  }
  return values;
}

std::vector<SeedValue> decision_costs(const std::vector<const Run*>& runs) {
  std::vector<SeedValue> values;
  for (const Run* run : runs) {
    const auto cost = microseconds_per_decision(*run);
    if (cost && run->status() == "finished") values.push_back({run->seed(), *cost});
  }
  return values;
}

std::vector<SeedValue> last_values(const std::vector<const Run*>& runs,
                                   const std::string& split,
                                   double Evaluation::*figure) {
  std::vector<SeedValue> values;
  for (const ControllerSample& sample : last_figures(runs, split, figure)) {
    for (std::size_t i = 0; i < sample.values.size(); ++i) {
      values.push_back({sample.seeds[i], sample.values[i]});
    }
  }
  return values;
}

std::vector<SeedValue> times(const TimeToTarget& all, double TargetReached::*value) {
  std::vector<SeedValue> values;
  for (const RunToTarget& run : all.runs) {
    values.push_back(
        {run.seed,
         run.reached ? (*run.reached).*value : std::numeric_limits<double>::infinity(),
         run.status == "finished"});
  }
  return values;
}

std::string interval_cell(const std::optional<double>& low,
                          const std::optional<double>& high) {
  return low ? cell(low) + " to " + cell(high) : "–";
}

// Of the runs in the mean: of the same sample as Student's interval.
std::string bootstrap_cell(const std::vector<SeedValue>& values) {
  std::vector<double> sample;
  for (const SeedValue& one : values) {
    if (one.in_mean && std::isfinite(one.value)) sample.push_back(one.value);
  }
  const auto interval = bootstrap_interval({&sample, 1}, PooledStatistic::mean);
  if (!interval) return "–";
  const auto end = [](double value) {
    return std::isinf(value) ? std::string("open") : figure_text(value);
  };
  return end(interval->low) + " to " + end(interval->high);
}

class SampleTable {
 public:
  SampleTable(const ReportModel& model, std::size_t place)
      : model_(model),
        place_(place),
        comparison_(model.comparisons[place]),
        table_(
            fmt::format("{}: seed and figure of each run; n counts those in the mean",
                        clean_text(comparison_.specification)),
            {"controller", "seed: figure", "n", "mean", "median", "interquartile mean",
             "standard deviation", "95 % interval of the mean, Student",
             "95 % interval of the mean, bootstrap (from 5 runs)"}) {}

  std::string html() {
    const std::string split = clean_text(comparison_.split, 40);
    last(split + " accuracy, last", &Evaluation::accuracy, &ComparisonRow::accuracy);
    last(split + " loss, last", &Evaluation::loss, &ComparisonRow::loss);
    if (const auto target = target_of(model_, place_)) {
      for (const TargetMeasure& measure : kTargetMeasures) to_target(*target, measure);
    }
    total("training seconds in all", "training_seconds",
          &ComparisonRow::training_seconds);
    rows("cost per decision, microseconds in the rule",
         &ComparisonRow::microseconds_per_decision,
         [](const auto& runs) { return decision_costs(runs); });
    return table_.html();
  }

 private:
  template <class Values>
  void rows(const std::string& name, Summary ComparisonRow::*summary, Values values) {
    bool any = false;
    for (const auto& row : comparison_.rows) any = any || (row.*summary).count > 0;
    if (!any) return;
    table_.group(name);
    for (std::size_t i = 0; i < comparison_.rows.size(); ++i) {
      const Summary& of = comparison_.rows[i].*summary;
      const std::vector<SeedValue> of_runs = values(runs_of(model_, place_, i));
      table_.row({isolated(comparison_.rows[i].controller), values_cell(of_runs),
                  std::to_string(of.count), cell(of.mean), cell(of.median),
                  cell(of.interquartile_mean), cell(of.standard_deviation),
                  interval_cell(of.interval_low, of.interval_high),
                  bootstrap_cell(of_runs)});
    }
  }

  void last(const std::string& name, double Evaluation::*figure,
            Summary ComparisonRow::*summary) {
    rows(name, summary, [&](const auto& runs) {
      return last_values(runs, comparison_.split, figure);
    });
  }

  void to_target(const Target& target, const TargetMeasure& measure) {
    rows(fmt::format("{} to {} (mean and deviation of the runs that arrived)",
                     measure.name, target.text()),
         measure.row, [&](const auto& runs) {
           try {
             return times(time_to_target(runs, target), measure.value);
           } catch (const Error&) {  // told in the summary
             return std::vector<SeedValue>();
           }
         });
  }

  void total(const std::string& name, const char* key,
             Summary ComparisonRow::*summary) {
    rows(name, summary, [&](const auto& runs) { return totals(runs, key); });
  }

  const ReportModel& model_;
  std::size_t place_;
  const Comparison& comparison_;
  HtmlTable table_;
};

}  // namespace

std::string figures_html(const ReportModel& model) {
  std::string html;
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    html += SampleTable(model, i).html();
  }
  return html;
}

}  // namespace batchlab
