// SPDX-License-Identifier: MIT
//
// batchlab export: runs as files that other programs read.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/progress.hpp"
#include "experiments/sweep.hpp"
#include "results/run_store.hpp"
#include "results/tensorboard.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

// The folders of runs in and below `places`, each once.
std::vector<fs::path> run_folders(const std::vector<std::string>& places) {
  std::vector<fs::path> folders;
  std::set<fs::path> seen;
  for (const std::string& place : places) {
    const std::vector<fs::path> found = find_runs(place);
    if (found.empty()) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: no runs there", printable(place, 400)));
    }
    for (const fs::path& folder : found) {
      std::error_code ignored;
      const fs::path whole = fs::weakly_canonical(folder, ignored);
      if (seen.insert(whole).second) folders.push_back(folder);
    }
  }
  return folders;
}

class Export {
 public:
  Export(fs::path out, EventStep step) : out_(std::move(out)), step_(step) {}

  void add(const fs::path& folder) {
    const Run run = read_run(folder);
    const fs::path below = event_folder(run);
    const auto [taken, is_new] = taken_.emplace(below, folder);
    if (!is_new) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: {} is taken by {}; export them to two folders",
                              printable(folder.string(), 400), below.string(),
                              printable(taken->second.string(), 400)));
    }
    const EventFile file = event_file(run, step_);
    write_event_file(file, out_ / below);
    for (const std::string& note : file.notes) {
      say(fmt::format("batchlab: note: {}: {}\n", printable(folder.string(), 400),
                      note));
    }
    fmt::print("{}\n", printable((out_ / below / file.name).string(), 400));
    events_ += file.events;
  }

  [[nodiscard]] std::size_t events() const { return events_; }

 private:
  fs::path out_;
  EventStep step_;
  std::map<fs::path, fs::path> taken_;  // by which run
  std::size_t events_ = 0;
};

// One that cannot be exported does not keep the others from it.
int export_runs(const std::vector<fs::path>& folders, const fs::path& out,
                EventStep step) {
  std::error_code problem;
  fs::create_directories(out, problem);
  if (problem) {
    throw Error(ErrorKind::disk,
                fmt::format("{}: cannot be made: {}", printable(out.string(), 400),
                            problem.message()));
  }
  Export exported(out, step);
  std::vector<int> failures;
  for (const fs::path& folder : folders) {
    try {
      exported.add(folder);
    } catch (const Error& error) {
      say(fmt::format("batchlab: left out: {}\n", error.what()));
      failures.push_back(static_cast<int>(error.kind()));
    }
  }
  say(fmt::format("batchlab: {} of {} runs, {} events; tensorboard --logdir {}\n",
                  folders.size() - failures.size(), folders.size(), exported.events(),
                  printable(out.string(), 400)));
  if (failures.empty()) return 0;
  const bool alike = std::count(failures.begin(), failures.end(), failures.front()) ==
                     static_cast<std::ptrdiff_t>(folders.size());
  return alike ? failures.front() : exit_some_failed;
}

EventStep step_argument(const std::string& text) {
  if (text == "updates") return EventStep::updates;
  if (text == "examples") return EventStep::examples;
  throw Error(ErrorKind::usage, fmt::format("--x: must be updates or examples, got "
                                            "\"{}\"",
                                            printable(text)));
}

int run_export(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("tensorboard", po::value<std::string>()->value_name("DIR"),
                        "write event files below DIR, for TensorBoard")(
      "x", po::value<std::string>()->value_name("STEP")->default_value("updates"),
      "what TensorBoard takes for the step: updates, or examples seen");
  po::positional_options_description positional;
  positional.add("run", -1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (!values->count("tensorboard") ||
      (*values)["tensorboard"].as<std::string>().empty()) {
    throw Error(ErrorKind::usage, "export: --tensorboard DIR is needed");
  }
  if (!values->count("run")) {
    throw Error(ErrorKind::usage,
                "export: the folder of a run is needed, or a folder with runs");
  }
  const EventStep step = step_argument((*values)["x"].as<std::string>());
  const auto places = (*values)["run"].as<std::vector<std::string>>();
  return export_runs(run_folders(places), (*values)["tensorboard"].as<std::string>(),
                     step);
}

}  // namespace

const Command export_command{
    "export", "RUN...", "write runs as files that TensorBoard reads",
    "Writes the figures of each run as an event file, in\n"
    "DIR/<experiment>/<run>/events.out.tfevents.<start>.batchlab: every column of "
    "steps.csv\n"
    "(batch_size, learning_rate, batch_loss, statistics), and of the evaluations "
    "test/loss,\n"
    "test/accuracy and so on. RUN is a run's folder, or one with runs below it. What "
    "an\n"
    "earlier export left there is replaced. A run that cannot be read is named, and "
    "the\n"
    "others are written: exit code 8. Wall times count the training clock alone.\n\n"
    "  batchlab export --tensorboard events results/runs/four-families\n"
    "  batchlab export --tensorboard events --x examples results/runs\n"
    "  tensorboard --logdir events",
    run_export};

}  // namespace batchlab
