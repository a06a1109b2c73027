// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <map>

#include "controllers/error.hpp"
#include "results/comparison.hpp"
#include "results/step_time_fit.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 1000;
constexpr const char* kCsvHead =
    "specification,of,controller,seed,batch_size,intervals,step_seconds,"
    "fitted_seconds,relative_residual,a_seconds,b_seconds_per_example,r_squared,"
    "residual_root_mean_square,largest_residual\n";

std::map<std::string, AllStepTimes> by_specification(std::span<const Run> runs) {
  std::map<std::string, std::vector<const Run*>> groups;
  for (const Run& run : runs) groups[run.specification()].push_back(&run);
  std::map<std::string, AllStepTimes> all;
  for (const auto& [name, members] : groups) all[name] = all_step_times(members);
  return all;
}

json points_json(const StepTimes& times) {
  json points = json::array();
  for (std::size_t i = 0; i < times.points.size(); ++i) {
    const StepTimePoint& point = times.points[i];
    json one = {{"batch_size", point.batch_size},
                {"intervals", point.intervals},
                {"step_seconds", point.step_seconds}};
    if (times.line) {
      one["fitted_seconds"] = times.line->at(point.batch_size);
      one["relative_residual"] = times.line->residuals[i];
    }
    points.push_back(std::move(one));
  }
  return points;
}

json nested(const StepTimes& times) {
  json value = {{"line", nullptr},
                {"points", points_json(times)},
                {"intervals_left_out", times.intervals_left_out},
                {"notes", times.notes}};
  if (!times.line) return value;
  value["line"] = {{"a_seconds", times.line->a_seconds},
                   {"b_seconds_per_example", times.line->b_seconds_per_example},
                   {"r_squared", times.line->r_squared},
                   {"residual_root_mean_square", times.line->residual_root_mean_square},
                   {"largest_residual", times.line->largest_residual}};
  return value;
}

// `head`: the cells that say of what the points are.
std::string csv_rows(const std::string& head, const StepTimes& times) {
  std::string text;
  for (std::size_t i = 0; i < times.points.size(); ++i) {
    const StepTimePoint& point = times.points[i];
    text += fmt::format("{},{},{},{}", head, point.batch_size, point.intervals,
                        point.step_seconds);
    if (const auto& line = times.line) {
      text += fmt::format(",{},{},{},{},{},{},{}\n", line->at(point.batch_size),
                          line->residuals[i], line->a_seconds,
                          line->b_seconds_per_example, line->r_squared,
                          line->residual_root_mean_square, line->largest_residual);
    } else {
      text += ",,,,,,,\n";
    }
  }
  return text;
}

std::string text_cell(const std::string& text) {
  return csv_cell(printable(text, kLongestText));
}

}  // namespace

json step_times_json(std::span<const Run> runs) {
  json all = json::object();
  for (const auto& [name, times] : by_specification(runs)) {
    json of_runs = json::array();
    for (const auto& [run, own] : times.runs) {
      json one = nested(own);
      one["controller"] = run->controller();
      one["seed"] = run->seed();
      of_runs.push_back(std::move(one));
    }
    all[name] = {{"all_runs", nested(times.together)}, {"runs", std::move(of_runs)}};
  }
  return all;
}

json to_json(std::span<const Comparison> comparisons, std::span<const Run> runs) {
  json all = to_json(comparisons);
  const json times = step_times_json(runs);
  for (json& one : all) one["step_times"] = times.at(one.at("specification"));
  return all;
}

std::string step_times_csv(std::span<const Run> runs) {
  std::string text = kCsvHead;
  for (const auto& [name, times] : by_specification(runs)) {
    text += csv_rows(text_cell(name) + ",all runs,,", times.together);
    for (const auto& [run, own] : times.runs) {
      text += csv_rows(fmt::format("{},run,{},{}", text_cell(name),
                                   text_cell(run->controller()), run->seed()),
                       own);
    }
  }
  return text;
}

}  // namespace batchlab
