// SPDX-License-Identifier: MIT
//
// What makes compared runs less comparable than a table of them looks: settings that
// differ beyond controller and seed, seeds counted twice, shadows that cost seconds,
// interventions, samples too small, targets missed.

#include "results/comparison_notes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace batchlab {
namespace {

using nlohmann::json;
using Names = std::set<std::string>;
using Runs = std::span<const Run* const>;

constexpr std::size_t kEnoughSeeds = 5;
constexpr std::size_t kMostNames = 8;

template <class Texts>
std::string joined(const Texts& texts) {
  std::string line;
  std::size_t count = 0;
  for (const std::string& text : texts) {
    if (count == kMostNames)
      return line + fmt::format(" and {} more", texts.size() - count);
    line += (count++ == 0 ? "" : ", ") + text;
  }
  return line;
}

// "/model/layers/0/units" as "model.layers.0.units".
std::string dotted(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', '.');
  return pointer.substr(std::min<std::size_t>(1, pointer.size()));
}

// Flat, and without what is expected to differ.
json settings_beyond(json configuration, std::initializer_list<const char*> expected) {
  if (!configuration.is_object()) return json::object();
  for (const char* key : expected) configuration.erase(key);
  return configuration.empty() ? json::object() : configuration.flatten();
}

// The keys whose values are not the same in all of `settings`, which are flat.
Names differing_keys(const std::vector<json>& settings) {
  Names keys;
  for (const json& other : settings) {
    for (const json& patch : json::diff(settings.front(), other)) {
      // Flat keys hold slashes, which a patch escapes.
      const json::json_pointer path(patch.at("path").get<std::string>());
      keys.insert(dotted(path.back()));
    }
  }
  return keys;
}

// Takes the keys that are `table` or lie in it out of `keys`.
Names taken_out(Names& keys, const std::string& table) {
  Names taken;
  for (const std::string& key : keys) {
    if (key == table || key.starts_with(table + ".")) taken.insert(key);
  }
  for (const std::string& key : taken) keys.erase(key);
  return taken;
}

class Notes {
 public:
  Notes(Runs runs, const Comparison& comparison)
      : runs_(runs), comparison_(comparison) {}

  std::vector<std::string> all() {
    note_differing_settings();
    note_differing_machines();
    note_each_controller();
    note_shadows();
    note_interventions();
    note_small_samples();
    note_target();
    note_runs();
    return std::move(notes_);
  }

 private:
  void note_keys(const std::string& what, const Names& keys) {
    if (!keys.empty()) notes_.push_back(what + ": " + joined(keys));
  }

  void note_differing_settings() {
    std::vector<json> settings;
    for (const Run* run : runs_) {
      settings.push_back(settings_beyond(
          run->configuration, {"controller", "seed", "name", "interventions"}));
    }
    Names keys = differing_keys(settings);
    note_keys("budgets differ between runs", taken_out(keys, "budget"));
    note_keys("data differ between runs", taken_out(keys, "data"));
    note_keys("targets differ between runs (the first is used)",
              taken_out(keys, "target"));
    note_keys("runs differ beyond controller and seed", keys);
  }

  // Seconds compare only between runs made alike; bits only for one kernel and version.
  void note_differing_machines() {
    std::vector<json> records;
    for (const Run* run : runs_) {
      json record = json::object();
      for (const char* key : {"threads", "jobs", "environment"}) {
        if (run->record.contains(key)) record[key] = run->record.at(key);
      }
      records.push_back(record.empty() ? record : record.flatten());
    }
    note_keys("runs were made in different ways, so their seconds do not compare",
              differing_keys(records));
  }

  // One label should stand for one configuration and count a seed once.
  void note_each_controller() {
    for (const ComparisonRow& row : comparison_.rows) {
      std::vector<json> settings;
      std::map<std::int64_t, int> seeds;
      for (const Run* run : runs_) {
        if (run->controller() != row.controller) continue;
        const json controller = run->configuration.value("controller", json::object());
        settings.push_back(settings_beyond(controller, {"position"}));
        ++seeds[run->seed()];
      }
      note_keys(row.controller + ": runs of this label differ in their controller",
                differing_keys(settings));
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
    note_keys("seconds include what shadows need to have measured", shadowed);
  }

  void note_interventions() {
    Names intervened;
    for (const Run* run : runs_) {
      const json made = run->configuration.value("interventions", json());
      if (!made.is_array() || made.empty()) continue;
      intervened.insert(
          fmt::format("{}, seed {} ({})", run->controller(), run->seed(), made.size()));
    }
    note_keys("a person intervened, so that these are not their controllers' figures",
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

  void note_target() {
    if (!comparison_.target) {
      const bool any = std::any_of(runs_.begin(), runs_.end(), has_target);
      return notes_.push_back(
          any ? "the target cannot be read: metric or value is unknown"
              : "no target was set");
    }
    std::vector<std::string> missed;
    for (const ComparisonRow& row : comparison_.rows) {
      if (row.reached == row.finished) continue;
      missed.push_back(fmt::format("{}: {} of {}", row.controller,
                                   row.finished - row.reached, row.finished));
    }
    if (!missed.empty()) {
      notes_.push_back("the target was never reached by " + joined(missed) +
                       "; figures to the target are of the runs that reached it");
    }
    if (std::any_of(runs_.begin(), runs_.end(), stops_at_target)) {
      notes_.push_back(
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

}  // namespace batchlab
