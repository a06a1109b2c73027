// SPDX-License-Identifier: MIT
#include "results/performance_profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/results/support.hpp"

namespace batchlab::performance_profile_test {

using test::error_of;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Workloads = std::vector<WorkloadTimes>;

constexpr double kNever = std::numeric_limits<double>::infinity();
const Workloads kThree = {
    {"a", {10, 20, 15}}, {"b", {30, 10, kNever}}, {"c", {5, 25, 10}}};

// Ratios to 10, 10, 5: (1, 3, 1), (2, 1, 5), (1.5, never, 2). Scores, in thirds of 3:
// (3 + 1 + 3)/9, (2 + 3 + 0)/9, (2.5 + 0 + 2)/9.
TEST(PerformanceProfile, MatchesHandComputedRatiosAndScores) {
  const auto profiles = performance_profiles(kThree);
  ASSERT_EQ(profiles.size(), 3u);
  EXPECT_THAT(profiles[0].ratios, ElementsAre(1, 3, 1));
  EXPECT_THAT(profiles[1].ratios, ElementsAre(2, 1, 5));
  EXPECT_THAT(profiles[2].ratios, ElementsAre(1.5, kNever, 2));
  EXPECT_DOUBLE_EQ(profiles[0].score, 7.0 / 9);
  EXPECT_DOUBLE_EQ(profiles[1].score, 5.0 / 9);
  EXPECT_DOUBLE_EQ(profiles[2].score, 4.5 / 9);
}

TEST(PerformanceProfile, SharesStepUpAtTheRatiosAndNeverReachOneForNever) {
  const auto profiles = performance_profiles(kThree);
  EXPECT_DOUBLE_EQ(profiles[0].share(1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(profiles[0].share(2.999), 2.0 / 3);
  EXPECT_DOUBLE_EQ(profiles[0].share(3), 1);
  EXPECT_DOUBLE_EQ(profiles[2].share(kNever), 2.0 / 3);
}

// The rival: the area under the steps, by a million rectangles.
TEST(PerformanceProfile, ScoresAreTheAreasUnderTheProfiles) {
  for (const auto& profile : performance_profiles(kThree, 6)) {
    double area = 0;
    constexpr int kParts = 1000000;
    for (int i = 0; i < kParts; ++i) area += profile.share(1 + 5 * (i + 0.5) / kParts);
    EXPECT_NEAR(profile.score, area / kParts, 1e-5);
  }
}

TEST(PerformanceProfile, GivesNothingForAWorkloadThatNobodyFinished) {
  const auto profiles =
      performance_profiles(Workloads{{"a", {1, 1}}, {"b", {kNever, kNever}}});
  for (const auto& profile : profiles) {
    EXPECT_THAT(profile.ratios, ElementsAre(1, kNever));
    EXPECT_DOUBLE_EQ(profile.score, 0.5);
  }
  EXPECT_THAT(performance_profiles({}), IsEmpty());
}

TEST(PerformanceProfile, NamesWhatIsWrong) {
  const auto message = [](const Workloads& workloads, double tau_max) {
    return std::string(
        error_of([&] { (void)performance_profiles(workloads, tau_max); }).what());
  };
  EXPECT_THAT(message({{"a", {1, 0}}}, 4), HasSubstr("a: a time to the target must be "
                                                     "positive, got 0"));
  EXPECT_THAT(message({{"a", {1, std::nan("")}}}, 4), HasSubstr("got nan"));
  EXPECT_THAT(message({{"a", {1, 2}}, {"b", {1}}}, 4), HasSubstr("b: has 1 times"));
  EXPECT_THAT(message(kThree, 1), HasSubstr("tau_max must be above 1"));
}

}  // namespace batchlab::performance_profile_test
