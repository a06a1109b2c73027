// SPDX-License-Identifier: MIT
#include "results/time_to_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/results/support.hpp"

namespace batchlab::time_to_target_test {

using test::finished_run;
using test::run_with_status;
using testing::ElementsAre;
using Runs = std::vector<Run>;
using Values = std::vector<double>;

constexpr double kNever = std::numeric_limits<double>::infinity();
const Target kTarget{"test", "accuracy", 0.85};

TimeToTarget times_of(const Runs& runs) {
  std::vector<const Run*> all;
  for (const Run& run : runs) all.push_back(&run);
  return time_to_target(all, kTarget);
}

Run reaching(std::int64_t seed, std::int64_t step) {
  Run run = finished_run("phases", seed, 0.9);
  run.evaluations = {{.step = step / 2, .split = "test", .accuracy = 0.84},
                     {.step = step,
                      .examples_seen = 64 * step,
                      .training_seconds = 0.01 * static_cast<double>(step),
                      .split = "test",
                      .accuracy = 0.85}};
  return run;
}

TEST(TimeToTarget, TakesTheMedianOverAllRunsAlsoThoseThatNeverArrive) {
  const Runs runs = {reaching(0, 10), finished_run("phases", 1, 0.8), reaching(2, 30)};
  const TimeToTarget times = times_of(runs);
  EXPECT_EQ(times.updates.count, 3u);
  EXPECT_EQ(times.updates.never, 1u);
  EXPECT_EQ(times.updates.median, 30);  // of 10, 30, never
  EXPECT_EQ(times.examples.median, 64 * 30);
  EXPECT_DOUBLE_EQ(times.training_seconds.median.value(), 0.3);
  ASSERT_EQ(times.runs.size(), 3u);
  EXPECT_FALSE(times.runs[1].reached);
  EXPECT_EQ(times.runs[1].seed, 1);
  EXPECT_EQ(times.runs[1].examples_seen, 6400);
}

TEST(TimeToTarget, IsInfiniteWhereHalfOfTheRunsNeverArrive) {
  EXPECT_EQ(times_of({reaching(0, 10), finished_run("a", 1, 0.8)}).updates.median,
            kNever);
  EXPECT_EQ(times_of({}).updates.median, std::nullopt);
}

TEST(TimeToTarget, CountsADivergedRunAsNeverUnlessItArrivedBefore) {
  Runs runs = {reaching(0, 10), reaching(1, 20),
               run_with_status("a", 2, "diverged", "")};
  runs[1].record["status"] = "diverged";
  const TimeToTarget times = times_of(runs);
  EXPECT_EQ(times.updates.never, 1u);
  EXPECT_EQ(times.updates.median, 20);
}

TEST(TimeToTarget, LeavesOutWhatIsNotOverEvenWhereItArrived) {
  Runs runs = {reaching(0, 10), reaching(1, 2), run_with_status("a", 2, "failed", "")};
  runs[1].record["status"] = "running";
  const TimeToTarget times = times_of(runs);
  EXPECT_EQ(times.updates.count, 1u);
  EXPECT_THAT(times.left_out, ElementsAre("seed 1: running", "seed 2: failed"));
}

// P(Binomial(6, 1/2) < 1) = 1/64 = 0.0156, < 2: 7/64: from the least to the greatest.
// n = 5: 1/32 = 0.031, none. n = 10: < 2: 11/1024 = 0.0107, < 3: 56/1024 = 0.055.
TEST(SummariseTimes, HasAnIntervalOfTheMedianByOrder) {
  const CensoredSummary six = summarise_times(Values{5, 3, kNever, 1, 4, 2});
  EXPECT_EQ(six.median, 3.5);
  EXPECT_EQ(six.interval.value().low, 1);
  EXPECT_EQ(six.interval->high, kNever);
  EXPECT_FALSE(summarise_times(Values{1, 2, 3, 4, 5}).interval);
  const auto ten = summarise_times(Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}).interval;
  EXPECT_EQ(ten.value().low, 2);
  EXPECT_EQ(ten->high, 9);
}

TEST(SummariseTimes, RefusesWhatIsNoTime) {
  EXPECT_EQ(test::error_of([] {
              (void)summarise_times(Values{1, std::nan("")});
            }).kind(),
            ErrorKind::data);
}

}  // namespace batchlab::time_to_target_test
