// SPDX-License-Identifier: MIT
#include "experiments/bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "experiments/recipes.hpp"
#include "program.hpp"
#include "support.hpp"

namespace batchlab::test::bench_test {

using testing::HasSubstr;

BenchRow row(std::int64_t batch_size, std::size_t threads, double seconds) {
  return {batch_size, threads, seconds, seconds, seconds, 0, 0};
}

TEST(FitStepTime, FindsTheLineThroughTheRows) {
  // t = 2 + 3 B with one thread, 1 + 2 B with two.
  const std::vector<BenchRow> rows{row(1, 1, 5), row(10, 1, 32), row(100, 1, 302),
                                   row(1, 2, 3), row(4, 2, 9)};
  const auto fits = fit_step_time(rows);
  ASSERT_EQ(fits.size(), 2U);
  EXPECT_NEAR(fits[0].a_seconds, 2, 1e-9);
  EXPECT_NEAR(fits[0].b_seconds_per_example, 3, 1e-9);
  EXPECT_NEAR(fits[0].largest_residual, 0, 1e-9);
  EXPECT_EQ(fits[1].threads, 2U);
  EXPECT_NEAR(fits[1].a_seconds, 1, 1e-9);
  EXPECT_NEAR(fits[1].b_seconds_per_example, 2, 1e-9);
}

TEST(FitStepTime, WeighsRowsByTheirRelativeError) {
  // Minimises ((2-a-b)/2)^2 + ((4-a-2b)/4)^2 + ((4-a-3b)/4)^2 = sum w (t-a-bB)^2 with
  // w = 1/4, 1/16, 1/16: W = 3/8, WB = 9/16, WBB = 17/16, Wt = 1, WBt = 7/4;
  // D = 51/128 - 81/256 = 21/256, a = (17/16 - 63/64) / D = 20/21, b = (21/32 - 9/16) /
  // D = 8/7.
  const std::vector<BenchRow> rows{row(1, 1, 2), row(2, 1, 4), row(3, 1, 4)};
  const auto fits = fit_step_time(rows);
  ASSERT_EQ(fits.size(), 1U);
  EXPECT_NEAR(fits[0].a_seconds, 20.0 / 21, 1e-9);
  EXPECT_NEAR(fits[0].b_seconds_per_example, 8.0 / 7, 1e-9);
  // The second row: 20/21 + 16/7 = 68/21 of 4.
  EXPECT_NEAR(fits[0].largest_residual, (4 - 68.0 / 21) / 4, 1e-9);
}

TEST(FitStepTime, NeedsTwoBatchSizes) {
  const std::vector<BenchRow> one{row(8, 1, 5)}, same{row(8, 1, 5), row(8, 1, 6)};
  EXPECT_TRUE(fit_step_time(one).empty());
  EXPECT_TRUE(fit_step_time(same).empty());
}

TEST(Bench, MeasuresEveryPairOfBatchSizeAndThreads) {
  const auto rows = bench(tiny_run(), tiny_source(), {{8, 64}, {1, 2}, 3, 0.002});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[1].batch_size, 64);
  EXPECT_EQ(rows[2].threads, 2U);
  for (const BenchRow& measured : rows) {
    EXPECT_GT(measured.step_seconds_min, 0);
    EXPECT_LE(measured.step_seconds_min, measured.step_seconds);
    EXPECT_LE(measured.step_seconds, measured.step_seconds_max);
    EXPECT_NEAR(measured.examples_per_second * measured.step_seconds,
                static_cast<double>(measured.batch_size), 1e-6);
    EXPECT_GT(measured.peak_memory_bytes, 1000000U);
  }
}

// A cosine would end with the budget, which a measurement has not.
TEST(Bench, NoScheduleIsInItsWay) {
  EXPECT_EQ(
      bench(tiny_run({"schedule.name=cosine"}), tiny_source(), {{8}, {1}, 1, 1e-3})
          .size(),
      1U);
}

TEST(Bench, ABatchLargerThanTheTrainingSetIsRefused) {
  const Error error = error_of([] {
    (void)bench(tiny_run(), tiny_source(), {{100000}, {1}, 1, 0.001});
  });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), HasSubstr("must be in [1, "));
}

TEST(BenchCommand, PrintsWhatWasAskedForAsJson) {
  const Experiment experiment;
  const Output output = run_program(
      {"bench", experiment.specification(), "--batch-sizes", "8,16", "--threads", "1",
       "--repeats", "1", "--repeat-milliseconds", "1", "--json"});
  ASSERT_EQ(output.code, 0) << output.err;
  const auto result = nlohmann::json::parse(output.out);
  ASSERT_EQ(result.at("rows").size(), 2U);
  for (const char* key :
       {"batch_size", "threads", "step_seconds", "step_seconds_min", "step_seconds_max",
        "examples_per_second", "peak_memory_bytes"}) {
    EXPECT_TRUE(result.at("rows")[1].contains(key)) << key;
  }
  EXPECT_EQ(result.at("fits").size(), 1U);
}

TEST(BenchCommand, WritesAPageAndFiguresBesideMarkdown) {
  const Experiment experiment;
  const std::string page = (experiment.folder / "a/bench.html").string();
  const std::string figures = (experiment.folder / "figures").string();
  const Output output =
      run_program({"bench", experiment.specification(), "--batch-sizes", "8,16",
                   "--threads", "1", "--repeats", "1", "--repeat-milliseconds", "1",
                   "--report", page, "--svg", figures, "--markdown"});
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(file_text(page),
              HasSubstr("batchlab bench " + experiment.specification()));
  EXPECT_THAT(file_text(figures + "/tiny-step-time.svg"), HasSubstr("<svg"));
  EXPECT_THAT(output.out, HasSubstr("\n| threads | batch size |"));
}

TEST(BenchCommand, MeasuresEachNetworkOfTheRecipesOnce) {
  const Output output =
      run_program({"bench", "--batch-sizes", "8", "--threads", "1", "--repeats", "1",
                   "--repeat-milliseconds", "1", "--json"});
  ASSERT_EQ(output.code, 0) << output.err;
  const auto networks = nlohmann::json::parse(output.out).at("networks");
  std::set<std::string> descriptions;
  std::size_t specifications = 0;
  for (const auto& network : networks) {
    descriptions.insert(network.at("description").get<std::string>());
    specifications += 1 + network.at("others").size();
  }
  EXPECT_EQ(descriptions.size(), networks.size());
  EXPECT_EQ(specifications, recipes().size());
}

TEST(BenchCommand, RefusesTwoSpecificationsOfOneNameAndTwoFormsOfOutput) {
  const Output twice = run_program({"bench", "four-families", "four-families"});
  EXPECT_EQ(twice.code, 2);
  EXPECT_THAT(twice.err, HasSubstr("four-families; rename one"));
  EXPECT_EQ(run_program({"bench", "four-families", "--json", "--markdown"}).code, 2);
}

TEST(BenchCommand, RefusesListsThatAreNone) {
  for (const char* list : {"0", "8,x", "-1", ""}) {
    EXPECT_EQ(run_program({"bench", "four-families", "--batch-sizes", list}).code, 2)
        << list;
  }
  EXPECT_THAT(run_program({"bench", "four-familie"}).err, HasSubstr("four-families"));
}

}  // namespace batchlab::test::bench_test
