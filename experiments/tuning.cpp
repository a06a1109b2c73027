// SPDX-License-Identifier: MIT
//
// Shallue, Lee, Antognini, Sohl-Dickstein, Frostig, Dahl: Measuring the effects of data
// parallelism on neural network training (2018), arXiv 1811.03600: a rule that carries
// one batch size's learning rate to another misjudges both, so each is tuned, and the
// search is widened where the best rate lies at its edge.
#include "experiments/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <tuple>

#include "controllers/error.hpp"
#include "experiments/specification_document.hpp"
#include "results/comparison.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

constexpr double least_rate = 1e-12, most_rate = 1e6;  // as of a [[controllers]] entry

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::usage, "tune: " + what);
}

// So that labels stay legible.
double four_digits(double value) {
  const std::string text = fmt::format("{:.4g}", value);
  double rounded = 0;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return rounded;
}

template <class Number>
void sort_distinct(const char* option, std::vector<Number>& values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice != values.end())
    refuse(fmt::format("{}: {} is there twice", option, *twice));
}

// Epochs are examples, but steps and seconds are other numbers of them for each size.
void check_budget(const json& budget) {
  for (const char* key : {"steps", "seconds"}) {
    if (budget.at(key).is_null()) continue;
    refuse(
        fmt::format("budget.{} is another number of examples for each batch size: give "
                    "budget.examples or budget.epochs instead, e.g. --set "
                    "'budget={{examples=270000}}'",
                    key));
  }
}

std::vector<std::uint32_t> seeds_beside(std::uint32_t tuning,
                                        std::vector<std::uint32_t> seeds) {
  std::erase(seeds, tuning);
  if (!seeds.empty()) return seeds;
  refuse(
      fmt::format("seeds: needs one beside {}, which tunes: runs that chose a rate "
                  "do not judge it",
                  tuning));
}

std::vector<double> starting_rates(const TuningOptions& options, double rate) {
  std::vector<double> rates =
      options.learning_rates.empty() ? rates_around(rate) : options.learning_rates;
  sort_distinct("--learning-rates", rates);
  if (rates.size() >= 2) return rates;
  refuse("--learning-rates: needs at least two, e.g. 0.01,0.03,0.1");
}

json constant_entry(std::int64_t batch_size, double rate, const std::string& label) {
  return {{"name", "constant"},
          {"label", label},
          {"batch_size", batch_size},
          {"learning_rate", rate}};
}

// Where nothing is known of its rate, a run is worse than any other.
std::tuple<double, double> rank(const Trial& trial) {
  constexpr double never = std::numeric_limits<double>::infinity();
  return {trial.examples.value_or(never), trial.loss.value_or(never)};
}

}  // namespace

RateGrid rate_grid(const std::vector<double>& given, std::size_t extensions) {
  RateGrid grid{given, 0, given.size()};
  const double down = given[0] / given[1];
  const double up = given[given.size() - 1] / given[given.size() - 2];
  double lower = given.front(), higher = given.back();
  for (std::size_t i = 0; i < extensions; ++i) {
    lower = four_digits(lower * down);
    higher = four_digits(higher * up);
    if (lower >= least_rate && lower < grid.rates.front()) {
      grid.rates.insert(grid.rates.begin(), lower);
      ++grid.begin, ++grid.end;
    }
    if (higher <= most_rate && higher > grid.rates.back()) grid.rates.push_back(higher);
  }
  return grid;
}

std::vector<double> rates_around(double rate) {
  std::vector<double> rates;
  for (const int k : {-2, -1, 0, 1, 2}) {
    const double around = k == 0 ? rate : four_digits(rate * std::pow(10, k / 2.0));
    if (around >= least_rate && around <= most_rate) rates.push_back(around);
  }
  return rates;
}

Tuning make_tuning(json document, const TuningOptions& options) {
  document.erase("shadow");
  document["controllers"] = json::array({{{"name", "constant"}}});
  const json complete = complete_document(document);
  if (complete.at("target").is_null()) {
    refuse("a target is needed, e.g. --set 'target={value=0.86}'");
  }
  check_budget(complete.at("budget"));
  document.erase("controllers");
  document["target"]["stop"] = true;

  Tuning tuning;
  tuning.document = document;
  tuning.name = complete.at("name");
  tuning.metric = complete.at("target").at("metric");
  const auto seeds = complete.at("seeds").get<std::vector<std::uint32_t>>();
  tuning.seed = options.seed.value_or(seeds.front());
  tuning.fresh_seeds = seeds_beside(tuning.seed, seeds);
  tuning.batch_sizes = options.batch_sizes;
  sort_distinct("--batch-sizes", tuning.batch_sizes);
  const double rate = complete.at("optimizer").at("learning_rate");
  tuning.grid = rate_grid(starting_rates(options, rate), options.extensions);
  return tuning;
}

json trials_document(const Tuning& tuning) {
  json document = tuning.document;
  document["name"] = tuning.name + "-tune";
  document["seeds"] = json::array({tuning.seed});
  for (const std::int64_t size : tuning.batch_sizes) {
    for (const double rate : tuning.grid.rates) {
      document["controllers"].push_back(
          constant_entry(size, rate, fmt::format("constant-{}-rate-{}", size, rate)));
    }
  }
  return document;
}

json tuned_document(const Tuning& tuning,
                    std::span<const std::optional<double>> rates) {
  json document = tuning.document;
  document["name"] = tuning.name + "-tuned";
  document["seeds"] = tuning.fresh_seeds;
  document["controllers"] = json::array();
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (!rates[i]) continue;
    const std::int64_t size = tuning.batch_sizes[i];
    document["controllers"].push_back(
        constant_entry(size, *rates[i], fmt::format("constant-{}", size)));
  }
  return document;
}

Trial read_trial(const Run& run) {
  Trial trial;
  trial.diverged = run.status() == "diverged";
  if (trial.diverged) return trial;
  trial.examples =
      compare(std::span(&run, 1)).front().rows.front().examples_to_target.mean;
  for (const Evaluation& at : run.evaluations) {
    if (at.split == "test" && trial.loss_split == "validation") continue;
    trial.loss_split = at.split;
    trial.loss = std::isfinite(at.loss) ? std::optional(at.loss) : std::nullopt;
  }
  return trial;
}

Choice choose(std::size_t begin, std::span<const Trial> trials) {
  const auto best = std::min_element(
      trials.begin(), trials.end(),
      [](const Trial& a, const Trial& b) { return rank(a) < rank(b); });
  const auto alike = std::count_if(
      trials.begin(), trials.end(),
      [&](const Trial& other) { return other.examples == best->examples; });
  Choice choice;
  choice.begin = begin;
  choice.end = begin + trials.size();
  choice.best = begin + static_cast<std::size_t>(best - trials.begin());
  choice.none = !best->examples && !best->loss;
  choice.by_loss = !choice.none && (!best->examples || alike > 1);
  choice.loss_split = best->loss_split;
  return choice;
}

}  // namespace batchlab
