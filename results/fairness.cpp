// SPDX-License-Identifier: MIT
#include "results/fairness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "results/setting_differences.hpp"

namespace batchlab {
namespace {

using nlohmann::json;
using Runs = std::span<const Run* const>;
using Differences = std::vector<SettingDifference>;

// The part of a run that must be the same for every figure to compare.
json settings_of(const Run& run) {
  json settings = run.configuration.is_object() ? run.configuration : json::object();
  const json controller = settings.value("controller", json());
  for (const char* key : {"controller", "seed", "name", "interventions"}) {
    settings.erase(key);
  }
  // Of the entry, and so no option of the rule: a rate of its own to start from.
  if (controller.is_object() && controller.contains("learning_rate")) {
    settings["controller"] = {{"learning_rate", controller.at("learning_rate")}};
  }
  if (run.record.contains("data_checksum")) {
    settings["data_checksum"] = run.record.at("data_checksum");
  }
  const json::json_pointer version("/environment/version");
  if (run.record.contains(version)) settings["version"] = run.record.at(version);
  return settings;
}

// That for seconds to compare.
json machine_of(const Run& run) {
  json machine = json::object();
  for (const char* key : {"threads", "jobs", "environment"}) {
    if (run.record.contains(key)) machine[key] = run.record.at(key);
  }
  if (machine.contains("environment") && machine["environment"].is_object()) {
    machine["environment"].erase("version");
  }
  return machine;
}

Differences differences(Runs runs, json (*part)(const Run&)) {
  std::vector<NamedSettings> settings;
  for (const Run* run : runs) {
    settings.push_back({run->controller(), run->seed(), part(*run)});
  }
  return setting_differences(settings);
}

bool in_table(const std::string& key, const std::string& table) {
  return key == table || key.starts_with(table + ".");
}

class Sentences {
 public:
  explicit Sentences(Runs runs) : runs_(runs) {}

  std::vector<std::string> all() {
    settings_ = differences(runs_, settings_of);
    say_of("budgets differ", [](const auto& key) { return in_table(key, "budget"); });
    say_of("learning rates differ", [](const auto& key) {
      return in_table(key, "schedule") || key.ends_with(".learning_rate");
    });
    say_seeds();
    say_of("data differ", [](const auto& key) {
      return in_table(key, "data") || key == "data_checksum";
    });
    say_of("targets differ (the first is used)",
           [](const auto& key) { return in_table(key, "target"); });
    say_of("code versions differ", [](const auto& key) { return key == "version"; });
    say_of("settings differ", [](const auto&) { return true; });
    settings_ = differences(runs_, machine_of);
    std::vector<std::string> texts;
    for (const auto& difference : settings_) texts.push_back(difference.text);
    if (!texts.empty()) {
      sentences_.push_back("not like for like in seconds: " + joined(texts, 8, "; "));
    }
    return std::move(sentences_);
  }

 private:
  // Of what no sentence has spoken of yet.
  void say_of(const std::string& what, bool (*concerned)(const std::string&)) {
    std::vector<std::string> texts;
    std::erase_if(settings_, [&](const SettingDifference& difference) {
      if (!concerned(difference.key)) return false;
      texts.push_back(difference.text);
      return true;
    });
    if (!texts.empty()) say(what + ": " + joined(texts, 8, "; "));
  }

  void say(const std::string& what) {
    sentences_.push_back("not like for like: " + what);
  }

  // Whatever became of the runs: those that diverged were tried.
  void say_seeds() {
    std::vector<std::pair<std::string, std::set<std::int64_t>>> seeds;
    for (const Run* run : runs_) {
      auto found = std::find_if(seeds.begin(), seeds.end(), [&](const auto& one) {
        return one.first == run->controller();
      });
      if (found == seeds.end()) {
        found = seeds.insert(seeds.end(), {run->controller(), {}});
      }
      found->second.insert(run->seed());
    }
    const bool same = std::all_of(seeds.begin(), seeds.end(), [&](const auto& one) {
      return one.second == seeds.front().second;
    });
    if (same) return;
    std::vector<std::string> texts;
    for (const auto& [controller, own] : seeds) {
      std::vector<std::string> names;
      for (const std::int64_t seed : own) names.push_back(std::to_string(seed));
      texts.push_back(controller + " has " + joined(names));
    }
    say("seeds differ: " + joined(texts, 8, "; "));
  }

  Runs runs_;
  Differences settings_;
  std::vector<std::string> sentences_;
};

}  // namespace

std::vector<std::string> fairness(Runs runs) { return Sentences(runs).all(); }

}  // namespace batchlab
