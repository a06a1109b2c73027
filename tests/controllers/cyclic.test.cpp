// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::cyclic_test {

using nlohmann::json;
using testing::HasSubstr;

double size_at(const json& options, std::int64_t examples_seen, std::int64_t step = 0,
               std::int64_t epochs_completed = 0) {
  Statistics statistics;
  statistics.examples_seen = examples_seen;
  statistics.step = step;
  statistics.epochs_completed = epochs_completed;
  return make_controller("cyclic", options, fashion_mnist)
      ->decide(statistics)
      .batch_size;
}

TEST(Cyclic, ListGoesRoundPerEpochOrPerStep) {
  const json per_epoch{{"sizes", {8, 16, 24}}};
  EXPECT_EQ(size_at(per_epoch, 0, 7, 0), 8);
  EXPECT_EQ(size_at(per_epoch, 0, 7, 2), 24);
  EXPECT_EQ(size_at(per_epoch, 0, 7, 3), 8);
  const json per_step{{"sizes", {8, 16, 24}}, {"per", "step"}};
  EXPECT_EQ(size_at(per_step, 0, 7, 2), 16);
}

json triangle(const json& more = json::object()) {
  json options{{"shape", "triangular"},
               {"low", 100},
               {"high", 300},
               {"half_period_examples", 1000}};
  options.update(more);
  return options;
}

// c = 1000, t = 2500: cycle = floor(1 + 2500/2000) = 2, x = |2.5 - 4 + 1| = 0.5,
// B = 100 + 200 * 0.5 = 200.
TEST(Cyclic, TriangleRisesAndFalls) {
  EXPECT_EQ(size_at(triangle(), 0), 100);
  EXPECT_EQ(size_at(triangle(), 1000), 300);
  EXPECT_EQ(size_at(triangle(), 1500), 200);
  EXPECT_EQ(size_at(triangle(), 2000), 100);
  EXPECT_EQ(size_at(triangle(), 2500), 200);
}

// Third cycle, at its top (t = 5000): scale 2^(1-3) = 1/4, B = 100 + 200 / 4 = 150.
TEST(Cyclic, TriangleHalvesAtEachCycle) {
  EXPECT_EQ(size_at(triangle({{"decay", "halve"}}), 1000), 300);
  EXPECT_EQ(size_at(triangle({{"decay", "halve"}}), 3000), 200);
  EXPECT_EQ(size_at(triangle({{"decay", "halve"}}), 5000), 150);
}

// gamma^t = 0.999^1000 = 0.3676954, B = 100 + 200 * 0.3676954 = 173.53908.
TEST(Cyclic, TriangleFallsExponentially) {
  EXPECT_NEAR(size_at(triangle({{"decay", "exponential"}, {"gamma", 0.999}}), 1000),
              173.53908, 1e-4);
}

json cosine(double period_factor) {
  return {{"shape", "cosine"},
          {"low", 100},
          {"high", 300},
          {"period_examples", 600},
          {"period_factor", period_factor}};
}

// T = 600, t = 200: cos(pi/3) = 1/2, B = 100 + 200 (1 - 1/2) / 2 = 150.
TEST(Cyclic, CosineRisesToTheEndOfItsPeriodAndRestarts) {
  EXPECT_EQ(size_at(cosine(1), 0), 100);
  EXPECT_NEAR(size_at(cosine(1), 200), 150, 1e-9);
  EXPECT_NEAR(size_at(cosine(1), 300), 200, 1e-9);
  EXPECT_GT(size_at(cosine(1), 599), 299.9);
  EXPECT_EQ(size_at(cosine(1), 600), 100);
}

// Periods 600, 1200, 2400 start at 0, 600, 1800, 4200. t = 1000 is 400 of 1200, a
// third: 150.
TEST(Cyclic, CosinePeriodsGrowByTheirFactor) {
  for (const std::int64_t start : {0, 600, 1800, 4200}) {
    EXPECT_EQ(size_at(cosine(2), start), 100) << start;
  }
  EXPECT_GT(size_at(cosine(2), 1799), 299.9);
  EXPECT_NEAR(size_at(cosine(2), 1000), 150, 1e-9);
}

// Factor 3: cycle 5 starts at 600 (3^5 - 1) / 2 = 72600; log(243) / log(3) rounds to
// below 5.
TEST(Cyclic, CosineRestartsWhereLogarithmsRoundDown) {
  EXPECT_EQ(size_at(cosine(3), 600), 100);
  EXPECT_EQ(size_at(cosine(3), 72600), 100);
}

// The rival counts the cycles one by one.
TEST(Cyclic, CosineFindsItsCycleForAnyFactor) {
  for (const double factor : {1.0001, 1.1, 3.0, 10.0}) {
    const auto rule = make_controller("cyclic", cosine(factor), fashion_mnist);
    double start = 0, period = 600;
    for (std::int64_t seen = 0; seen < 100'000; seen += 7) {
      while (static_cast<double>(seen) >= start + period) {
        start += period;
        period *= factor;
      }
      const double progress = (static_cast<double>(seen) - start) / period;
      Statistics statistics;
      statistics.examples_seen = seen;
      ASSERT_NEAR(rule->decide(statistics).batch_size,
                  200 - 100 * std::cos(3.14159265358979 * progress), 1e-6)
          << factor << ' ' << seen;
    }
  }
}

TEST(Cyclic, RefusesSizesThatDoNotFit) {
  EXPECT_EQ(refusal("cyclic", {{"sizes", {32, 70000}}}),
            "cyclic: sizes must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("cyclic", {{"shape", "cosine"}, {"high", 70000}}),
            "cyclic: high must be in [1, 54000] (the training set), got 70000");
  EXPECT_EQ(refusal("cyclic", {{"shape", "cosine"}, {"low", 600}}),
            "cyclic: low must be at most high 512, got 600");
  EXPECT_EQ(refusal("cyclic", {{"shape", "cosine"}, {"low", 512}}), "");
}

}  // namespace batchlab::cyclic_test
