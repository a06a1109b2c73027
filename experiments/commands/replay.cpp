// SPDX-License-Identifier: MIT
//
// batchlab replay: what a rule would have chosen in a run that was made.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "controllers/error.hpp"
#include "controllers/limited_controller.hpp"
#include "controllers/registry.hpp"
#include "experiments/command_line.hpp"
#include "experiments/controller_entry.hpp"
#include "experiments/decision_rows.hpp"
#include "experiments/logged_statistics.hpp"
#include "experiments/measured_options.hpp"
#include "experiments/progress.hpp"
#include "experiments/specification_options.hpp"
#include "experiments/toml_file.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;
using nlohmann::json;

struct ReplayRow {
  Statistics at;
  Decision wanted;
  LimitedDecision used;
};

struct Replay {
  std::string label;
  std::vector<ReplayRow> rows;  // the changes
  std::size_t decisions = 0;
  std::int64_t smallest = 0, largest = 0, last = 0;  // batch sizes, examples
  double mean = 0, mean_of_run = 0;
};

Replay replay(const std::string& label, LimitedController& controller,
              const std::vector<Statistics>& told) {
  Replay result{.label = label, .rows = {}, .decisions = told.size()};
  DecisionChanges changes;
  double sum = 0;
  for (const Statistics& at : told) {
    controller.decide(at);
    const LimitedDecision& used = controller.used();
    if (changes.add(controller.wanted(), used)) {
      result.rows.push_back({at, controller.wanted(), used});
    }
    const std::int64_t size = used.batch_size;
    result.smallest = at.step == 0 ? size : std::min(result.smallest, size);
    result.largest = std::max(result.largest, size);
    result.last = size;
    sum += static_cast<double>(size);
  }
  result.mean = sum / static_cast<double>(told.size());
  const Statistics& end = told.back();
  result.mean_of_run = static_cast<double>(end.examples_seen) /
                       static_cast<double>(std::max<std::int64_t>(1, end.step));
  return result;
}

std::string summary(const Replay& replay) {
  return fmt::format(
      "batchlab: {}: {} decisions, {} rows; batch size {} to {}, mean {:.1f}, last "
      "{}; the run's mean {:.1f}\n",
      replay.label, replay.decisions, replay.rows.size(), replay.smallest,
      replay.largest, replay.mean, replay.last, replay.mean_of_run);
}

json as_json(const Replay& replay) {
  json rows = json::array();
  for (const auto& [at, wanted, used] : replay.rows) {
    rows.push_back({{"step", at.step},
                    {"examples_seen", at.examples_seen},
                    {"shadow", replay.label},
                    {"wanted_batch_size", wanted.batch_size},
                    {"batch_size", used.batch_size},
                    {"limited_by", used.limited_by},
                    {"reason", wanted.reason}});
  }
  return rows;
}

void write_rows(const Replay& replay, const std::string& path) {
  LineWriter file(path, shadow_columns);
  for (const auto& [at, wanted, used] : replay.rows) {
    file.append(shadow_row(at, replay.label, wanted, used));
  }
  file.flush();
}

void print_rows(const Replay& replay) {
  fmt::print("{}\n", shadow_columns);
  for (const auto& [at, wanted, used] : replay.rows) {
    fmt::print("{}\n", shadow_row(at, replay.label, wanted, used));
  }
}

// Steps that were given up tell no other rule anything.
void check_run(const Run& run) {
  const std::string rule = run.configuration.at("controller").value("name", "");
  for (const Entry* entry : controllers()) {
    if (entry->name != rule || !entry->branches) continue;
    throw Error(
        ErrorKind::usage,
        fmt::format("replay: {} was made by {}, which goes back and tries again: "
                    "its steps cannot be replayed",
                    printable(run.folder.string(), 400), rule));
  }
}

// Never a file of a run.
void check_out(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path folder = fs::absolute(path, ignored).parent_path();
  if (!fs::exists(folder / "run.json", ignored)) return;
  throw Error(ErrorKind::usage,
              fmt::format("--out: {} is in the folder of a run; give another place",
                          printable(path, 400)));
}

// The run's optimizer, for rules that go with one only.
json optimizer_of(const Run& run) {
  try {
    return checked_options("optimizer", optimizer_options(),
                           run.configuration.value("optimizer", json()));
  } catch (const Error& error) {
    throw Error(ErrorKind::corrupt,
                (run.folder / "config.json").string() + ": " + error.what());
  }
}

// What --controller and --set say, as a shadow.
json shadow_argument(const po::variables_map& values, const json& optimizer) {
  json given = json::object();
  if (values.count("set")) {
    for (const auto& setting : values["set"].as<std::vector<std::string>>()) {
      apply_setting(given, setting);
    }
  }
  if (given.contains("name")) {
    throw Error(ErrorKind::usage, "replay: --controller sets the name");
  }
  given["name"] = values["controller"].as<std::string>();
  json shadow = complete_shadow(given, optimizer);
  if (shadow.at("label").is_null()) shadow["label"] = shadow.at("name");
  return shadow;
}

void check_arguments(const po::variables_map& values) {
  const auto needed = [&](const char* name, const char* what) {
    if (!values.count(name)) {
      throw Error(ErrorKind::usage, fmt::format("replay: {} is needed", what));
    }
  };
  needed("run", "a run's folder");
  needed("controller", "--controller NAME (batchlab controllers lists them)");
  if (values.count("out") && values.count("json")) {
    throw Error(ErrorKind::usage, "replay: one of --out and --json at a time");
  }
}

int replay_run(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("controller", po::value<std::string>()->value_name("NAME"),
                        "the rule to ask")(
      "set",
      po::value<std::vector<std::string>>()->value_name("OPTION=VALUE")->composing(),
      "set an option of the rule, its label, or limits.OPTION; may be given often")(
      "out", po::value<std::string>()->value_name("FILE"),
      "write the rows to FILE instead of standard output")("json", "the rows as JSON");
  po::positional_options_description positional;
  positional.add("run", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  check_arguments(*values);

  const Run run = read_run((*values)["run"].as<std::vector<std::string>>().front());
  check_run(run);
  if (values->count("out")) check_out((*values)["out"].as<std::string>());
  json shadow = shadow_argument(*values, optimizer_of(run));
  set_as_in_run(shadow, run.configuration);
  LimitedController controller(shadow.at("name"), shadow.at("options"),
                               shadow.at("limits"), {training_set_size(run)});
  const Replay result = replay(shadow.at("label"), controller,
                               logged_statistics(run, controller.needs()));
  if (values->count("out")) {
    write_rows(result, (*values)["out"].as<std::string>());
  } else if (values->count("json")) {
    fmt::print("{}\n", as_json(result).dump(2));
  } else {
    print_rows(result);
  }
  say(summary(result));
  return 0;
}

}  // namespace

const Command replay_command{
    "replay", "RUN", "say what a rule would have chosen in a run that was made",
    "Reads the files of the run in folder RUN and tells the rule, inside its limits, "
    "what was\n"
    "logged there, step by step. Prints a row for each change of its decision: just "
    "what a\n"
    "shadow of the run would have logged in shadows.csv. The rule is asked but not "
    "followed:\n"
    "it sees the batch sizes of the run, not those it wants. Refused where the run did "
    "not\n"
    "log what the rule needs (statistics.measure logs more). Trains nothing.\n\n"
    "  batchlab replay results/runs/mine/constant-seed0 --controller norm_test\n"
    "  batchlab replay results/runs/mine/constant-seed0 --controller norm_test \\\n"
    "      --set tolerance=0.3 --set limits.maximum=512 --out norm_test.csv",
    replay_run};

}  // namespace batchlab
