// SPDX-License-Identifier: MIT
//
// What makes compared runs less comparable than a table of them looks: formats that
// this version does not know, differences
// beyond the controller (fairness.hpp), seeds counted twice, shadows that cost seconds,
// interventions, samples too small, differences not resolved, targets missed.

#include "results/comparison_notes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "results/fairness.hpp"
#include "results/setting_differences.hpp"

namespace batchlab {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;
using Runs = std::span<const Run* const>;

constexpr std::size_t kEnoughSeeds = 5;
constexpr const char* kNewerFormat = "made by a newer batchlab than this one";

class Notes {
 public:
  Notes(Runs runs, const Comparison& comparison)
      : runs_(runs), comparison_(comparison) {}

  std::vector<std::string> all() {
    note_newer_formats();
    const std::vector<std::string> unfair = fairness(runs_);
    notes_.insert(notes_.end(), unfair.begin(), unfair.end());
    note_each_controller();
    note_shadows();
    note_interventions();
    note_small_samples();
    note_differences();
    note_target();
    note_runs();
    return std::move(notes_);
  }

 private:
  // First: whatever else is said of them may be wrong.
  void note_newer_formats() {
    std::vector<std::string> newer;
    for (const Run* run : runs_) {
      if (!is_of_newer_format(*run)) continue;
      newer.push_back(fmt::format("{} seed {}", run->controller(), run->seed()));
    }
    if (newer.empty()) return;
    notes_.push_back(
        fmt::format("{}: figures that are new in them are missing or wrong here: {}",
                    kNewerFormat, joined(newer)));
  }

  void note_names(const std::string& what, const Names& names) {
    if (names.empty()) return;
    notes_.push_back(what + ": " + joined({names.begin(), names.end()}));
  }

  // One label should stand for one configuration and count a seed once.
  void note_each_controller() {
    for (const ComparisonRow& row : comparison_.rows) {
      std::vector<NamedSettings> settings;
      std::map<std::int64_t, int> seeds;
      for (const Run* run : runs_) {
        if (run->controller() != row.controller) continue;
        json controller = run->configuration.value("controller", json::object());
        if (controller.is_object()) controller.erase("position");
        settings.push_back({row.controller, run->seed(), std::move(controller)});
        ++seeds[run->seed()];
      }
      Names keys;
      for (const auto& difference : setting_differences(settings)) {
        keys.insert(difference.key);
      }
      note_names(row.controller + ": runs of this label differ in their controller",
                 keys);
      for (const auto& [seed, count] : seeds) {
        if (count == 1) continue;
        notes_.push_back(
            fmt::format("{}: {} runs have seed {}; they are no independent "
                        "sample",
                        row.controller, count, seed));
      }
    }
  }

  void note_shadows() {
    Names shadowed;
    for (const Run* run : runs_) {
      const json controller = run->configuration.value("controller", json::object());
      if (!controller.is_object() || !controller.contains("shadow")) continue;
      if (!controller.at("shadow").empty()) shadowed.insert(run->controller());
    }
    note_names("seconds include what shadows need to have measured", shadowed);
  }

  void note_interventions() {
    Names intervened;
    for (const Run* run : runs_) {
      const json made = run->configuration.value("interventions", json());
      if (!made.is_array() || made.empty()) continue;
      intervened.insert(
          fmt::format("{}, seed {} ({})", run->controller(), run->seed(), made.size()));
    }
    note_names("a person intervened, so that these are not their controllers' figures",
               intervened);
  }

  void note_small_samples() {
    std::vector<std::string> small;
    for (const ComparisonRow& row : comparison_.rows) {
      if (row.finished >= kEnoughSeeds) continue;
      small.push_back(fmt::format("{}: {}", row.controller, row.finished));
    }
    if (small.empty()) return;
    notes_.push_back(fmt::format(
        "fewer than {} finished runs ({}): differences between controllers may not be "
        "resolved",
        kEnoughSeeds, joined(small)));
  }

  // Those of too few runs are in the note on small samples.
  void note_differences() {
    std::vector<std::string> unresolved;
    for (const PairwiseComparison& difference : comparison_.differences) {
      if (std::min(difference.count, difference.reference_count) < kEnoughSeeds) {
        continue;
      }
      if (difference.resolved) {
        notes_.push_back(comparison_.differences_of + ": " + difference.verdict);
      } else {
        unresolved.push_back(fmt::format("{} ({}; p = {:.2g}, Holm)", difference.label,
                                         difference.obstacle, difference.corrected_p));
      }
    }
    if (unresolved.empty()) return;
    notes_.push_back(
        fmt::format("{}: not resolved against {}, which has the best mean: {}",
                    comparison_.differences_of,
                    comparison_.differences.front().reference, joined(unresolved)));
    note_too_few_pairs();
  }

  void note_too_few_pairs() {
    const std::size_t rows = comparison_.differences.size() + 1;
    const std::size_t needed = fewest_pairs(rows * (rows - 1) / 2);
    const bool too_few =
        std::any_of(comparison_.differences.begin(), comparison_.differences.end(),
                    [&](const auto& one) { return one.paired && one.count < needed; });
    if (!too_few) return;
    notes_.push_back(fmt::format(
        "fewer than {} seeds cannot resolve a difference between the best of "
        "{} controllers and another",
        needed, rows));
  }

  void note_target() {
    if (!comparison_.target) {
      const bool any = std::any_of(runs_.begin(), runs_.end(), has_target);
      notes_.emplace_back(any ? "the target cannot be read: metric or value is unknown"
                              : "no target was set");
      return;
    }
    std::vector<std::string> missed, unknown;
    for (const ComparisonRow& row : comparison_.rows) {
      const std::size_t judged = row.finished - row.target_unknown;
      if (row.target_unknown > 0) {
        unknown.push_back(fmt::format("{}: {} of {}", row.controller,
                                      row.target_unknown, row.finished));
      }
      if (row.reached == judged) continue;
      missed.push_back(
          fmt::format("{}: {} of {}", row.controller, judged - row.reached, judged));
    }
    if (!missed.empty()) {
      notes_.push_back("the target was never reached by " + joined(missed));
    }
    if (!unknown.empty()) {
      notes_.push_back(
          "nobody knows whether the target was reached, for its metric was not "
          "measured: " +
          joined(unknown));
    }
    if (std::any_of(runs_.begin(), runs_.end(), stops_at_target)) {
      notes_.emplace_back(
          "runs stop at the target: their totals and last figures are of "
          "that moment, not of the whole budget");
    }
  }

  static bool has_target(const Run* run) {
    return run->configuration.value("target", json()).is_object();
  }

  static bool stops_at_target(const Run* run) {
    const json target = run->configuration.value("target", json());
    return target.is_object() && target.value("stop", json(false)) == json(true);
  }

  void note_runs() {
    for (const Run* run : runs_) {
      for (const std::string& note : run->notes) {
        if (note.starts_with("run.json has format")) continue;  // said first
        notes_.push_back(
            fmt::format("{}, seed {}: {}", run->controller(), run->seed(), note));
      }
    }
  }

  Runs runs_;
  const Comparison& comparison_;
  std::vector<std::string> notes_;
};

}  // namespace

std::vector<std::string> comparison_notes(std::span<const Run* const> runs,
                                          const Comparison& comparison) {
  return Notes(runs, comparison).all();
}

bool stands_first(const std::string& note) {
  return note.starts_with(kNewerFormat) || note.starts_with("not like for like");
}

}  // namespace batchlab
