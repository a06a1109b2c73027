// SPDX-License-Identifier: MIT
//
// What the tests of this folder share: statistics of steps that do not change, options
// that every rule accepts.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controllers/contract.hpp"
#include "controllers/error.hpp"
#include "controllers/registry.hpp"

namespace batchlab {

inline constexpr Setting fashion_mnist{54000};

// Options for the rules that cannot be made from defaults alone, or would not move on
// the statistics below; else an empty table.
inline nlohmann::json example_options(const std::string& name) {
  if (name == "gradient_diversity") return {{"delta", 1.0}};
  if (name == "goodput") return {{"cost_ratio", 30}};
  if (name != "phases") return nlohmann::json::object();
  return nlohmann::json::parse(R"({"phases": [
      {"until": {"epochs": 1}, "batch_size": 32},
      {"until": {"steps": 40}, "batch_size": 64, "learning_rate": 0.01},
      {"batch_size": 128, "subset": {"first": 100, "count": 1000}}]})");
}

// Options that reach every branch of the built-in rules.
inline std::vector<nlohmann::json> example_variants(const std::string& name) {
  std::vector<nlohmann::json> variants{example_options(name)};
  if (name == "cyclic") {
    variants.push_back({{"shape", "triangular"}, {"half_period_examples", 700}});
    variants.push_back({{"shape", "triangular"}, {"decay", "exponential"}});
    variants.push_back(
        {{"shape", "cosine"}, {"period_factor", 2}, {"period_examples", 300}});
  }
  if (name == "ramp") {
    variants.push_back({{"ramp_examples", 9000}});
    variants.push_back({{"ramp_examples", 9000}, {"shape", "geometric"}});
  }
  if (name == "adabatch") variants.push_back({{"every_epochs", 1}});
  if (name == "dont_decay") variants.push_back({{"milestones", {1, 2, 5, 9}}});
  if (name == "seesaw") {
    variants.push_back({{"form", "sgd"}});
    variants.push_back({{"when", "every"}, {"every_epochs", 1}});
  }
  if (name == "late_switch") {
    variants.push_back({{"unit", "examples"}, {"switch_at", 5000}});
  }
  if (name == "geodamp") variants.push_back({{"delay", 1}});
  if (name == "padadamp") variants.push_back({{"growth_per_step", 0.7}});
  if (name == "plateau") {
    variants.push_back({{"patience", 1}, {"cooldown", 2}});
    variants.push_back({{"metric", "validation_accuracy"}, {"patience", 2}});
    variants.push_back({{"metric", "training_loss"}, {"patience", 2}});
  }
  if (name == "goodput") variants.push_back({{"cost_ratio", 30}, {"refit", true}});
  if (name == "critical_batch") {
    variants.push_back({{"every_examples", 500}, {"window_examples", 300}});
    variants.push_back(
        {{"every_examples", 1}, {"window_examples", 1}, {"doublings", 5}});
  }
  if (name == "noise_scale") variants.push_back({{"form", "square_root"}});
  if (name == "big_batch") variants.push_back({{"horizon_examples", 500}});
  if (name == "norm_test") variants.push_back({{"horizon_examples", 500}});
  if (name == "inner_product_test") {
    variants.push_back({{"form", "augmented"}});
    variants.push_back({{"tolerance", 0.1}, {"horizon_examples", 200}});
  }
  if (name == "adadagrad") {
    variants.push_back({{"test", "inner_product"}});
    variants.push_back({{"test", "augmented"}});
    variants.push_back({{"test", "augmented"},
                        {"orthogonal_tolerance", 0.1},
                        {"horizon_examples", 200}});
  }
  if (name == "simigrad") variants.push_back({{"memory_steps", 1}});
  return variants;
}

// What a step of `batch_size` measures on average where V and G2 do not change, half of
// V being along the gradient: loss 1 at rate 0.1.
inline Statistics on_average(std::int64_t batch_size, double variance_trace,
                             double true_norm_squared) {
  Statistics statistics;
  statistics.training_set_size = 54000;
  statistics.step = 1;
  statistics.batch_size = batch_size;
  statistics.learning_rate = 0.1;
  statistics.batch_loss = 1;
  const auto size = static_cast<double>(batch_size);
  const double common = true_norm_squared - variance_trace / 54000;
  const double q = common + variance_trace / size;
  statistics.gradient_norm_squared = q;
  if (batch_size == 1) return statistics;
  statistics.gradient_variance_trace = variance_trace;
  statistics.true_gradient_norm_squared = true_norm_squared;
  statistics.example_gradient_norm_squared_mean =
      q + variance_trace * (size - 1) / size;
  statistics.inner_product_variance = variance_trace / 2 * q;
  statistics.orthogonal_variance = variance_trace / 2;
  statistics.half_batch_cosine = common / (common + variance_trace * 2 / size);
  if (true_norm_squared > 0)
    statistics.noise_scale = variance_trace / true_norm_squared;
  return statistics;
}

// The batch size wanted after 2000 such steps, each of the size wanted before.
inline double settled(Controller& rule, double variance_trace,
                      double true_norm_squared) {
  double wanted = rule.decide({}).batch_size;
  for (int step = 0; step < 2000; ++step) {
    const auto batch_size = std::clamp<std::int64_t>(std::llround(wanted), 1, 54000);
    wanted = rule.decide(on_average(batch_size, variance_trace, true_norm_squared))
                 .batch_size;
  }
  return wanted;
}

// The message of the Error that `action` throws; "" if it throws none.
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// The message when `options` are refused; "" when they are accepted.
inline std::string refusal(const std::string& name, const nlohmann::json& options,
                           const Setting& setting = fashion_mnist) {
  return error_of([&] { (void)make_controller(name, options, setting); });
}

}  // namespace batchlab
