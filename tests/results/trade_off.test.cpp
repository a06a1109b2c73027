// SPDX-License-Identifier: MIT
#include "results/trade_off.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/results/support.hpp"

namespace batchlab {
namespace {

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

TEST(ConstantSweep, TakesTheRunsOfTheConstantRuleThatAreOver) {
  std::vector<batchlab::Run> runs = {
      test::finished_run("constant", 0, 0.9), test::finished_run("constant", 1, 0.8),
      test::run_with_status("constant", 2, "running", ""),
      test::finished_run("phases", 0, 0.9)};
  std::vector<const batchlab::Run*> all;
  for (auto& run : runs) {
    run.configuration["controller"]["options"] = {{"batch_size", 64}};
    all.push_back(&run);
  }
  const auto found = constant_sweep(all, {"test", "accuracy", 0.85});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].batch_size, 64);
  EXPECT_EQ(found[0].steps, 100);
  EXPECT_EQ(found[1].seed, 1);
  EXPECT_EQ(found[1].steps, kNever);
}

TEST(TradeOff, RefusesWhatIsNotPositive) {
  for (const SweepRun& run :
       {SweepRun{0, 0, 10}, SweepRun{16, 0, 0}, SweepRun{16, 0, std::nan("")}}) {
    EXPECT_EQ(test::error_of([&] { (void)trade_off(Runs{run}); }).kind(),
              ErrorKind::data);
  }
}

}  // namespace
}  // namespace batchlab
