// SPDX-License-Identifier: MIT
//
// Short forms of the options that rules share, and the check that a batch fits its
// data.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controllers/option.hpp"

namespace batchlab {

// Upper end of the range of every count of examples, steps or epochs.
inline constexpr double most_counted = 1e12;

// An integer in [minimum, most_counted] `unit`.
[[nodiscard]] Option count_option(const std::string& name, nlohmann::json default_value,
                                  const std::string& unit, const std::string& help,
                                  double minimum = 1);

// A number in [minimum, maximum] `unit`.
[[nodiscard]] Option number_option(const std::string& name,
                                   nlohmann::json default_value, double minimum,
                                   double maximum, const std::string& unit,
                                   const std::string& help);

// One of `choices`; the first is the default.
[[nodiscard]] Option choice_option(const std::string& name,
                                   const std::vector<std::string>& choices,
                                   const std::string& help);

// `batch_size` if in [1, most], else throws Error(usage):
// `constant: batch_size must be in [1, 54000] (the training set), got 70000`.
// `option`: "constant: batch_size"; `data`: what holds `most` examples.
[[nodiscard]] std::int64_t checked_batch_size(
    const std::string& option, std::int64_t batch_size, std::int64_t most,
    const std::string& data = "the training set");

}  // namespace batchlab
