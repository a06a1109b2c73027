// SPDX-License-Identifier: MIT
#include "experiments/plugins/outside_decision.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/controllers/examples.hpp"

namespace batchlab::outside_decision_test {

constexpr double infinity = std::numeric_limits<double>::infinity();
const std::string who = "mine (/home/me/mine.so)";

Decision decision(double batch_size) { return {batch_size, "because"}; }

std::string refusal_of(const Decision& decision) {
  return error_of([&] { (void)checked(decision, who); });
}

TEST(OutsideDecision, ThatIsSoundIsReturnedAsItIs) {
  Decision sound = decision(1);
  sound.learning_rate = 0.5;
  sound.learning_rate_factor = 2;
  sound.subset = Subset{0, 1};
  sound.branching = {1, 2, true};
  const Decision returned = checked(sound, who);
  EXPECT_EQ(returned.batch_size, 1);
  EXPECT_EQ(returned.reason, "because");
  EXPECT_EQ(returned.learning_rate, 0.5);
  EXPECT_EQ(returned.learning_rate_factor, 2);
  EXPECT_EQ(returned.subset, (Subset{0, 1}));
  EXPECT_EQ(returned.branching, (Branching{1, 2, true}));
  EXPECT_EQ(refusal_of(decision(1e15)), "");
}

TEST(OutsideDecision, RefusesABatchSizeThatIsNoneWithTheNumber) {
  const std::string start = who + ": batch size must be in [1, 1e15], got ";
  EXPECT_EQ(refusal_of(decision(std::nan(""))), start + "nan");
  EXPECT_EQ(refusal_of(decision(infinity)), start + "inf");
  EXPECT_EQ(refusal_of(decision(-infinity)), start + "-inf");
  EXPECT_EQ(refusal_of(decision(0)), start + "0");
  EXPECT_EQ(refusal_of(decision(-1)), start + "-1");
  EXPECT_EQ(refusal_of(decision(0.5)), start + "0.5");
  EXPECT_EQ(refusal_of(decision(9223372036854775807.0)), start + "9.22337e+18");
}

TEST(OutsideDecision, RefusesARateThatIsNotFiniteAndPositive) {
  for (const double rate : {std::nan(""), infinity, 0.0, -0.1}) {
    Decision of_rate = decision(32), of_factor = decision(32);
    of_rate.learning_rate = rate;
    of_factor.learning_rate_factor = rate;
    EXPECT_THAT(
        refusal_of(of_rate),
        testing::StartsWith(who + ": learning rate must be finite and positive, got "));
    EXPECT_THAT(refusal_of(of_factor),
                testing::StartsWith(
                    who + ": learning rate factor must be finite and positive, got "));
  }
}

TEST(OutsideDecision, RefusesASubsetThatCannotBe) {
  const auto refusal_of_subset = [](Subset subset) {
    Decision of_subset = decision(32);
    of_subset.subset = subset;
    return refusal_of(of_subset);
  };
  EXPECT_EQ(refusal_of_subset({-1, 10}),
            who + ": first example of the subset must be in [0, 1e15], got -1");
  EXPECT_EQ(refusal_of_subset({0, -5}),
            who + ": examples in the subset must be in [1, 1e15], got -5");
  EXPECT_NE(refusal_of_subset({0, 0}), "");
  EXPECT_NE(refusal_of_subset({std::numeric_limits<std::int64_t>::max(), 1}), "");
  EXPECT_NE(refusal_of_subset({1, std::numeric_limits<std::int64_t>::max()}), "");
}

TEST(OutsideDecision, ItsReasonIsFitToBePrinted) {
  Decision long_winded{32, "\x1b[31m" + std::string(10'000'000, 'x')};
  const std::string reason = checked(long_winded, who).reason;
  EXPECT_TRUE(reason.starts_with("\\x1b[31mxxx"));
  EXPECT_EQ(reason.size(), 403U);  // 400 and "..."
}

TEST(OutsideDecision, AnExtensionIsNothingOrABatchSize) {
  EXPECT_EQ(checked_extension(0, who), 0);
  EXPECT_EQ(checked_extension(96.5, who), 96.5);
  for (const double examples : {std::nan(""), infinity, -1.0, 0.5, 2e15}) {
    EXPECT_NE(error_of([&] { (void)checked_extension(examples, who); }), "");
  }
}

}  // namespace batchlab::outside_decision_test
