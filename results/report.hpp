// SPDX-License-Identifier: MIT
//
// The report: runs as one page that needs nothing but itself, and as figures for a
// paper. Text in runs stays text, whatever it holds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/run_store.hpp"

namespace batchlab {

struct ReportOptions {
  std::string title = {};               // what the runs are: their folders
  std::string command = {};             // makes the page again
  std::string made_at = {};             // "2026-01-31T12:00:00Z"
  std::string made_by = {};             // "batchlab 0.1.0"
  std::vector<std::string> notes = {};  // runs that were left out, and why
  // The page loads itself again after so many seconds, for runs are going on.
  std::optional<int> refresh_seconds = {};
};

struct ReportFigure {
  std::string name;  // of the file, without ".svg"
  std::string svg;
};

struct Report {
  std::string page;                   // HTML
  std::vector<ReportFigure> figures;  // those of the page, to stand alone
  std::string verdicts = {};          // those of runs, as Markdown
};

[[nodiscard]] Report make_report(std::span<const Run> runs,
                                 const ReportOptions& options);

}  // namespace batchlab
