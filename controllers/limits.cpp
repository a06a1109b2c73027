// SPDX-License-Identifier: MIT
//
// From a wish to a batch size, in this order:
//
//     0. a size that is forced is used as it is
//     1. a wish that is not finite holds the size (and rate factor) in force
//     2. first_wait, dwell, cooldown, hysteresis hold it
//     3. growth caps an increase (only) at max(floor(growth B), next multiple)
//     4. minimum, maximum
//     5. the nearest multiple inside [minimum, maximum] and under the growth cap
//
// What changed the outcome last is reported. A size in force that was forced, or that
// other limits allowed, is held by nothing of 2; by 1 if the limits allow it.

#include "controllers/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "controllers/batch_size_option.hpp"
#include "controllers/error.hpp"
#include "controllers/registry.hpp"

namespace batchlab {
namespace {

// The multiple of `multiple` nearest to `value` inside [low, high], which holds one.
std::int64_t nearest_multiple(double value, std::int64_t multiple, double low,
                              double high) {
  const auto step = static_cast<double>(multiple);
  const double first = std::ceil(low / step), last = std::floor(high / step);
  const double nearest =
      std::clamp(std::round(value / step), first, std::max(first, last));
  return static_cast<std::int64_t>(nearest) * multiple;
}

}  // namespace

std::span<const Option> limits_options() {
  static const std::vector<Option> options{
      count_option("minimum", 1, "examples", "smallest batch size"),
      count_option(
          "maximum", nullptr, "examples",
          "largest batch size; unset or above the training set: the training set"),
      number_option(
          "growth", nullptr, 1.0001, 1e6, "(more than 1)",
          "an increase is to this multiple of the batch size at most; unset: no cap"),
      count_option("multiple", 1, "examples", "the batch size is a multiple of this"),
      count_option("first_wait", 0, "steps", "steps before the first change", 0),
      count_option("dwell", 0, "steps", "steps between two changes at least", 0),
      count_option("cooldown", 0, "examples", "examples between two changes at least",
                   0),
      number_option("hysteresis", 0, 0, 1, "",
                    "relative change of the batch size that is still ignored"),
      choice_option("overflow", {"hold", "rate"},
                    "above the maximum, hold it, or also multiply the learning rate by "
                    "maximum / wish"),
  };
  return options;
}

Limits limits_from(const nlohmann::json& options, const Setting& setting) {
  const std::int64_t largest = setting.training_set_size;
  const auto& maximum = options.at("maximum");
  const auto& growth = options.at("growth");
  Limits limits;
  limits.minimum =
      checked_batch_size("limits: minimum", options.at("minimum"), largest);
  limits.maximum =
      maximum.is_null() ? largest : std::min(maximum.get<std::int64_t>(), largest);
  if (!growth.is_null()) limits.growth = growth;
  limits.multiple = options.at("multiple");
  limits.first_wait = options.at("first_wait");
  limits.dwell = options.at("dwell");
  limits.cooldown = options.at("cooldown");
  limits.hysteresis = options.at("hysteresis");
  limits.overflow_to_rate = options.at("overflow") == "rate";
  if (limits.minimum > limits.maximum) {
    throw Error(ErrorKind::usage,
                fmt::format("limits: minimum must be at most maximum {}, got {}",
                            limits.maximum, limits.minimum));
  }
  const std::int64_t last_multiple = limits.maximum / limits.multiple * limits.multiple;
  if (last_multiple < limits.minimum) {
    throw Error(
        ErrorKind::usage,
        fmt::format("limits: multiple must have a multiple in [minimum, maximum] = "
                    "[{}, {}], got {}",
                    limits.minimum, limits.maximum, limits.multiple));
  }
  return limits;
}

LimitedDecision SafetyLayer::apply(const Decision& wanted,
                                   const Statistics& statistics) {
  if (forced_) {
    take(*forced_, statistics);
    was_forced_ = true;
    learning_rate_factor_ = 1;
    return {batch_size_, "control", learning_rate_factor_};
  }
  const double maximum = this->maximum(statistics);
  if (!std::isfinite(wanted.batch_size)) {
    if (batch_size_ != 0) return hold(maximum, statistics);
    throw Error(
        ErrorKind::usage,
        fmt::format("limits: the first batch size wanted must be finite, got {}",
                    wanted.batch_size));
  }
  // What is tried, or returned to, waits for nothing.
  if (wanted.branching != Branching{}) was_forced_ = true;
  const LimitedDecision outcome =
      limited(std::round(wanted.batch_size), maximum, statistics);
  take(outcome.batch_size, statistics);
  was_forced_ = false;
  // What the batch cannot give more, the rate does: at the largest size only.
  const bool largest =
      batch_size_ + limits_.multiple > static_cast<std::int64_t>(maximum);
  const bool overflows =
      limits_.overflow_to_rate && largest && wanted.batch_size > maximum;
  learning_rate_factor_ = overflows ? maximum / wanted.batch_size : 1;
  return {batch_size_, outcome.limited_by, learning_rate_factor_};
}

LimitedDecision SafetyLayer::hold(double maximum, const Statistics& statistics) {
  if (allowed(maximum)) return {batch_size_, "not_finite", learning_rate_factor_};
  const LimitedDecision nearest = bounded(static_cast<double>(batch_size_), maximum);
  take(nearest.batch_size, statistics);
  return {batch_size_, nearest.limited_by, learning_rate_factor_};
}

void SafetyLayer::take(std::int64_t batch_size, const Statistics& statistics) {
  if (batch_size_ != 0 && batch_size != batch_size_) {
    changed_ = true;
    changed_at_step_ = statistics.step;
    changed_at_examples_ = statistics.examples_seen;
  }
  batch_size_ = batch_size;
}

bool SafetyLayer::allowed(double maximum) const {
  return batch_size_ >= limits_.minimum &&
         static_cast<double>(batch_size_) <= maximum &&
         batch_size_ % limits_.multiple == 0;
}

double SafetyLayer::maximum(const Statistics& statistics) const {
  return static_cast<double>(limits_.maximum > 0 ? limits_.maximum
                                                 : statistics.training_set_size);
}

std::int64_t SafetyLayer::extended(double wish, const Statistics& statistics) const {
  if (forced_ || !std::isfinite(wish)) return statistics.batch_size;
  const double rounded = std::round(wish);
  return std::max(statistics.batch_size,
                  limited(rounded, maximum(statistics), statistics).batch_size);
}

LimitedDecision SafetyLayer::limited(double wish, double maximum,
                                     const Statistics& statistics) const {
  if (batch_size_ == 0 || was_forced_ || !allowed(maximum)) {
    return bounded(wish, maximum);
  }
  if (wish == static_cast<double>(batch_size_)) return {batch_size_, "", 1};
  const std::string holds = held_by(wish, statistics);
  return holds.empty() ? bounded(wish, maximum)
                       : LimitedDecision{batch_size_, holds, 1};
}

std::string SafetyLayer::held_by(double wish, const Statistics& statistics) const {
  const auto current = static_cast<double>(batch_size_);
  const std::int64_t steps = statistics.step - changed_at_step_;
  const std::int64_t examples = statistics.examples_seen - changed_at_examples_;
  if (statistics.step < limits_.first_wait) return "first_wait";
  if (changed_ && steps < limits_.dwell) return "dwell";
  if (changed_ && examples < limits_.cooldown) return "cooldown";
  if (std::abs(wish - current) <= limits_.hysteresis * current) return "hysteresis";
  return "";
}

double SafetyLayer::growth_cap() const {
  if (batch_size_ == 0) return std::numeric_limits<double>::infinity();
  const std::int64_t next_multiple =
      (batch_size_ / limits_.multiple + 1) * limits_.multiple;
  return std::max(std::floor(limits_.growth * static_cast<double>(batch_size_)),
                  static_cast<double>(next_multiple));
}

LimitedDecision SafetyLayer::bounded(double wish, double maximum) const {
  const auto minimum = static_cast<double>(limits_.minimum);
  const double cap = growth_cap();
  double size = wish;
  std::string limited_by;
  if (size > cap) {
    size = cap;
    limited_by = "growth";
  }
  if (size < minimum) {
    size = minimum;
    limited_by = "minimum";
  }
  if (size > maximum) {
    size = maximum;
    limited_by = "maximum";
  }
  const std::int64_t used =
      nearest_multiple(size, limits_.multiple, minimum, std::min(maximum, cap));
  if (static_cast<double>(used) != size) limited_by = "multiple";
  return {used, limited_by, 1};
}

nlohmann::json SafetyLayer::save() const {
  return {{"batch_size", batch_size_},
          {"changed_at_step", changed_at_step_},
          {"changed_at_examples", changed_at_examples_},
          {"changed", changed_},
          {"learning_rate_factor", learning_rate_factor_},
          {"was_forced", was_forced_}};
}

void SafetyLayer::load(const nlohmann::json& state) {
  batch_size_ = state.at("batch_size");
  changed_at_step_ = state.at("changed_at_step");
  changed_at_examples_ = state.at("changed_at_examples");
  changed_ = state.at("changed");
  learning_rate_factor_ = state.at("learning_rate_factor");
  was_forced_ = state.at("was_forced");
}

}  // namespace batchlab
