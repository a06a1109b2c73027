// SPDX-License-Identifier: MIT
#include "controllers/learning_rate_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::learning_rate_schedule_test {

using nlohmann::json;
using testing::HasSubstr;

LearningRateSchedule schedule(const json& given, std::int64_t budget_examples = 0) {
  return {checked_options("schedule", schedule_options(), given), budget_examples};
}
std::string refused(const json& given) {
  return error_of([&] { (void)schedule(given); });
}

TEST(LearningRateSchedule, ConstantByDefault) {
  for (const std::int64_t seen : {0, 1, 1'000'000}) {
    EXPECT_EQ(schedule(json::object()).factor(seen), 1);
  }
}

// 0.5 ^ floor(s / 100): 0.5^0, 0.5^0, 0.5^1, 0.5^3.
TEST(LearningRateSchedule, StepFallsAtEachStair) {
  const auto step =
      schedule({{"name", "step"}, {"every_examples", 100}, {"factor", 0.5}});
  EXPECT_EQ(step.factor(0), 1);
  EXPECT_EQ(step.factor(99), 1);
  EXPECT_EQ(step.factor(100), 0.5);
  EXPECT_EQ(step.factor(399), 0.125);
}

// f = 0.2, T = 900: 0.2 + 0.8 (1 + cos(pi t / T)) / 2.
// t = 300: cos(pi/3) = 1/2, 0.2 + 0.8 * 0.75 = 0.8. t = 450: cos = 0, 0.2 + 0.8 / 2 =
// 0.6.
TEST(LearningRateSchedule, CosineFallsToItsFinalFactorAndStays) {
  const auto cosine =
      schedule({{"name", "cosine"}, {"total_examples", 900}, {"final_factor", 0.2}});
  EXPECT_DOUBLE_EQ(cosine.factor(0), 1);
  EXPECT_DOUBLE_EQ(cosine.factor(300), 0.8);
  EXPECT_DOUBLE_EQ(cosine.factor(450), 0.6);
  EXPECT_DOUBLE_EQ(cosine.factor(900), 0.2);
  EXPECT_DOUBLE_EQ(cosine.factor(5000), 0.2);
}

// w = 100, a = 0.2: 0.2 + 0.8 * 50 / 100 = 0.6 half-way.
TEST(LearningRateSchedule, WarmupRisesFromItsStartFactor) {
  const auto warm = schedule({{"warmup_examples", 100}, {"warmup_start_factor", 0.2}});
  EXPECT_DOUBLE_EQ(warm.factor(0), 0.2);
  EXPECT_DOUBLE_EQ(warm.factor(50), 0.6);
  EXPECT_DOUBLE_EQ(warm.factor(100), 1);
  EXPECT_EQ(schedule({{"warmup_examples", 100}}).factor(0), 0.01);
}

// w = 100, total = 1000, so T = 900; s = 550 is t = 450, half-way.
TEST(LearningRateSchedule, CosineCountsAfterWarmup) {
  const auto cosine = schedule(
      {{"name", "cosine"}, {"warmup_examples", 100}, {"total_examples", 1000}});
  EXPECT_DOUBLE_EQ(cosine.factor(100), 1);
  EXPECT_DOUBLE_EQ(cosine.factor(550), 0.5);
  EXPECT_NEAR(cosine.factor(1000), 0, 1e-15);
}

TEST(LearningRateSchedule, CosineTakesTheBudgetForItsTotal) {
  EXPECT_DOUBLE_EQ(schedule({{"name", "cosine"}}, 800).factor(400), 0.5);
  EXPECT_THAT(refused({{"name", "cosine"}}), HasSubstr("cosine needs total_examples"));
}

TEST(LearningRateSchedule, RefusesWhatItCannotFollow) {
  EXPECT_THAT(refused({{"name", "step"}}), HasSubstr("step needs every_examples"));
  EXPECT_EQ(
      refused({{"name", "cosine"}, {"total_examples", 5}, {"warmup_examples", 5}}),
      "schedule: total_examples must be more than warmup_examples 5, got 5");
  EXPECT_THAT(refused({{"name", "cosin"}}), HasSubstr("did you mean \"cosine\"?"));
}

TEST(LearningRateSchedule, StaysInZeroToOne) {
  const std::vector<json> shapes{{{"name", "constant"}},
                                 {{"name", "step"}, {"every_examples", 30}},
                                 {{"name", "cosine"}, {"total_examples", 500}}};
  for (json options : shapes) {
    options["warmup_examples"] = 77;
    const auto any = schedule(options);
    for (std::int64_t seen = 0; seen < 1000; ++seen) {
      EXPECT_GE(any.factor(seen), 0);
      EXPECT_LE(any.factor(seen), 1);
    }
  }
}

}  // namespace batchlab::learning_rate_schedule_test
