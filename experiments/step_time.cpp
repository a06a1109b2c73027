// SPDX-License-Identifier: MIT
#include "experiments/step_time.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "controllers/error.hpp"
#include "experiments/environment.hpp"
#include "experiments/training.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t repeats = 5;
constexpr double repeat_seconds = 0.07;
constexpr int most_attempts = 5;

json measured_for(const RunConfiguration& run) {
  json sections;
  for (const char* name : {"data", "model", "optimizer", "statistics", "engine"}) {
    sections[name] = run.document.at(name);
  }
  return sections;
}

json read_measurements(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {{"measured", json::array()}};
  return read_json(path);
}

// No step takes an hour, and none less than a clock can tell.
bool sound(const StepTimeFit& time) {
  constexpr double least = 1e-12, most = 3600;
  return time.a_seconds > least && time.a_seconds < most &&
         time.b_seconds_per_example > least && time.b_seconds_per_example < most;
}

void keep(const fs::path& path, const RunConfiguration& run, const StepTimeFit& time,
          const std::vector<BenchRow>& rows) {
  json file = read_measurements(path);
  json one{{"for", measured_for(run)},
           {"threads", time.threads},
           {"a_seconds", time.a_seconds},
           {"b_seconds_per_example", time.b_seconds_per_example},
           {"largest_residual", time.largest_residual},
           {"measured_at", utc_now()},
           {"environment", environment()}};
  for (const BenchRow& row : rows) {
    one["batch_sizes"].push_back(row.batch_size);
    one["step_seconds"].push_back(row.step_seconds);
  }
  file["measured"].push_back(one);
  write_json(path, file);
}

std::vector<std::int64_t> batch_sizes(std::size_t training_set_size) {
  const auto most = static_cast<std::int64_t>(training_set_size);
  std::vector<std::int64_t> sizes;
  for (const std::int64_t size : {16, 64, 256, 1024}) {
    if (size <= most) sizes.push_back(size);
  }
  return sizes.size() < 2 ? std::vector<std::int64_t>{1, most} : sizes;
}

// Steps of `run` with all that its rules need measured, but at rate 0: none diverges.
std::vector<BenchRow> measure(RunConfiguration run, const DataSource& source,
                              std::size_t threads) {
  run.measured = TrainingRun(run, source, 1).measured();
  run.learning_rate = 0;
  const Split split = make_split(run.data, source.training);
  return bench(
      run, source,
      {batch_sizes(split.training.size()), {threads}, repeats, repeat_seconds});
}

// All runs of a folder must have one value, whatever process makes them.
std::unique_ptr<RunLock> lock_when_free(const fs::path& folder) {
  for (int attempt = 0;; ++attempt) {
    try {
      return std::make_unique<RunLock>(folder);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::failed || attempt == 600) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

std::optional<StepTimeFit> kept_step_time(const fs::path& folder,
                                          const RunConfiguration& run) {
  const fs::path path = folder / step_time_file;
  const json file = read_measurements(path);
  const auto corrupt = [&](const std::string& what) {
    return Error(ErrorKind::corrupt, path.string() + ": " + what);
  };
  try {
    for (const json& one : file.at("measured").get_ref<const json::array_t&>()) {
      if (one.at("for") != measured_for(run)) continue;
      const StepTimeFit time{one.at("threads"), one.at("a_seconds"),
                             one.at("b_seconds_per_example"),
                             one.at("largest_residual")};
      if (sound(time)) return time;
      throw corrupt("no time of a step is " + step_time_text(time));
    }
  } catch (const json::exception& problem) {
    throw corrupt("is not as it was written: " + printable(problem.what(), 200));
  }
  return std::nullopt;
}

StepTimeFit measure_step_time(const fs::path& folder, const RunConfiguration& run,
                              const DataSource& source, std::size_t threads) {
  const auto lock = lock_when_free(folder);
  if (const auto kept = kept_step_time(folder, run)) return *kept;
  StepTimeFit time;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {  // a machine may be busy
    const std::vector<BenchRow> rows = measure(run, source, threads);
    const std::vector<StepTimeFit> fits = fit_step_time(rows);
    if (fits.empty()) {
      throw Error(ErrorKind::failed, "the training set is too small to time a step");
    }
    time = fits[0];
    if (!sound(time)) continue;
    keep(folder / step_time_file, run, time, rows);
    return time;
  }
  throw Error(ErrorKind::failed, "a step seems to take " + step_time_text(time) +
                                     ": is the machine busy with something else?");
}

std::string step_time_text(const StepTimeFit& time) {
  return fmt::format("{:.1f} us + {:.3f} us x batch size with {} thread{}",
                     1e6 * time.a_seconds, 1e6 * time.b_seconds_per_example,
                     time.threads, time.threads == 1 ? "" : "s");
}

}  // namespace batchlab
