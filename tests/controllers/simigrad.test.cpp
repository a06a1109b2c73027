// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controllers/limits.hpp"
#include "examples.hpp"

namespace batchlab::simigrad_test {

using nlohmann::json;
using testing::HasSubstr;

Decision decide(Controller& rule, std::int64_t batch_size, std::optional<double> cosine,
                std::int64_t epochs_completed = 0) {
  Statistics statistics;
  statistics.epochs_completed = epochs_completed;
  statistics.batch_size = batch_size;
  statistics.half_batch_cosine = cosine;
  return rule.decide(statistics);
}

std::unique_ptr<Controller> make(const json& options = json::object()) {
  return make_controller("simigrad", options, fashion_mnist);
}

// Runs the rule under its limits and `more` on `steps` steps of the cosine that
// `cosine_at(batch size)` gives; `sizes` receives the size of each.
template <class CosineAt>
void run(Controller& rule, const json& more, int steps, CosineAt cosine_at,
         std::vector<std::int64_t>& sizes) {
  json given = find_controller("simigrad").limits;
  given.update(more);
  SafetyLayer layer(
      limits_from(checked_options("limits", limits_options(), given), fashion_mnist));
  Statistics statistics;
  std::int64_t size = layer.apply(rule.decide(statistics), statistics).batch_size;
  for (int step = 1; step <= steps; ++step) {
    sizes.push_back(size);
    statistics.step = step;
    statistics.batch_size = size;
    statistics.half_batch_cosine = cosine_at(size);
    size = layer.apply(rule.decide(statistics), statistics).batch_size;
  }
}

// Below 0.2: max(41, 44) = 44. Above: min(39, 36) = 36. Small: max(6, 5.5) = 6 and
// min(4, 4.5) = 4.
TEST(SimiGrad, MovesByATenthOrAnExample) {
  EXPECT_DOUBLE_EQ(decide(*make(), 40, 0.1).batch_size, 44);
  EXPECT_DOUBLE_EQ(decide(*make(), 40, 0.3).batch_size, 36);
  EXPECT_EQ(decide(*make(), 5, 0.1).batch_size, 6);
  EXPECT_EQ(decide(*make(), 5, 0.3).batch_size, 4);
  EXPECT_EQ(decide(*make(), 40, 0.2).batch_size, 40);
}

TEST(SimiGrad, StaysWhereABatchHasHalves) {
  EXPECT_EQ(decide(*make(), 3, 0.9).batch_size, 2);
  EXPECT_EQ(decide(*make(), 2, 0.9).batch_size, 2);
  EXPECT_THAT(refusal("simigrad", {{"batch_size", 1}}), HasSubstr("must be in [2, "));
}

// Memory 2: 0.1; (0.1 + 0.5) / 2 = 0.3; 0.3 + (0 - 0.3) / 2 = 0.15.
TEST(SimiGrad, AveragesTheFirstStepsAndForgetsThen) {
  const auto rule = make({{"memory_steps", 2}});
  EXPECT_DOUBLE_EQ(decide(*rule, 40, 0.1).batch_size, 44);
  EXPECT_THAT(decide(*rule, 40, 0.5).reason,
              HasSubstr("cosine 0.3 over 2 steps of 40 examples, target 0.2"));
  EXPECT_THAT(decide(*rule, 40, 0.0).reason, HasSubstr("cosine 0.15 over 3 steps"));
}

// At 40 the cosine is 0.1; at 44 it is 0.3.
TEST(SimiGrad, BeginsTheAverageAnewAtAnotherSize) {
  const auto rule = make();
  for (int step = 0; step < 10; ++step) (void)decide(*rule, 40, 0.1);
  const Decision decision = decide(*rule, 44, 0.3);
  EXPECT_THAT(decision.reason, HasSubstr("cosine 0.3 over 1 steps of 44"));
  EXPECT_DOUBLE_EQ(decision.batch_size, 39.6);
}

TEST(SimiGrad, LeavesOutABatchCutShort) {
  const auto rule = make();
  for (int epoch = 0; epoch < 3; ++epoch) {
    (void)decide(*rule, 40, 0.1, epoch);
    EXPECT_DOUBLE_EQ(decide(*rule, 8, 0.9, epoch + 1).batch_size, 44);
  }
  EXPECT_THAT(decide(*rule, 40, 0.1, 3).reason,
              HasSubstr("cosine 0.1 over 4 steps of 40"));
}

// Every other batch is what the epoch leaves: 600 and 400 of 1000 examples.
TEST(SimiGrad, AveragesWhereABatchIsMoreThanHalfAnEpoch) {
  const auto rule = make({{"batch_size", 600}});
  for (int epoch = 0; epoch < 5; ++epoch) {
    EXPECT_DOUBLE_EQ(decide(*rule, 600, 0.3, epoch).batch_size, 540);
    (void)decide(*rule, 400, 0.1, epoch + 1);
  }
}

TEST(SimiGrad, HoldsWhatIsNotMeasuredOrNotFinite) {
  const auto rule = make();
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(decide(*rule, 1, std::nullopt).batch_size, 32);
  EXPECT_THAT(decide(*rule, 1, std::nullopt).reason, HasSubstr("not compared: hold"));
  EXPECT_DOUBLE_EQ(decide(*rule, 40, 0.1).batch_size, 44);
  for (const double value : {nan, infinity, -infinity}) {
    EXPECT_DOUBLE_EQ(decide(*rule, 40, value).batch_size, 44) << value;
    EXPECT_THAT(decide(*rule, 40, value).reason, HasSubstr("hold"));
  }
  // None of them went into the average.
  EXPECT_THAT(decide(*rule, 40, 0.3).reason, HasSubstr("cosine 0.2 over 2 steps"));
}

// 1.1 * 40 = 44, however often the limits have refused it.
TEST(SimiGrad, FollowsTheSizeUsedAndNotItsOwnWish) {
  const auto rule = make();
  for (int step = 0; step < 1000; ++step) {
    EXPECT_DOUBLE_EQ(decide(*rule, 40, -1).batch_size, 44);
  }
  EXPECT_DOUBLE_EQ(decide(*make(), 40, -1).batch_size, 44);
}

// At a maximum of 40 for 500 steps, then the noise is gone: once the average has passed
// the target, 0.9 * 40 = 36.
TEST(SimiGrad, TurnsAroundAtALimitAtOnce) {
  const auto rule = make();
  std::vector<std::int64_t> sizes;
  run(
      *rule, {{"maximum", 40}}, 550,
      [&](std::int64_t) { return sizes.size() <= 500 ? -1.0 : 1.0; }, sizes);
  EXPECT_EQ(sizes[499], 40);
  // -1 + 2 (1 - 0.95^n) > 0.2 from n = 18 on: 0.95^18 = 0.397.
  EXPECT_EQ(sizes[517], 40);
  EXPECT_EQ(sizes[518], 36);
}

// S = V / (G2 - V/N) = 3 / (0.01 - 3 / 54000) = 301.676. Target 0.2: 2 S / 4 = 150.84,
// target 0.5: 2 S = 603.35.
TEST(SimiGrad, SettlesAtItsShareOfTheNoiseScale) {
  for (const auto& [target, expected] : {std::pair(0.2, 150.84), {0.5, 603.35}}) {
    const auto rule = make({{"target_cosine", target}});
    EXPECT_NEAR(settled(*rule, 3, 0.01), expected, 0.12 * expected) << target;
  }
}

// The same with a change at every 20 steps at most, by a tenth: from 32 up to 150 takes
// 17 changes.
TEST(SimiGrad, SettlesUnderItsLimits) {
  const auto rule = make();
  std::vector<std::int64_t> sizes;
  run(
      *rule, json::object(), 2000,
      [](std::int64_t size) { return *on_average(size, 3, 0.01).half_batch_cosine; },
      sizes);
  for (std::size_t step = 0; step < sizes.size(); ++step) {
    const auto size = static_cast<double>(sizes[step]);
    if (step < 20) {
      EXPECT_EQ(size, 32) << step;
    } else if (step > 400) {
      EXPECT_NEAR(size, 150.84, 0.12 * 150.84) << step;
    }
  }
}

}  // namespace batchlab::simigrad_test
