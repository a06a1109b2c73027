// SPDX-License-Identifier: MIT
//
// batchlab bench: how long a step takes, over batch sizes and threads.
#include "experiments/bench.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <sstream>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/commands/output_files.hpp"
#include "experiments/environment.hpp"
#include "experiments/progress.hpp"
#include "experiments/recipes.hpp"
#include "experiments/step_time.hpp"
#include "results/bench_report.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

template <class T>
std::vector<T> list_argument(const po::variables_map& values, const std::string& option,
                             std::size_t high) {
  std::vector<T> numbers;
  std::stringstream list(values[option].as<std::string>());
  for (std::string text; std::getline(list, text, ',');) {
    numbers.push_back(static_cast<T>(count_argument("--" + option, text, 1, high)));
  }
  if (numbers.empty())
    throw Error(ErrorKind::usage, "--" + option + ": must not be empty");
  return numbers;
}

void print_table(const BenchedNetwork& network) {
  fmt::print("{}: {}\n", printable(network.name), printable(network.description, 400));
  fmt::print("{:>10} {:>8} {:>14} {:>12} {:>12} {:>12} {:>9}\n", "batch size",
             "threads", "step us", "min us", "max us", "examples/s", "memory MB");
  for (const BenchRow& row : network.rows) {
    fmt::print("{:>10} {:>8} {:>14.1f} {:>12.1f} {:>12.1f} {:>12.0f} {:>9.1f}\n",
               row.batch_size, row.threads, 1e6 * row.step_seconds,
               1e6 * row.step_seconds_min, 1e6 * row.step_seconds_max,
               row.examples_per_second,
               static_cast<double>(row.peak_memory_bytes) / 1e6);
  }
  for (const StepTimeFit& fit : network.fits) {
    fmt::print("step time: {} (within {:.0f} %)\n", step_time_text(fit),
               100 * fit.largest_residual);
  }
}

std::string layer_text(const LayerOptions& layer) {
  std::string text = layer.type;
  if (layer.units > 0) text += fmt::format(" {}", layer.units);
  if (layer.activation != "none") text += " " + layer.activation;
  return layer.rate > 0 ? fmt::format("{} {}", text, layer.rate) : text;
}

// "dense 128 relu, dense 10; adam; fashion-mnist"
std::string description(const RunConfiguration& run) {
  std::vector<std::string> layers;
  for (const LayerOptions& layer : run.layers) layers.push_back(layer_text(layer));
  return fmt::format("{}; {}; {}", fmt::join(layers, ", "), run.optimizer.name,
                     run.data.set);
}

struct Subject {
  RunConfiguration run;
  BenchedNetwork network;
};

// The networks named, or else each of the recipes' once.
std::vector<Subject> subjects(const po::variables_map& values) {
  std::vector<std::string> names;
  const bool named = values.count("specification") > 0;
  if (named) names = values["specification"].as<std::vector<std::string>>();
  for (const Recipe& recipe : recipes()) {
    if (!named) names.emplace_back(recipe.name);
  }
  std::vector<Subject> all;
  for (const std::string& name : names) {
    const RunConfiguration run = expand(document_named(name, values)).front();
    const auto same = std::find_if(all.begin(), all.end(), [&](const Subject& other) {
      return named ? other.network.name == run.specification
                   : other.network.description == description(run);
    });
    if (same == all.end()) {
      all.push_back({run, {run.specification, description(run), {}}});
    } else if (named) {
      throw Error(ErrorKind::usage,
                  fmt::format("bench: two specifications have the name {}; rename one",
                              printable(run.specification)));
    } else {
      same->network.others.push_back(run.specification);
    }
  }
  return all;
}

po::options_description bench_options() {
  po::options_description options("options");
  options.add_options()("batch-sizes",
                        po::value<std::string>()->value_name("N,N,...")->default_value(
                            "8,32,128,512,4096"),
                        "batch sizes to measure")(
      "threads", po::value<std::string>()->value_name("N,N,...")->default_value("1,2"),
      "numbers of threads to measure")(
      "repeats", po::value<std::string>()->value_name("N")->default_value("7"),
      "repeats, of which the median is reported")(
      "repeat-milliseconds",
      po::value<std::string>()->value_name("N")->default_value("500"),
      "length of a repeat")(
      "set",
      po::value<std::vector<std::string>>()->value_name("KEY=VALUE")->composing(),
      "set a key of the specification, as in run")(
      "report", po::value<std::string>()->value_name("FILE"), "also as a page")(
      "svg", po::value<std::string>()->value_name("DIR"),
      "also its figures, as SVG files")("json", "as JSON")("markdown", "as Markdown");
  return options;
}

std::string text_option(const po::variables_map& values, const char* name) {
  return values.count(name) ? values[name].as<std::string>() : std::string();
}

BenchOptions measured(const po::variables_map& values) {
  const auto count = [&](const char* name, std::size_t high) {
    return count_argument(std::string("--") + name, text_option(values, name), 1, high);
  };
  return {.batch_sizes = list_argument<std::int64_t>(values, "batch-sizes", 1000000000),
          .threads = list_argument<std::size_t>(values, "threads", 1024),
          .repeats = count("repeats", 1000),
          .repeat_seconds =
              1e-3 * static_cast<double>(count("repeat-milliseconds", 60000))};
}

// Else what the data of one network took would count in the peaks of the next.
void forget_freed_memory() { malloc_trim(0); }

BenchResult measure_all(std::vector<Subject> all, const BenchOptions& options) {
  BenchResult result{.networks = {},
                     .environment = environment(),
                     .warm_up_steps = bench_warm_up_steps,
                     .repeats = options.repeats,
                     .repeat_seconds = options.repeat_seconds};
  result.notes = environment_notes(
      *std::max_element(options.threads.begin(), options.threads.end()));
  for (const std::string& note : result.notes) {
    say(fmt::format("batchlab: note: {}\n", note));
  }
  for (Subject& subject : all) {
    forget_freed_memory();
    const DataSource source = load_data(subject.run.data);
    subject.network.rows = bench(subject.run, source, options);
    subject.network.fits = fit_step_time(subject.network.rows);
    result.networks.push_back(std::move(subject.network));
  }
  return result;
}

std::string title(const BenchResult& result) {
  std::vector<std::string> names;
  for (const BenchedNetwork& network : result.networks) names.push_back(network.name);
  return fmt::format("Time of a training step: {}", fmt::join(names, ", "));
}

int run_bench(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("specification", -1);
  const auto values = parse_arguments(command, arguments, bench_options(), positional);
  if (!values) return 0;
  if (values->count("json") + values->count("markdown") > 1) {
    throw Error(ErrorKind::usage, "bench: one of --json and --markdown at a time");
  }
  const BenchResult result = measure_all(subjects(*values), measured(*values));
  const ReportOptions made{.title = title(result),
                           .command = command_text("bench", arguments),
                           .made_at = utc_now(),
                           .made_by = fmt::format("batchlab {}", version())};
  const Report report = make_bench_report(result, made);
  write_output("bench", text_option(*values, "report"), report.page);
  write_figures("bench", text_option(*values, "svg"), report.figures);
  if (values->count("json")) {
    fmt::print("{}\n", to_json(result).dump(2));
  } else if (values->count("markdown")) {
    fmt::print("{}", to_markdown(result, made));
  } else {
    for (const BenchedNetwork& network : result.networks) print_table(network);
  }
  return 0;
}

}  // namespace

const Command bench_command{
    "bench", "[SPEC.toml|RECIPE...]",
    "measure the training step over batch sizes and threads",
    "Trains the network of each specification (of the recipes, each network once, if "
    "none is\n"
    "named) with constant batch sizes and reports the time of a step: data, forward, "
    "backward,\n"
    "update and decision; the median of the repeats and their spread; examples per "
    "second; peak\n"
    "memory; and the fit a + b x batch size. Run nothing else meanwhile.\n\n"
    "  batchlab bench four-families --batch-sizes 8,32,128 --threads 1,2 --json\n"
    "  batchlab bench --report bench.html --svg figures --markdown > bench.md",
    run_bench};

}  // namespace batchlab
