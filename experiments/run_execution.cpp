// SPDX-License-Identifier: MIT
#include "experiments/run_execution.hpp"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "controllers/error.hpp"
#include "experiments/control_file.hpp"
#include "experiments/environment.hpp"
#include "experiments/plugins/provenance.hpp"
#include "experiments/recorder.hpp"
#include "experiments/training.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json initial_record(const RunConfiguration& configuration, const DataSource& source,
                    std::size_t threads, std::size_t jobs) {
  json record{{"format", kRunFormat},
              {"status", "running"},
              {"reason", ""},
              {"specification", configuration.specification},
              {"controller", configuration.label},
              {"seed", configuration.seed},
              {"identity", configuration.identity()},
              {"interventions", 0},
              {"threads", threads},
              {"jobs", jobs},
              {"data_checksum", source.checksum},
              {"environment", environment()},
              {"started_at", utc_now()}};
  json plugins = plugins_of(configuration);
  if (!plugins.empty()) record["plugins"] = std::move(plugins);
  return record;
}

const char* status_name(RunStatus status) {
  switch (status) {
    case RunStatus::finished:
      return "finished";
    case RunStatus::diverged:
      return "diverged";
    case RunStatus::interrupted:
      return "interrupted";
  }
  return "";
}

void add_result(json& record, const RunResult& result) {
  record["status"] = status_name(result.status);
  record["reason"] = result.reason;
  record["steps"] = result.last.step;
  record["examples_seen"] = result.last.examples_seen;
  record["examples_given_up"] = result.examples_given_up;
  record["epochs_completed"] = result.last.epochs_completed;
  record["training_set_size"] = result.last.training_set_size;
  record["training_seconds"] = result.training_seconds;
  record["controller_seconds"] = result.controller_seconds;
  record["data_seconds"] = result.data_seconds;
  record["statistics_seconds"] = result.statistics_seconds;
  record["evaluation_seconds"] = result.evaluation_seconds;
  record["parameters"] = result.parameter_count;
  record["peak_memory_bytes"] = peak_memory_bytes();
  record["finished_at"] = utc_now();
}

// config.json and run.json. A controlled run becomes another one with each
// intervention: both say so at once.
class RunDocuments {
 public:
  RunDocuments(const RunConfiguration& configuration, const fs::path& folder,
               json record, bool controlled)
      : configuration_(configuration),
        folder_(folder),
        record_(std::move(record)),
        controlled_(controlled) {
    write();
  }

  void intervene(const Intervention& intervention) {
    record_["interventions"] = ++interventions_;
    if (!controlled_) return;
    configuration_.intervene(intervention);
    record_["identity"] = configuration_.identity();
    write();
  }

  void set(const char* key, const json& value) { record_[key] = value; }

  void finish(const RunResult& result) {
    add_result(record_, result);
    write_json(folder_ / "run.json", record_);
  }

 private:
  void write() const {
    write_json(folder_ / "config.json", configuration_.document);
    write_json(folder_ / "run.json", record_);
  }

  RunConfiguration configuration_;
  fs::path folder_;
  json record_;
  bool controlled_;
  int interventions_ = 0;
};

// Files first, eyes second.
class Both final : public RunObserver {
 public:
  Both(Recorder& recorder, RunDocuments& documents, Progress* progress)
      : recorder_(recorder), documents_(documents), progress_(progress) {}

  void on_decision(const Statistics& at, const Decision& wanted,
                   const LimitedDecision& used) override {
    recorder_.on_decision(at, wanted, used);
    if (progress_) progress_->on_decision(at, wanted, used);
  }
  void on_shadow_decision(const Statistics& at, const std::string& label,
                          const Decision& wanted,
                          const LimitedDecision& used) override {
    recorder_.on_shadow_decision(at, label, wanted, used);
  }
  void on_moments_reset() override { recorder_.on_moments_reset(); }
  void on_intervention(const Statistics& at,
                       const Intervention& intervention) override {
    recorder_.on_intervention(at, intervention);
    documents_.intervene(intervention);
    if (progress_) progress_->on_intervention(at, intervention);
  }
  void on_step(const Statistics& after, double training_seconds) override {
    recorder_.on_step(after, training_seconds);
    if (progress_) progress_->on_step(after, training_seconds);
  }
  void on_evaluation(const Statistics& at, double training_seconds,
                     const std::string& split,
                     const EvaluationResult& result) override {
    recorder_.on_evaluation(at, training_seconds, split, result);
    if (progress_) progress_->on_evaluation(at, training_seconds, split, result);
  }

 private:
  Recorder& recorder_;
  RunDocuments& documents_;
  Progress* progress_;
};

std::unique_ptr<InterventionSource> control_of(const TrainingRun& run,
                                               const RunConfiguration& configuration,
                                               const std::string& path,
                                               Progress* progress) {
  const std::string name = configuration.folder_name();
  return std::make_unique<ControlFile>(
      path, run.own_limits(), [=](const std::string& why) {
        if (progress) return progress->note(why);
        say(fmt::format("batchlab: {}: {}\n", name, why));
      });
}

void make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorKind::disk, fmt::format("{}: cannot be made: {}", folder.string(),
                                             failure.message()));
  }
}

// Whether another process has finished this very run since the sweep was planned.
bool made_meanwhile(const RunConfiguration& configuration, const fs::path& folder,
                    const RunOptions& options) {
  std::error_code ignored;
  if (!fs::exists(folder / "run.json", ignored)) return false;
  const Run run = read_run(folder);
  return run.status() == "finished" && is_whole(folder, configuration) &&
         difference(run.configuration, configuration, !options.control.empty())
             .empty() &&
         (options.allow_changed_plugin ||
          plugin_difference(run.record, configuration).empty());
}

// Whatever ends it, what was made until then is on disk.
RunResult train_and_record(TrainingRun& run, Recorder& recorder, RunObserver& observer,
                           const std::atomic<int>& interrupted) {
  try {
    RunResult result = run.train(observer, interrupted);
    recorder.finish();
    return result;
  } catch (...) {
    try {
      recorder.finish();
    } catch (const Error&) {
      // The first reason tells more.
    }
    throw;
  }
}

RunStatus train_and_write(const RunConfiguration& configuration,
                          const DataSource& source, const fs::path& folder,
                          const RunOptions& options, const SweepPosition& position,
                          Progress* progress, const std::atomic<int>& interrupted) {
  const bool controlled = !options.control.empty();
  RunDocuments documents(
      configuration, folder,
      initial_record(configuration, source, options.threads, position.jobs),
      controlled);
  if (!configuration.failure.empty()) {
    throw Error(ErrorKind::plugin, configuration.failure);
  }
  TrainingRun run(configuration, source, options.threads);
  if (controlled) {
    run.control(control_of(run, configuration, options.control, progress));
  }
  documents.set("reproducible", run.reproducible());
  Recorder recorder(folder, run.measured(), configuration.log_every);
  Both observer(recorder, documents, progress);
  const RunResult result = train_and_record(run, recorder, observer, interrupted);
  run.write_checkpoint(folder / "checkpoint.safetensors");
  run.finish();
  documents.finish(result);
  return result.status;
}

}  // namespace

int execute_run(const RunConfiguration& configuration, const DataSource& source,
                const fs::path& folder, const RunOptions& options,
                const SweepPosition& position, const std::atomic<int>& interrupted) {
  int code = 0;
  std::string reason;
  try {
    make_folder(folder);
    const RunLock lock(folder);
    std::optional<Progress> progress;
    if (!options.quiet) progress.emplace(configuration, position, options.rewrite);
    try {
      if (made_meanwhile(configuration, folder, options)) return 0;
      switch (train_and_write(configuration, source, folder, options, position,
                              progress ? &*progress : nullptr, interrupted)) {
        case RunStatus::finished:
          return 0;
        case RunStatus::diverged:
          return exit_diverged;
        case RunStatus::interrupted:
          return 128 + interrupted;
      }
    } catch (const Error& error) {
      code = static_cast<int>(error.kind());
      reason = error.what();
    } catch (const std::bad_alloc&) {
      code = static_cast<int>(ErrorKind::failed);
      reason = "out of memory";
    } catch (const std::exception& error) {
      code = static_cast<int>(ErrorKind::failed);
      reason = error.what();
    }
    record_failure(folder, reason);
  } catch (const Error& error) {  // the folder or the lock
    code = static_cast<int>(error.kind());
    reason = error.what();
  }
  say(fmt::format("batchlab: {} failed: {}\n", configuration.folder_name(), reason));
  return code;
}

bool is_whole(const fs::path& folder, const RunConfiguration& configuration) {
  std::error_code ignored;
  return fs::exists(folder / "steps.csv", ignored) &&
         fs::exists(folder / "evaluations.csv", ignored) &&
         fs::exists(folder / "checkpoint.safetensors", ignored) &&
         (configuration.shadows.empty() || fs::exists(folder / "shadows.csv", ignored));
}

std::string difference(json made, const RunConfiguration& configuration,
                       bool controlled) {
  if (controlled) made.erase("interventions");
  return first_difference(made, configuration.document);
}

bool was_left(const fs::path& folder) {
  try {
    const RunLock lock(folder);
    return read_json(folder / "run.json").value("status", "") == "running";
  } catch (const std::exception&) {
    return false;  // another process writes it, or nothing is there
  }
}

void record_failure(const fs::path& folder, const std::string& reason) {
  try {
    json record = read_json(folder / "run.json");
    record["status"] = "failed";
    record["reason"] = reason;
    record["finished_at"] = utc_now();
    write_json(folder / "run.json", record);
  } catch (const Error&) {
    // No record to amend, or no room for it: the exit code and the message remain.
  }
}

}  // namespace batchlab
