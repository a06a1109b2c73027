// SPDX-License-Identifier: MIT
//
// A rule inside its safety layer: what a run follows, what shadows a run, and what a
// replay asks.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controllers/controller.hpp"
#include "controllers/limits.hpp"
#include "controllers/registry.hpp"

namespace batchlab {

class LimitedController {
 public:
  // `limits`: complete. Throws Error(usage) for what the options of the rule or its
  // limits cannot be.
  LimitedController(const std::string& name, const nlohmann::json& options,
                    const nlohmann::json& limits, const Setting& setting);

  [[nodiscard]] Needs needs() const { return needs_; }

  // As Controller::decide(): before the first step, then after every step. Of the
  // optional statistics, the rule sees those that it needs.
  void decide(const Statistics& statistics);

  // As Controller::extended_batch_size(), within the limits: at least
  // statistics.batch_size.
  [[nodiscard]] std::int64_t extended(const Statistics& statistics);

  // From the next decision on, as of the safety layer. The rule is asked as before.
  void set_limits(const Limits& limits) { safety_.set_limits(limits); }
  void force(std::optional<std::int64_t> batch_size) { safety_.force(batch_size); }

  // As Controller::finish().
  void finish() { rule_->finish(); }

  // The last decision: of the rule, and after its limits.
  [[nodiscard]] const Decision& wanted() const { return wanted_; }
  [[nodiscard]] const LimitedDecision& used() const { return used_; }

  [[nodiscard]] const Controller& rule() const { return *rule_; }

 private:
  std::unique_ptr<Controller> rule_;
  SafetyLayer safety_;
  Needs needs_;
  Decision wanted_;
  LimitedDecision used_;
};

}  // namespace batchlab
