// SPDX-License-Identifier: MIT
#include "results/trade_off.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "results/report.hpp"
#include "results/report/parts.hpp"
#include "tests/results/support.hpp"

namespace batchlab::trade_off_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Runs = std::vector<SweepRun>;

constexpr double kNever = std::numeric_limits<double>::infinity();

// Runs that follow the law, log S with a normal error of deviation `noise`.
Runs sweep(double smin, double critical, const std::vector<double>& batch_sizes,
           std::int64_t seeds, double noise, std::mt19937_64& generator) {
  Runs runs;
  for (const double batch_size : batch_sizes) {
    for (std::int64_t seed = 0; seed < seeds; ++seed) {
      const double error = noise == 0 ? 0 : noise * test::standard_normal(generator);
      runs.push_back(
          {batch_size, seed, smin * (1 + critical / batch_size) * std::exp(error)});
    }
  }
  return runs;
}

const std::vector<double> kSizes = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

// Smin 100, Bcrit 64: S = 100 (1 + 64/B) = 500, 300, 200, 150 at B = 16, 32, 64, 128;
// E = 8000, 9600, 12800, 19200, Emin = 6400: at B = 64, (2 - 1)(2 - 1) = 1.
// 20 % more than 6400 are 7680 = B S = 100 B + 6400: B = 12.8.
TEST(TradeOff, FindsTheLawThroughPointsWithoutError) {
  const Runs runs = {{16, 0, 500}, {32, 0, 300}, {64, 0, 200}, {128, 0, 150}};
  const TradeOff result = trade_off(runs);
  ASSERT_TRUE(result.fit);
  EXPECT_NEAR(result.fit->minimum_steps.value, 100, 1e-5);
  EXPECT_NEAR(result.fit->critical_batch_size.value, 64, 1e-5);
  EXPECT_NEAR(result.fit->minimum_examples.value, 6400, 1e-4);
  EXPECT_NEAR(result.fit->overhead_20_batch_size.value, 12.8, 1e-6);
  EXPECT_NEAR(result.fit->residual_deviation, 0, 1e-8);
  EXPECT_NEAR(result.fit->minimum_steps.interval.high, 100, 1e-4);
  ASSERT_EQ(result.points.size(), 4u);
  EXPECT_DOUBLE_EQ(result.points[0].examples, 8000);
  EXPECT_NEAR(result.points[2].fitted_steps, 200, 1e-5);
  EXPECT_THAT(result.notes, IsEmpty());
}

// The rival: all (log Smin, log Bcrit) of a fine grid whose sum of squares over the
// runs is within the limit.
TEST(TradeOff, HasTheIntervalsThatAGridOverBothParametersGives) {
  std::mt19937_64 generator(3);
  const Runs runs = sweep(100, 300, {32, 128, 512, 2048}, 3, 0.05, generator);
  const TradeOffFit fit = trade_off(runs).fit.value();
  const auto squares = [&](double a, double u) {
    double sum = 0;
    for (const SweepRun& run : runs) {
      const double fitted = a + std::log1p(std::exp(u) / run.batch_size);
      sum += (std::log(run.steps) - fitted) * (std::log(run.steps) - fitted);
    }
    return sum;
  };
  const double a0 = std::log(fit.minimum_steps.value);
  const double u0 = std::log(fit.critical_batch_size.value);
  const double t = 2.228139;  // t(0.975, 10) of the tables
  const double limit = squares(a0, u0) * (1 + t * t / 10);
  Interval a = {kNever, -kNever}, u = a, sum = a;
  const auto widen = [](Interval& interval, double value) {
    interval = {std::min(interval.low, value), std::max(interval.high, value)};
  };
  for (int i = -150; i <= 150; ++i) {
    for (int j = -150; j <= 150; ++j) {
      const double da = 0.0015 * i, du = 0.0015 * j;
      if (squares(a0 + da, u0 + du) > limit) continue;
      widen(a, da), widen(u, du), widen(sum, da + du);
    }
  }
  const auto expect_near = [](const FittedValue& fitted, const Interval& grid) {
    EXPECT_NEAR(std::log(fitted.interval.low / fitted.value), grid.low, 0.002);
    EXPECT_NEAR(std::log(fitted.interval.high / fitted.value), grid.high, 0.002);
  };
  expect_near(fit.minimum_steps, a);
  expect_near(fit.critical_batch_size, u);
  expect_near(fit.minimum_examples, sum);
}

// 2,000 sweeps: the standard error of each coverage is 0.5 %.
TEST(TradeOff, CoversEachParameterInNineteenOfTwentySweeps) {
  std::mt19937_64 generator(1);
  int steps = 0, examples = 0, critical = 0;
  const auto covers = [](const FittedValue& fitted, double truth) {
    return fitted.interval.low <= truth && truth <= fitted.interval.high;
  };
  for (int sample = 0; sample < 2000; ++sample) {
    const auto fit = trade_off(sweep(500, 200, kSizes, 3, 0.1, generator)).fit;
    steps += covers(fit.value().minimum_steps, 500);
    examples += covers(fit->minimum_examples, 100000);
    critical += covers(fit->critical_batch_size, 200);
  }
  RecordProperty("coverage", fmt::format("{} {} {}", steps, examples, critical));
  for (const int covered : {steps, examples, critical}) {
    EXPECT_GE(covered, 0.93 * 2000);
    EXPECT_LE(covered, 0.97 * 2000);
  }
}

TEST(TradeOff, SaysThatPerfectScalingTellsNoLeastNumberOfSteps) {
  std::mt19937_64 generator(1);
  const TradeOff result =
      trade_off(sweep(1, 1e5, {16, 32, 64, 128}, 5, 0.1, generator));
  EXPECT_EQ(result.fit.value().critical_batch_size.interval.high, kNever);
  EXPECT_EQ(result.fit->overhead_20_batch_size.interval.high, kNever);
  EXPECT_EQ(result.fit->minimum_steps.interval.low, 0);
  EXPECT_GT(result.fit->critical_batch_size.interval.low, 128);
  EXPECT_GT(result.fit->minimum_examples.interval.low, 0.8e5);
  EXPECT_LT(result.fit->minimum_examples.interval.high, 1.2e5);
  EXPECT_THAT(result.notes,
              ElementsAre(HasSubstr("every batch size scales perfectly")));
}

TEST(TradeOff, SaysThatAPlateauTellsNoLeastNumberOfExamples) {
  std::mt19937_64 generator(2);
  const TradeOff result =
      trade_off(sweep(70, 1e-3, {16, 32, 64, 128}, 5, 0.1, generator));
  EXPECT_EQ(result.fit.value().critical_batch_size.interval.low, 0);
  EXPECT_EQ(result.fit->minimum_examples.interval.low, 0);
  EXPECT_NEAR(result.fit->minimum_steps.value, 70, 7);
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("the same number of steps")));
}

TEST(TradeOff, TakesALimitOfTheLawForWhatItIs) {
  const TradeOff scaling = trade_off(Runs{{1, 0, 800}, {2, 0, 400}, {4, 0, 200}});
  EXPECT_EQ(scaling.fit.value().critical_batch_size.value, kNever);
  EXPECT_EQ(scaling.fit->minimum_steps.value, 0);
  EXPECT_NEAR(scaling.fit->minimum_examples.value, 800, 0.1);
  EXPECT_NEAR(scaling.points[1].fitted_steps, 400, 0.1);
  const TradeOff plateau = trade_off(Runs{{1, 0, 50}, {2, 0, 50}, {4, 0, 50}});
  EXPECT_EQ(plateau.fit.value().critical_batch_size.value, 0);
  EXPECT_NEAR(plateau.fit->minimum_steps.value, 50, 0.01);
}

TEST(TradeOff, FitsNothingThroughFewerThanThreeBatchSizes) {
  const TradeOff result = trade_off(Runs{{16, 0, 500}, {16, 1, 510}, {32, 0, 300}});
  EXPECT_FALSE(result.fit);
  EXPECT_THAT(result.notes, ElementsAre("no fit: 2 batch sizes with all runs at the "
                                        "target, at least 3 are needed"));
  EXPECT_FALSE(trade_off({}).fit);
}

TEST(TradeOff, CountsRunsThatNeverArriveAndFitsWithoutTheirBatchSize) {
  const TradeOff result = trade_off(
      Runs{{16, 0, 500}, {32, 0, 300}, {64, 0, 200}, {128, 0, 150}, {128, 1, kNever}});
  EXPECT_NEAR(result.fit.value().critical_batch_size.value, 64, 1e-4);
  EXPECT_EQ(result.points.at(3).never, 1u);
  EXPECT_EQ(result.points[3].steps, kNever);
  EXPECT_FALSE(result.points[3].used);
  EXPECT_THAT(result.notes,
              Contains(HasSubstr("batch size 128: 1 of 2 runs never reached")));
}

// A run of rule "constant" that met the target of accuracy 0.85 after so many steps.
batchlab::Run constant_run(std::int64_t batch_size, std::int64_t seed,
                           std::int64_t steps, double learning_rate = 0.1) {
  batchlab::Run run = test::finished_run("constant", seed, 0.9);
  run.configuration["controller"] = {{"name", "constant"},
                                     {"label", "constant"},
                                     {"learning_rate", learning_rate},
                                     {"options", {{"batch_size", batch_size}}}};
  run.record["controller"] = fmt::format("constant-{}-{}", batch_size, learning_rate);
  run.evaluations[0].step = steps;
  run.evaluations[0].examples_seen = steps * batch_size;
  return run;
}

std::vector<const batchlab::Run*> pointers(const std::vector<batchlab::Run>& runs) {
  std::vector<const batchlab::Run*> all;
  for (const auto& run : runs) all.push_back(&run);
  return all;
}

const Target kTarget = {"test", "accuracy", 0.85};

TEST(ConstantSweep, TakesTheRunsOfTheConstantRuleThatAreOver) {
  std::vector<batchlab::Run> runs = {
      test::finished_run("constant", 0, 0.9), test::finished_run("constant", 1, 0.8),
      test::run_with_status("constant", 2, "running", ""),
      test::finished_run("phases", 0, 0.9),
      test::finished_run("constant", 3, std::nan(""))};  // not measured by it
  for (auto& run : runs) {
    run.configuration["controller"]["options"] = {{"batch_size", 64}};
  }
  const ConstantSweep sweep = constant_sweep(pointers(runs), kTarget);
  const auto& found = sweep.runs;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].batch_size, 64);
  EXPECT_EQ(found[0].steps, 100);
  EXPECT_EQ(found[1].seed, 1);
  EXPECT_EQ(found[1].steps, kNever);
  EXPECT_THAT(sweep.sources, ElementsAre(&runs[0], &runs[1]));
  EXPECT_THAT(sweep.notes, IsEmpty());
}

// Of batch size 64: at rate 0.1 both arrive, after 40 and 160 steps (geometric mean
// 80); at 0.2 after 70, but one never; at 0.05 after 90 and 90.
TEST(ConstantSweep, TakesTheBestOfSeveralLearningRatesAndSaysSo) {
  std::vector<batchlab::Run> runs = {
      constant_run(64, 0, 90, 0.05), constant_run(64, 1, 90, 0.05),
      constant_run(64, 0, 40, 0.1),  constant_run(64, 1, 160, 0.1),
      constant_run(64, 0, 70, 0.2),  constant_run(64, 1, 70, 0.2),
      constant_run(16, 0, 200, 0.05)};
  runs[5].evaluations[0].accuracy = 0.1;
  const ConstantSweep sweep = constant_sweep(pointers(runs), kTarget);
  EXPECT_THAT(sweep.sources, ElementsAre(&runs[6], &runs[2], &runs[3]));
  ASSERT_EQ(sweep.notes.size(), 1u);
  EXPECT_THAT(sweep.notes[0], HasSubstr("constant-64-0.1 (of 3 with batch size 64)"));
  EXPECT_THAT(sweep.notes[0], testing::Not(HasSubstr("batch size 16")));
}

TEST(ConstantSweep, TakesAllRunsOfABatchSizeWithWhichNoneArrived) {
  std::vector<batchlab::Run> runs = {constant_run(64, 0, 90, 0.05),
                                     constant_run(64, 0, 40, 0.1)};
  for (auto& run : runs) run.evaluations[0].accuracy = 0.1;
  const ConstantSweep sweep = constant_sweep(pointers(runs), kTarget);
  EXPECT_EQ(sweep.runs.size(), 2u);
  EXPECT_THAT(sweep.notes, IsEmpty());
}

TEST(ConstantSweep, TakesTheRateOfTheOptimizerWhereARunHasNone) {
  std::vector<batchlab::Run> runs = {constant_run(64, 0, 90), constant_run(64, 1, 40)};
  for (auto& run : runs) run.configuration["controller"]["learning_rate"] = nullptr;
  runs[0].configuration["optimizer"]["learning_rate"] = 0.3;
  runs[1].configuration["optimizer"]["learning_rate"] = 0.4;
  EXPECT_THAT(constant_sweep(pointers(runs), kTarget).sources, ElementsAre(&runs[1]));
}

// Up to the targets at steps 2: 10 x 2 + 10 x 4 and 30 x 6, the first step of the
// second run without a value: 240 over the 50 examples of 80 that have one. The third
// never arrived.
TEST(MeanNoiseScale, WeightsTheStepsUpToTheTargetWithTheirExamples) {
  const test::TemporaryFolder folder;
  std::vector<batchlab::Run> runs = {constant_run(10, 0, 2), constant_run(30, 0, 2),
                                     constant_run(50, 0, 2)};
  runs[2].evaluations[0].accuracy = 0.1;
  const std::vector<std::string> logs = {"1,10,2\n2,10,4\n3,10,100\n",
                                         "1,30,\n2,30,6\n", "1,50,1000\n"};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    runs[i].folder = folder / std::to_string(i);
    test::write_file(runs[i].folder / "steps.csv",
                     "step,batch_size,noise_scale\n" + logs[i]);
  }
  const auto mean = mean_noise_scale(constant_sweep(pointers(runs), kTarget));
  EXPECT_DOUBLE_EQ(mean.value().value, 4.8);
  EXPECT_DOUBLE_EQ(mean->share, 0.625);
  EXPECT_EQ(mean->runs, 2u);
}

TEST(MeanNoiseScale, IsAbsentWhereItWasNotLogged) {
  const test::TemporaryFolder folder;
  std::vector<batchlab::Run> runs = {constant_run(10, 0, 2), constant_run(10, 1, 2)};
  runs[0].folder = folder / "0";
  runs[1].folder = folder / "none";
  test::write_file(runs[0].folder / "steps.csv",
                   "step,batch_size,noise_scale_low\n1,10,5\n");
  EXPECT_FALSE(mean_noise_scale(constant_sweep(pointers(runs), kTarget)));
}

TEST(SweepFigures, AreThoseOfTheFitAndTheMeanNoiseScale) {
  const TradeOff all =
      trade_off(Runs{{16, 0, 500}, {32, 0, 300}, {64, 0, 200}, {128, 0, 150}});
  std::vector<double> values;
  for (const SweepFigure& one : sweep_figures(all, MeanNoiseScale{50, 1, 1})) {
    values.push_back(one.fitted.value().value);
  }
  EXPECT_THAT(
      values,
      ElementsAre(testing::DoubleNear(100, 1e-4), testing::DoubleNear(6400, 1e-3),
                  testing::DoubleNear(64, 1e-4), testing::DoubleNear(12.8, 1e-5), 50));
  for (const SweepFigure& one : sweep_figures(trade_off({}), std::nullopt)) {
    EXPECT_FALSE(one.fitted) << one.name;
  }
}

// One run each of batch sizes 16, 32, 64, 128 after 500, 300, 200, 150 steps: Smin =
// 100, Emin = 6400, Bcrit = 64. One of 4096 that never arrives.
std::vector<batchlab::Run> swept(const test::TemporaryFolder& folder) {
  std::vector<batchlab::Run> runs = {
      constant_run(16, 0, 500), constant_run(32, 0, 300), constant_run(64, 0, 200),
      constant_run(128, 0, 150), constant_run(4096, 0, 90)};
  runs.back().evaluations[0].accuracy = 0.1;
  for (auto& run : runs) {
    run.folder = folder / run.controller();
    run.configuration["target"] = {{"metric", "test_accuracy"}, {"value", 0.8}};
  }
  return runs;
}

const DrawnChart& found(const std::vector<DrawnChart>& charts,
                        const std::string& name) {
  const auto place = std::find_if(charts.begin(), charts.end(),
                                  [&](const auto& one) { return one.name == name; });
  if (place == charts.end()) throw std::runtime_error("no chart " + name);
  return *place;
}

TEST(TradeOffOfAReport, ShowsWhatASweepOverBatchSizesTells) {
  const test::TemporaryFolder folder;
  const std::vector<batchlab::Run> runs = swept(folder);
  const std::string page = make_report(runs, {.title = "sweep"}).page;
  for (const char* row :
       {"Smin</th><td>100</td><td>100 to 100</td><td>updates</td>",
        "Emin</th><td>6,400</td><td>6,400 to 6,400</td><td>examples</td>",
        "Emin / Smin</th><td>64</td><td>64 to 64</td><td>examples a step</td>",
        "0.2 Emin / Smin</th><td>12.8</td><td>12.8 to 12.8</td>",
        "up to the target</th><td>not measured</td><td>–</td><td>examples</td>",
        "Trade-off of updates and examples to test_accuracy &gt;= 0.8: s",
        "batch size 4096: 1 of 1 runs never reached the target", ">B = 16</text>",
        ">B = 128</text>"}) {
    EXPECT_THAT(page, HasSubstr(row));
  }
  EXPECT_THAT(page, testing::Not(HasSubstr(">B = 4,096<")));
}

// At the ends of the fit: B = 16 after 500 steps and B = 128 after 150.
TEST(TradeOffOfAReport, DrawsTheLawOverTheBatchSizesOfItsFit) {
  const test::TemporaryFolder folder;
  const std::vector<batchlab::Run> runs = swept(folder);
  ReportModel model = report_model(runs);
  const std::vector<DrawnChart> charts = drawn_charts(model);
  const auto& law = found(charts, "s-trade-off").chart.lines.at(1);
  EXPECT_NEAR(law.x.front(), 500, 1e-3);
  EXPECT_NEAR(law.y.front(), 8000, 1e-2);
  EXPECT_NEAR(law.x.back(), 150, 1e-3);
  EXPECT_NEAR(law.y.back(), 19200, 1e-2);
}

TEST(TradeOffOfAReport, NamesNoLawWhereThereIsNoFit) {
  const test::TemporaryFolder folder;
  std::vector<batchlab::Run> runs = swept(folder);
  runs.resize(2);
  const std::string page = make_report(runs, {.title = "two"}).page;
  EXPECT_THAT(page, testing::Not(HasSubstr("fitted law")));
  EXPECT_THAT(page, HasSubstr("Smin</th><td>–</td><td>–</td>"));
  EXPECT_THAT(page, HasSubstr("no fit: 2 batch sizes"));
}

TEST(TradeOffOfAReport, IsAlsoThereForMachinesAndPapers) {
  const test::TemporaryFolder folder;
  std::vector<batchlab::Run> runs = swept(folder);
  const auto json = trade_off_json(pointers(runs), kTarget);
  EXPECT_NEAR(json["overhead_20_batch_size"]["value"].get<double>(), 12.8, 1e-5);
  EXPECT_NEAR(json["minimum_steps"]["interval_high"].get<double>(), 100, 1e-3);
  EXPECT_TRUE(json["mean_noise_scale"].is_null());
  EXPECT_EQ(json["points"][4]["updates"], "inf");
  EXPECT_EQ(json["notes"].size(), 1u);
  EXPECT_THAT(sweeps_markdown(report_model(runs)),
              testing::AllOf(HasSubstr("\n## Trade-off of updates and examples to "),
                             HasSubstr("| 12.8 | 12.8 to 12.8 | examples a step |\n"),
                             HasSubstr("\n- batch size 4096: 1 of 1 runs never")));
  runs.resize(1);
  EXPECT_TRUE(trade_off_json(pointers(runs), kTarget).is_null());
  EXPECT_EQ(sweeps_markdown(report_model(runs)), "");
}

TEST(TradeOff, RefusesWhatIsNotPositive) {
  for (const SweepRun& run :
       {SweepRun{0, 0, 10}, SweepRun{16, 0, 0}, SweepRun{16, 0, std::nan("")}}) {
    EXPECT_EQ(test::error_of([&] { (void)trade_off(Runs{run}); }).kind(),
              ErrorKind::data);
  }
}

}  // namespace batchlab::trade_off_test
