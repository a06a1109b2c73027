// SPDX-License-Identifier: MIT
#include "results/report/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/error.hpp"
#include "results/report/parts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

// What a run took, of those controllers whose every run arrived.
std::vector<ControllerSample> arrived(const ReportModel& model, std::size_t comparison,
                                      const Target& target,
                                      const TargetMeasure& measure) {
  std::vector<ControllerSample> samples;
  const auto& rows = model.comparisons[comparison].rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto times = time_to_target(runs_of(model, comparison, i), target);
    ControllerSample sample{.label = rows[i].controller, .seeds = {}, .values = {}};
    for (const RunToTarget& run : times.runs) {
      if (!run.reached) continue;
      sample.seeds.push_back(run.seed);
      sample.values.push_back((*run.reached).*measure.value);
    }
    sample.left_out = times.left_out.size();
    const bool all = sample.values.size() == times.runs.size();
    if (all && !sample.values.empty()) samples.push_back(std::move(sample));
  }
  return samples;
}

// The best mean first.
void sort_by_mean(std::vector<ControllerSample>& samples, bool higher) {
  std::stable_sort(samples.begin(), samples.end(), [&](const auto& a, const auto& b) {
    return higher ? mean_of(a) > mean_of(b) : mean_of(a) < mean_of(b);
  });
}

VerdictColumn column(const std::string& name, std::vector<ControllerSample> samples,
                     Better better) {
  std::erase_if(samples, [](const auto& sample) { return sample.values.empty(); });
  VerdictColumn made{
      .name = name, .unit = "", .samples = std::move(samples), .differences = {}};
  made.differences = compare_with_best(made.samples, better);
  sort_by_mean(made.samples, better == Better::higher);
  return made;
}

// A figure that cannot be, such as seconds that are no number, costs its column.
void measure_target(const ReportModel& model, std::size_t place, Verdicts& all) {
  for (const TargetMeasure& measure : kTargetMeasures) {
    const std::string name = std::string(measure.name) + " to the target";
    try {
      VerdictColumn made =
          column(name, arrived(model, place, *all.target, measure), Better::lower);
      made.unit = measure.unit;
      made.row = measure.row;
      all.columns.push_back(std::move(made));
    } catch (const Error& error) {
      all.refused.push_back(fmt::format("{}: {}", name, error.what()));
    }
  }
}

void measure_last(const ReportModel& model, std::size_t place, Verdicts& all) {
  const Comparison& comparison = model.comparisons[place];
  const bool accuracy = comparison.differences_of.ends_with("accuracy");
  VerdictColumn made{
      .name = fmt::format("last {} {}", clean_text(comparison.split, 40),
                          accuracy ? "accuracy" : "loss"),
      .unit = "",
      .samples = last_figures(runs_of(model, place), comparison.split,
                              accuracy ? &Evaluation::accuracy : &Evaluation::loss),
      .differences = comparison.differences};
  std::erase_if(made.samples, [](const auto& sample) { return sample.values.empty(); });
  sort_by_mean(made.samples, accuracy);
  if (!made.samples.empty()) all.columns.push_back(std::move(made));
}

std::string markdown(const VerdictColumn& column) {
  if (column.samples.empty()) return "";
  std::string text =
      fmt::format("**{}**: best mean {}, of {}; {}.\n\n", markdown_text(column.name),
                  figure_text(mean_of(column.samples.front())),
                  markdown_text(fmt::format("{}", fmt::join(column.best(), " and "))),
                  column.lead());
  for (const PairwiseComparison& pair : column.differences) {
    text += "- " + markdown_text(pair.verdict, 600) + '\n';
  }
  return text + '\n';
}

}  // namespace

double mean_of(const ControllerSample& sample) {
  return summarise(sample.values).mean.value_or(0);
}

std::size_t VerdictColumn::resolved() const {
  return static_cast<std::size_t>(
      std::count_if(differences.begin(), differences.end(),
                    [](const auto& difference) { return difference.resolved; }));
}

std::vector<std::string> VerdictColumn::best() const {
  std::vector<std::string> labels;
  for (const ControllerSample& sample : samples) {
    if (mean_of(sample) == mean_of(samples.front())) labels.push_back(sample.label);
  }
  return labels;
}

std::string VerdictColumn::lead() const {
  const std::size_t count = differences.size();
  if (count == 0) return "the only one";
  if (resolved() == 0) {
    const bool overlap = std::all_of(
        differences.begin(), differences.end(),
        [](const auto& one) { return one.obstacle == "intervals overlap"; });
    return fmt::format("not resolved against any other: {}",
                       overlap ? "the 95 % intervals overlap" : "may be chance");
  }
  if (resolved() == count) return "resolved against all others: more than chance";
  return fmt::format("resolved against {} of {} others", resolved(), count);
}

std::vector<Verdicts> verdicts_of(const ReportModel& model) {
  std::vector<Verdicts> verdicts;
  for (std::size_t place = 0; place < model.comparisons.size(); ++place) {
    Verdicts& all = verdicts.emplace_back();
    all.target = target_of(model, place);
    if (all.target) measure_target(model, place, all);
    measure_last(model, place, all);
  }
  return verdicts;
}

std::string verdicts_markdown(const ReportModel& model,
                              const std::vector<Verdicts>& verdicts) {
  std::string text;
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    text += fmt::format("\n## Verdicts: {}\n\n",
                        markdown_text(model.comparisons[i].specification));
    const Verdicts& all = verdicts[i];
    for (const VerdictColumn& column : all.columns) text += markdown(column);
    for (const std::string& what : all.refused) {
      text += "- cannot be told: " + markdown_text(what, 400) + '\n';
    }
  }
  return text;
}

}  // namespace batchlab
