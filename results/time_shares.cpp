// SPDX-License-Identifier: MIT
//
// What run.json tells of where the time of a run went.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "results/step_time_fit.hpp"

namespace batchlab {
namespace {

std::optional<double> number(const Run& run, const char* key) {
  const auto found = run.record.find(key);
  if (found == run.record.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

// Of "2026-11-23T08:30:46Z": seconds since 1970.
std::optional<double> moment(const Run& run, const char* key) {
  const auto found = run.record.find(key);
  if (found == run.record.end() || !found->is_string()) return std::nullopt;
  int year = 0, hour = 0, minute = 0, second = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(found->get_ref<const std::string&>().c_str(),
                  "%4d-%2u-%2uT%2d:%2d:%2d", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return 86400.0 * static_cast<double>(days) + 3600.0 * hour + 60.0 * minute + second;
}

// Training, with what run.json tells apart within it: what is left is the network's.
void add_training(const Run& run, TimeShares& shares) {
  const auto training = number(run, "training_seconds");
  if (!training) {
    shares.not_told.emplace_back("run.json has no training_seconds");
    return;
  }
  const auto data = number(run, "data_seconds");
  const auto statistics = number(run, "statistics_seconds");
  const auto decisions = number(run, "controller_seconds");
  const double apart =
      data.value_or(0) + statistics.value_or(0) + decisions.value_or(0);
  const bool all = data && statistics && decisions;
  const char* rest = all         ? "forward, backward, update"
                     : apart > 0 ? "rest of training"
                                 : "training";
  shares.told.push_back({rest, std::max(0.0, *training - apart), 0});
  std::vector<std::string> missing;
  const auto part = [&](const char* name, const std::optional<double>& seconds) {
    if (seconds) shares.told.push_back({name, *seconds, 0});
    if (!seconds) missing.emplace_back(name);
  };
  part("data", data);
  part("statistics", statistics);
  part("decisions", decisions);
  if (missing.empty()) return;
  shares.not_told.push_back(
      fmt::format("{}: not recorded by the version that made the run, inside training",
                  fmt::join(missing, ", ")));
}

}  // namespace

TimeShares time_shares(const Run& run) {
  TimeShares shares;
  add_training(run, shares);
  if (const auto evaluation = number(run, "evaluation_seconds")) {
    shares.told.push_back({"evaluation", *evaluation, 0});
  } else {
    shares.not_told.emplace_back("run.json has no evaluation_seconds");
  }
  double known = 0;
  for (const TimeShare& share : shares.told) known += share.seconds;
  const auto begin = moment(run, "started_at"), end = moment(run, "finished_at");
  if (begin && end && *end - *begin > known + 1) {
    shares.told.push_back({"rest", *end - *begin - known, 0});
    known = *end - *begin;
  } else {
    shares.not_told.emplace_back(
        "start, logging and checkpoints: less than a second, or no times of begin and "
        "end");
  }
  for (TimeShare& share : shares.told) {
    share.share = known > 0 ? share.seconds / known : 0;
  }
  return shares;
}

}  // namespace batchlab
