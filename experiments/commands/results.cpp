// SPDX-License-Identifier: MIT
//
// batchlab compare, list, show: what is on disk.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/progress.hpp"
#include "results/comparison.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

constexpr const char* default_folder = "results/runs";

// The folder given, or results/runs.
std::string folder_argument(const po::variables_map& values) {
  return values.count("folder")
             ? values["folder"].as<std::vector<std::string>>().front()
             : std::string(default_folder);
}

std::vector<Run> read_runs(const std::string& folder) {
  std::vector<Run> runs;
  for (const auto& path : find_runs(folder)) {
    try {
      runs.push_back(read_run(path));
    } catch (const Error& error) {
      say(fmt::format("batchlab: note: left out: {}\n", error.what()));
    }
  }
  if (runs.empty()) {
    throw Error(ErrorKind::data,
                fmt::format("{}: no runs there", printable(folder, 400)));
  }
  return runs;
}

int compare_runs(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("json", "as JSON")("csv", "as CSV")("markdown", "as Markdown");
  po::positional_options_description positional;
  positional.add("folder", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (values->count("json") + values->count("csv") + values->count("markdown") > 1) {
    throw Error(ErrorKind::usage,
                "compare: one of --json, --csv and --markdown at a time");
  }
  const std::vector<Run> runs = read_runs(folder_argument(*values));
  const std::vector<Comparison> comparisons = compare(runs);
  if (values->count("json")) {
    fmt::print("{}\n", to_json(comparisons, runs).dump(2));
  } else if (values->count("csv")) {
    fmt::print("{}", to_csv(comparisons));
  } else {
    for (const Comparison& comparison : comparisons) {
      fmt::print("{}", values->count("markdown") ? to_markdown(comparison)
                                                 : to_text(comparison));
    }
  }
  return 0;
}

// Not a number where the data have no classes.
std::string accuracy_text(double accuracy) {
  return std::isnan(accuracy) ? "-" : fmt::format("{:.4f}", accuracy);
}

std::string accuracy_text(const Run& run) {
  const auto last = std::find_if(run.evaluations.rbegin(), run.evaluations.rend(),
                                 [](const Evaluation& e) { return e.split == "test"; });
  return last == run.evaluations.rend() ? "-" : accuracy_text(last->accuracy);
}

template <class T>
std::string field_text(const nlohmann::json& record, const char* name,
                       const char* format) {
  const auto found = record.find(name);
  if (found == record.end() || !found->is_number()) return "-";
  return fmt::format(fmt::runtime(format), found->get<T>());
}

int list_runs(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("folder", 1);
  const auto values = parse_arguments(command, arguments,
                                      po::options_description("options"), positional);
  if (!values) return 0;
  const std::vector<Run> runs = read_runs(folder_argument(*values));
  fmt::print("{:<12} {:>8} {:>10} {:>9}  {}\n", "status", "accuracy", "steps",
             "seconds", "run");
  for (const Run& run : runs) {
    fmt::print("{:<12} {:>8} {:>10} {:>9}  {}\n", printable(run.status()),
               accuracy_text(run), field_text<std::int64_t>(run.record, "steps", "{}"),
               field_text<double>(run.record, "training_seconds", "{:.2f}"),
               printable(run.folder.string(), 400));
  }
  return 0;
}

void print_evaluations(const Run& run) {
  fmt::print("\n{:>8} {:>6} {:>12} {:>9}  {:<10} {:>8} {:>9}\n", "step", "epoch",
             "examples", "seconds", "split", "loss", "accuracy");
  for (const Evaluation& row : run.evaluations) {
    fmt::print("{:>8} {:>6} {:>12} {:>9.3f}  {:<10} {:>8.4f} {:>9}\n", row.step,
               row.epoch, row.examples_seen, row.training_seconds, printable(row.split),
               row.loss, accuracy_text(row.accuracy));
  }
}

void print_cost(const Run& run) {
  const auto cost = microseconds_per_decision(run);
  if (cost) fmt::print("\na decision took the rule {:.2f} microseconds\n", *cost);
}

void print_decisions(const Run& run, std::size_t most) {
  // A run that failed early has none.
  if (!std::filesystem::exists(run.folder / "decisions.csv")) return;
  const Table table = read_csv(run.folder / "decisions.csv");
  const auto step = table.column("step"), size = table.column("batch_size"),
             limit = table.column("limited_by"), reason = table.column("reason");
  if (!step || !size || !limit || !reason) return;
  fmt::print("\n{:>8} {:>10}  {:<11} {}\n", "step", "batch size", "limited by",
             "reason");
  for (std::size_t i = 0; i < std::min(most, table.rows.size()); ++i) {
    const auto& row = table.rows[i];
    fmt::print("{:>8} {:>10}  {:<11} {}\n", printable(row[*step]),
               printable(row[*size]), printable(row[*limit]),
               printable(row[*reason], 200));
  }
  if (table.rows.size() > most) {
    fmt::print("  ... {} more in decisions.csv\n", table.rows.size() - most);
  }
}

int show_run(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("json", "configuration and record as JSON")(
      "decisions", po::value<std::string>()->default_value("20")->value_name("N"),
      "how many decisions to print");
  po::positional_options_description positional;
  positional.add("folder", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (!values->count("folder")) {
    throw Error(ErrorKind::usage,
                "show: a run's folder is needed (batchlab list names them)");
  }
  const std::size_t decisions = count_argument(
      "--decisions", (*values)["decisions"].as<std::string>(), 0, 1000000000);
  const Run run = read_run(folder_argument(*values));
  if (values->count("json")) {
    const nlohmann::json both{{"configuration", run.configuration},
                              {"record", run.record}};
    fmt::print("{}\n", both.dump(2));
    return 0;
  }
  fmt::print("{}\n\nconfiguration {}\nrecord {}\n", printable(run.folder.string(), 400),
             run.configuration.dump(2), run.record.dump(2));
  print_evaluations(run);
  print_cost(run);
  print_decisions(run, decisions);
  for (const std::string& note : run.notes)
    fmt::print("note: {}\n", printable(note, 400));
  return 0;
}

}  // namespace

const Command compare_command{
    "compare", "[DIR]", "compare the controllers of finished runs",
    "Reads the runs below DIR (results/runs if not given) and prints, for each "
    "controller,\n"
    "runs, final accuracy and loss (mean, standard deviation, 95 % interval), "
    "updates,\n"
    "examples, training seconds, examples per second, and what it took to reach the "
    "target.\n"
    "\n  batchlab compare results/runs/four-families\n"
    "  batchlab compare results/runs/four-families --markdown > table.md",
    compare_runs};

const Command list_command{"list", "[DIR]", "list runs with their status",
                           "Lists the runs below DIR (results/runs if not given): "
                           "status, last test accuracy,\n"
                           "steps, training seconds, folder.",
                           list_runs};

const Command show_command{
    "show", "RUN", "show one run: configuration, record, evaluations, decisions",
    "Prints what is known of the run in folder RUN.\n\n"
    "  batchlab show results/runs/four-families/noise_scale-seed0",
    show_run};

}  // namespace batchlab
