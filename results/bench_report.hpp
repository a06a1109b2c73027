// SPDX-License-Identifier: MIT
//
// Measured steps as a page like that of runs, as Markdown and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "results/bench_rows.hpp"
#include "results/report.hpp"

namespace batchlab {

struct BenchedNetwork {
  std::string name;                      // of its specification
  std::string description;               // "dense 128 relu, dense 10; adam; ..."
  std::vector<BenchRow> rows;            // by threads, then batch size
  std::vector<StepTimeFit> fits = {};    // of the rows
  std::vector<std::string> others = {};  // specifications that have the same network
};

struct BenchResult {
  std::vector<BenchedNetwork> networks;
  nlohmann::json environment;  // what it was measured on and with, by name
  std::size_t warm_up_steps = 0, repeats = 0;
  double repeat_seconds = 0;
  std::vector<std::string> notes = {};  // what cost speed
};

// Of `options`, title, command, made_at and made_by are used, and its notes.
[[nodiscard]] Report make_bench_report(const BenchResult& result,
                                       const ReportOptions& options);
[[nodiscard]] std::string to_markdown(const BenchResult& result,
                                      const ReportOptions& options);
// Rows and fits of all networks in one list each, with their specification's name.
[[nodiscard]] nlohmann::json to_json(const BenchResult& result);

}  // namespace batchlab
