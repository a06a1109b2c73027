// SPDX-License-Identifier: MIT
#include "experiments/measured_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "controllers/error.hpp"
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

// "goodput: cost_ratio = 29.96" and the like, and what that follows from.
std::string values_text(const RunConfiguration& run, const StepTimeFit& time) {
  std::set<std::string> values;
  for_each_unset(run, [&](const std::string& rule, const Option& option) {
    values.insert(
        fmt::format("{}: {} = {:g}", rule, option.name, value_of(option, time)));
  });
  return fmt::format("{}; a step takes {} (within {:.0f} %)", fmt::join(values, ", "),
                     step_time_text(time), 100 * time.largest_residual);
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
    if (kept) set_options(run, *kept);
  }
}

void measure_unset(std::vector<RunConfiguration>& runs, const fs::path& folder,
                   const DataSource& source, std::size_t threads, bool quiet) {
  const auto first = std::find_if(
      runs.begin(), runs.end(),
      [](const RunConfiguration& run) { return !unset_measured(run).empty(); });
  if (first == runs.end()) return;
  if (!quiet) say("batchlab: measuring the time of a step, some two seconds\n");
  StepTimeFit time;
  try {
    time = measure_step_time(folder, *first, source, threads);
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("{} cannot be measured, set it: {}",
                            fmt::join(unset_measured(*first), ", "), error.what()));
  }
  if (!quiet) {
    say(fmt::format("batchlab: {}; kept in {}\n", values_text(*first, time),
                    (folder / step_time_file).string()));
  }
  for (RunConfiguration& run : runs) set_options(run, time);
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
