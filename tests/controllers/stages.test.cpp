// SPDX-License-Identifier: MIT
#include "controllers/stages.hpp"

#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::stages_test {

TEST(Stages, AMilestoneIsReachedAtTheEndOfItsEpoch) {
  EXPECT_EQ(reached({2, 4}, 0), 0);
  EXPECT_EQ(reached({2, 4}, 1), 0);
  EXPECT_EQ(reached({2, 4}, 2), 1);
  EXPECT_EQ(reached({2, 4}, 4), 2);
  EXPECT_EQ(reached({2, 4}, 1'000'000), 2);
}

TEST(Stages, MilestonesMustIncrease) {
  const auto refused = [](const nlohmann::json& milestones) {
    return error_of([&] { (void)checked_milestones("rule: milestones", milestones); });
  };
  EXPECT_EQ(refused({2, 4}), "");
  EXPECT_EQ(refused(nlohmann::json::array({3})), "");
  EXPECT_EQ(refused({4, 2}), "rule: milestones must increase, got [4,2]");
  EXPECT_EQ(refused({2, 2}), "rule: milestones must increase, got [2,2]");
}

// 2^10 = 1024, 0.5^2 = 0.25; 10^101 and 10^-101 are beyond the bounds.
TEST(Stages, PowersAreBounded) {
  EXPECT_EQ(bounded_power(2, 10), 1024);
  EXPECT_EQ(bounded_power(0.5, 2), 0.25);
  EXPECT_EQ(bounded_power(3, 0), 1);
  EXPECT_EQ(bounded_power(10, 101), 1e100);
  EXPECT_EQ(bounded_power(0.1, 101), 1e-100);
  EXPECT_EQ(bounded_power(1000, 1'000'000'000'000), 1e100);
  EXPECT_EQ(bounded_power(0.5, 1'000'000'000'000), 1e-100);
}

}  // namespace batchlab::stages_test
