// SPDX-License-Identifier: MIT
//
// What every controller promises, each promise with a check: the tests try all built-in
// rules by it, `batchlab plugin check` those of a plugin.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

// A controller and the options that it is tried with.
struct Subject {
  const Entry& entry;
  std::vector<nlohmann::json> variants;  // tables of options; the first one works
  bool exhaustive = true;  // with them the rule does all that it ever does
};

struct Verdict {
  std::string failure;   // what breaks the promise; empty where it holds
  bool untried = false;  // nothing can be said, and `failure` says why
};

struct Promise {
  std::string_view name;   // in one word: "repeatable"
  std::string_view claim;  // in one sentence
  // What breaks it, in words with the numbers. What the rule throws breaks it too.
  // Makes its own rules, so that none sees what another broke.
  Verdict (*check)(const Subject& subject);
};

[[nodiscard]] std::span<const Promise> contract();

// The error that shows an example, where the rule cannot be made of `options` alone;
// else empty.
[[nodiscard]] std::string missing_options(
    const Entry& entry, const nlohmann::json& options = nlohmann::json::object());

// For a rule of which no more is known: its defaults, and each choice of its options.
[[nodiscard]] std::vector<nlohmann::json> option_variants(const Entry& entry);

// What the rules are told: every quantity, the noise scale now and then absent; an
// evaluation every 5 steps; a loss that falls, then stalls.
[[nodiscard]] Statistics statistics_at(std::int64_t step);

}  // namespace batchlab
