// SPDX-License-Identifier: MIT
#include "controllers/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "examples.hpp"

namespace batchlab::limits_test {

using nlohmann::json;
using testing::HasSubstr;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Limits limits(const json& given, std::int64_t training_set_size = 54000) {
  return limits_from(checked_options("limits", limits_options(), given),
                     Setting{training_set_size});
}
std::string refused(const json& given) {
  return error_of([&] { (void)limits(given); });
}

// A run in which every step uses the size in force.
class WishedRun {
 public:
  explicit WishedRun(const Limits& rules) : layer_(rules) {
    statistics_.training_set_size = 54000;
  }
  LimitedDecision wish(double batch_size) {
    const LimitedDecision outcome = layer_.apply({batch_size, ""}, statistics_);
    ++statistics_.step;
    statistics_.batch_size = outcome.batch_size;
    statistics_.examples_seen += outcome.batch_size;
    return outcome;
  }
  SafetyLayer& layer() { return layer_; }
  // Within the step that follows.
  std::int64_t extended(double batch_size) const {
    return layer_.extended(batch_size, statistics_);
  }

 private:
  SafetyLayer layer_;
  Statistics statistics_;
};

void expect(const LimitedDecision& outcome, std::int64_t batch_size,
            const std::string& limited_by, double learning_rate_factor = 1) {
  EXPECT_EQ(outcome.batch_size, batch_size);
  EXPECT_EQ(outcome.limited_by, limited_by);
  EXPECT_DOUBLE_EQ(outcome.learning_rate_factor, learning_rate_factor);
}

TEST(SafetyLayer, UsesTheWishRoundedWithinTheDefaults) {
  WishedRun run(limits(json::object()));
  expect(run.wish(32.4), 32, "");
  expect(run.wish(32.5), 33, "");
  expect(run.wish(54000), 54000, "");
  expect(run.wish(54001), 54000, "maximum");
  expect(run.wish(1), 1, "");
  expect(run.wish(-1e300), 1, "minimum");
  expect(run.wish(1e300), 54000, "maximum");
}

TEST(SafetyLayer, AWishThatIsNotFiniteHolds) {
  WishedRun run(limits(json::object()));
  expect(run.wish(64), 64, "");
  for (const double wish : {nan, infinity, -infinity}) {
    expect(run.wish(wish), 64, "not_finite");
  }
}

// 100, at most 1.5 times as many a step, multiples of 8, not before step 2.
TEST(SafetyLayer, ExtendsABatchAsFarAsItWouldGrow) {
  WishedRun run(
      limits({{"growth", 1.5}, {"multiple", 8}, {"maximum", 160}, {"first_wait", 2}}));
  run.wish(104);
  EXPECT_EQ(run.extended(120), 104);
  run.wish(104);
  EXPECT_EQ(run.extended(121), 120);
  EXPECT_EQ(run.extended(1000), 152);
  EXPECT_EQ(run.extended(3), 104);
  EXPECT_EQ(run.extended(nan), 104);
  run.wish(152);
  run.wish(152);
  EXPECT_EQ(run.extended(1000), 160);
}

// A trial may change the size at once, and so may going back.
TEST(SafetyLayer, WhatIsTriedOrReturnedToWaitsForNothing) {
  SafetyLayer layer(limits({{"dwell", 100}, {"first_wait", 50}, {"hysteresis", 0.9}}));
  Statistics statistics;
  statistics.training_set_size = 54000;
  const auto used = [&](double wish, const Branching& branching) {
    Decision decision{wish, ""};
    decision.branching = branching;
    ++statistics.step;
    return layer.apply(decision, statistics).batch_size;
  };
  EXPECT_EQ(used(32, {}), 32);
  EXPECT_EQ(used(64, {}), 32);
  EXPECT_EQ(used(64, {.trial = true}), 64);
  EXPECT_EQ(used(32, {.go_back_to = 1}), 32);
  EXPECT_EQ(used(60, {}), 32);
}

TEST(SafetyLayer, TheFirstWishMustBeFinite) {
  WishedRun run(limits(json::object()));
  EXPECT_EQ(error_of([&] { (void)run.wish(nan); }),
            "limits: the first batch size wanted must be finite, got nan");
}

TEST(SafetyLayer, KeepsMinimumAndMaximumFromTheFirstStep) {
  WishedRun run(limits({{"minimum", 16}, {"maximum", 256}}));
  expect(run.wish(4), 16, "minimum");
  expect(run.wish(1000), 256, "maximum");
  expect(run.wish(15.4), 16, "minimum");
  expect(run.wish(15.6), 16, "");
}

// growth 1.5: floor(1.5 * 32) = 48, floor(1.5 * 48) = 72; a decrease is free.
TEST(SafetyLayer, GrowthCapsAnIncreaseAndNotADecrease) {
  WishedRun run(limits({{"growth", 1.5}}));
  expect(run.wish(32), 32, "");
  expect(run.wish(1000), 48, "growth");
  expect(run.wish(72), 72, "");
  expect(run.wish(5), 5, "");
}

// floor(1.1 * 2) = 2, yet 3 is allowed; with multiples of 32, floor(1.1 * 32) = 35, yet
// 64 is.
TEST(SafetyLayer, GrowthAlwaysLetsTheBatchGrowByOneOrToTheNextMultiple) {
  WishedRun by_one(limits({{"growth", 1.1}}));
  expect(by_one.wish(2), 2, "");
  expect(by_one.wish(10), 3, "growth");
  WishedRun by_multiple(limits({{"growth", 1.1}, {"multiple", 32}}));
  expect(by_multiple.wish(32), 32, "");
  expect(by_multiple.wish(1000), 64, "growth");
}

// floor(1.8 * 64) = 115; the nearest multiple of 32 is 128, above the cap, so 96.
TEST(SafetyLayer, RoundingToAMultipleDoesNotEscapeTheGrowthCap) {
  WishedRun run(limits({{"growth", 1.8}, {"multiple", 32}}));
  expect(run.wish(64), 64, "");
  expect(run.wish(114), 96, "multiple");
}

// In [20, 100] the multiples of 16 are 32, 48, 64, 80, 96.
TEST(SafetyLayer, RoundsToTheNearestMultipleInsideTheBounds) {
  WishedRun run(limits({{"minimum", 20}, {"maximum", 100}, {"multiple", 16}}));
  expect(run.wish(5), 32, "multiple");
  expect(run.wish(55), 48, "multiple");
  expect(run.wish(57), 64, "multiple");
  expect(run.wish(80.2), 80, "");
  expect(run.wish(1000), 96, "multiple");
}

// Steps 0, 1, 2 are the first wait; the first choice at step 0 is not a change.
TEST(SafetyLayer, FirstWaitHoldsTheFirstSteps) {
  WishedRun run(limits({{"first_wait", 3}}));
  expect(run.wish(32), 32, "");
  expect(run.wish(64), 32, "first_wait");
  expect(run.wish(64), 32, "first_wait");
  expect(run.wish(64), 64, "");
}

// Changed at step 1, so not at 2 and 3, but at 4.
TEST(SafetyLayer, DwellHoldsStepsAfterAChange) {
  WishedRun run(limits({{"dwell", 3}}));
  expect(run.wish(32), 32, "");
  expect(run.wish(64), 64, "");
  expect(run.wish(128), 64, "dwell");
  expect(run.wish(64), 64, "");
  expect(run.wish(128), 128, "");
}

// Changed to 64 after 32 examples: 100 more are seen after 2 steps of 64, at 160.
TEST(SafetyLayer, CooldownHoldsExamplesAfterAChange) {
  WishedRun run(limits({{"cooldown", 100}}));
  expect(run.wish(32), 32, "");
  expect(run.wish(64), 64, "");
  expect(run.wish(128), 64, "cooldown");
  expect(run.wish(128), 128, "");
}

// 10 % of 100 is 10: 110 and 90 are ignored, 111 and 89 are not.
TEST(SafetyLayer, HysteresisIgnoresSmallChanges) {
  WishedRun run(limits({{"hysteresis", 0.1}}));
  expect(run.wish(100), 100, "");
  expect(run.wish(110.4), 100, "hysteresis");
  expect(run.wish(90), 100, "hysteresis");
  expect(run.wish(100.3), 100, "");
  expect(run.wish(111), 111, "");
}

// The change at step 2, after 200 examples, is followed by all three holds at once.
TEST(SafetyLayer, ReportsHoldsInTheirOrder) {
  WishedRun run(limits(
      {{"first_wait", 2}, {"dwell", 2}, {"cooldown", 500}, {"hysteresis", 0.5}}));
  expect(run.wish(100), 100, "");
  expect(run.wish(200), 100, "first_wait");
  expect(run.wish(200), 200, "");
  expect(run.wish(210), 200, "dwell");       // step 3
  expect(run.wish(210), 200, "cooldown");    // step 4, 400 examples since the change
  expect(run.wish(210), 200, "hysteresis");  // step 5, 600
  expect(run.wish(400), 400, "");
}

// 1000 wanted, 250 allowed: a quarter of the rate, for as long as the wish is above.
TEST(SafetyLayer, OverflowGoesToTheLearningRateWhileItLasts) {
  WishedRun run(limits({{"maximum", 250}, {"overflow", "rate"}}));
  expect(run.wish(1000), 250, "maximum", 0.25);
  expect(run.wish(500), 250, "maximum", 0.5);
  expect(run.wish(nan), 250, "not_finite", 0.5);
  expect(run.wish(200), 200, "");
  WishedRun held(limits({{"maximum", 250}}));
  expect(held.wish(1000), 250, "maximum");
}

TEST(SafetyLayer, OverflowLeavesTheRateUntilTheBatchIsTheLargest) {
  WishedRun run(limits({{"maximum", 400}, {"growth", 2}, {"overflow", "rate"}}));
  expect(run.wish(100), 100, "");
  expect(run.wish(1600), 200, "growth", 1);
  expect(run.wish(1600), 400, "growth", 0.25);  // 400 / 1600
  expect(run.wish(800), 400, "maximum", 0.5);
}

TEST(SafetyLayer, AForcedSizeIsUsedWhateverIsWishedAndWhateverTheLimits) {
  WishedRun run(limits(
      {{"maximum", 64}, {"growth", 2}, {"first_wait", 9}, {"overflow", "rate"}}));
  expect(run.wish(128), 64, "maximum", 0.5);
  run.layer().force(1000);
  expect(run.wish(128), 1000, "control", 1);
  expect(run.wish(nan), 1000, "control", 1);
  EXPECT_EQ(run.extended(2000), 1000);
}

// Neither of the waits, nor the hysteresis of 45 - 40 <= 0.2 x 40; growth does: 2 x 8.
TEST(SafetyLayer, NothingHoldsASizeThatWasForcedButGrowthIsFromThere) {
  WishedRun run(
      limits({{"growth", 2}, {"first_wait", 99}, {"dwell", 99}, {"hysteresis", 0.2}}));
  expect(run.wish(45), 45, "");
  run.layer().force(40);
  expect(run.wish(45), 40, "control");
  run.layer().force({});
  expect(run.wish(nan), 40, "not_finite");
  expect(run.wish(45), 45, "");
  expect(run.wish(64), 45, "first_wait");
  run.layer().force(8);
  expect(run.wish(45), 8, "control");
  run.layer().force({});
  expect(run.wish(45), 16, "growth");
  expect(run.wish(45), 16, "first_wait");
}

TEST(SafetyLayer, ALayerThatIsLoadedKnowsThatTheSizeWasForced) {
  const Limits rules = limits({{"first_wait", 99}});
  SafetyLayer first(rules), second(rules);
  Statistics statistics;
  statistics.training_set_size = 54000;
  (void)first.apply({32, ""}, statistics);
  first.force(40);
  (void)first.apply({32, ""}, statistics);
  second.load(first.save());
  EXPECT_EQ(second.apply({32, ""}, statistics).batch_size, 32);
}

TEST(SafetyLayer, OtherLimitsHoldFromTheNextDecisionOnHoweverItIsHeld) {
  const json waits{{"first_wait", 99}, {"hysteresis", 1}};
  const auto with = [&](json more) {
    more.update(waits);
    return limits(more);
  };
  WishedRun run(with(json::object()));
  expect(run.wish(512), 512, "");
  run.layer().set_limits(with({{"maximum", 128}}));
  expect(run.wish(512), 128, "maximum");
  run.layer().set_limits(with({{"minimum", 1000}, {"growth", 1.5}}));
  expect(run.wish(128), 1000, "minimum");
  run.layer().set_limits(with({{"multiple", 64}}));
  expect(run.wish(nan), 1024, "multiple");
  expect(run.wish(nan), 1024, "not_finite");
  run.layer().set_limits(limits(json::object()));
  expect(run.wish(7), 7, "");
}

TEST(SafetyLayer, AShortLastBatchIsNotTheSizeInForce) {
  SafetyLayer layer(limits({{"growth", 2}}));
  Statistics statistics;
  EXPECT_EQ(layer.apply({64, ""}, statistics).batch_size, 64);
  statistics.step = 1;
  statistics.batch_size = 3;
  EXPECT_EQ(layer.apply({100, ""}, statistics).batch_size, 100);
}

TEST(SafetyLayer, MaximumZeroIsTheTrainingSet) {
  SafetyLayer layer{Limits{}};
  Statistics statistics;
  statistics.training_set_size = 500;
  EXPECT_EQ(layer.apply({1000, ""}, statistics).batch_size, 500);
}

TEST(Limits, AMaximumAboveTheTrainingSetIsTheTrainingSet) {
  EXPECT_EQ(limits({{"maximum", 4096}}, 1000).maximum, 1000);
  EXPECT_EQ(limits(json::object(), 1000).maximum, 1000);
  EXPECT_EQ(limits(json::object()).growth, infinity);
}

TEST(Limits, ContradictionsAreRefused) {
  EXPECT_EQ(refused({{"minimum", 60000}}),
            "limits: minimum must be in [1, 54000] (the training set), got 60000");
  EXPECT_EQ(refused({{"minimum", 64}, {"maximum", 32}}),
            "limits: minimum must be at most maximum 32, got 64");
  EXPECT_EQ(
      refused({{"minimum", 33}, {"maximum", 63}, {"multiple", 32}}),
      "limits: multiple must have a multiple in [minimum, maximum] = [33, 63], got 32");
  EXPECT_THAT(refused({{"growth", 1}}),
              HasSubstr("in [1.0001, 1e+06] (more than 1), got 1"));
}

// What must hold whatever is wished, checked without knowing how the layer works.
void expect_rules_kept(const Limits& rules, std::mt19937_64& generator) {
  SafetyLayer layer(rules);
  Statistics statistics;
  std::int64_t before = 0, change_step = -1'000'000, change_examples = -1'000'000'000;
  for (; statistics.step < 200; ++statistics.step) {
    const double exponent = static_cast<double>(generator() % 14'000) / 1000;
    const double size = std::exp2(exponent) - 2;
    const bool finite = statistics.step == 0 || generator() % 20 != 0;
    if (statistics.step == 100) {
      SafetyLayer restored(rules);
      restored.load(json::parse(layer.save().dump()));
      layer = restored;
    }
    const auto outcome = layer.apply({finite ? size : nan, ""}, statistics);
    const std::int64_t now = outcome.batch_size;
    ASSERT_GE(now, rules.minimum);
    ASSERT_LE(now, rules.maximum);
    ASSERT_EQ(now % rules.multiple, 0);
    if (statistics.step > 0 && now != before) {
      ASSERT_TRUE(finite);
      ASSERT_GE(statistics.step, rules.first_wait);
      ASSERT_GE(statistics.step - change_step, rules.dwell);
      ASSERT_GE(statistics.examples_seen - change_examples, rules.cooldown);
      ASSERT_LE(static_cast<double>(now),
                std::max(rules.growth * static_cast<double>(before),
                         static_cast<double>(before + rules.multiple)));
      change_step = statistics.step;
      change_examples = statistics.examples_seen;
    }
    if (outcome.limited_by.empty()) {
      ASSERT_EQ(static_cast<double>(now), std::round(size));
    }
    before = now;
    statistics.examples_seen += now;
  }
}

TEST(SafetyLayer, KeepsItsRulesWhateverIsWished) {
  std::mt19937_64 generator(1);
  for (int round = 0; round < 100; ++round) {
    Limits rules;
    rules.minimum = 1 + static_cast<std::int64_t>(generator() % 100);
    rules.multiple = 1 + static_cast<std::int64_t>(generator() % 33);
    rules.maximum =
        rules.minimum + rules.multiple + static_cast<std::int64_t>(generator() % 9000);
    rules.growth = 1.001 + static_cast<double>(generator() % 3000) / 1000;
    rules.first_wait = static_cast<std::int64_t>(generator() % 5);
    rules.dwell = static_cast<std::int64_t>(generator() % 5);
    rules.cooldown = static_cast<std::int64_t>(generator() % 5000);
    rules.hysteresis = static_cast<double>(generator() % 3) / 10;
    expect_rules_kept(rules, generator);
    if (testing::Test::HasFatalFailure()) FAIL() << "round " << round;
  }
}

}  // namespace batchlab::limits_test
