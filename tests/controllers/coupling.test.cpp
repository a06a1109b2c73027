// SPDX-License-Identifier: MIT
#include "controllers/coupling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab {
namespace {

// Batch size 128 against a reference of 32: k = 4.
TEST(Coupling, FollowsItsPowerOfTheBatchSize) {
  EXPECT_EQ(find_coupling("none").factor(4), 1);
  EXPECT_EQ(find_coupling("linear").factor(4), 4);
  EXPECT_EQ(find_coupling("sqrt").factor(4), 2);
  EXPECT_EQ(find_coupling("linear").factor(0.25), 0.25);
  EXPECT_EQ(find_coupling("sqrt").factor(0.25), 0.5);
}

TEST(Coupling, EveryOneKeepsTheBaseRateAtTheReference) {
  ASSERT_EQ(couplings().size(), 3U);
  for (const Coupling& coupling : couplings()) {
    EXPECT_EQ(coupling.factor(1), 1) << coupling.name;
    EXPECT_FALSE(coupling.source.empty());
  }
}

TEST(Coupling, UnknownOneIsRefusedNamingTheClosest) {
  EXPECT_EQ(error_of([] { (void)find_coupling("liner"); }),
            "unknown coupling \"liner\"; did you mean \"linear\"? "
            "(known: none, linear, sqrt)");
}

}  // namespace
}  // namespace batchlab
