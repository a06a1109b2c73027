// SPDX-License-Identifier: MIT
//
// From top to bottom: title, plot with grid and scales, name of the x axis, legend.
#include "results/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "results/report_text.hpp"

namespace batchlab {
namespace {

constexpr double kWidth = 720, kPlotHeight = 300, kTop = 44, kRight = 20;
constexpr double kLegendRow = 20, kLetter = 6.8;  // about the width of a letter
constexpr double kLeast = 74, kAxisName = 22;     // left of the plot; of it, its name
constexpr double kTitleSize = 15, kTitleLetter = 0.58;  // of the size, in bold

// Blue, vermillion, bluish green, reddish purple, orange, sky blue, grey.
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                 "#e69f00", "#56b4e9", "#777777"};
constexpr std::array kDashes = {"", "8 3", "2 3", "9 3 2 3"};

std::size_t colour(std::size_t style) { return style % kColours.size(); }

// Differs between neighbours and between styles of one colour.
const char* dash(std::size_t style) {
  return kDashes[(colour(style) + style / kColours.size()) % kDashes.size()];
}

// A scale from data to the drawing.
struct Scale {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double begin = 0, end = 1;  // in the drawing
  bool logarithmic = false;

  [[nodiscard]] bool shows(double value) const {
    return std::isfinite(value) && (!logarithmic || value > 0);
  }
  void include(double value) {
    if (!shows(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // Some room, and a range even where there is one value or none.
  void settle(double room) {
    if (!(high >= low)) low = logarithmic ? 1 : 0, high = logarithmic ? 10 : 1;
    if (logarithmic) {
      const double factor = low == high ? 2 : std::pow(high / low, room);
      low /= factor, high *= factor;
      return;
    }
    const double more =
        low == high ? std::max(std::abs(low) * 0.1, 1e-9) : room * (high - low);
    low -= more, high += more;
  }
  [[nodiscard]] double operator()(double value) const {
    const double part = logarithmic ? std::log(value / low) / std::log(high / low)
                                    : (value - low) / (high - low);
    return begin + part * (end - begin);
  }
  [[nodiscard]] std::vector<double> ticks(std::size_t count) const {
    return logarithmic ? log_ticks(low, high, count) : round_ticks(low, high, count);
  }
};

// One shape per colour, so that points tell without it.
std::string marker(std::size_t style, double x, double y, double size) {
  const double s = size;
  switch (colour(style)) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>", x, y, s);
    case 1:
      return fmt::format("<path d=\"M{:.1f} {:.1f}h{}v{}h-{}z\"/>", x - s, y - s, 2 * s,
                         2 * s, 2 * s);
    case 2:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l{} {}h-{}z\"/>", x, y - s, s, 2 * s,
                         2 * s);
    case 3:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l{} {}l-{} {}l-{} -{}z\"/>", x,
                         y - 1.3 * s, 1.3 * s, 1.3 * s, 1.3 * s, 1.3 * s, 1.3 * s,
                         1.3 * s);
    case 4:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l-{} -{}h{}z\"/>", x, y + s, s, 2 * s,
                         2 * s);
    case 5:
      return fmt::format(
          "<path d=\"M{:.1f} {:.1f}l{} {}m0 -{}l-{} {}\" fill=\"none\"/>", x - s, y - s,
          2 * s, 2 * s, 2 * s, 2 * s, 2 * s);
    default:
      return fmt::format("<path d=\"M{:.1f} {:.1f}h{}m-{} -{}v{}\" fill=\"none\"/>",
                         x - s, y, 2 * s, s, s, 2 * s);
  }
}

// Whether a point of the line can be seen.
bool drawable(const Chart& chart, const ChartLine& line) {
  const Scale x{.logarithmic = chart.log_x}, y{.logarithmic = chart.log_y};
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    if (x.shows(line.x[i]) && y.shows(line.y[i])) return true;
  }
  return false;
}

class Drawing {
 public:
  Drawing(const Chart& chart, ChartUse use) : chart_(chart), use_(use) {
    height_ = chart.categories.empty()
                  ? kPlotHeight
                  : std::max(60.0, 30.0 * static_cast<double>(chart.categories.size()));
    scales();
    frame();
    for (const ChartLine& line : chart.lines) {
      if (drawable(chart, line)) draw(line);
    }
    if (chart.categories.empty()) legend();
  }

  [[nodiscard]] std::string svg() const {
    const bool alone = use_ == ChartUse::alone;
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" "
        "font-family=\"sans-serif\" font-size=\"12\" fill=\"currentColor\"{}>"
        "<title>{}</title>\n{}{}</svg>\n",
        kWidth, bottom_,
        alone ? fmt::format(" width=\"{:.0f}\" height=\"{:.0f}\" color=\"#222\"",
                            kWidth, bottom_)
              : std::string(" role=\"img\""),
        markup_text(chart_.title, 300),
        alone ? "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" : "", body_);
  }

 private:
  void scales() {
    x_.logarithmic = chart_.log_x;
    y_.logarithmic = chart_.log_y;
    if (chart_.from_zero_x && !chart_.log_x) x_.include(0);
    for (const ChartLine& line : chart_.lines) {
      for (const double value : line.x) x_.include(value);
      for (const double value : line.y) y_.include(value);
      for (const double value : line.high) y_.include(value);
    }
    if (chart_.from_zero_y && !chart_.log_y) y_.include(0);
    if (chart_.target) y_.include(*chart_.target);
    x_.settle(chart_.from_zero_x ? 0 : 0.02);
    if (chart_.from_zero_x) x_.high *= 1.02;
    y_.settle(0.04);
    if (chart_.from_zero_y && y_.low < 0 && !chart_.log_y) y_.low = 0;
    if (!chart_.categories.empty()) {  // from the top
      y_.low = static_cast<double>(chart_.categories.size()) - 0.5;
      y_.high = -0.5;
    }
    left_ = left_margin();
    x_.begin = left_, x_.end = kWidth - kRight;
    y_.begin = kTop + height_, y_.end = kTop;
  }

  // Room for the longest label, and for the name of the axis beside it.
  [[nodiscard]] double left_margin() const {
    std::size_t letters = 0;
    for (const std::string& name : chart_.categories) {
      letters = std::max(letters, std::min<std::size_t>(name.size(), 30));
    }
    if (!chart_.categories.empty()) {
      return std::max(kLeast, 16 + kLetter * static_cast<double>(letters));
    }
    for (const double tick : y_.ticks(6)) {
      letters = std::max(letters, figure_text(tick).size());
    }
    return std::max(kLeast, kAxisName + 6 + kLetter * static_cast<double>(letters));
  }

  // Smaller where it would not fit.
  void title() {
    const auto letters =
        static_cast<double>(std::min<std::size_t>(chart_.title.size(), 90));
    const double room = (kWidth - left_) / (kTitleLetter * std::max(1.0, letters));
    text(left_, 22, "start", chart_.title,
         fmt::format(" font-size=\"{:.1f}\" font-weight=\"bold\"",
                     std::min(kTitleSize, room))
             .c_str());
  }

  void text(double x, double y, const char* anchor, const std::string& words,
            const char* more = "") {
    body_ +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n",
                    x, y, anchor, more, markup_text(words, 90));
  }

  void rule(double x1, double y1, double x2, double y2, const char* more) {
    body_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
        "stroke=\"currentColor\" {}/>\n",
        x1, y1, x2, y2, more);
  }

  void frame() {
    constexpr const char* grid = "stroke-opacity=\"0.15\"";
    title();
    for (const double tick : x_.ticks(7)) {
      rule(x_(tick), kTop, x_(tick), kTop + height_, grid);
      text(x_(tick), kTop + height_ + 16, "middle", figure_text(tick));
    }
    if (chart_.categories.empty()) {
      for (const double tick : y_.ticks(6)) {
        rule(left_, y_(tick), kWidth - kRight, y_(tick), grid);
        text(left_ - 6, y_(tick) + 4, "end", figure_text(tick));
      }
    }
    for (std::size_t i = 0; i < chart_.categories.size(); ++i) {
      const double y = y_(static_cast<double>(i));
      rule(left_, y, kWidth - kRight, y, grid);
      text(left_ - 8, y + 4, "end", clean_text(chart_.categories[i], 28));
    }
    rule(left_, kTop + height_, kWidth - kRight, kTop + height_, "");
    rule(left_, kTop, left_, kTop + height_, "");
    if (chart_.target) {
      rule(left_, y_(*chart_.target), kWidth - kRight, y_(*chart_.target),
           "stroke-dasharray=\"4 3\"");
      text(kWidth - kRight, y_(*chart_.target) - 4, "end",
           "target " + figure_text(*chart_.target));
    }
    text((left_ + kWidth - kRight) / 2, kTop + height_ + 36, "middle", chart_.x_label);
    text(0, 0, "middle", chart_.y_label,
         fmt::format(" transform=\"translate(14 {:.1f}) rotate(-90)\"",
                     kTop + height_ / 2)
             .c_str());
    bottom_ = kTop + height_ + 48;
  }

  void open(std::size_t style, const char* kind) {
    body_ += fmt::format("<g class=\"s{0} {1}\" stroke=\"{2}\" fill=\"{2}\">",
                         colour(style), kind, kColours[colour(style)]);
  }

  // The names of points, to the right of them while there is room.
  void names(const ChartLine& line) {
    for (std::size_t i = 0; i < std::min(line.names.size(), line.x.size()); ++i) {
      if (line.names[i].empty() || !shows(line.x[i], line.y[i])) continue;
      const double x = x_(line.x[i]), y = y_(line.y[i]) + 4;
      const double width = 9 + kLetter * static_cast<double>(line.names[i].size());
      const bool right = x + width < kWidth;
      text(right ? x + 9 : x - 9, y, right ? "start" : "end", line.names[i]);
    }
  }

  [[nodiscard]] bool shows(double x, double y) const {
    return x_.shows(x) && y_.shows(y);
  }

  void draw(const ChartLine& line) {
    if (line.kind == ChartLine::Kind::rule) {
      return rule(x_(line.x[0]), y_(line.y[0]), x_(line.x[1]), y_(line.y[1]),
                  "stroke-width=\"2\"");
    }
    open(line.style, line.kind == ChartLine::Kind::band ? "band" : "line");
    if (line.kind == ChartLine::Kind::points) {
      for (std::size_t i = 0; i < line.x.size(); ++i) {
        if (!shows(line.x[i], line.y[i])) continue;
        body_ += marker(line.style, x_(line.x[i]), y_(line.y[i]), 4.5);
      }
    } else if (line.kind == ChartLine::Kind::band) {
      band(line);
    } else {
      body_ += fmt::format(
          "<path fill=\"none\" stroke-width=\"1.5\" "
          "stroke-dasharray=\"{}\" d=\"{}\"/>",
          dash(line.style), path(line));
    }
    body_ += "</g>\n";
    names(line);
  }

  // Lifts the pen at gaps.
  [[nodiscard]] std::string path(const ChartLine& line) const {
    std::string d;
    bool down = false;
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      const bool here = shows(line.x[i], line.y[i]);
      if (here && down && line.kind == ChartLine::Kind::steps) {
        d += fmt::format("H{:.1f}V{:.1f}", x_(line.x[i]), y_(line.y[i]));
      } else if (here) {
        d += fmt::format("{}{:.1f} {:.1f}", down ? 'L' : 'M', x_(line.x[i]),
                         y_(line.y[i]));
      }
      down = here;
    }
    return d;
  }

  void band(const ChartLine& line) {
    std::string d, back;
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (!shows(line.x[i], line.y[i]) || !y_.shows(line.high[i])) continue;
      d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? 'M' : 'L', x_(line.x[i]),
                       y_(line.y[i]));
      back = fmt::format("L{:.1f} {:.1f}", x_(line.x[i]), y_(line.high[i])) + back;
    }
    if (d.empty()) return;
    body_ += fmt::format("<path fill-opacity=\"0.15\" stroke=\"none\" d=\"{}{}z\"/>", d,
                         back);
  }

  // A name once, as many to a row as fit.
  void legend() {
    std::vector<std::string> named;
    double x = left_, y = bottom_ + 8;
    for (const ChartLine& line : chart_.lines) {
      if (line.label.empty() || !drawable(chart_, line)) continue;
      if (std::find(named.begin(), named.end(), line.label) != named.end()) continue;
      named.push_back(line.label);
      const std::string words = clean_text(line.label, 40);
      const double width = 44 + kLetter * static_cast<double>(words.size());
      if (x > left_ && x + width > kWidth - kRight) x = left_, y += kLegendRow;
      open(line.style, "line");
      if (line.kind == ChartLine::Kind::points) {
        body_ += marker(line.style, x + 12, y - 4, 4.5);
      } else {
        body_ += fmt::format(
            "<path fill=\"none\" stroke-width=\"2\" "
            "stroke-dasharray=\"{}\" d=\"M{:.1f} {:.1f}h24\"/>",
            dash(line.style), x, y - 4);
      }
      body_ += "</g>\n";
      text(x + 30, y, "start", words);
      x += width;
    }
    bottom_ = y + 14;
  }

  const Chart& chart_;
  ChartUse use_;
  Scale x_, y_;
  double left_ = 0, height_ = 0, bottom_ = 0;
  std::string body_;
};

}  // namespace

bool drawable(const Chart& chart) {
  return std::any_of(chart.lines.begin(), chart.lines.end(),
                     [&](const ChartLine& line) { return drawable(chart, line); });
}

std::string to_svg(const Chart& chart, ChartUse use) {
  return Drawing(chart, use).svg();
}

}  // namespace batchlab
