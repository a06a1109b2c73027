// SPDX-License-Identifier: MIT
//
// The safety layer around every rule: from the batch size wanted to the batch size
// used.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "controllers/controller.hpp"
#include "controllers/option.hpp"

namespace batchlab {

struct Setting;  // registry.hpp

struct Limits {
  std::int64_t minimum = 1;  // examples
  std::int64_t maximum = 0;  // examples; 0: the training set
  double growth =
      std::numeric_limits<double>::infinity();  // B' <= growth B at one change
  std::int64_t multiple = 1;                    // B is a multiple of this
  std::int64_t first_wait = 0;                  // steps before the first change
  std::int64_t dwell = 0;                       // steps between two changes
  std::int64_t cooldown = 0;      // examples after a change without another
  double hysteresis = 0;          // |B' - B| <= hysteresis B: no change
  bool overflow_to_rate = false;  // wanted > maximum: rate *= maximum / wanted
};

// The table behind `limits = {...}` of a specification: minimum, maximum, growth,
// multiple, first_wait, dwell, cooldown, hysteresis, overflow ("hold" or "rate").
[[nodiscard]] std::span<const Option> limits_options();

// `options`: complete and checked against limits_options(). Throws Error(usage) when
// the limits contradict each other (minimum > maximum, no multiple between them).
[[nodiscard]] Limits limits_from(const nlohmann::json& options, const Setting& setting);

struct LimitedDecision {
  std::int64_t batch_size = 0;      // to use
  std::string limited_by;           // "", "not_finite", "minimum", "maximum", "growth",
                                    // "multiple", "first_wait", "dwell", "cooldown",
                                    // "hysteresis", "control" (forced)
  double learning_rate_factor = 1;  // below 1 only for overflow
};

class SafetyLayer {
 public:
  explicit SafetyLayer(const Limits& limits) : limits_(limits) {}

  // `statistics` as given to the rule. The first call (step 0) knows no batch size
  // before: only minimum, maximum and multiple apply. Throws Error(usage) if the first
  // batch size wanted is not finite.
  [[nodiscard]] LimitedDecision apply(const Decision& wanted,
                                      const Statistics& statistics);

  // The examples that a batch of statistics.batch_size, at least, may be extended to
  // within its step when the rule wants `wish`: what apply() would make of it.
  [[nodiscard]] std::int64_t extended(double wish, const Statistics& statistics) const;

  // From the next apply() on. A size in force that they do not allow is not held.
  void set_limits(const Limits& limits) { limits_ = limits; }

  // From the next apply() on, this size is used whatever is wanted and whatever the
  // limits are; absent: they decide again, and no wait or hysteresis holds what was
  // forced.
  void force(std::optional<std::int64_t> batch_size) { forced_ = batch_size; }

  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& state);

 private:
  [[nodiscard]] LimitedDecision hold(double maximum, const Statistics& statistics);
  void take(std::int64_t batch_size, const Statistics& statistics);
  // Whether the size in force is one that the limits allow.
  [[nodiscard]] bool allowed(double maximum) const;
  [[nodiscard]] double maximum(const Statistics& statistics) const;
  [[nodiscard]] LimitedDecision limited(double wish, double maximum,
                                        const Statistics& statistics) const;
  // The limit that keeps the size in force; "" for none.
  [[nodiscard]] std::string held_by(double wish, const Statistics& statistics) const;
  [[nodiscard]] double growth_cap() const;  // examples
  [[nodiscard]] LimitedDecision bounded(double wish, double maximum) const;

  Limits limits_;
  std::int64_t batch_size_ = 0;  // in force; a short last batch does not count
  std::int64_t changed_at_step_ = 0;
  std::int64_t changed_at_examples_ = 0;
  bool changed_ = false;             // at least once after the first
  double learning_rate_factor_ = 1;  // in force; a wish not finite keeps it
  std::optional<std::int64_t> forced_;
  bool was_forced_ = false;  // the size in force
};

}  // namespace batchlab
