// SPDX-License-Identifier: MIT
//
// The run store: one folder a run. Truth is these files; all else can be rebuilt from
// them.
//
//   config.json       the complete, resolved configuration
//   run.json          status, controller (its label), seed, specification, versions
//   steps.csv         a row per step (thinned by log_every)
//   evaluations.csv   a row per evaluation and split
//   decisions.csv     a row per change of a decision
//   shadows.csv       likewise of each shadow, where there are some
//   interventions.csv a row per intervention, where there was one
//   checkpoint.safetensors
//
// One writer a run. Lines are appended whole; a torn last line is dropped with a note.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchlab {

// `format` of run.json: grows with what an older reader would get wrong.
inline constexpr int kRunFormat = 1;

// Appends lines to a file. Buffers whole lines; flush() hands them to the system. Every
// failure throws Error(disk) with the path and the system's reason, and cuts the file
// back to whole lines; lines that did not get through stay buffered for the next
// flush().
class LineWriter {
 public:
  LineWriter(const std::filesystem::path& path, std::string_view header);  // truncates
  ~LineWriter();  // flushes, ignoring failures
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void append(std::string_view line);  // without its newline
  void flush();

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::string buffer_;
};

// `text` as one CSV cell: quoted where it holds a comma, quote, newline, or would be
// run as a formula by a spreadsheet (leading = + - @ tab; those get a leading ' as
// well, unless the cell is a plain number).
[[nodiscard]] std::string csv_cell(std::string_view text);

// Writes `text` to `path`: temporary name beside it, fsync, rename, so that a reader
// finds the old file or the new one, whole. Throws Error(disk).
void write_text(const std::filesystem::path& path, std::string_view text);

// Writes `value` so, as indented JSON with a final newline.
void write_json(const std::filesystem::path& path, const nlohmann::json& value);

// Throws Error(corrupt) naming the path when it is no JSON object, Error(data) when it
// is missing. Reading, here and below, throws Error(disk) where permission is denied.
[[nodiscard]] nlohmann::json read_json(const std::filesystem::path& path);

// Exclusive right to write a run, for the life of the object: an flock on
// `folder`/.lock. Throws Error(disk) when the folder cannot be written, Error(failed)
// when another process holds it ("is being written by another process").
class RunLock {
 public:
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_ = -1;
};

// A CSV file read back: columns by name, cells as text.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  bool torn = false;  // a last line without newline was dropped

  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
};

// Throws Error(data) when missing; Error(corrupt) naming file and line when a row has
// another number of cells than the header.
[[nodiscard]] Table read_csv(const std::filesystem::path& path);

struct Evaluation {
  std::int64_t step = 0, epoch = 0, examples_seen = 0;
  double training_seconds = 0;
  std::string split;
  double loss = 0, accuracy = 0;
  // Absent in files of before these columns, and the loss where it was not told.
  std::optional<std::int64_t> epochs_completed = {};
  std::optional<double> training_loss = {};
};

// A run as found on disk.
struct Run {
  std::filesystem::path folder;
  nlohmann::json configuration;  // config.json
  nlohmann::json record;         // run.json
  std::vector<Evaluation> evaluations;
  std::vector<std::string> notes;  // what was dropped or missing

  [[nodiscard]] std::string status() const;
  [[nodiscard]] std::string controller() const;     // label
  [[nodiscard]] std::string specification() const;  // name
  [[nodiscard]] std::int64_t seed() const;
  // Null where there is none on `split`.
  [[nodiscard]] const Evaluation* last_evaluation(std::string_view split) const;
};

// Whether its run.json has another `format` than this version knows.
[[nodiscard]] bool is_of_newer_format(const Run& run);

// Throws Error(data) when `folder` holds no run, Error(corrupt) for unreadable files.
[[nodiscard]] Run read_run(const std::filesystem::path& folder);

// What steps.csv tells of the time of a logged step; the rest of its columns is in
// read_csv().
struct LoggedStep {
  std::int64_t step = 0, examples_seen = 0, batch_size = 0;
  double training_seconds = 0;  // since the start of the run
};

// The rows of `folder`/steps.csv; a torn last line is dropped. Throws Error(data) when
// it is missing, Error(corrupt) naming row and column.
[[nodiscard]] std::vector<LoggedStep> read_steps(const std::filesystem::path& folder);

// The folders below `folder` (itself included) that hold a run.json, sorted. Throws
// Error(data) when `folder` does not exist.
[[nodiscard]] std::vector<std::filesystem::path> find_runs(
    const std::filesystem::path& folder);

}  // namespace batchlab
