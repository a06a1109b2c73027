// SPDX-License-Identifier: MIT
//
// CSV as of RFC 4180, written cell by cell and read whole.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "controllers/error.hpp"
#include "results/read_text.hpp"
#include "results/run_store.hpp"

namespace batchlab {
namespace {

bool is_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return stop == end && problem != std::errc::invalid_argument;
}

// Walks over the text one record at a time.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // The next whole record; absent at the end and before a torn line, which stays in
  // rest().
  std::optional<std::vector<std::string>> next() {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char letter = rest_[i];
      if (letter == '"') {
        const bool doubled = quoted && rest_.substr(i + 1).starts_with('"');
        if (doubled) cells.back().push_back(rest_[i++]);
        if (!doubled) quoted = !quoted;
      } else if (quoted) {
        cells.back().push_back(letter);
      } else if (letter == ',') {
        cells.emplace_back();
      } else if (letter == '\n') {
        advance(i + 1);
        return cells;
      } else if (letter != '\r') {  // of a file that went through another system
        cells.back().push_back(letter);
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] std::ptrdiff_t line() const { return line_; }  // of what next() reads

 private:
  void advance(std::size_t length) {
    line_ += std::count(rest_.begin(), rest_.begin() + std::ptrdiff_t(length), '\n');
    rest_.remove_prefix(length);
  }

  std::string_view rest_;
  std::ptrdiff_t line_ = 1;
};

}  // namespace

namespace {

// Whether a spreadsheet might run it: also behind spaces, and with the full-width signs
// that some take for these.
bool is_formula(std::string_view text) {
  if (is_number(text)) return false;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  for (const char* sign :
       {"=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"}) {
    if (text.starts_with(sign)) return true;
  }
  return false;
}

}  // namespace

std::string csv_cell(std::string_view text) {
  const bool formula = is_formula(text);
  if (!formula && text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string cell = formula ? "\"'" : "\"";
  for (const char letter : text) {
    if (letter == '"') cell.push_back('"');
    cell.push_back(letter);
  }
  return cell + '"';
}

std::optional<std::size_t> Table::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

Table read_csv(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  Reader reader(text);
  Table table;
  if (auto header = reader.next()) table.columns = *std::move(header);
  for (auto line = reader.line(); auto cells = reader.next(); line = reader.line()) {
    if (cells->size() != table.columns.size()) {
      throw Error(
          ErrorKind::corrupt,
          fmt::format("{}: line {} has {} cells, the header has {}", path.string(),
                      line, cells->size(), table.columns.size()));
    }
    table.rows.push_back(*std::move(cells));
  }
  // A line cut short has no newline; one that ends inside quotes is damage, not haste.
  if (reader.rest().ends_with('\n')) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: line {} opens a quote that is "
                                                "never closed",
                                                path.string(), reader.line()));
  }
  table.torn = !reader.rest().empty();
  return table;
}

}  // namespace batchlab
