// SPDX-License-Identifier: MIT
//
// The reading half of the run store: a run from its folder, the runs below a folder.

#include "results/run_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

#include "controllers/error.hpp"
#include "results/read_text.hpp"

namespace batchlab {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepestJson = 64;  // ours has 4; later code recurses over it

Error corrupt(const fs::path& path, const std::string& what) {
  return Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), what));
}

Error unreadable(const fs::path& path, int reason) {
  return Error(ErrorKind::disk, fmt::format("{}: cannot read: {}", path.string(),
                                            std::generic_category().message(reason)));
}

// Not so where a folder may not be searched: that is for read_text() to report.
bool missing(const fs::path& path) {
  std::error_code ignored;
  return fs::status(path, ignored).type() == fs::file_type::not_found;
}

std::string text_of(const Run& run, const char* key) {
  const auto found = run.record.find(key);
  if (found == run.record.end() || !found->is_string()) {
    throw corrupt(run.folder / "run.json", fmt::format("has no text \"{}\"", key));
  }
  return found->get<std::string>();
}

// Reads the rows of a table by the names of their columns.
class RowReader {
 public:
  RowReader(const fs::path& path, const Table& table) : path_(path), table_(table) {}

  // What `read` makes of each row.
  template <class Read>
  auto all(Read read) {
    std::vector<decltype(read(*this))> rows;
    for (row_ = 0; row_ < table_.rows.size(); ++row_) rows.push_back(read(*this));
    return rows;
  }

  const std::string& cell(const char* name) const {
    const auto column = table_.column(name);
    if (!column) throw corrupt(path_, fmt::format("has no column \"{}\"", name));
    return table_.rows[row_][*column];
  }

  template <class Number>
  std::optional<Number> number_if_any(const char* name) const {
    const bool any = table_.column(name) && !cell(name).empty();
    return any ? std::optional<Number>(number<Number>(name)) : std::nullopt;
  }

  // std::from_chars knows nan and inf, and no locale.
  template <class Number>
  Number number(const char* name) const {
    const std::string& text = cell(name);
    const char* end = text.data() + text.size();
    Number value{};
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (stop == end && problem == std::errc()) return value;
    throw corrupt(path_, fmt::format("row {}: {} is no number: \"{}\"", row_ + 1, name,
                                     printable(text)));
  }

 private:
  const fs::path& path_;
  const Table& table_;
  std::size_t row_ = 0;
};

Evaluation evaluation(const RowReader& row) {
  return {.step = row.number<std::int64_t>("step"),
          .epoch = row.number<std::int64_t>("epoch"),
          .examples_seen = row.number<std::int64_t>("examples_seen"),
          .training_seconds = row.number<double>("training_seconds"),
          .split = row.cell("split"),
          .loss = row.number<double>("loss"),
          .accuracy = row.number<double>("accuracy"),
          .epochs_completed = row.number_if_any<std::int64_t>("epochs_completed"),
          .training_loss = row.number_if_any<double>("training_loss")};
}

LoggedStep logged_step(const RowReader& row) {
  return {.step = row.number<std::int64_t>("step"),
          .examples_seen = row.number<std::int64_t>("examples_seen"),
          .batch_size = row.number<std::int64_t>("batch_size"),
          .training_seconds = row.number<double>("training_seconds")};
}

void read_evaluations(Run& run) {
  const fs::path path = run.folder / "evaluations.csv";
  if (missing(path)) return run.notes.push_back("evaluations.csv is missing");
  const Table table = read_csv(path);
  if (table.torn) run.notes.push_back("evaluations.csv: a torn last line was dropped");
  if (table.columns.empty()) run.notes.push_back("evaluations.csv is empty");
  run.evaluations = RowReader(path, table).all(evaluation);
}

}  // namespace

std::string read_text(const fs::path& path) {
  if (missing(path)) {
    throw Error(ErrorKind::data, path.string() + " does not exist");
  }
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw corrupt(path, "is not a file");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.is_open() && !file.bad()) return text;
  throw unreadable(path, errno);
}

nlohmann::json read_json(const fs::path& path) {
  using nlohmann::json;
  const std::string text = read_text(path);
  const auto check_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kDeepestJson) throw corrupt(path, "is nested too deeply");
    return true;
  };
  json value;
  try {
    value = json::parse(text, check_depth);
  } catch (const json::exception& problem) {
    throw corrupt(path, std::string("is no JSON: ") + printable(problem.what(), 200));
  }
  if (!value.is_object()) throw corrupt(path, "is no JSON object");
  return value;
}

std::string Run::status() const { return text_of(*this, "status"); }
std::string Run::controller() const { return text_of(*this, "controller"); }
std::string Run::specification() const { return text_of(*this, "specification"); }

std::int64_t Run::seed() const {
  const auto found = record.find("seed");
  if (found == record.end() || !found->is_number_integer()) {
    throw corrupt(folder / "run.json", "has no whole number \"seed\"");
  }
  return found->get<std::int64_t>();
}

const Evaluation* Run::last_evaluation(std::string_view split) const {
  const auto last = std::find_if(evaluations.rbegin(), evaluations.rend(),
                                 [&](const auto& at) { return at.split == split; });
  return last == evaluations.rend() ? nullptr : &*last;
}

namespace {

nlohmann::json format_of(const Run& run) {
  return run.record.value("format", nlohmann::json(kRunFormat));
}

void note_newer_format(Run& run) {
  if (!is_of_newer_format(run)) return;
  run.notes.push_back(fmt::format(
      "run.json has format {}, and this batchlab knows {}: it is of a newer one, and "
      "figures that are new in it are missing or wrong here",
      printable(
          format_of(run).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
          40),
      kRunFormat));
}

}  // namespace

bool is_of_newer_format(const Run& run) {
  const nlohmann::json format = format_of(run);
  return !(format.is_number() && format <= kRunFormat);
}

Run read_run(const fs::path& folder) {
  if (missing(folder / "run.json")) {
    throw Error(ErrorKind::data, folder.string() + " holds no run (no run.json)");
  }
  Run run;
  run.folder = folder;
  run.record = read_json(folder / "run.json");
  run.configuration = read_json(folder / "config.json");
  // So that whoever holds a Run may ask.
  static_cast<void>(run.status() + run.controller() + run.specification());
  static_cast<void>(run.seed());
  note_newer_format(run);
  read_evaluations(run);
  return run;
}

std::vector<LoggedStep> read_steps(const fs::path& folder) {
  const fs::path path = folder / "steps.csv";
  const Table table = read_csv(path);
  return RowReader(path, table).all(logged_step);
}

// A stack instead of recursive_directory_iterator, which gives up at the first folder
// that vanishes under it.
std::vector<fs::path> find_runs(const fs::path& folder) {
  std::error_code problem;
  if (!fs::is_directory(folder, problem)) {
    throw Error(ErrorKind::data, folder.string() + " is no folder");
  }
  std::vector<fs::path> runs, open = {folder};
  while (!open.empty()) {
    const fs::path current = open.back();
    open.pop_back();
    if (fs::is_regular_file(current / "run.json", problem)) runs.push_back(current);
    fs::directory_iterator entry(current, problem);
    if (problem && current == folder) throw unreadable(folder, problem.value());
    for (; !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
      std::error_code ignored;
      const fs::file_status status = entry->symlink_status(ignored);
      if (fs::is_directory(status)) open.push_back(entry->path());
    }
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

}  // namespace batchlab
