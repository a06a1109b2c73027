// SPDX-License-Identifier: MIT
//
// What run.json tells of where the time of a run went.
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

}  // namespace

TimeShares time_shares(const Run& run) {
  TimeShares shares;
  double known = 0;
  const auto add = [&](const char* name, double seconds) {
    shares.told.push_back({name, seconds, 0});
    known += seconds;
  };
  const auto training = number(run, "training_seconds");
  const auto decisions = number(run, "controller_seconds");
  const auto evaluation = number(run, "evaluation_seconds");
  if (training && decisions) {
    add("training but decisions", std::max(0.0, *training - *decisions));
    add("decisions", *decisions);
  } else if (training) {
    add("training", *training);
  } else {
    shares.not_told.emplace_back("run.json has no training_seconds");
  }
  if (evaluation) {
    add("evaluation", *evaluation);
  } else {
    shares.not_told.emplace_back("run.json has no evaluation_seconds");
  }
  const auto begin = moment(run, "started_at"), end = moment(run, "finished_at");
  if (begin && end && *end - *begin > known + 1) {
    add("rest", *end - *begin - known);
  } else {
    shares.not_told.emplace_back(
        "start, logging and checkpoints: less than a second, or no times of begin and "
        "end");
  }
  shares.not_told.emplace_back(
      decisions ? "data, gradients, statistics and updates: all inside training"
                : "data, gradients, statistics and controller: all inside training");
  for (TimeShare& share : shares.told) {
    share.share = known > 0 ? share.seconds / known : 0;
  }
  return shares;
}

}  // namespace batchlab
