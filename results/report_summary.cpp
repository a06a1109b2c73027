// SPDX-License-Identifier: MIT
//
// The answer first: which controller reached the target first in examples, updates and
// seconds, and whether the runs can tell. Controllers of which some run never reached
// it are named but not ranked: leaving out their slow runs would favour them.
#include <fmt/format.h>

#include <algorithm>

#include "controllers/error.hpp"
#include "results/report_parts.hpp"
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

double mean_of(const ControllerSample& sample) {
  return summarise(sample.values).mean.value_or(0);
}

// The best mean first.
void sort_by_mean(std::vector<ControllerSample>& samples, bool higher) {
  std::stable_sort(samples.begin(), samples.end(), [&](const auto& a, const auto& b) {
    return higher ? mean_of(a) > mean_of(b) : mean_of(a) < mean_of(b);
  });
}

const PairwiseComparison* find(const std::vector<PairwiseComparison>& all,
                               const std::string& label) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& one) { return one.label == label; });
  return found == all.end() ? nullptr : &*found;
}

// One measure: the samples by their means, the best first, and how the others differ
// from it.
struct Column {
  std::string name;  // "examples to the target"
  std::vector<ControllerSample> samples;
  std::vector<PairwiseComparison> differences;

  [[nodiscard]] std::size_t resolved() const {
    return static_cast<std::size_t>(
        std::count_if(differences.begin(), differences.end(),
                      [](const auto& d) { return d.resolved; }));
  }

  // The mean, and how it stands to the best.
  [[nodiscard]] std::string cell(const std::string& label) const {
    const auto sample = std::find_if(samples.begin(), samples.end(),
                                     [&](const auto& s) { return s.label == label; });
    if (sample == samples.end()) return "–";
    const std::string mean = figure_text(mean_of(*sample));
    if (sample == samples.begin()) return "<strong>" + mean + "</strong><br>best mean";
    const auto* pair = find(differences, label);
    if (pair == nullptr) return mean;
    return fmt::format("{}<br>{}, p = {:.2g}", mean,
                       pair->resolved ? "<strong>resolved</strong>" : "not resolved",
                       pair->corrected_p);
  }

  // Whether its lead over the others is more than chance, in words.
  [[nodiscard]] std::string lead() const {
    const std::size_t count = differences.size();
    if (count == 0) return "the only one";
    if (resolved() == 0) return "not resolved against any other";
    if (resolved() == count) return "resolved against all others";
    return fmt::format("resolved against {} of {} others", resolved(), count);
  }

  // "examples: cyclic (117,045; not resolved against any other)"
  [[nodiscard]] std::string first() const {
    const ControllerSample& best = samples.front();
    return fmt::format("{}: <strong>{}</strong> (mean {}; {})", name,
                       isolated(best.label), figure_text(mean_of(best)), lead());
  }

  [[nodiscard]] std::string verdicts() const {
    std::string html;
    for (const PairwiseComparison& pair : differences) {
      html += "<li>" + isolated(pair.verdict, 600) + "</li>\n";
    }
    return html.empty() ? "" : fmt::format("<p>{}</p><ul>\n{}</ul>\n", name, html);
  }
};

Column column(const std::string& name, std::vector<ControllerSample> samples,
              Better better) {
  std::erase_if(samples, [](const auto& sample) { return sample.values.empty(); });
  Column made{.name = name, .samples = std::move(samples), .differences = {}};
  made.differences = compare_with_best(made.samples, better);
  sort_by_mean(made.samples, better == Better::higher);
  return made;
}

std::vector<const Run*> all_runs(const ReportModel& model, std::size_t comparison) {
  std::vector<const Run*> runs;
  for (const ReportRun& run : model.runs) {
    if (run.comparison == comparison) runs.push_back(run.run);
  }
  return runs;
}

std::string missed_sentence(const ReportModel& model, std::size_t comparison,
                            const Target& target) {
  std::vector<std::string> missed;
  const auto& rows = model.comparisons[comparison].rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto times = time_to_target(runs_of(model, comparison, i), target);
    if (times.examples.never == 0) continue;
    missed.push_back(fmt::format("{} ({} of {})", isolated(rows[i].controller),
                                 times.examples.never, times.examples.count));
  }
  if (missed.empty()) return "";
  return fmt::format(
      "<p>Not ranked, as not every run arrived; runs that never did: {}.</p>\n",
      fmt::join(missed, ", "));
}

class SpecificationSummary {
 public:
  SpecificationSummary(const ReportModel& model, std::size_t place)
      : model_(model), place_(place), comparison_(model.comparisons[place]) {}

  std::string html() {
    html_ = fmt::format("<h3>{}</h3>\n", isolated(comparison_.specification));
    notes(true, "<div class=\"caution\"><strong>Before you believe it</strong><ul>\n",
          "</ul></div>\n");
    const auto target = target_of(model_, place_);
    if (target) measure_target(*target);
    measure_last();
    answer(target);
    if (target && refused_.empty()) {
      html_ += missed_sentence(model_, place_, *target);
    }
    for (const std::string& what : refused_) {
      html_ += "<p>Cannot be told: " + isolated(what, 400) + "</p>\n";
    }
    table(target.has_value());
    verdicts();
    notes(false, "<p>To know:</p><ul>\n", "</ul>\n");
    return html_;
  }

 private:
  // What is not like for like stands in front; the rest after the answer.
  static bool is_unfair(const std::string& note) {
    return note.starts_with("not like for like");
  }

  void notes(bool unfair, const char* before, const char* after) {
    std::string items;
    for (const std::string& note : comparison_.notes) {
      if (is_unfair(note) == unfair) items += "<li>" + isolated(note, 600) + "</li>\n";
    }
    if (!items.empty()) html_ += before + items + after;
  }

  // A figure that cannot be, such as seconds that are no number, costs its column.
  void measure_target(const Target& target) {
    for (const TargetMeasure& measure : kTargetMeasures) {
      try {
        columns_.push_back(column(std::string(measure.name) + " to the target",
                                  arrived(model_, place_, target, measure),
                                  Better::lower));
      } catch (const Error& error) {
        refused_.push_back(
            fmt::format("{} to the target: {}", measure.name, error.what()));
      }
    }
  }

  void measure_last() {
    const bool accuracy = comparison_.differences_of.ends_with("accuracy");
    Column made{
        .name = fmt::format("last {} {}", markup_text(comparison_.split, 40),
                            accuracy ? "accuracy" : "loss"),
        .samples = last_figures(all_runs(model_, place_), comparison_.split,
                                accuracy ? &Evaluation::accuracy : &Evaluation::loss),
        .differences = comparison_.differences};
    std::erase_if(made.samples,
                  [](const auto& sample) { return sample.values.empty(); });
    sort_by_mean(made.samples, accuracy);
    if (!made.samples.empty()) columns_.push_back(std::move(made));
  }

  void answer(const std::optional<Target>& target) {
    if (target) {
      html_ += fmt::format("<p class=\"answer\">The target is <strong>{}</strong>. ",
                           markup_text(target->text()));
    } else {
      html_ += "<p class=\"answer\">No target was set. ";
    }
    const bool any =
        std::any_of(columns_.begin(), columns_.end(),
                    [](const Column& one) { return !one.samples.empty(); });
    if (!any) {
      html_ += "There is nothing to compare yet.</p>\n";
      return;
    }
    if (target && refused_.empty() && columns_.front().samples.empty()) {
      html_ += "No controller reached it in every run. ";
    }
    html_ += "Best means:</p>\n<ul class=\"answer\">\n";
    std::size_t resolved = 0, differences = 0;
    for (const Column& one : columns_) {
      resolved += one.resolved();
      differences += one.differences.size();
      if (!one.samples.empty()) html_ += "<li>" + one.first() + "</li>\n";
    }
    html_ += "</ul>\n";
    if (differences > 0 && resolved == 0) {
      html_ +=
          "<p class=\"answer\"><strong>None of these leads is resolved: these runs do "
          "not tell who is best.</strong></p>\n";
    }
  }

  void table(bool target) {
    std::vector<std::string> heads = {"controller", "runs"};
    if (target) heads.emplace_back("reached");
    for (const Column& one : columns_) heads.push_back(one.name);
    HtmlTable table(
        "Means over runs; below each, whether the difference to the best mean is "
        "resolved "
        "(permutation test, p corrected for all pairs of controllers)",
        heads);
    for (std::size_t i = 0; i < comparison_.rows.size(); ++i) {
      const ComparisonRow& row = comparison_.rows[i];
      std::vector<std::string> cells = {isolated(row.controller),
                                        std::to_string(row.runs)};
      if (target) cells.push_back(fmt::format("{} of {}", row.reached, row.finished));
      for (const Column& one : columns_) cells.push_back(one.cell(row.controller));
      table.row(cells);
    }
    html_ += table.html();
  }

  void verdicts() {
    std::string all;
    for (const Column& one : columns_) all += one.verdicts();
    if (all.empty()) return;
    html_ +=
        "<details><summary>The verdicts in full</summary>\n" + all + "</details>\n";
  }

  const ReportModel& model_;
  std::size_t place_;
  const Comparison& comparison_;
  std::string html_;
  std::vector<Column> columns_;
  std::vector<std::string> refused_;
};

}  // namespace

std::vector<const Run*> runs_of(const ReportModel& model, std::size_t comparison,
                                std::size_t controller) {
  std::vector<const Run*> runs;
  for (const ReportRun& run : model.runs) {
    if (run.comparison == comparison && run.controller == controller) {
      runs.push_back(run.run);
    }
  }
  return runs;
}

std::optional<Target> target_of(const ReportModel& model, std::size_t comparison) {
  for (const ReportRun& run : model.runs) {
    if (run.comparison != comparison) continue;
    if (auto target = target_of(*run.run)) return target;
  }
  return std::nullopt;
}

std::string summary_html(const ReportModel& model,
                         const std::vector<std::string>& notes) {
  std::string html;
  if (model.runs.empty()) html += "<p class=\"answer\">There are no runs yet.</p>\n";
  if (!notes.empty()) {
    html += "<div class=\"caution\"><strong>Not on this page</strong><ul>\n";
    for (const std::string& note : notes)
      html += "<li>" + isolated(note, 600) + "</li>\n";
    html += "</ul></div>\n";
  }
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    html += SpecificationSummary(model, i).html();
  }
  return html;
}

}  // namespace batchlab
