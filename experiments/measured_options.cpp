// SPDX-License-Identifier: MIT
#include "experiments/measured_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "controllers/error.hpp"
#include "experiments/plugins/provenance.hpp"
#include "experiments/progress.hpp"
#include "experiments/step_time.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<const Option*> unset_of(const std::string& rule, const json& options) {
  std::vector<const Option*> unset;
  for (const Option& option : find_controller(rule).options) {
    if (option.from_step_time && options.value(option.name, json()).is_null()) {
      unset.push_back(&option);
    }
  }
  return unset;
}

template <class Visit>
void for_each_unset(const RunConfiguration& run, Visit visit) {
  const auto visit_rule = [&](const std::string& rule, const json& options) {
    for (const Option* option : unset_of(rule, options)) visit(rule, *option);
  };
  visit_rule(run.controller, run.controller_options);
  for (const ShadowConfiguration& shadow : run.shadows) {
    visit_rule(shadow.controller, shadow.controller_options);
  }
}

// Of four digits: as it is shown.
double value_of(const Option& option, const StepTimeFit& time) {
  const double value =
      option.from_step_time(time.a_seconds, time.b_seconds_per_example);
  return std::clamp(std::stod(fmt::format("{:.4g}", value)), option.minimum,
                    option.maximum);
}

void set_options(const std::string& rule, json& options, const StepTimeFit& time) {
  for (const Option* option : unset_of(rule, options)) {
    options[option->name] = value_of(*option, time);
  }
}

void set_options(RunConfiguration& run, const StepTimeFit& time) {
  json& entry = run.document["controller"];
  set_options(run.controller, run.controller_options, time);
  entry["options"] = run.controller_options;
  for (std::size_t i = 0; i < run.shadows.size(); ++i) {
    ShadowConfiguration& shadow = run.shadows[i];
    set_options(shadow.controller, shadow.controller_options, time);
    entry["shadow"][i]["options"] = shadow.controller_options;
  }
}

// All runs of the entry of `run`.
void fail_entry(std::vector<RunConfiguration>& runs, const RunConfiguration& run,
                const Error& error) {
  for (RunConfiguration& other : runs) {
    if (other.label == run.label) other.failure = error.what();
  }
}

// The options of `run`, one of `runs`, unless it has failed.
void set_or_fail(std::vector<RunConfiguration>& runs, RunConfiguration& run,
                 const StepTimeFit& time) {
  if (!run.failure.empty()) return;
  try {
    set_options(run, time);
  } catch (const Error& error) {
    if (!fails_alone(run, error)) throw;
    fail_entry(runs, run, error);
  }
}

// The value of `option` in `configuration`, of a run; null where it has none.
json value_in_run(const json& configuration, const std::string& rule,
                  const std::string& option) {
  try {
    const json& entry = configuration.at("controller");
    if (entry.at("name") == rule) return entry.at("options").at(option);
    for (const json& shadow : entry.at("shadow")) {
      if (shadow.at("name") == rule) return shadow.at("options").at(option);
    }
  } catch (const json::exception&) {
    // Made before there were such options, or damaged.
  }
  return nullptr;
}

// "goodput: cost_ratio = 29.96; " and the like: what was unset in `before`, as in
// `after`.
std::string values_text(const RunConfiguration& before, const RunConfiguration& after) {
  if (!after.failure.empty()) return "";
  std::set<std::string> values;
  for_each_unset(before, [&](const std::string& rule, const Option& option) {
    const json value = value_in_run(after.document, rule, option.name);
    values.insert(fmt::format("{}: {} = {:g}", rule, option.name, value.get<double>()));
  });
  return fmt::format("{}; ", fmt::join(values, ", "));
}

// Where options of `rule` are, which `at` has in a configuration.
std::vector<json::json_pointer> places(const std::string& rule, const std::string& at) {
  std::vector<json::json_pointer> places;
  for (const Option& option : find_controller(rule).options) {
    if (option.from_step_time) places.emplace_back(at + "/options/" + option.name);
  }
  return places;
}

// Of those that are measured where unset.
std::vector<json::json_pointer> places(const RunConfiguration& run) {
  std::vector<json::json_pointer> all = places(run.controller, "/controller");
  for (std::size_t i = 0; i < run.shadows.size(); ++i) {
    const auto more =
        places(run.shadows[i].controller, fmt::format("/controller/shadow/{}", i));
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// The first that lacks a value and may get one; null where none does.
RunConfiguration* first_unset(std::vector<RunConfiguration>& runs) {
  const auto first =
      std::find_if(runs.begin(), runs.end(), [](const RunConfiguration& run) {
        return run.failure.empty() && !unset_measured(run).empty();
      });
  return first == runs.end() ? nullptr : &*first;
}

// Measured with the rules of `run`, one of `runs`; nothing where its plugin fails at
// that, and so its entry.
std::optional<StepTimeFit> step_time_with(const RunConfiguration& run,
                                          std::vector<RunConfiguration>& runs,
                                          const fs::path& folder,
                                          const DataSource& source,
                                          std::size_t threads) {
  try {
    return measure_step_time(folder, run, source, threads);
  } catch (const Error& error) {
    if (!fails_alone(run, error)) {
      throw Error(error.kind(),
                  fmt::format("{} cannot be measured, set it: {}",
                              fmt::join(unset_measured(run), ", "), error.what()));
    }
    fail_entry(runs, run, error);
    return std::nullopt;
  }
}

}  // namespace

std::vector<std::string> unset_measured(const RunConfiguration& run) {
  std::set<std::string> names;
  for_each_unset(run, [&](const std::string& rule, const Option& option) {
    names.insert(rule + ": " + option.name);
  });
  return {names.begin(), names.end()};
}

void set_kept(std::vector<RunConfiguration>& runs, const fs::path& folder) {
  for (RunConfiguration& run : runs) {
    if (unset_measured(run).empty()) continue;
    const auto kept = kept_step_time(folder, run);
    if (kept) set_or_fail(runs, run, *kept);
  }
}

void measure_unset(std::vector<RunConfiguration>& runs, const fs::path& folder,
                   const DataSource& source, std::size_t threads, bool quiet) {
  if (!quiet && first_unset(runs) != nullptr) {
    say("batchlab: measuring the time of a step, some two seconds\n");
  }
  while (RunConfiguration* const first = first_unset(runs)) {
    const RunConfiguration before = *first;
    const auto time = step_time_with(*first, runs, folder, source, threads);
    if (!time) continue;  // by an entry that is sound
    for (RunConfiguration& run : runs) set_or_fail(runs, run, *time);
    if (quiet) continue;
    say(fmt::format("batchlab: {}a step takes {} (within {:.0f} %); kept in {}\n",
                    values_text(before, *first), step_time_text(*time),
                    100 * time->largest_residual, (folder / step_time_file).string()));
  }
}

void forgive_unmeasured(json& configuration, const RunConfiguration& run) {
  for (const json::json_pointer& place : places(run)) {
    if (!configuration.contains(place) || !run.document.contains(place)) continue;
    json& value = configuration.at(place);
    const json& known = run.document.at(place);
    if (value.is_null() || (!run.failure.empty() && known.is_null())) value = known;
  }
}

void set_as_in_run(json& rule, const json& configuration) {
  const std::string name = rule.at("name");
  for (const Option* option : unset_of(name, rule.at("options"))) {
    json& value = rule["options"][option->name];
    value = value_in_run(configuration, name, option->name);
    if (!value.is_null()) continue;
    throw Error(
        ErrorKind::usage,
        fmt::format("{}: {} is unset, and the run was made without; set it (from "
                    "the a + b x batch size of `batchlab bench`)",
                    name, option->name));
  }
}

void set_as_in_run(RunConfiguration& run, const json& configuration) {
  json& entry = run.document["controller"];
  set_as_in_run(entry, configuration);
  run.controller_options = entry.at("options");
  for (std::size_t i = 0; i < run.shadows.size(); ++i) {
    set_as_in_run(entry["shadow"][i], configuration);
    run.shadows[i].controller_options = entry["shadow"][i].at("options");
  }
}

}  // namespace batchlab
