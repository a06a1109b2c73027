// SPDX-License-Identifier: MIT
//
// What is measured at constant batch sizes, at rest.
#include "tests/known_answers/answers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "experiments/specification.hpp"
#include "tests/known_answers/measured.hpp"

namespace batchlab::known_answers {

namespace {

using nlohmann::json;
using Values = std::vector<double>;
using Runs = std::vector<Measured>;

// `specification` of a problem at rest with one rule, a constant batch.
json constant(const Problem& problem, const Effort& effort, double batch_size,
              double steps) {
  json specification = problem.at_rest;
  specification["seeds"] = effort.seeds;
  specification["budget"] = {{"steps", static_cast<std::int64_t>(std::ceil(steps))}};
  specification["controllers"] = {
      {{"name", "constant"}, {"batch_size", static_cast<int>(batch_size)}}};
  return specification;
}

// The estimator's batches, and how far apart its intervals are taken.
constexpr double estimated_size = 64, horizons = 3;

Runs estimate(const Problem& problem, const Effort& effort,
              const std::string& estimator, double horizon) {
  json specification = constant(problem, effort, estimated_size,
                                effort.intervals * horizons * horizon / estimated_size);
  specification["statistics"] = {{"estimator", estimator},
                                 {"horizon_examples", horizon},
                                 {"measure", {"noise_scale"}}};
  return measure(problem, specification, effort.jobs).at(0);
}

Runs at_size(const Problem& problem, const Effort& effort, double batch_size) {
  constexpr double examples = 400000;
  const double steps = problem.at_rest.at("budget").at("steps");
  json specification =
      constant(problem, effort, batch_size, std::min(steps, examples / batch_size));
  specification["statistics"]["measure"] = {
      "noise_scale", "example_gradient_norm_squared_mean", "inner_product_variance",
      "orthogonal_variance", "half_batch_cosine"};
  return measure(problem, specification, effort.jobs).at(0);
}

double option_of(const Problem& problem, const std::string& rule, const char* option) {
  for (const RunConfiguration& run : expand(problem.at_rest)) {
    if (run.controller == rule) return run.controller_options.at(option);
  }
  throw std::invalid_argument(problem.name + " has no rule " + rule);
}

double covered(const Measured& run) { return run.covering / run.intervals; }

}  // namespace

double Answer::mean() const {
  return std::accumulate(measured.begin(), measured.end(), 0.0) /
         static_cast<double>(measured.size());
}

double Answer::standard_error() const {
  double squares = 0;
  for (const double value : measured) squares += (value - mean()) * (value - mean());
  const auto count = static_cast<double>(measured.size());
  return std::sqrt(squares / (count - 1) / count);
}

std::vector<Answer> estimator_answers(const Problem& problem, const Effort& effort) {
  const QuadraticNoise& noise = problem.noise;
  const double horizon = problem.at_rest.at("statistics").at("horizon_examples");
  const std::string intervals = "95 % intervals that hold S";
  std::vector<Answer> answers;
  for (const std::string estimator : {"per_example", "micro_batch", "two_step"}) {
    const Runs runs = estimate(problem, effort, estimator, horizon);
    const auto add = [&](const std::string& quantity, const std::string& formula,
                         double expected, double Measured::*measured) {
      answers.push_back({estimator + ": " + quantity, formula, problem.name, expected,
                         values(runs, measured), 0.95, 1.05});
    };
    add("noise scale", "S = tr Sigma / G^2", noise.noise_scale(),
        &Measured::noise_scale);
    add("V", "tr Sigma", noise.gradient_variance_trace, &Measured::variance_trace);
    add("G2", "G^2", noise.true_gradient_norm_squared, &Measured::true_norm_squared);
    answers.push_back({estimator + ": " + intervals, "0.95", problem.name, 0.95,
                       values(runs, covered), 0.90 / 0.95, 0.99 / 0.95});
  }
  // Within an epoch, drawn without replacement, part of the noise cancels.
  Effort less = effort;
  less.intervals = std::max(1, effort.intervals / 5);
  answers.push_back(
      {"per_example, horizon of an epoch: " + intervals, "0.95 or more", problem.name,
       0.95, values(estimate(problem, less, "per_example", problem.examples), covered),
       0.90 / 0.95, 1 / 0.95});
  return answers;
}

std::vector<Answer> relation_answers(const Problem& problem, const Effort& effort) {
  const double scale = problem.noise_scale(), seen = problem.seen_noise_scale();
  std::vector<Answer> answers;
  const auto add = [&](const std::string& quantity, const std::string& formula,
                       double expected, Values measured) {
    answers.push_back(
        {quantity, formula, problem.name, expected, std::move(measured), 0.95, 1.05});
  };
  const auto add_test = [&](const std::string& quantity, double tolerance, double size,
                            double Measured::*variance, int power) {
    size = std::round(size);
    add(quantity, "tolerance^2", tolerance * tolerance,
        values(at_size(problem, effort, size), [&](const Measured& run) {
          return run.*variance / (size * std::pow(run.norm_squared, power));
        }));
  };
  const double theta = option_of(problem, "norm_test", "tolerance");
  add_test("norm test: V / (B q) at its B", theta, problem.norm_test_size(theta),
           &Measured::variance_trace, 1);
  const double along = option_of(problem, "inner_product_test", "tolerance");
  add_test("inner product test: VarIP / (B q^2) at its B", along,
           problem.inner_product_test_size(along), &Measured::inner_product_variance,
           2);
  const double across = option_of(problem, "adadagrad", "orthogonal_tolerance");
  add_test("orthogonal test: VarOrth / (B q) at its B", across,
           problem.orthogonal_test_size(across), &Measured::orthogonal_variance, 1);

  const double size = std::round(scale), quarter = std::round(scale / 4);
  const Runs equal = at_size(problem, effort, size);
  const Runs small = at_size(problem, effort, quarter);
  add("big batch: B q / V at B = S", "1 + B/S'", 1 + size / seen,
      values(equal, [&](const Measured& run) {
        return size * run.norm_squared / run.variance_trace;
      }));
  add("gradient diversity: N Delta = s / G2", "1 + S (1 - 1/N)",
      1 + scale * (1 - 1 / problem.examples), values(equal, [](const Measured& run) {
        return run.example_norm_squared / run.true_norm_squared;
      }));
  add("SimiGrad: cosine of the halves at B = S", "1 / (1 + 2 S'/B)",
      1 / (1 + 2 * seen / size), values(equal, &Measured::half_cosine));
  Values efficiency;
  for (std::size_t i = 0; i < equal.size(); ++i) {
    efficiency.push_back(quarter * small[i].norm_squared /
                         (size * equal[i].norm_squared));
  }
  add("Pollux: B0 q(B0) / (B q(B)) at S/4, S", "(S' + B0) / (S' + B)",
      (seen + quarter) / (seen + size), efficiency);
  return answers;
}

}  // namespace batchlab::known_answers
