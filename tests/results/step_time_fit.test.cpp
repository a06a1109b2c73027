// SPDX-License-Identifier: MIT
#include "results/step_time_fit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/results/support.hpp"

namespace batchlab {
namespace {

using test::error_of;
using testing::Contains;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Log = std::vector<LoggedStep>;
using Logs = std::vector<Log>;
using Values = std::vector<double>;

// Minimises ((2-a-b)/2)^2 + ((4-a-2b)/4)^2 + ((4-a-3b)/4)^2 = sum w (t-a-bB)^2 with
// w = 1/4, 1/16, 1/16: sums W = 3/8, WB = 9/16, WBB = 17/16, Wt = 1, WBt = 7/4;
// D = 51/128 - 81/256 = 21/256, a = (17/16 - 63/64) / D = 20/21, b = (21/32 - 9/16) /
// D = 8/7. Residuals -2/21 of 2, 16/21 of 4, -8/21 of 4; sum w r^2 = 1/441 + 16/441 +
// 4/441 = 1/21. Mean Wt/W = 8/3, sum w (t - 8/3)^2 = 1/9 + 1/9 + 1/9: R^2 = 1 - 3/21.
TEST(StepTimeLine, MatchesHandComputedFigures) {
  const auto line = fit_step_time_line(Values{1, 2, 3}, Values{2, 4, 4});
  EXPECT_NEAR(line.value().a_seconds, 20.0 / 21, 1e-12);
  EXPECT_NEAR(line->b_seconds_per_example, 8.0 / 7, 1e-12);
  EXPECT_THAT(line->residuals,
              ElementsAre(DoubleNear(-1.0 / 21, 1e-12), DoubleNear(4.0 / 21, 1e-12),
                          DoubleNear(-2.0 / 21, 1e-12)));
  EXPECT_NEAR(line->largest_residual, 4.0 / 21, 1e-12);
  EXPECT_NEAR(line->r_squared, 6.0 / 7, 1e-12);
}

TEST(StepTimeLine, GoesThroughPointsOnALineHoweverFarApart) {
  const auto line = fit_step_time_line(Values{1, 1000, 1e6},
                                       Values{7e-5 + 2e-6, 7e-5 + 2e-3, 7e-5 + 2});
  EXPECT_NEAR(line.value().a_seconds, 7e-5, 1e-12);
  EXPECT_NEAR(line->b_seconds_per_example, 2e-6, 1e-15);
  EXPECT_NEAR(line->r_squared, 1, 1e-9);
}

TEST(StepTimeLine, NeedsTwoBatchSizesAndPositiveTimes) {
  EXPECT_FALSE(fit_step_time_line(Values{8, 8}, Values{5, 6}));
  EXPECT_FALSE(fit_step_time_line({}, {}));
  EXPECT_THAT(error_of([] {
                (void)fit_step_time_line(Values{1, 2}, Values{1, 0});
              }).what(),
              HasSubstr("must be positive, got 0"));
  EXPECT_EQ(error_of([] {
              (void)fit_step_time_line(Values{1, 2}, Values{1});
            }).kind(),
            ErrorKind::usage);
}

// Steps of B = 10 last 3 s each but for one pause, of B = 20 5 s: a = 1, b = 0.2. Every
// second step is logged.
TEST(StepTimes, TakesMediansOfTheIntervalsOfOneBatchSize) {
  const Log log = {{2, 20, 10, 6},     {4, 40, 10, 12},    {6, 60, 10, 18},
                   {8, 80, 10, 99},    {10, 110, 20, 107},  // one of 10, one of 20
                   {12, 150, 20, 117}, {14, 190, 20, 127}};
  const StepTimes times = step_times(Logs{log});
  ASSERT_EQ(times.points.size(), 2u);
  EXPECT_EQ(times.points[0].batch_size, 10);
  EXPECT_DOUBLE_EQ(times.points[0].step_seconds, 3);
  EXPECT_EQ(times.points[0].intervals, 3u);
  EXPECT_DOUBLE_EQ(times.points[1].step_seconds, 5);
  EXPECT_DOUBLE_EQ(times.points[1].examples_per_second, 4);
  EXPECT_EQ(times.intervals_left_out, 1u);
  EXPECT_NEAR(times.line.value().a_seconds, 1, 1e-12);
  EXPECT_NEAR(times.line->b_seconds_per_example, 0.2, 1e-12);
  EXPECT_THAT(times.notes, IsEmpty());
}

TEST(StepTimes, PutsRunsTogetherButMeasuresNothingBetweenThem) {
  const StepTimes times = step_times(
      Logs{{{1, 10, 10, 3}, {2, 20, 10, 6}}, {{1, 20, 20, 5}, {2, 40, 20, 10}}});
  EXPECT_EQ(times.intervals_left_out, 0u);
  EXPECT_NEAR(times.line.value().b_seconds_per_example, 0.2, 1e-12);
}

TEST(StepTimes, LeavesOutShortBatchesAndStepsBack) {
  const StepTimes times = step_times(Logs{{{1, 10, 10, 3},
                                           {2, 16, 10, 5},  // a tail of 6
                                           {2, 26, 10, 7},  // no step
                                           {3, 36, 10, 7},  // no duration
                                           {4, 30, 10, 9},  // gone back
                                           {5, 40, 10, 12}}});
  EXPECT_EQ(times.intervals_left_out, 3u);
  ASSERT_EQ(times.points.size(), 1u);
  EXPECT_DOUBLE_EQ(times.points[0].step_seconds, 3);
}

// Steps of 8.4 us, logged to the microsecond: 8 or 9 us each, whose median is 8.
TEST(StepTimes, PutsTogetherIntervalsThatAreTooShortForTheClock) {
  Log log;
  for (int step = 0; step < 10000; ++step) {
    log.push_back({step, 10 * step, 10, std::round(8.4 * step) * 1e-6});
  }
  const StepTimes times = step_times(Logs{log});
  EXPECT_NEAR(times.points.at(0).step_seconds, 8.4e-6, 0.01e-6);
  EXPECT_EQ(times.intervals_left_out, 0u);
}

// Half milliseconds of 10, of 20, then three of 10, the first two steps too short.
TEST(StepTimes, PutsNothingTogetherAcrossAChangeOfBatchSize) {
  const StepTimes times = step_times(Logs{{{0, 0, 10, 0},
                                           {1, 10, 10, 0.0004},
                                           {2, 30, 20, 0.0009},
                                           {3, 40, 10, 0.0013},
                                           {4, 50, 10, 0.0017},
                                           {5, 60, 10, 0.0023}}});
  ASSERT_EQ(times.points.size(), 1u);
  EXPECT_EQ(times.points[0].intervals, 1u);
  EXPECT_NEAR(times.points[0].step_seconds, 0.0014 / 3, 1e-12);
}

TEST(StepTimes, SaysWhatALogCannotTell) {
  EXPECT_THAT(step_times(Logs{{{1, 10, 10, 3}, {2, 20, 10, 6}}}).notes,
              ElementsAre(HasSubstr("1 batch size measured")));
  EXPECT_THAT(step_times({}).notes, ElementsAre(HasSubstr("0 batch sizes measured")));
  EXPECT_THAT(
      step_times(
          Logs{{{1, 10, 10, 1}, {2, 20, 10, 2}, {3, 50, 30, 6}, {4, 80, 30, 10}}})
          .notes,
      ElementsAre(HasSubstr("negative")));
}

TEST(ReadSteps, ReadsTheLogOfARunAndNamesWhatIsWrongInIt) {
  const test::TemporaryFolder folder;
  const std::string header = "step,epoch,examples_seen,batch_size,training_seconds\n";
  test::write_file(folder / "steps.csv",
                   header + "1,1,32,32,0.5\n2,1,64,32,1.25\n3,1,");
  const Log log = read_steps(folder.path());
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[1].examples_seen, 64);
  EXPECT_EQ(log[1].training_seconds, 1.25);
  test::write_file(folder / "steps.csv", header + "1,1,32,many,0.5\n");
  const Error error = error_of([&] { (void)read_steps(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.what(), HasSubstr("row 1: batch_size is no number: \"many\""));
}

// 6 s of training, 2 of evaluation, begun at 23:59:55 and over at 00:00:05.
TEST(TimeShares, AreOfTrainingEvaluationAndTheRest) {
  batchlab::Run run = test::finished_run("phases", 0, 0.9);
  run.record["training_seconds"] = 6;
  run.record["evaluation_seconds"] = 2;
  run.record["started_at"] = "2026-02-28T23:59:55Z";
  run.record["finished_at"] = "2026-03-01T00:00:05Z";
  const TimeShares shares = time_shares(run);
  ASSERT_EQ(shares.told.size(), 3u);
  EXPECT_EQ(shares.told[0].name, "training");
  EXPECT_DOUBLE_EQ(shares.told[0].share, 0.6);
  EXPECT_DOUBLE_EQ(shares.told[1].share, 0.2);
  EXPECT_EQ(shares.told[2].name, "rest");
  EXPECT_DOUBLE_EQ(shares.told[2].seconds, 2);
  EXPECT_THAT(shares.not_told, ElementsAre(HasSubstr("statistics and controller")));
}

TEST(TimeShares, SayWhatRunJsonDoesNotTell) {
  batchlab::Run run = test::finished_run("phases", 0, 0.9);
  run.record["started_at"] = "yesterday";
  const TimeShares shares = time_shares(run);
  ASSERT_EQ(shares.told.size(), 1u);
  EXPECT_EQ(shares.told[0].share, 1);
  EXPECT_THAT(shares.not_told, Contains("run.json has no evaluation_seconds"));
}

}  // namespace
}  // namespace batchlab
