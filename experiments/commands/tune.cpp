// SPDX-License-Identifier: MIT
//
// batchlab tune: the learning rate of every batch size, and runs with those chosen.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "controllers/error.hpp"
#include "experiments/command_line.hpp"
#include "experiments/progress.hpp"
#include "experiments/sweep.hpp"
#include "experiments/toml_file.hpp"
#include "experiments/tuning_search.hpp"
#include "experiments/tuning_table.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

std::vector<std::string> members(const std::string& text) {
  std::vector<std::string> list;
  std::stringstream stream(text + ',');  // so that an empty last one is seen
  for (std::string one; std::getline(stream, one, ',');) list.push_back(one);
  return list;
}

template <class Number>
std::vector<Number> counts(const std::string& option, const std::string& text,
                           std::size_t low, std::size_t high) {
  std::vector<Number> list;
  for (const std::string& one : members(text)) {
    list.push_back(static_cast<Number>(count_argument(option, one, low, high)));
  }
  return list;
}

std::vector<double> rates(const std::string& text) {
  std::vector<double> list;
  for (const std::string& one : members(text)) {
    double rate = 0;
    const char* end = one.data() + one.size();
    const auto [stop, problem] = std::from_chars(one.data(), end, rate);
    if (stop != end || problem != std::errc() || !(rate >= 1e-12 && rate <= 1e6)) {
      throw Error(ErrorKind::usage,
                  fmt::format("--learning-rates: must be numbers in [1e-12, 1000000], "
                              "got \"{}\"",
                              printable(one)));
    }
    list.push_back(rate);
  }
  return list;
}

// Trains the other seeds. Returns the exit code.
int run_tuned(const Tuning& tuning, const TuningSearch& search,
              const SweepOptions& options) {
  const auto chosen = search.chosen();
  const nlohmann::json document = tuned_document(tuning, chosen);
  if (document.at("controllers").empty()) {
    print_trials(tuning, search);
    throw Error(ErrorKind::failed, "tune: no rate has a loss at any batch size");
  }
  const std::vector<RunConfiguration> runs = expand(document);
  const int code = run_sweep(runs, options);
  if (options.dry_run || code > 128) return code;
  const fs::path folder = options.out / runs.front().specification;
  write_text(folder / "specification.toml", to_toml(document));
  std::vector<Run> records;
  for (const RunConfiguration& run : runs) {
    std::error_code ignored;
    if (!fs::exists(folder / run.folder_name() / "run.json", ignored)) continue;
    records.push_back(read_run(folder / run.folder_name()));
  }
  print_trials(tuning, search);
  print_tuned(tuning, search, records);
  fmt::print("again: batchlab run {} --out {}\n",
             (folder / "specification.toml").string(), options.out.string());
  const bool all = std::all_of(chosen.begin(), chosen.end(),
                               [](const auto& rate) { return rate.has_value(); });
  return code == 0 && !all ? exit_some_failed : code;
}

po::options_description tune_options() {
  po::options_description options("options");
  const auto text = [] { return po::value<std::string>(); };
  options.add_options()("batch-sizes", text()->value_name("B[,B...]"),
                        "the batch sizes")(
      "learning-rates", text()->value_name("R,R[,R...]"),
      "the base rates to begin with (default: the optimizer's times 0.1, 0.32, 1, 3.2, "
      "10)")("extensions", text()->value_name("N")->default_value("3"),
             "extend the rates at most so often each way")(
      "tuning-seed", text()->value_name("N"),
      "the seed that chooses the rates (default: the first)")(
      "set",
      po::value<std::vector<std::string>>()->value_name("KEY=VALUE")->composing(),
      "set a key of the specification, as in run")(
      "seed", text()->value_name("N,N[,N...]"), "use these seeds")(
      "threads", text()->value_name("N"), "threads of a run, as in run")(
      "jobs", text()->value_name("N")->default_value("1"), "runs at once")(
      "out", text()->value_name("DIR")->default_value("results/runs"),
      "where the results go: DIR/<name>-tune/ and DIR/<name>-tuned/")(
      "dry-run", "check everything and list the runs that are known, train nothing")(
      "quiet", "no progress, only the result");
  return options;
}

SweepOptions sweep_options(const po::variables_map& values) {
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  SweepOptions options;
  options.out = text("out");
  if (options.out.empty()) throw Error(ErrorKind::usage, "--out: must not be empty");
  options.jobs = count_argument("--jobs", text("jobs"), 1, 1024);
  if (values.count("threads")) {
    options.threads = count_argument("--threads", text("threads"), 1, 1024);
  }
  options.quiet = values.count("quiet") > 0;
  options.dry_run = values.count("dry-run") > 0;
  options.comparison = false;
  return options;
}

Tuning tuning_from(const Command& command, const po::variables_map& values) {
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  nlohmann::json document = document_argument(command, values);
  if (!values.count("batch-sizes")) {
    throw Error(ErrorKind::usage,
                "tune: --batch-sizes is needed, e.g. --batch-sizes 16,64,256");
  }
  TuningOptions options;
  options.batch_sizes =
      counts<std::int64_t>("--batch-sizes", text("batch-sizes"), 1, 1000000000);
  if (values.count("learning-rates")) {
    options.learning_rates = rates(text("learning-rates"));
  }
  options.extensions = count_argument("--extensions", text("extensions"), 0, 20);
  constexpr std::size_t most_seed = 4294967295;
  if (values.count("seed")) {
    document["seeds"] = counts<std::uint32_t>("--seed", text("seed"), 0, most_seed);
  }
  if (values.count("tuning-seed")) {
    options.seed = static_cast<std::uint32_t>(
        count_argument("--tuning-seed", text("tuning-seed"), 0, most_seed));
  }
  return make_tuning(document, options);
}

int run_tune(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("specification", 1);
  const auto values = parse_arguments(command, arguments, tune_options(), positional);
  if (!values) return 0;
  const SweepOptions options = sweep_options(*values);
  const Tuning tuning = tuning_from(command, *values);
  TuningSearch search(tuning, options);
  const int code = search.run();
  if (search.done()) return run_tuned(tuning, search, options);
  if (options.dry_run && code == 0) {
    fmt::print(
        "then: further rates where the best is at an edge, and with those chosen {} "
        "runs of seeds {}\n",
        tuning.batch_sizes.size() * tuning.fresh_seeds.size(),
        fmt::join(tuning.fresh_seeds, ", "));
  }
  return code;
}

}  // namespace

const Command tune_command{
    "tune", "SPEC.toml|RECIPE",
    "tune the learning rate of every batch size, then train",
    "A fair comparison of batch sizes: trains constant at every batch size with every "
    "learning\n"
    "rate, with one seed, until the target (needed) or the end of the budget; takes "
    "for "
    "each size\n"
    "the rate that reaches the target with the fewest examples (else, or of two that "
    "tie, that of\n"
    "the lowest last validation loss, or test loss without such a split); extends the "
    "rates where\n"
    "the best one is at an edge; then trains the other seeds with the rates chosen.\n"
    "Data, model, optimizer and budget are those of the specification; its controllers "
    "and shadows\n"
    "are not run. The runs land in DIR/<name>-tune/ and DIR/<name>-tuned/, beside a "
    "specification\n"
    "of the latter. The same command goes on where it was stopped.\n\n"
    "  batchlab tune four-families --batch-sizes 16,64,256,1024\n"
    "  batchlab tune mine.toml --batch-sizes 32,512 --learning-rates 0.01,0.03,0.1 \\\n"
    "      --seed 0,1,2,3,4 --jobs 2\n"
    "  batchlab compare results/runs/four-families-tuned",
    run_tune};

}  // namespace batchlab
