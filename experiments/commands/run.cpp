// SPDX-License-Identifier: MIT
//
// batchlab run, batchlab reproduce: a specification's runs.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/intervention.hpp"
#include "experiments/measured_options.hpp"
#include "experiments/option_help.hpp"
#include "experiments/plugins/provenance.hpp"
#include "experiments/progress.hpp"
#include "experiments/recipes.hpp"
#include "experiments/specification.hpp"
#include "experiments/sweep.hpp"
#include "experiments/toml_file.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

po::options_description run_options() {
  po::options_description options("options");
  options.add_options()(
      "set",
      po::value<std::vector<std::string>>()->value_name("KEY=VALUE")->composing(),
      "set a key of the specification, e.g. budget.epochs=2, optimizer.name=sgd, "
      "controllers.noise_scale.batch_size=64; may be given often")(
      "seed", po::value<std::string>()->value_name("N[,N...]"), "use these seeds")(
      "threads", po::value<std::string>()->value_name("N"),
      "threads of a run (default: the cores divided by the jobs); changes no result")(
      "jobs", po::value<std::string>()->value_name("N")->default_value("1"),
      "runs at once, each in a process of its own")(
      "out", po::value<std::string>()->value_name("DIR")->default_value("results/runs"),
      "where the results go: DIR/<name>/<controller>-seed<n>/")(
      "control", po::value<std::string>()->value_name("FILE"),
      "obey FILE while the runs go on: TOML with batch_size (forced) and [limits]")(
      "interventions", po::value<std::string>()->value_name("RUN"),
      "make the run of folder RUN again, with the interventions of its log")(
      "allow-changed-plugin",
      "keep finished runs that another build of their plugin made")(
      "dry-run", "check everything and list the runs, but train nothing")(
      "json", "with --dry-run: the complete configurations")(
      "quiet", "no progress, only the result");
  return options;
}

nlohmann::json seeds_from(const std::string& text) {
  auto seeds = nlohmann::json::array();
  std::stringstream list(text + ',');  // so that an empty last seed is seen
  for (std::string seed; std::getline(list, seed, ',');) {
    seeds.push_back(count_argument("--seed", seed, 0, 4294967295));
  }
  return seeds;
}

// What tells the specification of a run from that of another but for its name.
std::string difference_of(const Run& run, const RunConfiguration& configuration) {
  nlohmann::json made = run.configuration;
  made.erase("interventions");
  made["name"] = configuration.specification;
  return first_difference(made, configuration.document);
}

// A run can only be repeated by the controllers that made it.
void check_plugins(const Run& run, const RunConfiguration& configuration,
                   const SweepOptions& options) {
  const std::string differs = plugin_difference(run.record, configuration);
  if (differs.empty()) return;
  const std::string what = fmt::format("--interventions {}: made with {}",
                                       printable(run.folder.string(), 400), differs);
  if (!options.allow_changed_plugin) {
    throw Error(ErrorKind::usage, what + "; --allow-changed-plugin goes on");
  }
  if (!options.quiet) say("batchlab: note: " + what + "\n");
}

// The one of `runs` that stands where the run of `folder` stood, with its log.
RunConfiguration repeated(const std::vector<RunConfiguration>& runs,
                          const std::string& folder, const SweepOptions& options) {
  const Run run = read_run(folder);
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const auto& other) {
    return other.label == run.controller() && other.seed == run.seed();
  });
  if (found == runs.end()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("--interventions {}: it is of controller {}, seed {}, "
                    "which the specification has not",
                    printable(folder, 400), printable(run.controller()), run.seed()));
  }
  RunConfiguration configuration = *found;
  set_as_in_run(configuration, run.configuration);
  const std::string difference = difference_of(run, configuration);
  if (!difference.empty() && !options.quiet) {
    say(fmt::format("batchlab: note: {} was made from another configuration ({})\n",
                    printable(folder, 400), difference));
  }
  check_plugins(run, *found, options);
  const auto interventions = read_interventions(run.folder / "interventions.csv");
  if (interventions.size() < run.record.value("interventions", std::size_t{0})) {
    throw Error(
        ErrorKind::corrupt,
        fmt::format("--interventions {}: {} in interventions.csv, {} in run.json",
                    printable(folder, 400), interventions.size(),
                    run.record.at("interventions").dump()));
  }
  const auto last = interventions.empty() ? 0 : interventions.back().step;
  if (last > run.record.value("steps", last)) {
    throw Error(
        ErrorKind::corrupt,
        fmt::format("--interventions {}: one after step {} in "
                    "interventions.csv, {} steps in run.json",
                    printable(folder, 400), last, run.record.at("steps").dump()));
  }
  for (const auto& one : interventions) configuration.intervene(one);
  return configuration;
}

std::string path_option(const po::variables_map& values, const char* name) {
  if (!values.count(name)) return "";
  const auto path = values[name].as<std::string>();
  if (!path.empty()) return path;
  throw Error(ErrorKind::usage, fmt::format("--{}: must not be empty", name));
}

int run_document(nlohmann::json document, const po::variables_map& values) {
  if (values.count("set")) {
    for (const auto& setting : values["set"].as<std::vector<std::string>>()) {
      apply_setting(document, setting);
    }
  }
  if (values.count("seed")) {
    document["seeds"] = seeds_from(values["seed"].as<std::string>());
  }
  SweepOptions options;
  options.out = path_option(values, "out");
  if (values.count("threads")) {
    options.threads =
        count_argument("--threads", values["threads"].as<std::string>(), 1, 1024);
  }
  options.jobs = count_argument("--jobs", values["jobs"].as<std::string>(), 1, 1024);
  options.quiet = values.count("quiet") > 0;
  options.dry_run = values.count("dry-run") > 0;
  options.json = values.count("json") > 0;
  if (options.json && !options.dry_run) {
    throw Error(ErrorKind::usage, "--json: needs --dry-run");
  }
  options.allow_changed_plugin = values.count("allow-changed-plugin") > 0;
  options.control = path_option(values, "control");
  const std::string made = path_option(values, "interventions");
  if (made.empty()) return run_sweep(expand(document), options);
  if (!options.control.empty()) {
    throw Error(ErrorKind::usage,
                "--control, --interventions: one at a time (a log cannot be changed)");
  }
  return run_sweep({repeated(expand(document), made, options)}, options);
}

int run(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("specification", 1);
  po::options_description options = run_options();
  options.add_options()("options", "list every option of a specification");
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (values->count("options")) {
    print_specification_options();
    return 0;
  }
  if (!values->count("specification")) {
    throw Error(ErrorKind::usage,
                "run: a specification is needed: batchlab run SPEC.toml");
  }
  const auto path = (*values)["specification"].as<std::vector<std::string>>().front();
  return run_document(parse_toml(read_text_file(path), path), *values);
}

void list_recipes() {
  for (const Recipe& recipe : recipes()) {
    fmt::print("{:<22} {}\n", recipe.name, recipe.summary());
  }
}

int reproduce(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("recipe", 1);
  po::options_description options = run_options();
  options.add_options()("list", "list the recipes")("print", "print the recipe itself");
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (values->count("list")) {
    list_recipes();
    return 0;
  }
  if (!values->count("recipe")) {
    throw Error(
        ErrorKind::usage,
        "reproduce: a recipe is needed: batchlab reproduce NAME (--list names them)");
  }
  const Recipe& recipe =
      find_recipe((*values)["recipe"].as<std::vector<std::string>>().front());
  if (values->count("print")) {
    fmt::print("{}", recipe.text);
    return 0;
  }
  return run_document(parse_toml(recipe.text, std::string(recipe.name)), *values);
}

}  // namespace

const Command run_command{
    "run", "SPEC.toml",
    "run an experiment: every controller of a specification, every seed",
    "Runs the experiment that SPEC.toml describes: each [[controllers]] entry with "
    "each\n"
    "seed, and prints the comparison. What is finished already is kept, so the same\n"
    "command goes on where it was stopped. Results are bit-identical for any --threads "
    "and\n"
    "--jobs.\n\n"
    "With --control FILE every run in progress reads FILE when it changes, from its "
    "second\n"
    "step on; batch_size = 256 forces that size until the line goes, [limits] replace "
    "those of\n"
    "the run. What cannot be read is refused, and nothing changes. The run logs it in\n"
    "interventions.csv, with which --interventions RUN makes it again bit by bit.\n\n"
    "  batchlab run experiment.toml\n"
    "  batchlab run experiment.toml --set budget.epochs=1 --seed 7 --out /tmp/try\n"
    "  batchlab run experiment.toml --control control.toml\n"
    "  batchlab run experiment.toml --out again \\\n"
    "      --interventions results/runs/experiment/constant-seed0\n"
    "  batchlab run --options                 every option of a specification",
    run};

const Command reproduce_command{
    "reproduce", "NAME", "run one of the recipes that come with batchlab",
    "Runs a recipe: a specification that is part of batchlab, with the figure to "
    "expect.\n\n"
    "  batchlab reproduce --list\n"
    "  batchlab reproduce four-families --jobs 2\n"
    "  batchlab reproduce four-families --print > mine.toml",
    reproduce};

}  // namespace batchlab
