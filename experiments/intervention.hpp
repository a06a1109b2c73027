// SPDX-License-Identifier: MIT
//
// What a person changes of a run while it goes on: its limits, or the batch size
// itself. A run is a function of its configuration and of these.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controllers/limits.hpp"
#include "controllers/registry.hpp"
#include "controllers/statistics.hpp"

namespace batchlab {

// In force from the decision after `step` on, until the next one.
struct Intervention {
  std::int64_t step = 0;                             // from 1
  std::optional<std::int64_t> batch_size;            // forced; absent: the rule decides
  nlohmann::json limits = nlohmann::json::object();  // that differ from the run's own

  // Whether it leaves as much to the rule; the step does not count.
  [[nodiscard]] bool same_as(const Intervention& other) const {
    return batch_size == other.batch_size && limits == other.limits;
  }
};

// What the interventions in a run are checked against.
struct OwnLimits {
  nlohmann::json limits;  // complete options
  Setting setting;
};

// The table that an intervention is given as: batch_size, limits.
[[nodiscard]] std::span<const Option> intervention_options();

// From such a table. Throws Error(usage), opening with `owner`, for unknown keys, wrong
// types and ranges, and limits that contradict each other or the run's own.
[[nodiscard]] Intervention checked_intervention(const std::string& owner,
                                                const nlohmann::json& given,
                                                const OwnLimits& own);

// All limits that are in force under one that was checked.
[[nodiscard]] Limits limits_under(const Intervention& intervention,
                                  const OwnLimits& own);

// As config.json lists it: step, batch_size (or null), limits.
[[nodiscard]] nlohmann::json to_json(const Intervention& intervention);

// "batch_size 256, limits {"maximum":512}", or "none".
[[nodiscard]] std::string to_text(const Intervention& intervention);

// interventions.csv: step, examples_seen, batch_size, and each limit; empty: left to
// the rule, or the run's own.
[[nodiscard]] std::string intervention_columns();
[[nodiscard]] std::string intervention_row(const Statistics& at,
                                           const Intervention& intervention);

// The rows of such a file; their values are checked by the run that they are for.
// Throws Error(data) where there is none, Error(corrupt) naming the row for what cannot
// be one, and for a torn line.
[[nodiscard]] std::vector<Intervention> read_interventions(
    const std::filesystem::path& path);

// Where the interventions in a run come from.
class InterventionSource {
 public:
  virtual ~InterventionSource() = default;
  // Asked after each step, outside the training clock: what is in force from the next
  // decision on, where that changes. Its step does not matter.
  [[nodiscard]] virtual std::optional<Intervention> after(const Statistics& step) = 0;
};

// Those of a run that was made: by step, each later than the one before. None of none.
// Throws Error(usage) as checked_intervention() does.
[[nodiscard]] std::unique_ptr<InterventionSource> logged_interventions(
    const std::vector<Intervention>& interventions, const OwnLimits& own);

}  // namespace batchlab
