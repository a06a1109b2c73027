// SPDX-License-Identifier: MIT
//
// The checks behind contract.hpp, by what they look at. Each throws Broken.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controllers/contract.hpp"

namespace batchlab::promise {

struct Broken {
  std::string what;
  bool untried = false;
};

inline constexpr Setting setting_tried{54000};  // the training set of Fashion-MNIST
inline constexpr int steps_tried = 300;

// As make_controller(), of an entry that need not be in the registry. Options that are
// measured where unset are given the value that a step of some time gives.
[[nodiscard]] std::unique_ptr<Controller> made(const Entry& entry,
                                               const nlohmann::json& options,
                                               const Setting& setting = setting_tried);

// `options` with one of those of `entry` changed: to an end of its range, or flipped.
[[nodiscard]] std::vector<nlohmann::json> neighbours(const Entry& entry,
                                                     const nlohmann::json& options);

// What the rule, its options and its entry are (contract_options.cpp).
void describes_itself(const Subject& subject);
void limits_accepted(const Subject& subject);
void defaults_work(const Subject& subject);
void unknown_options_refused(const Subject& subject);
void ranges_hold(const Subject& subject);

// What it decides (contract_decisions.cpp).
void sound(const Subject& subject);
void sound_however_long(const Subject& subject);
void repeatable(const Subject& subject);
void reads_only_what_it_declares(const Subject& subject);
void reads_what_it_declares(const Subject& subject);
void open_loop_reads_counts(const Subject& subject);
void extends_and_branches_as_said(const Subject& subject);
void survives_divergence(const Subject& subject);
void goes_on_from_its_state(const Subject& subject);
void ends_in_order(const Subject& subject);

}  // namespace batchlab::promise
