// SPDX-License-Identifier: MIT
//
// With s examples seen and w examples of warm-up:
//
//     warm-up    a + (1 - a) s / w  while s < w, then 1      (a: warmup_start_factor)
//     constant   1
//     step       factor ^ floor(s / every_examples)
//     cosine     f + (1 - f) (1 + cos(pi min(t / T, 1))) / 2,  t = s - w,  T = total -
//     w
//
// s is taken before the step, so a > 0 keeps the first step from being wasted.
// Cosine: Loshchilov and Hutter 2017, arXiv 1608.03983. Warm-up: Goyal et al. 2017.

#include "controllers/learning_rate_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "controllers/batch_size_option.hpp"
#include "controllers/error.hpp"

namespace batchlab {

std::span<const Option> schedule_options() {
  static const std::vector<Option> options{
      choice_option("name", {"constant", "step", "cosine"}, "shape of the schedule"),
      count_option("warmup_examples", 0, "examples", "length of the linear warm-up", 0),
      number_option("warmup_start_factor", 0.01, 1e-6, 1, "",
                    "factor of the base rate at the first step of the warm-up"),
      only_for(
          "name", {"step"},
          count_option("every_examples", nullptr, "examples", "length of a stair")),
      only_for("name", {"step"},
               number_option("factor", 0.1, 1e-6, 1, "", "factor at every stair")),
      only_for("name", {"cosine"},
               count_option("total_examples", nullptr, "examples",
                            "where it ends, warm-up included; unset: the budget")),
      only_for("name", {"cosine"},
               number_option("final_factor", 0, 0, 1, "", "factor at its end")),
  };
  return options;
}

LearningRateSchedule::LearningRateSchedule(const nlohmann::json& options,
                                           std::int64_t budget_examples)
    : warmup_examples_(options.at("warmup_examples")),
      warmup_start_factor_(options.at("warmup_start_factor")),
      step_factor_(options.value("factor", 1.0)),
      final_factor_(options.value("final_factor", 0.0)) {
  const std::string name = options.at("name");
  if (name == "step") {
    shape_ = Shape::step;
    if (options.at("every_examples").is_null()) {
      throw Error(ErrorKind::usage, "schedule: step needs every_examples, got none");
    }
    every_examples_ = options.at("every_examples");
  }
  if (name == "cosine") {
    shape_ = Shape::cosine;
    const auto& total = options.at("total_examples");
    total_examples_ = total.is_null() ? budget_examples : total.get<std::int64_t>();
    if (total_examples_ <= 0) {
      throw Error(ErrorKind::usage,
                  "schedule: cosine needs total_examples where the budget is not in "
                  "examples or epochs, got none");
    }
    if (total_examples_ <= warmup_examples_) {
      throw Error(
          ErrorKind::usage,
          fmt::format("schedule: total_examples must be more than warmup_examples "
                      "{}, got {}",
                      warmup_examples_, total_examples_));
    }
  }
}

double LearningRateSchedule::factor(std::int64_t examples_seen) const {
  const auto seen = static_cast<double>(examples_seen);
  const auto warmup = static_cast<double>(warmup_examples_);
  const double warm =
      seen < warmup ? warmup_start_factor_ + (1 - warmup_start_factor_) * seen / warmup
                    : 1;
  switch (shape_) {
    case Shape::constant:
      return warm;
    case Shape::step: {
      const std::int64_t stairs = examples_seen / every_examples_;
      return warm * std::pow(step_factor_, static_cast<double>(stairs));
    }
    case Shape::cosine: {
      const double total = static_cast<double>(total_examples_) - warmup;
      const double progress = std::clamp((seen - warmup) / total, 0.0, 1.0);
      const double fall = (1 + std::cos(std::numbers::pi * progress)) / 2;
      return warm * (final_factor_ + (1 - final_factor_) * fall);
    }
  }
  return warm;
}

}  // namespace batchlab
