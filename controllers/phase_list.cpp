// SPDX-License-Identifier: MIT
#include "controllers/phase_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controllers/batch_size_option.hpp"
#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

const PhaseUnit units[] = {{"epochs", &Statistics::epochs_completed},
                           {"steps", &Statistics::step},
                           {"examples", &Statistics::examples_seen}};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorKind::usage, message);
}

void read_until(const std::string& owner, const json& table, Phase& phase) {
  std::vector<Option> options;
  for (const PhaseUnit& unit : units) {
    options.push_back(count_option(unit.name, nullptr, unit.name, ""));
  }
  const json until = checked_options(owner + ": until", options, table);
  int named = 0;
  for (const PhaseUnit& unit : units) {
    if (until.at(unit.name).is_null()) continue;
    ++named;
    phase.unit = &unit;
    phase.until = until.at(unit.name);
  }
  if (named != 1) {
    refuse(fmt::format("{}: until must have one of epochs, steps, examples, got {}",
                       owner, printable(table.dump())));
  }
}

Subset read_subset(const std::string& owner, const json& table,
                   const Setting& setting) {
  const Option options[] = {count_option("first", 0, "examples", "", 0),
                            count_option("count", nullptr, "examples", "")};
  const json subset = checked_options(owner + ": subset", options, table);
  if (subset.at("count").is_null()) refuse(owner + ": subset needs count, got none");
  const Subset result{subset.at("first"), subset.at("count")};
  if (result.first + result.count > setting.training_set_size) {
    refuse(fmt::format("{}: subset must end in [1, {}] (the training set), got {} + {}",
                       owner, setting.training_set_size, result.first, result.count));
  }
  return result;
}

Phase read_phase(const std::string& owner, json table, const Setting& setting) {
  static const std::vector<std::string> known{"until", "batch_size", "learning_rate",
                                              "subset"};
  static const std::vector<Option> options{
      count_option("batch_size", nullptr, "examples", ""),
      number_option("learning_rate", nullptr, 1e-12, 1e6, "", "")};
  Phase phase;
  for (const auto& [key, value] : table.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      refuse(owner + ": " + unknown_name("option", key, known).what());
    }
  }
  if (table.contains("until")) read_until(owner, table["until"], phase);
  if (table.contains("subset")) {
    phase.decision.subset = read_subset(owner, table["subset"], setting);
  }
  table.erase("until");
  table.erase("subset");
  const json values = checked_options(owner, options, table);
  const json& batch_size = values.at("batch_size");
  const json& learning_rate = values.at("learning_rate");
  if (batch_size.is_null()) refuse(owner + ": batch_size is missing");
  if (!learning_rate.is_null())
    phase.decision.learning_rate = learning_rate.get<double>();
  const auto& subset = phase.decision.subset;
  phase.decision.batch_size = static_cast<double>(
      checked_batch_size(owner + ": batch_size", batch_size,
                         subset ? subset->count : setting.training_set_size,
                         subset ? "the subset" : "the training set"));
  return phase;
}

// `phase`, number `earlier.size() + 1`, may follow.
void require_order(const std::string& owner, const std::vector<Phase>& earlier,
                   const Phase& phase) {
  for (const Phase& before : earlier) {
    if (before.unit == nullptr) {
      refuse(
          fmt::format("phases: phase {}: until is missing; only the last may omit it",
                      earlier.size()));
    }
    if (before.unit == phase.unit && phase.until <= before.until) {
      refuse(fmt::format(
          "{}: until must be more than the {} {} of an earlier phase, got {}", owner,
          before.until, before.unit->name, phase.until));
    }
  }
}

}  // namespace

std::vector<Phase> phases_from(const json& tables, const Setting& setting) {
  std::vector<Phase> phases;
  for (const json& table : tables) {
    const std::string owner = fmt::format("phases: phase {}", phases.size() + 1);
    const Phase phase = read_phase(owner, table, setting);
    require_order(owner, phases, phase);
    phases.push_back(phase);
  }
  return phases;
}

}  // namespace batchlab
