// SPDX-License-Identifier: MIT
//
// batchlab bench: how long a step takes, over batch sizes and threads.
#include "experiments/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/environment.hpp"

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

void print_table(const std::vector<BenchRow>& rows,
                 const std::vector<StepTimeFit>& fits) {
  fmt::print("{:>10} {:>8} {:>14} {:>12} {:>12} {:>12} {:>9}\n", "batch size",
             "threads", "step us", "min us", "max us", "examples/s", "memory MB");
  for (const BenchRow& row : rows) {
    fmt::print("{:>10} {:>8} {:>14.1f} {:>12.1f} {:>12.1f} {:>12.0f} {:>9.1f}\n",
               row.batch_size, row.threads, 1e6 * row.step_seconds,
               1e6 * row.step_seconds_min, 1e6 * row.step_seconds_max,
               row.examples_per_second,
               static_cast<double>(row.peak_memory_bytes) / 1e6);
  }
  for (const StepTimeFit& fit : fits) {
    fmt::print(
        "step time with {} threads: {:.1f} us + {:.3f} us x batch size (within "
        "{:.0f} %)\n",
        fit.threads, 1e6 * fit.a_seconds, 1e6 * fit.b_seconds_per_example,
        100 * fit.largest_residual);
  }
}

nlohmann::json as_json(const std::vector<BenchRow>& rows,
                       const std::vector<StepTimeFit>& fits) {
  nlohmann::json result{{"environment", environment()},
                        {"rows", nlohmann::json::array()},
                        {"fits", nlohmann::json::array()}};
  for (const BenchRow& row : rows) {
    result["rows"].push_back({{"batch_size", row.batch_size},
                              {"threads", row.threads},
                              {"step_seconds", row.step_seconds},
                              {"step_seconds_min", row.step_seconds_min},
                              {"step_seconds_max", row.step_seconds_max},
                              {"examples_per_second", row.examples_per_second},
                              {"peak_memory_bytes", row.peak_memory_bytes}});
  }
  for (const StepTimeFit& fit : fits) {
    result["fits"].push_back({{"threads", fit.threads},
                              {"a_seconds", fit.a_seconds},
                              {"b_seconds_per_example", fit.b_seconds_per_example},
                              {"largest_residual", fit.largest_residual}});
  }
  return result;
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
      "set a key of the specification, as in run")("json", "as JSON");
  return options;
}

int run_bench(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("specification", 1);
  const auto parsed = parse_arguments(command, arguments, bench_options(), positional);
  if (!parsed) return 0;
  const po::variables_map& values = *parsed;
  const nlohmann::json document = document_argument(command, values);
  BenchOptions options;
  options.batch_sizes = list_argument<std::int64_t>(values, "batch-sizes", 1000000000);
  options.threads = list_argument<std::size_t>(values, "threads", 1024);
  options.repeats =
      count_argument("--repeats", values["repeats"].as<std::string>(), 1, 1000);
  options.repeat_seconds =
      1e-3 * static_cast<double>(count_argument(
                 "--repeat-milliseconds",
                 values["repeat-milliseconds"].as<std::string>(), 1, 60000));

  const std::size_t most_threads =
      *std::max_element(options.threads.begin(), options.threads.end());
  for (const std::string& note : environment_notes(most_threads)) {
    fmt::print(stderr, "batchlab: note: {}\n", note);
  }
  const RunConfiguration run = expand(document).front();
  const DataSource source = load_data(run.data);
  const std::vector<BenchRow> rows = bench(run, source, options);
  const std::vector<StepTimeFit> fits = fit_step_time(rows);
  if (values.count("json")) {
    fmt::print("{}\n", as_json(rows, fits).dump(2));
  } else {
    print_table(rows, fits);
  }
  return 0;
}

}  // namespace

const Command bench_command{
    "bench", "SPEC.toml|RECIPE",
    "measure the training step over batch sizes and threads",
    "Trains the network of a specification with constant batch sizes and reports the "
    "time of\n"
    "a step: data, forward, backward, update and decision; the median of the repeats "
    "and\n"
    "their spread; examples per second; peak memory; and the fit a + b x batch size. "
    "Run\n"
    "nothing else meanwhile.\n\n"
    "  batchlab bench four-families --batch-sizes 8,32,128 --threads 1,2 --json",
    run_bench};

}  // namespace batchlab
