// SPDX-License-Identifier: MIT
#include "controllers/stages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "controllers/batch_size_option.hpp"
#include "controllers/error.hpp"

namespace batchlab {

Option milestones_option(const std::string& help) {
  return {
      "milestones", Option::Kind::integer_list, {2, 4}, 1, most_counted, {}, "epochs",
      help};
}

std::vector<std::int64_t> checked_milestones(const std::string& option,
                                             const nlohmann::json& milestones) {
  const std::vector<std::int64_t> result = milestones;
  const auto not_more = [](std::int64_t before, std::int64_t after) {
    return after <= before;
  };
  if (std::adjacent_find(result.begin(), result.end(), not_more) != result.end()) {
    throw Error(ErrorKind::usage, fmt::format("{} must increase, got {}", option,
                                              printable(milestones.dump())));
  }
  return result;
}

std::int64_t reached(const std::vector<std::int64_t>& milestones,
                     std::int64_t epochs_completed) {
  return std::count_if(milestones.begin(), milestones.end(),
                       [&](std::int64_t epoch) { return epoch <= epochs_completed; });
}

double bounded_power(double factor, std::int64_t exponent) {
  return std::clamp(std::pow(factor, static_cast<double>(exponent)), 1e-100, 1e100);
}

}  // namespace batchlab
