// SPDX-License-Identifier: MIT
//
// Inside results/ only: any text made fit for a page, a drawing or a script, where it
// must stay text whatever it holds.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace batchlab {

// `text` as valid UTF-8 without control characters (\xNN), at most about `limit` bytes,
// then an ellipsis.
[[nodiscard]] std::string clean_text(std::string_view text, std::size_t limit = 120);

// clean_text() with & < > " ' as entities: for HTML and SVG, also within quotes.
[[nodiscard]] std::string markup_text(std::string_view text, std::size_t limit = 120);

// The same in <bdi>, so that right-to-left marks end where the text ends.
[[nodiscard]] std::string isolated(std::string_view text, std::size_t limit = 120);

// `value` as JSON that cannot end the script element it stands in: pure ASCII, with
// < > & escaped.
[[nodiscard]] std::string script_json(const nlohmann::json& value);

// A figure for a reader: four significant digits, thousands separated; "nan", "-inf".
[[nodiscard]] std::string figure_text(double value);

// A figure for a chart: five significant digits, whole numbers in full, "null" where it
// is not finite.
[[nodiscard]] std::string chart_number(double value);

// clean_text() with what Markdown would take for its own escaped.
[[nodiscard]] std::string markdown_text(std::string_view text, std::size_t limit = 120);

// "four-families" as the start of a file's name: letters, digits, _ and -.
[[nodiscard]] std::string file_part(std::string_view text);

// <table class="..."> row by row. Cells are markup: the caller has made text of them.
class HtmlTable {
 public:
  HtmlTable(std::string_view caption, const std::vector<std::string>& heads);
  // The first cell is the row's head.
  void row(const std::vector<std::string>& cells);
  void group(std::string_view name);  // a row that names those after it
  [[nodiscard]] std::string html() const;

 private:
  std::string html_;
  std::size_t columns_;
};

}  // namespace batchlab
