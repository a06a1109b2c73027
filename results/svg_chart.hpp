// SPDX-License-Identifier: MIT
//
// Inside results/ only: a chart as SVG, for paper and for where no script runs. Colours
// of Okabe and Ito with dashes and markers, so that colour is never alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace batchlab {

struct ChartLine {
  std::string label;  // lines of one label share style and legend entry
  std::size_t style = 0;
  std::vector<double> x, y;  // what is not finite is a gap
  enum class Kind { line, steps, points, band, rule } kind = Kind::line;
  std::vector<double> high = {};        // of a band, whose low is y
  std::vector<std::string> names = {};  // beside points; empty: none
};

struct Chart {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;
  bool from_zero_x = false, from_zero_y = false;
  std::vector<ChartLine> lines;
  // Names at y = 0, 1, 2, ... from the top, instead of a scale.
  std::vector<std::string> categories = {};
  // Horizontal line with its name.
  std::optional<double> target = {};
};

// Whether anything of it can be drawn: a finite point, positive on logarithmic scales.
[[nodiscard]] bool drawable(const Chart& chart);

// In a page the colours follow its theme: classes s0, s1, ... and currentColor.
enum class ChartUse { alone, in_page };
[[nodiscard]] std::string to_svg(const Chart& chart, ChartUse use);

// Places of ticks with round values in [low, high], about `count` of them; of a
// logarithmic scale powers of ten (and 2, 5 times them).
[[nodiscard]] std::vector<double> round_ticks(double low, double high,
                                              std::size_t count);
[[nodiscard]] std::vector<double> log_ticks(double low, double high, std::size_t count);

}  // namespace batchlab
