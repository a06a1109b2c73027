// SPDX-License-Identifier: MIT
//
// What rules that go from stage to stage share: where a stage begins, and how large the
// change has become by then.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controllers/option.hpp"

namespace batchlab {

// The option `milestones`: epochs at whose end the next stage begins; [2, 4].
[[nodiscard]] Option milestones_option(const std::string& help);

// `milestones` if each is more than the one before, else throws Error(usage):
// `seesaw: milestones must increase, got [4,2]`. `option`: "seesaw: milestones".
[[nodiscard]] std::vector<std::int64_t> checked_milestones(
    const std::string& option, const nlohmann::json& milestones);

// How many of `milestones` are reached after `epochs_completed` epochs.
[[nodiscard]] std::int64_t reached(const std::vector<std::int64_t>& milestones,
                                   std::int64_t epochs_completed);

// factor^exponent, held within [1e-100, 1e100]: so after any number of stages it is
// neither zero nor infinite, nor are its products with a batch size.
[[nodiscard]] double bounded_power(double factor, std::int64_t exponent);

}  // namespace batchlab
