// SPDX-License-Identifier: MIT
#include "experiments/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "controllers/error.hpp"
#include "experiments/control_file.hpp"
#include "experiments/environment.hpp"
#include "experiments/measured_options.hpp"
#include "experiments/plugins/provenance.hpp"
#include "experiments/run_execution.hpp"
#include "experiments/training.hpp"
#include "results/comparison.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;

std::atomic<int> interrupting_signal{0};

void note_signal(int signal) { interrupting_signal = signal; }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;  // without SA_RESTART: waiting ends
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, children cannot be waited for
}

struct PlannedRun {
  const RunConfiguration* configuration;
  fs::path folder;
  std::string status;  // of the run on disk, or empty
  [[nodiscard]] bool kept() const {
    return status == "finished" || status == "diverged";
  }
};

// The first, the entry last where some of its options are not measured yet.
std::string first_told(nlohmann::json there, const RunConfiguration& run,
                       bool controlled) {
  forgive_unmeasured(there, run);
  std::string entry = difference(there, run, controlled);
  if (unset_measured(run).empty()) return entry;
  nlohmann::json here = run.document;
  there.erase("controller"), here.erase("controller");
  const std::string shared = first_difference(there, here);
  return shared.empty() ? entry : shared;
}

// A run that is kept, but was made by another build of a plugin.
void check_plugins(const PlannedRun& run, const nlohmann::json& record,
                   const SweepOptions& options) {
  const std::string differs = plugin_difference(record, *run.configuration);
  if (differs.empty()) return;
  const std::string what =
      fmt::format("{} was made with {}", run.folder.string(), differs);
  if (!options.allow_changed_plugin) {
    throw Error(ErrorKind::usage,
                what + "; remove that folder, or --allow-changed-plugin keeps it");
  }
  if (!options.quiet) say("batchlab: note: " + what + "; kept\n");
}

PlannedRun plan_run(const RunConfiguration& configuration, const SweepOptions& options,
                    const std::string& data_checksum) {
  PlannedRun run{
      &configuration,
      options.out / configuration.specification / configuration.folder_name(), ""};
  std::error_code ignored;
  if (!fs::exists(run.folder / "run.json", ignored)) return run;
  const Run existing = read_run(run.folder);
  const std::string differs =
      first_told(existing.configuration, configuration, !options.control.empty());
  if (!differs.empty()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{} was made from another configuration ({}); give another "
                    "--out, or another name (--set name=...), or remove that folder",
                    run.folder.string(), differs));
  }
  const std::string made_of = existing.record.value("data_checksum", data_checksum);
  if (made_of != data_checksum) {
    throw Error(
        ErrorKind::data,
        fmt::format("{} was made from other data (checksum {} there, {} here); give "
                    "another --out, or remove that folder",
                    run.folder.string(), printable(made_of), data_checksum));
  }
  run.status = is_whole(run.folder, configuration) ? existing.status() : "";
  if (run.kept()) check_plugins(run, existing.record, options);
  return run;
}

void note_failure(const std::string& why, const SweepOptions& options) {
  if (!options.quiet) say(fmt::format("batchlab: note: {}; its runs fail\n", why));
}

// Builds one run of each entry and forgets it: what the data refuse is said before any
// run starts. A control file may come later.
void check_against_data(const std::vector<PlannedRun>& runs, const DataSource& source,
                        const SweepOptions& options) {
  bool there = true;
  std::set<std::string> checked;
  for (const PlannedRun& run : runs) {
    if (!checked.insert(run.configuration->label).second) continue;
    if (!run.configuration->failure.empty()) {
      note_failure(run.configuration->failure, options);
      continue;
    }
    try {
      const TrainingRun built(*run.configuration, source, 1);
      if (options.control.empty()) continue;
      there = check_control_file(options.control, built.own_limits());
    } catch (const Error& error) {
      if (fails_alone(*run.configuration, error)) {
        note_failure(error.what(), options);
        continue;
      }
      if (run.configuration->label == run.configuration->controller) throw;
      throw Error(error.kind(),
                  fmt::format("{}: {}", run.configuration->label, error.what()));
    }
  }
  if (there || options.quiet) return;
  say(fmt::format(
      "batchlab: note: --control {}: no such file yet; the runs will look for it\n",
      printable(options.control, 400)));
}

void check_writable(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (!failure && access(folder.c_str(), W_OK) != 0) {
    failure = std::error_code(errno, std::generic_category());
  }
  if (failure) {
    throw Error(ErrorKind::disk, fmt::format("{}: cannot be written: {}",
                                             folder.string(), failure.message()));
  }
}

// Runs child processes, `jobs` at once, and collects their exit codes.
class Sweep {
 public:
  Sweep(const std::vector<PlannedRun>& runs, const DataSource& source,
        const SweepOptions& options)
      : runs_(runs),
        source_(source),
        options_(options),
        started_(std::chrono::steady_clock::now()) {}

  // Exit code of each run, by position; runs that were never started are absent.
  std::map<std::size_t, int> run() {
    for (std::size_t next = 0; interrupting_signal == 0 && next < runs_.size();
         ++next) {
      if (children_.size() == options_.jobs) wait_for_one();
      if (interrupting_signal == 0) start(next);
    }
    while (!children_.empty()) wait_for_one();
    return codes_;
  }

 private:
  void start(std::size_t number) {
    const PlannedRun& planned = runs_[number];
    const SweepPosition position{number + 1, runs_.size(), codes_.size(), options_.jobs,
                                 started_};
    const bool rewrite = options_.jobs == 1 && isatty(STDERR_FILENO);
    std::fflush(nullptr);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) {
      throw Error(ErrorKind::failed,
                  fmt::format("cannot start a process: {}", std::strerror(errno)));
    }
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);  // do not outlive the sweep
      std::signal(SIGPIPE, SIG_IGN);
      if (getppid() != parent) _exit(128 + SIGTERM);
      _exit(execute_run(*planned.configuration, source_, planned.folder,
                        {options_.threads, options_.quiet, rewrite, options_.control,
                         options_.allow_changed_plugin},
                        position, interrupting_signal));
    }
    children_[child] = number;
  }

  // Polls: a signal that comes just before a blocking waitpid() would never be passed
  // on.
  void wait_for_one() {
    int status = 0;
    pid_t child = 0;
    while ((child = waitpid(-1, &status, WNOHANG)) == 0) {
      pass_signal_on();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const auto found = children_.find(child);
    if (found == children_.end()) return;
    codes_[found->second] = code_of(status, runs_[found->second]);
    children_.erase(found);
  }

  void pass_signal_on() {
    if (interrupting_signal == passed_on_) return;
    passed_on_ = interrupting_signal;
    for (const auto& [process, number] : children_) kill(process, passed_on_);
  }

  // A rule that is not built in may end its process, in either way.
  static int code_of(int status, const PlannedRun& run) {
    if (WIFEXITED(status) && !was_left(run.folder)) return WEXITSTATUS(status);
    const std::string reason =
        WIFEXITED(status)
            ? fmt::format("process exited with code {} in mid-run", WEXITSTATUS(status))
            : fmt::format("process ended by signal {} ({})", WTERMSIG(status),
                          strsignal(WTERMSIG(status)));
    record_failure(run.folder, reason);
    say(fmt::format("batchlab: {} failed: {}\n", run.configuration->folder_name(),
                    reason));
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return code != 0 ? code : static_cast<int>(ErrorKind::failed);
  }

  const std::vector<PlannedRun>& runs_;
  const DataSource& source_;
  const SweepOptions& options_;
  std::chrono::steady_clock::time_point started_;
  std::map<pid_t, std::size_t> children_;
  std::map<std::size_t, int> codes_;
  int passed_on_ = 0;  // the signal that the children were sent
};

std::string measured_note(const std::vector<std::string>& unset) {
  if (unset.empty()) return "";
  return fmt::format(" ({} measured before the first run)", fmt::join(unset, ", "));
}

void print_plan(const std::vector<PlannedRun>& runs, bool as_json) {
  auto document = nlohmann::json::array();
  for (const PlannedRun& run : runs) {
    const std::vector<std::string> unset = unset_measured(*run.configuration);
    if (as_json) {
      document.push_back({{"folder", run.folder.string()},
                          {"identity", run.configuration->identity()},
                          {"status", run.status},
                          {"measured_before_the_first_run", unset},
                          {"configuration", run.configuration->document}});
      if (!unset.empty()) document.back()["identity"] = nullptr;
    } else {
      fmt::print("{:<8} {}{}\n", run.kept() ? "kept" : "to do", run.folder.string(),
                 measured_note(unset));
    }
  }
  if (as_json) fmt::print("{}\n", document.dump(2));
}

void print_comparison(const std::vector<PlannedRun>& runs) {
  std::vector<Run> records;
  for (const PlannedRun& run : runs) {
    std::error_code ignored;
    if (fs::exists(run.folder / "run.json", ignored))
      records.push_back(read_run(run.folder));
  }
  for (const Comparison& comparison : compare(records)) {
    fmt::print("{}", to_text(comparison));
  }
}

int exit_code(const std::vector<PlannedRun>& runs,
              const std::map<std::size_t, int>& codes) {
  std::vector<int> failures;
  for (const auto& [number, code] : codes) {
    if (code != 0) failures.push_back(code);
  }
  for (const PlannedRun& run : runs) {
    if (run.status == "diverged") failures.push_back(exit_diverged);
  }
  if (failures.empty()) return 0;
  const bool alike = std::all_of(failures.begin(), failures.end(),
                                 [&](int code) { return code == failures.front(); });
  return failures.size() == runs.size() && alike ? failures.front() : exit_some_failed;
}

}  // namespace

int run_sweep(std::vector<RunConfiguration> runs, const SweepOptions& options) {
  const DataSource source = load_data(runs.front().data);
  const fs::path folder = options.out / runs.front().specification;
  set_kept(runs, folder);
  std::vector<PlannedRun> planned;
  for (const RunConfiguration& run : runs) {
    planned.push_back(plan_run(run, options, source.checksum));
  }
  std::vector<PlannedRun> missing;
  std::copy_if(planned.begin(), planned.end(), std::back_inserter(missing),
               [](const PlannedRun& run) { return !run.kept(); });
  check_against_data(missing, source, options);
  if (options.dry_run) {
    print_plan(planned, options.json);
    return 0;
  }

  check_writable(folder);
  SweepOptions settled = options;
  if (settled.threads == 0) {
    settled.threads =
        std::max<std::size_t>(1, std::thread::hardware_concurrency() / settled.jobs);
  }
  if (!options.quiet) {
    const std::size_t jobs =
        std::min(settled.jobs, std::max<std::size_t>(1, missing.size()));
    for (const std::string& note : environment_notes(settled.threads * jobs)) {
      say("batchlab: note: " + note + "\n");
    }
    say(fmt::format("batchlab: {}: {} runs, {} to do\n", runs.front().specification,
                    planned.size(), missing.size()));
  }
  measure_unset(runs, folder, source, settled.threads, options.quiet);
  catch_signals();
  const std::map<std::size_t, int> codes = Sweep(missing, source, settled).run();
  if (options.comparison) {
    print_comparison(planned);
    fmt::print("results: {}\n", folder.string());
  }
  if (interrupting_signal != 0) return 128 + interrupting_signal;
  return exit_code(planned, codes);
}

}  // namespace batchlab
