// SPDX-License-Identifier: MIT
//
// Inside results/ only: which settings are not the same in all of some runs, and who
// has which value.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace batchlab {

// Settings of a run and the words for it.
struct NamedSettings {
  std::string controller;  // label
  std::int64_t seed = 0;
  nlohmann::json settings;  // an object
};

struct SettingDifference {
  std::string key;   // "model.layers.0.units"
  std::string text;  // "model.layers.0.units is 10 (phases) and 20 (constant seed 1)"
};

// By key. What is missing in one run differs from a value, also from null.
[[nodiscard]] std::vector<SettingDifference> setting_differences(
    const std::vector<NamedSettings>& runs);

// "a, b, c and 2 more", with at most `most` of the texts.
[[nodiscard]] std::string joined(const std::vector<std::string>& texts,
                                 std::size_t most = 8,
                                 const std::string& separator = ", ");

}  // namespace batchlab
