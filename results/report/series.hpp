// SPDX-License-Identifier: MIT
//
// Inside results/ only: the curves of a run, thinned to what a chart can show.
#pragma once

#include <string>
#include <vector>

#include "results/run_store.hpp"

namespace batchlab {

// Columns of one length. nan: not measured.
struct Series {
  std::string name;  // "steps", or the split of evaluations
  std::vector<double> examples, updates, seconds;  // where the rows stand
  std::vector<std::string> names;                  // of the columns below
  std::vector<std::vector<double>> columns;
  std::size_t rows_read = 0;  // before thinning
};

// The rows to keep, at most `most` of them (but at least the first and the last, and
// one more of each extreme): of each of equal stretches of rows the first row, and the
// first with the least and with the greatest value of each column, so that no peak is
// lost.
[[nodiscard]] std::vector<std::size_t> kept_rows(
    const std::vector<std::vector<double>>& columns, std::size_t rows,
    std::size_t most);

// `series` with at most `most` rows.
[[nodiscard]] Series thinned(const Series& series, std::size_t most);

// All curves of a run: steps.csv with every column of numbers in it, known or not, and
// evaluations.csv by split. What cannot be read is told in `notes`.
[[nodiscard]] std::vector<Series> run_series(const Run& run, std::size_t most,
                                             std::vector<std::string>& notes);

}  // namespace batchlab
