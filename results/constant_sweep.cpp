// SPDX-License-Identifier: MIT
#include <limits>

#include "results/time_to_target.hpp"
#include "results/trade_off.hpp"

namespace batchlab {

std::vector<SweepRun> constant_sweep(std::span<const Run* const> runs,
                                     const Target& target) {
  const nlohmann::json::json_pointer name("/controller/name");
  const nlohmann::json::json_pointer size("/controller/options/batch_size");
  std::vector<SweepRun> sweep;
  for (const Run* run : runs) {
    const auto& settings = run->configuration;
    const bool constant = settings.contains(name) && settings.at(name) == "constant" &&
                          settings.contains(size) && settings.at(size).is_number();
    if (!constant || !is_over(*run)) continue;
    const auto at = reached(*run, target);
    sweep.push_back({settings.at(size).get<double>(), run->seed(),
                     at ? at->updates : std::numeric_limits<double>::infinity()});
  }
  return sweep;
}

}  // namespace batchlab
