// SPDX-License-Identifier: MIT
//
// batchlab report: runs as one page, and as figures and tables for a paper.
#include "results/report.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/commands/output_files.hpp"
#include "experiments/environment.hpp"
#include "experiments/progress.hpp"
#include "results/comparison.hpp"
#include "results/step_time_fit.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

using Folders = std::vector<std::string>;

std::atomic<int> stop_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

// The runs below the folders, each once; why others were left out.
std::vector<Run> read_runs(const Folders& folders, std::vector<std::string>& notes) {
  std::vector<Run> runs;
  std::set<fs::path> known;
  for (const std::string& folder : folders) {
    for (const fs::path& path : find_runs(folder)) {
      std::error_code ignored;
      if (!known.insert(fs::weakly_canonical(path, ignored)).second) continue;
      try {
        runs.push_back(read_run(path));
      } catch (const Error& error) {
        notes.push_back(fmt::format("left out: {}", error.what()));
      }
    }
  }
  return runs;
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

// The last parts of the folders' names: "four-families".
std::string title(const Folders& folders) {
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder).lexically_normal();
    names.push_back(
        (path.has_filename() ? path : path.parent_path()).filename().string());
  }
  return fmt::format("Batch sizes compared: {}", fmt::join(names, ", "));
}

struct Outputs {
  std::string page, svg, markdown, csv, json;  // files and a folder; empty: not wanted
};

// "tables/mine.csv" as "tables/mine-step-times.csv".
std::string beside(const fs::path& path, const char* what) {
  const std::string name = path.stem().string() + what + path.extension().string();
  return (path.parent_path() / name).string();
}

void write_tables(const Outputs& outputs, std::span<const Run> runs,
                  const std::string& verdicts) {
  if ((outputs.markdown + outputs.csv + outputs.json).empty()) return;
  const std::vector<Comparison> comparisons = compare(runs);
  std::string markdown;
  for (const Comparison& one : comparisons) markdown += to_markdown(one);
  write_output("report", outputs.markdown, markdown + verdicts);
  write_output("report", outputs.csv, to_csv(comparisons));
  if (!outputs.csv.empty()) {
    write_output("report", beside(outputs.csv, "-step-times"), step_times_csv(runs));
  }
  if (outputs.json.empty()) return;
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  write_output("report", outputs.json,
               to_json(comparisons, runs).dump(2, ' ', false, replace) + '\n');
}

std::size_t write_all(const Outputs& outputs, const Folders& folders,
                      ReportOptions options) {
  const std::vector<Run> runs = read_runs(folders, options.notes);
  if (runs.empty() && !options.refresh_seconds) {
    for (const std::string& note : options.notes) {
      say(fmt::format("batchlab: note: {}\n", printable(note, 400)));
    }
    throw Error(ErrorKind::data,
                fmt::format("{}: no runs there", printable(joined(folders), 400)));
  }
  options.made_at = utc_now();
  const Report report = make_report(runs, options);
  write_output("report", outputs.page, report.page);
  write_figures("report", outputs.svg, report.figures);
  write_tables(outputs, runs, report.verdicts);
  return runs.size();
}

void on_signal(int number) { stop_signal = number; }

// Waits so many seconds, or for a signal.
void wait(int seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (stop_signal == 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// Until a signal; then once more, as a page that no longer loads itself. A run that is
// half written when we look is looked at again the next time.
int watch(const Outputs& outputs, const Folders& folders, ReportOptions options) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, on_signal);
  say(fmt::format("report: {}, made anew every {} s until Ctrl-C\n",
                  printable(outputs.page, 400), *options.refresh_seconds));
  std::string told;
  while (stop_signal == 0) {
    try {
      write_all(outputs, folders, options);
      told.clear();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::disk || error.kind() == ErrorKind::usage) throw;
      if (told != error.what()) {
        say(fmt::format("batchlab: note: {}\n", printable(error.what(), 400)));
      }
      told = error.what();
    }
    wait(*options.refresh_seconds);
  }
  options.refresh_seconds.reset();
  try {
    write_all(outputs, folders, options);
  } catch (const Error& error) {  // no runs came, say
    say(fmt::format("batchlab: note: {}\n", printable(error.what(), 400)));
  }
  return 128 + stop_signal;
}

Outputs outputs_of(const po::variables_map& values) {
  const auto text = [&](const char* name) {
    return values.count(name) ? values[name].as<std::string>() : std::string();
  };
  return {text("out"), text("svg"), text("markdown"), text("csv"), text("json")};
}

int report_runs(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  const auto file = [] { return po::value<std::string>()->value_name("FILE"); };
  options.add_options()("out", file()->default_value("report.html"), "the page")(
      "svg", po::value<std::string>()->value_name("DIR"),
      "also its figures, as SVG files")(
      "markdown", file(), "also the tables of compare and the verdicts, as Markdown")(
      "csv", file(),
      "also as CSV; FILE-step-times.csv has the times of steps with their fit")(
      "json", file(), "also as JSON")(
      "watch", "make the page anew while runs go on, until Ctrl-C; it loads itself")(
      "every", po::value<std::string>()->default_value("5")->value_name("SECONDS"),
      "how often, with --watch");
  po::positional_options_description positional;
  positional.add("folder", -1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  const Folders folders = values->count("folder") ? (*values)["folder"].as<Folders>()
                                                  : Folders{"results/runs"};
  const auto every = static_cast<int>(
      count_argument("--every", (*values)["every"].as<std::string>(), 1, 86400));
  ReportOptions made{.title = title(folders),
                     .command = command_text("report", arguments),
                     .made_at = "",
                     .made_by = fmt::format("batchlab {}", version()),
                     .notes = {},
                     .refresh_seconds = {}};
  const Outputs outputs = outputs_of(*values);
  if (values->count("watch")) {
    made.refresh_seconds = every;
    return watch(outputs, folders, made);
  }
  const std::size_t runs = write_all(outputs, folders, made);
  say(fmt::format("{} runs on one page:\n", runs));
  fmt::print("{}\n", printable(fs::absolute(outputs.page).string(), 4000));
  return 0;
}

}  // namespace

const Command report_command{
    "report", "[DIR...]", "runs as one page, with curves, verdicts and reasons",
    "Reads the runs below each DIR (results/runs if not given) and writes one page "
    "that "
    "loads\n"
    "nothing else and opens by double click: which controller reached the target "
    "first, "
    "in\n"
    "examples, updates and seconds, and whether the difference is resolved; every "
    "run's "
    "figures,\n"
    "curves and decisions with their reasons; what differs between runs. Prints where "
    "it "
    "is.\n\n"
    "  batchlab report results/runs/four-families --out report.html\n"
    "  batchlab report results/runs/mine --svg figures --markdown table.md\n"
    "  batchlab report results/runs/mine --watch",
    report_runs};

}  // namespace batchlab
