// SPDX-License-Identifier: MIT
//
// The answer first: which controller reached the target first in examples, updates and
// seconds, and whether the runs can tell. Controllers of which some run never reached
// it are named but not ranked: leaving out their slow runs would favour them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "results/comparison_notes.hpp"
#include "results/report/parts.hpp"
#include "results/report/verdicts.hpp"
#include "results/report_text.hpp"

namespace batchlab {
namespace {

const PairwiseComparison* find(const std::vector<PairwiseComparison>& all,
                               const std::string& label) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& one) { return one.label == label; });
  return found == all.end() ? nullptr : &*found;
}

// Of a controller some runs of which never arrived.
std::string median_cell(const VerdictColumn& column, const ComparisonRow& row) {
  const auto median = column.row ? (row.*column.row).median : std::nullopt;
  if (!median) return "–";
  return std::isfinite(*median)
             ? fmt::format("median {}<br>not ranked", figure_text(*median))
             : "half or more never<br>not ranked";
}

// The mean, and how it stands to the best.
std::string cell(const VerdictColumn& column, const ComparisonRow& row) {
  const auto& samples = column.samples;
  const auto sample = std::find_if(samples.begin(), samples.end(), [&](const auto& s) {
    return s.label == row.controller;
  });
  if (sample == samples.end()) return median_cell(column, row);
  const std::string mean = figure_text(mean_of(*sample));
  if (mean_of(*sample) == mean_of(samples.front())) {
    return "<strong>" + mean + "</strong><br>best mean";
  }
  const auto* pair = find(column.differences, row.controller);
  if (pair == nullptr) return mean;
  const std::string verdict =
      pair->resolved ? "<strong>resolved</strong>" : "not resolved: " + pair->obstacle;
  return fmt::format("{}<br>{}, p\u00a0=\u00a0{:.2g}", mean, verdict,
                     pair->corrected_p);
}

// "First in examples: cyclic, after 117,045 examples on average (not resolved against
// any other: may be chance)"
std::string first(const VerdictColumn& column) {
  std::vector<std::string> labels;
  for (const std::string& label : column.best()) labels.push_back(isolated(label));
  const std::string who =
      fmt::format("<strong>{}</strong>", fmt::join(labels, " and "));
  const std::string mean = figure_text(mean_of(column.samples.front()));
  const std::string lead = labels.size() > 1 ? "a tie" : column.lead();
  return column.unit.empty()
             ? fmt::format("Best {}: {}, {} on average ({})", markup_text(column.name),
                           who, mean, lead)
             : fmt::format("First in {}: {}, after {} {} on average ({})",
                           markup_text(column.name.substr(0, column.name.find(' '))),
                           who, mean, column.unit, lead);
}

std::string verdicts_html(const VerdictColumn& column) {
  std::string html;
  for (const PairwiseComparison& pair : column.differences) {
    html += "<li>" + isolated(pair.verdict, 600) + "</li>\n";
  }
  return html.empty()
             ? ""
             : fmt::format("<p>{}</p><ul>\n{}</ul>\n", markup_text(column.name), html);
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
  SpecificationSummary(const ReportModel& model, std::size_t place,
                       const Verdicts& verdicts)
      : model_(model),
        place_(place),
        comparison_(model.comparisons[place]),
        all_(verdicts) {}

  std::string html() {
    html_ = fmt::format("<h3>{}</h3>\n", isolated(comparison_.specification));
    notes(cautions(),
          "<div class=\"caution\"><strong>Before you believe it</strong><ul>\n",
          "</ul></div>\n");
    const auto& target = all_.target;
    answer(target);
    if (target && all_.refused.empty()) {
      html_ += missed_sentence(model_, place_, *target);
    }
    for (const std::string& what : all_.refused) {
      html_ += "<p>Cannot be told: " + isolated(what, 400) + "</p>\n";
    }
    table(target.has_value());
    verdicts();
    notes(other_notes(), "<p>To know:</p><ul>\n", "</ul>\n");
    return html_;
  }

 private:
  // What may turn the figures, and what is wrong with single runs.
  std::vector<std::string> cautions() const {
    std::vector<std::string> all;
    for (const std::string& note : comparison_.notes) {
      if (stands_first(note)) all.push_back(note);
    }
    const std::vector<std::string> wrong = troubles(comparison_);
    constexpr std::size_t most = 20;
    const std::size_t shown = std::min(most, wrong.size());
    all.insert(all.end(), wrong.begin(), wrong.begin() + std::ptrdiff_t(shown));
    if (wrong.size() > most) {
      all.push_back(fmt::format("and {} more such runs", wrong.size() - most));
    }
    return all;
  }

  // The rest but the verdicts, which have a place of their own.
  std::vector<std::string> other_notes() const {
    std::vector<std::string> all;
    for (const std::string& note : comparison_.notes) {
      const bool verdict = !comparison_.differences.empty() &&
                           note.starts_with(comparison_.differences_of + ": ");
      if (!stands_first(note) && !verdict) all.push_back(note);
    }
    return all;
  }

  void notes(const std::vector<std::string>& all, const char* before,
             const char* after) {
    if (all.empty()) return;
    html_ += before;
    for (const std::string& note : all) {
      html_ += "<li>" + isolated(note, 600) + "</li>\n";
    }
    html_ += after;
  }

  void answer(const std::optional<Target>& target) {
    if (target) {
      html_ += fmt::format("<p class=\"answer\">The target is <strong>{}</strong>. ",
                           markup_text(target->text()));
    } else {
      html_ += "<p class=\"answer\">No target was set. ";
    }
    const bool any =
        std::any_of(all_.columns.begin(), all_.columns.end(),
                    [](const VerdictColumn& one) { return !one.samples.empty(); });
    if (!any) {
      html_ += "There is nothing to compare yet.</p>\n";
      return;
    }
    if (target && all_.refused.empty() && all_.columns.front().samples.empty()) {
      html_ += "No controller reached it in every run. ";
    }
    html_ += "</p>\n<ul class=\"answer\">\n";
    std::size_t resolved = 0, differences = 0;
    for (const VerdictColumn& one : all_.columns) {
      resolved += one.resolved();
      differences += one.differences.size();
      if (!one.samples.empty()) html_ += "<li>" + first(one) + "</li>\n";
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
    for (const VerdictColumn& one : all_.columns)
      heads.push_back(markup_text(one.name));
    HtmlTable table(
        clean_text(comparison_.specification, 60) +
            ": means over runs; below each, whether the difference to the best mean is "
            "resolved: 5 runs or more of each, 95 % intervals that do not overlap, and "
            "p below 0.05 (permutation test, corrected for all pairs of controllers)",
        heads);
    for (std::size_t i = 0; i < comparison_.rows.size(); ++i) {
      const ComparisonRow& row = comparison_.rows[i];
      std::vector<std::string> cells = {isolated(row.controller),
                                        std::to_string(row.runs)};
      if (target) {
        cells.push_back(
            fmt::format("{} of {}", row.reached, row.finished - row.target_unknown));
      }
      for (const VerdictColumn& one : all_.columns) cells.push_back(cell(one, row));
      table.row(cells);
    }
    html_ += table.html();
  }

  void verdicts() {
    std::string all;
    for (const VerdictColumn& one : all_.columns) all += verdicts_html(one);
    if (all.empty()) return;
    html_ +=
        "<details><summary>The verdicts in full</summary>\n" + all + "</details>\n";
  }

  const ReportModel& model_;
  std::size_t place_;
  const Comparison& comparison_;
  std::string html_;
  const Verdicts& all_;
};

}  // namespace

std::vector<const Run*> runs_of(const ReportModel& model, std::size_t comparison) {
  std::vector<const Run*> runs;
  for (const ReportRun& run : model.runs) {
    if (run.comparison == comparison) runs.push_back(run.run);
  }
  return runs;
}

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

std::string notes_html(const std::vector<std::string>& notes) {
  std::string html;
  for (const std::string& note : notes)
    html += "<li>" + isolated(note, 900) + "</li>\n";
  return html.empty() ? "" : "<ul class=\"words\">\n" + html + "</ul>\n";
}

std::optional<Target> target_of(const ReportModel& model, std::size_t comparison) {
  for (const ReportRun& run : model.runs) {
    if (run.comparison != comparison) continue;
    if (auto target = target_of(*run.run)) return target;
  }
  return std::nullopt;
}

std::string summary_html(const ReportModel& model,
                         const std::vector<Verdicts>& verdicts,
                         const std::vector<std::string>& notes) {
  std::string html =
      model.runs.empty() ? "<p class=\"answer\">There are no runs yet.</p>\n" : "";
  if (!notes.empty()) {
    html += "<div class=\"caution\"><strong>Not on this page</strong><ul>\n";
    for (const std::string& note : notes)
      html += "<li>" + isolated(note, 600) + "</li>\n";
    html += "</ul></div>\n";
  }
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    html += SpecificationSummary(model, i, verdicts[i]).html();
  }
  return html;
}

}  // namespace batchlab
