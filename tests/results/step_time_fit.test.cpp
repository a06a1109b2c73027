// SPDX-License-Identifier: MIT
#include "results/step_time_fit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/report.hpp"
#include "tests/results/support.hpp"

namespace batchlab::step_time_fit_test {

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
  EXPECT_NEAR(line->residual_root_mean_square, std::sqrt(1.0 / 63), 1e-12);
  EXPECT_NEAR(line->at(2), 20.0 / 21 + 16.0 / 7, 1e-12);
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
  EXPECT_THAT(times.notes, ElementsAre(HasSubstr("any two lie on a line")));
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

// Of 300 steps of 10 examples or 20 every 150th is one of 2, as slow as one of 10.
TEST(StepTimes, LeavesOutSizesThatAreRare) {
  Log log = {{0, 0, 10, 0}};
  for (std::int64_t step = 1; step <= 300; ++step) {
    const std::int64_t size = step % 150 == 0 ? 2 : step < 150 ? 10 : 20;
    log.push_back({step, log.back().examples_seen + size, size,
                   log.back().training_seconds + (size == 20 ? 5 : 3)});
  }
  const StepTimes times = step_times(Logs{log});
  ASSERT_EQ(times.points.size(), 2u);
  EXPECT_EQ(times.points[0].batch_size, 10);
  EXPECT_EQ(times.points[1].batch_size, 20);
  EXPECT_THAT(times.notes, Contains(HasSubstr("1 batch size of less than 1 step in "
                                              "100 left out")));
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
      ElementsAre(HasSubstr("any two")));
}

// A log of steps of these sizes and seconds, three of each.
Log steps_of(const std::vector<std::pair<std::int64_t, double>>& sizes) {
  Log log = {{0, 0, sizes.front().first, 0}};
  for (const auto& [size, seconds] : sizes) {
    for (int i = 0; i < 3; ++i) {
      const LoggedStep& last = log.back();
      log.push_back({last.step + 1, last.examples_seen + size, size,
                     last.training_seconds + seconds});
    }
  }
  return log;
}

TEST(StepTimes, DoubtsALineThatFallsOrExplainsLittle) {
  EXPECT_THAT(step_times(Logs{steps_of({{10, 2}, {20, 3}, {30, 4}})}).notes, IsEmpty());
  EXPECT_THAT(step_times(Logs{steps_of({{10, 1}, {20, 3}, {30, 5}})}).notes,
              ElementsAre(HasSubstr("per step comes out negative")));
  EXPECT_THAT(step_times(Logs{steps_of({{10, 5}, {20, 4}, {30, 3}})}).notes,
              ElementsAre(HasSubstr("per example comes out as none or negative")));
  EXPECT_THAT(step_times(Logs{steps_of({{10, 2}, {20, 5}, {30, 2.5}})}).notes,
              ElementsAre(HasSubstr("R squared is below 0.5")));
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
  EXPECT_THAT(shares.not_told,
              ElementsAre(HasSubstr("data, statistics, decisions: not recorded")));
}

// 6 s of training of which 1.5 were decisions, 2 of evaluation.
TEST(TimeShares, OfAnOlderRunHaveWhatItRecorded) {
  batchlab::Run run = test::finished_run("phases", 0, 0.9);
  run.record["training_seconds"] = 6;
  run.record["controller_seconds"] = 1.5;
  run.record["evaluation_seconds"] = 2;
  const TimeShares shares = time_shares(run);
  ASSERT_EQ(shares.told.size(), 3u);
  EXPECT_EQ(shares.told[0].name, "rest of training");
  EXPECT_DOUBLE_EQ(shares.told[0].seconds, 4.5);
  EXPECT_EQ(shares.told[1].name, "decisions");
  EXPECT_DOUBLE_EQ(shares.told[1].share, 1.5 / 8);
  EXPECT_THAT(shares.not_told, Contains(HasSubstr("data, statistics: not recorded")));
}

// 6 s of training: 1 of data, 0 of statistics, 1.5 of decisions; 2 of evaluation.
TEST(TimeShares, AddUpToOne) {
  batchlab::Run run = test::finished_run("phases", 0, 0.9);
  run.record["training_seconds"] = 6;
  run.record["data_seconds"] = 1;
  run.record["statistics_seconds"] = 0;
  run.record["controller_seconds"] = 1.5;
  run.record["evaluation_seconds"] = 2;
  const TimeShares shares = time_shares(run);
  std::vector<std::string> names;
  double sum = 0;
  for (const TimeShare& one : shares.told) {
    names.push_back(one.name);
    sum += one.share;
  }
  EXPECT_THAT(names, ElementsAre("forward, backward, update", "data", "statistics",
                                 "decisions", "evaluation"));
  EXPECT_DOUBLE_EQ(sum, 1);
  EXPECT_DOUBLE_EQ(shares.told[0].seconds, 3.5);
  EXPECT_EQ(shares.told[2].share, 0);
  EXPECT_THAT(shares.not_told, ElementsAre(HasSubstr("start, logging")));
}

TEST(TimeShares, SayWhatRunJsonDoesNotTell) {
  batchlab::Run run = test::finished_run("phases", 0, 0.9);
  run.record["started_at"] = "yesterday";
  const TimeShares shares = time_shares(run);
  ASSERT_EQ(shares.told.size(), 1u);
  EXPECT_EQ(shares.told[0].share, 1);
  EXPECT_THAT(shares.not_told, Contains("run.json has no evaluation_seconds"));
}

// Steps of 10, 20, 40 examples in 3, 5, 9 s: a = 1 s, b = 0.2 s; and of 10 alone. Of
// 2 s of training, 0.5 in decisions; 0.5 of evaluation.
TEST(TimesOfAReport, AreOfEachRunWithWhereTheTimeWent) {
  const test::TemporaryFolder folder;
  std::vector<batchlab::Run> runs = {test::finished_run("phases", 0, 0.9),
                                     test::finished_run("constant", 1, 0.9)};
  runs[0].folder = folder / "0";
  runs[1].folder = folder / "1";
  const std::string header = "step,examples_seen,batch_size,training_seconds\n";
  test::write_file(runs[0].folder / "steps.csv",
                   header + "1,10,10,3\n2,20,10,6\n3,40,20,11\n4,80,40,20\n");
  test::write_file(runs[1].folder / "steps.csv", header + "1,10,10,3\n2,20,10,6\n");
  runs.push_back(test::finished_run("tails", 2, 0.9));
  runs[2].folder = folder / "2";
  test::write_file(runs[2].folder / "steps.csv",
                   header + "1,10,10,3\n2,20,10,6\n3,24,4,10\n");
  for (auto& run : runs) run.record["evaluation_seconds"] = 0.5;
  runs[0].record["controller_seconds"] = 0.5;
  const std::string page = make_report(runs, {.title = "times"}).page;
  EXPECT_THAT(page, HasSubstr("<bdi>phases</bdi>, seed 0</th><td>3</td><td>1,000,000"
                              "</td><td>200,000</td><td>1</td><td>"));
  EXPECT_THAT(page, HasSubstr("Of 1 run with fewer than 2 batch sizes there is no"));
  EXPECT_THAT(page, HasSubstr("<bdi>tails</bdi>, seed 2</th><td>2</td><td>–</td>"
                              "<td>–</td><td>–</td><td>–</td><td>–</td>"
                              "<td><span class=\"text\"><bdi>2 batch sizes: any two"));
  EXPECT_THAT(page, HasSubstr("all runs together</th><td>4</td>"));
  // rest of training, training, decisions, evaluation
  EXPECT_THAT(page, HasSubstr("<bdi>phases</bdi></th><td>1</td><td>60 % (1.5 s)</td>"
                              "<td>–</td><td>20 % (0.5 s)</td>"
                              "<td>20 % (0.5 s)</td></tr>"));
  EXPECT_THAT(page, HasSubstr("data, statistics: not recorded"));
  EXPECT_THAT(page, HasSubstr("Time of a training step: s"));
}

// Hand-computed above: residuals -1/21, 4/21, -2/21 of 2, 4, 4 s at 10, 20, 30.
TEST(StepTimesForMachines, HaveEveryResidual) {
  const test::TemporaryFolder folder;
  std::vector<batchlab::Run> runs = {test::finished_run("a,b", 7, 0.9),
                                     test::finished_run("alone", 0, 0.9)};
  runs[0].folder = folder / "0";
  runs[1].folder = folder / "1";  // without a log
  test::write_file(runs[0].folder / "steps.csv",
                   "step,examples_seen,batch_size,training_seconds\n"
                   "1,10,10,2\n2,20,10,4\n3,40,20,8\n4,70,30,12\n");
  const auto json = step_times_json(runs).at("s");
  ASSERT_EQ(json["runs"].size(), 1u);
  const auto& own = json["runs"][0];
  EXPECT_EQ(own["controller"], "a,b");
  EXPECT_EQ(own["seed"], 7);
  EXPECT_NEAR(own["line"]["residual_root_mean_square"].get<double>(),
              std::sqrt(1.0 / 63), 1e-12);
  EXPECT_EQ(own["points"][1]["batch_size"], 20);
  EXPECT_EQ(own["points"][1]["step_seconds"], 4);
  EXPECT_NEAR(own["points"][1]["fitted_seconds"].get<double>(), 68.0 / 21, 1e-12);
  EXPECT_NEAR(own["points"][1]["relative_residual"].get<double>(), 4.0 / 21, 1e-12);
  EXPECT_EQ(json["all_runs"]["points"], own["points"]);

  test::write_file(folder / "a.csv", step_times_csv(runs));
  const Table table = read_csv(folder / "a.csv");
  ASSERT_EQ(table.rows.size(), 6u);
  const auto cell = [&](std::size_t row, const char* name) {
    return table.rows[row].at(table.column(name).value());
  };
  EXPECT_EQ(cell(0, "of"), "all runs");
  EXPECT_EQ(cell(4, "of"), "run");
  EXPECT_EQ(cell(4, "controller"), "a,b");
  EXPECT_EQ(cell(4, "seed"), "7");
  EXPECT_EQ(cell(4, "batch_size"), "20");
  EXPECT_NEAR(std::stod(cell(4, "relative_residual")), 4.0 / 21, 1e-12);
  EXPECT_NEAR(std::stod(cell(4, "fitted_seconds")), 68.0 / 21, 1e-12);
}

TEST(StepTimesForMachines, HaveNoLineOfOneBatchSize) {
  const test::TemporaryFolder folder;
  batchlab::Run run = test::finished_run("constant", 0, 0.9);
  run.folder = folder.path();
  test::write_file(folder / "steps.csv",
                   "step,examples_seen,batch_size,training_seconds\n"
                   "1,10,10,3\n2,20,10,6\n");
  EXPECT_TRUE(step_times_json({&run, 1})["s"]["runs"][0]["line"].is_null());
  test::write_file(folder / "a.csv", step_times_csv({&run, 1}));
  EXPECT_EQ(read_csv(folder / "a.csv").rows.at(0).back(), "");
}

}  // namespace batchlab::step_time_fit_test
