// SPDX-License-Identifier: MIT
//
// Learning-rate schedules: a factor of the base rate as a function of the examples
// seen, never of steps, so that a change of batch size does not move them.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controllers/option.hpp"

namespace batchlab {

// The table behind `[schedule]` of a specification: name ("constant", "step",
// "cosine"), warmup_examples, warmup_start_factor, every_examples (step), factor
// (step), total_examples (cosine), final_factor (cosine).
[[nodiscard]] std::span<const Option> schedule_options();

class LearningRateSchedule {
 public:
  // `options`: complete and checked against schedule_options(). `budget_examples`: the
  // training budget in examples, the default of total_examples; 0 when the budget is in
  // other units: then a cosine without total_examples throws Error(usage).
  LearningRateSchedule(const nlohmann::json& options, std::int64_t budget_examples);

  // In [0, 1] for the built-in schedules. Warm-up is linear and multiplies the
  // schedule.
  [[nodiscard]] double factor(std::int64_t examples_seen) const;

 private:
  enum class Shape { constant, step, cosine };
  Shape shape_ = Shape::constant;
  std::int64_t warmup_examples_ = 0;
  double warmup_start_factor_ = 1;
  std::int64_t every_examples_ = 0;
  double step_factor_ = 1;
  std::int64_t total_examples_ = 0;
  double final_factor_ = 0;
};

}  // namespace batchlab
