// SPDX-License-Identifier: MIT
#include "results/tensorboard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "controllers/error.hpp"
#include "results/event_file.hpp"

namespace batchlab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_begin = "events.out.tfevents.", name_end = ".batchlab";

Error corrupt(const fs::path& path, const std::string& what) {
  return Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), what));
}

// "2026-01-31T23:59:59Z" as seconds since 1970.
std::int64_t started_seconds(const Run& run) {
  const auto found = run.record.find("started_at");
  const bool text = found != run.record.end() && found->is_string();
  const std::string time = text ? found->get<std::string>() : "";
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const int read = std::sscanf(time.c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ", &year, &month,
                               &day, &hour, &minute, &second);
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (read != 6 || !date.ok() || year < 1970) {
    throw corrupt(run.folder / "run.json",
                  fmt::format("started_at must be a time as 2026-01-31T23:59:59Z, got "
                              "\"{}\"",
                              printable(time)));
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24LL + hour) * 60 + minute) * 60 + second;
}

// A tag is protocol-buffer text, and TensorBoard makes groups of it at each '/'.
void check_tag(const fs::path& path, const std::string& tag) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.';
  };
  if (!tag.empty() && std::all_of(tag.begin(), tag.end(), fine)) return;
  throw corrupt(path, fmt::format("\"{}\" names no figure (letters, digits, _ - .)",
                                  printable(tag)));
}

// The rows of steps.csv as numbers.
class StepRows {
 public:
  StepRows(fs::path path, const Table& table) : path_(std::move(path)), table_(table) {
    static constexpr std::array<std::string_view, 5> clocks{
        "step", "epoch", "examples_seen", "epochs_completed", "training_seconds"};
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string& name = table.columns[i];
      check_tag(path_, name);
      if (std::find(clocks.begin(), clocks.end(), name) == clocks.end()) {
        figures_.push_back(i);
      }
    }
  }

  template <class Number>
  [[nodiscard]] Number number(std::size_t row, const char* name) const {
    const auto column = table_.column(name);
    if (!column) throw corrupt(path_, fmt::format("has no column \"{}\"", name));
    return parsed<Number>(row, *column);
  }

  [[nodiscard]] std::vector<Scalar> figures(std::size_t row) const {
    std::vector<Scalar> scalars;
    for (const std::size_t column : figures_) {
      if (table_.rows[row][column].empty()) continue;
      scalars.push_back({table_.columns[column], parsed<double>(row, column)});
    }
    return scalars;
  }

 private:
  template <class Number>
  [[nodiscard]] Number parsed(std::size_t row, std::size_t column) const {
    const std::string& text = table_.rows[row][column];
    const char* end = text.data() + text.size();
    Number value{};
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (stop == end && problem == std::errc()) return value;
    throw corrupt(path_, fmt::format("row {}: {} is no number: \"{}\"", row + 1,
                                     table_.columns[column], printable(text)));
  }

  fs::path path_;
  const Table& table_;
  std::vector<std::size_t> figures_;  // columns
};

// Collects the records of a run; in the end by step, those of a step as they came.
class Events {
 public:
  Events(std::int64_t started, EventStep step) : started_(started), step_(step) {}

  void add(std::int64_t updates, std::int64_t examples, double training_seconds,
           const std::vector<Scalar>& scalars) {
    if (scalars.empty()) return;
    const std::int64_t step = step_ == EventStep::updates ? updates : examples;
    const double time = static_cast<double>(started_) + training_seconds;
    records_.emplace_back(step, scalars_record(time, step, scalars));
  }

  void finish(EventFile& file) {
    std::stable_sort(records_.begin(), records_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    file.bytes = version_record(static_cast<double>(started_));
    for (const auto& [step, record] : records_) file.bytes += record;
    file.events = records_.size();
  }

 private:
  std::int64_t started_;
  EventStep step_;
  std::vector<std::pair<std::int64_t, std::string>> records_;
};

void add_steps(const Run& run, Events& events, EventFile& file) {
  const fs::path path = run.folder / "steps.csv";
  std::error_code ignored;
  if (fs::status(path, ignored).type() == fs::file_type::not_found) {
    file.notes.emplace_back("steps.csv is missing");
    return;
  }
  const Table table = read_csv(path);
  if (table.torn) file.notes.emplace_back("steps.csv: a torn last line was dropped");
  if (table.columns.empty()) file.notes.emplace_back("steps.csv is empty");
  const StepRows rows(path, table);
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    events.add(rows.number<std::int64_t>(row, "step"),
               rows.number<std::int64_t>(row, "examples_seen"),
               rows.number<double>(row, "training_seconds"), rows.figures(row));
  }
}

void add_evaluations(const Run& run, Events& events) {
  for (const Evaluation& at : run.evaluations) {
    check_tag(run.folder / "evaluations.csv", at.split);
    std::vector<Scalar> scalars{{at.split + "/loss", at.loss}};
    if (!std::isnan(at.accuracy)) {
      scalars.push_back({at.split + "/accuracy", at.accuracy});
    }
    events.add(at.step, at.examples_seen, at.training_seconds, scalars);
  }
}

// Of a run that was made anew since: its curves would lie over the new ones.
void remove_earlier(const fs::path& folder, const std::string& name) {
  std::vector<fs::path> earlier;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string other = entry.path().filename().string();
    if (other == name || !other.starts_with(name_begin)) continue;
    if (other.ends_with(name_end)) earlier.push_back(entry.path());
  }
  for (const fs::path& path : earlier) fs::remove(path, ignored);
}

}  // namespace

EventFile event_file(const Run& run, EventStep step) {
  const std::int64_t started = started_seconds(run);
  EventFile file{.name = fmt::format("{}{}{}", name_begin, started, name_end),
                 .bytes = "",
                 .notes = run.notes};
  Events events(started, step);
  add_steps(run, events, file);
  add_evaluations(run, events);
  events.finish(file);
  return file;
}

fs::path event_folder(const Run& run) {
  const std::string name = run.specification();
  const bool leads_out = name.empty() || name == "." || name == ".." ||
                         name.find('/') != name.npos || name.find('\0') != name.npos;
  if (leads_out) {
    throw corrupt(run.folder / "run.json",
                  fmt::format("specification must be the name of a folder, got \"{}\"",
                              printable(name)));
  }
  std::error_code failure;
  const fs::path folder = fs::canonical(run.folder, failure);  // of "." too
  if (failure) {
    throw Error(ErrorKind::disk,
                fmt::format("{}: {}", run.folder.string(), failure.message()));
  }
  return fs::path(name) / folder.filename();
}

void write_event_file(const EventFile& file, const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorKind::disk, fmt::format("{}: cannot be made: {}", folder.string(),
                                             failure.message()));
  }
  write_text(folder / file.name, file.bytes);
  remove_earlier(folder, file.name);
}

}  // namespace batchlab
