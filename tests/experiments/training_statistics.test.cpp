// SPDX-License-Identifier: MIT
//
// What the loop measures, and tells its rules.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "experiments/training.hpp"
#include "tests/experiments/support.hpp"

namespace batchlab::test::training_statistics_test {

using testing::HasSubstr;

TEST(Training, StatisticsThatNobodyAskedForAreAbsent) {
  for (const Statistics& step :
       train({"data.validation_fraction=0.1"}).recording.steps) {
    for (const Quantity& quantity : quantities) {
      EXPECT_FALSE((step.*quantity.field).has_value()) << quantity.name;
    }
  }
}

TEST(Training, StatisticsThatAreAskedForAreThere) {
  for (const std::string estimator : {"per_example", "micro_batch", "two_step"}) {
    const Trained trained = train({"statistics.measure=[\"noise_scale\"]",
                                   fmt::format("statistics.estimator={}", estimator)});
    for (const Statistics& step : trained.recording.steps) {
      const bool first_of_two = estimator == "two_step" && step.step == 1;
      EXPECT_GT(step.gradient_norm_squared.value(), 0);
      EXPECT_EQ(step.gradient_variance_trace.value_or(0) > 0, !first_of_two);
      EXPECT_EQ(step.true_gradient_norm_squared.has_value(), !first_of_two);
      const std::int64_t enough = estimator == "two_step" ? 10 : 6;
      if (step.step < 4 || step.step > enough) {  // five steps, or pairs of them
        EXPECT_EQ(step.noise_scale_low.has_value(), step.step > enough);
      }
      EXPECT_FALSE(step.half_batch_cosine.has_value());
      EXPECT_FALSE(step.validation_loss.has_value());
    }
  }
}

TEST(Training, SecondsOfDataAndStatisticsArePartOfThoseOfTheRun) {
  const RunResult without = train({"budget={steps=50}"}).result;
  EXPECT_GT(without.data_seconds, 0);
  EXPECT_EQ(without.statistics_seconds, 0);
  EXPECT_LT(without.data_seconds + without.controller_seconds,
            without.training_seconds);
  for (const std::string estimator : {"per_example", "micro_batch", "two_step"}) {
    const RunResult with =
        train({"budget={steps=50}", "statistics.measure=[\"noise_scale\"]",
               "statistics.estimator=" + estimator})
            .result;
    EXPECT_GT(with.statistics_seconds, 0) << estimator;
  }
}

// q = s - V (1 - 1/B) and V = VarIP / q + VarOrth, whatever the batch.
TEST(Training, StatisticsOfOneStepAgreeWithEachOther) {
  const Trained trained = train(
      {"statistics.measure=[\"noise_scale\", \"example_gradient_norm_squared_mean\", "
       "\"inner_product_variance\", \"orthogonal_variance\", \"half_batch_cosine\"]"});
  ASSERT_FALSE(trained.recording.steps.empty());
  for (const Statistics& step : trained.recording.steps) {
    const double q = step.gradient_norm_squared.value();
    const double s = step.example_gradient_norm_squared_mean.value();
    const double variance = step.gradient_variance_trace.value();
    const auto size = static_cast<double>(step.batch_size);
    EXPECT_NEAR(q, s - variance * (1 - 1 / size), 1e-5 * s);
    EXPECT_NEAR(
        variance,
        step.inner_product_variance.value() / q + step.orthogonal_variance.value(),
        1e-4 * variance);
    EXPECT_LE(std::abs(step.half_batch_cosine.value()), 1);
    if (step.noise_scale_low && step.noise_scale) {
      EXPECT_LE(*step.noise_scale_low, *step.noise_scale);
      EXPECT_GE(*step.noise_scale_high, *step.noise_scale);
    }
  }
}

TEST(Training, TheFinitePopulationMayBeLeftOut) {
  const std::string measure = "statistics.measure=[\"noise_scale\"]";
  const auto with = train({measure}).recording.steps;
  const auto without =
      train({measure, "statistics.finite_population=false"}).recording.steps;
  for (std::size_t i = 0; i < with.size(); ++i) {
    EXPECT_NEAR(*with[i].true_gradient_norm_squared,
                *without[i].true_gradient_norm_squared +
                    *with[i].gradient_variance_trace / tiny_training,
                1e-12);
  }
}

TEST(Training, ABatchOfOneHasNoSpread) {
  const Trained trained =
      train({"statistics.measure=[\"noise_scale\", \"inner_product_variance\", "
             "\"orthogonal_variance\", \"half_batch_cosine\"]",
             "controllers.0.batch_size=1", "budget={steps=6}"});
  for (const Statistics& step : trained.recording.steps) {
    EXPECT_FALSE(step.gradient_variance_trace || step.true_gradient_norm_squared ||
                 step.noise_scale || step.noise_scale_low ||
                 step.inner_product_variance || step.orthogonal_variance ||
                 step.half_batch_cosine);
  }
}

TEST(Training, MeasuringChangesNoBitOfTheLoss) {
  const auto losses = train(std::vector<std::string>{}).recording.losses();
  for (const char* estimator : {"per_example", "micro_batch", "two_step"}) {
    const std::string choice = fmt::format("statistics.estimator={}", estimator);
    EXPECT_EQ(
        losses,
        train({"statistics.measure=[\"noise_scale\"]", choice}).recording.losses());
  }
}

// At a rate of nothing the noise scale is one number, and so is the rule's wish.
TEST(Training, TheNoiseScaleRuleFollowsEveryEstimator) {
  for (const char* estimator : {"per_example", "micro_batch", "two_step"}) {
    const Trained trained = train(
        {"controllers.0={name=\"noise_scale\", batch_size=64, limits={first_wait=0}}",
         fmt::format("statistics.estimator={}", estimator), "engine.lanes=8",
         "budget={epochs=10}", "statistics.horizon_examples=1000"});
    const Recording& recording = trained.recording;
    for (std::size_t i = 0; i < recording.steps.size(); ++i) {
      if (i + 1 == recording.wanted.size() || !recording.steps[i].noise_scale) continue;
      if (*recording.steps[i].noise_scale > 0) {
        EXPECT_EQ(recording.wanted[i + 1].batch_size, *recording.steps[i].noise_scale);
      }
    }
    EXPECT_NE(recording.used.back().batch_size, 64) << estimator;
  }
}
}  // namespace batchlab::test::training_statistics_test
