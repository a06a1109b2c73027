// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::adadagrad_test {

using nlohmann::json;
using testing::HasSubstr;

// q = 2, V = 24, VarIP = 160, VarOrth = 400 at B = 32 (made up).
Decision decide(Controller& rule) {
  Statistics statistics;
  statistics.batch_size = 32;
  statistics.gradient_norm_squared = 2;
  statistics.gradient_variance_trace = 24;
  statistics.inner_product_variance = 160;
  statistics.orthogonal_variance = 400;
  return rule.decide(statistics);
}

std::unique_ptr<Controller> make(const json& options) {
  return make_controller("adadagrad", options, fashion_mnist);
}

// norm: 24 / (0.25 * 2) = 48. inner_product: 160 / (0.25 * 4) = 160. augmented, with
// nu = 1: 400 / (1 * 2) = 200.
TEST(AdAdaGrad, WantsWhatWouldPassItsTest) {
  EXPECT_EQ(decide(*make(json::object())).batch_size, 48);
  EXPECT_EQ(decide(*make({{"test", "norm"}})).batch_size, 48);
  EXPECT_EQ(decide(*make({{"test", "inner_product"}})).batch_size, 160);
  EXPECT_EQ(decide(*make({{"test", "augmented"}})).batch_size, 200);
}

// 24 / (0.01 * 2) = 1200; 400 / (4 * 2) = 50 is less than 160.
TEST(AdAdaGrad, ItsTolerancesCountSquared) {
  EXPECT_NEAR(decide(*make({{"tolerance", 0.1}})).batch_size, 1200, 1e-9);
  const json options{{"test", "augmented"}, {"orthogonal_tolerance", 2}};
  EXPECT_EQ(decide(*make(options)).batch_size, 160);
}

TEST(AdAdaGrad, NeedsWhatItsTestReads) {
  const Needs q{&Statistics::gradient_norm_squared};
  const Needs inner_product = q | Needs{&Statistics::inner_product_variance};
  EXPECT_EQ(make({{"test", "norm"}})->needs(),
            (q | Needs{&Statistics::gradient_variance_trace}));
  EXPECT_EQ(make({{"test", "inner_product"}})->needs(), inner_product);
  EXPECT_EQ(make({{"test", "augmented"}})->needs(),
            (inner_product | Needs{&Statistics::orthogonal_variance}));
}

TEST(AdAdaGrad, HoldsABatchOfOne) {
  for (const char* test : {"norm", "inner_product", "augmented"}) {
    const auto rule = make({{"test", test}});
    const Decision decision = rule->decide(on_average(1, 3, 0.01));
    EXPECT_EQ(decision.batch_size, 32);
    EXPECT_THAT(decision.reason, HasSubstr("not measured: hold"));
  }
}

TEST(AdAdaGrad, NamesItselfInItsErrors) {
  EXPECT_THAT(refusal("adadagrad", {{"batch_size", 70000}}),
              HasSubstr("adadagrad: batch_size must be in [1, 54000]"));
}

// The same statistics, the same rule: as norm_test and inner_product_test settle.
TEST(AdAdaGrad, SettlesWhereTheTestsItIsMadeOfSettle) {
  EXPECT_NEAR(settled(*make(json::object()), 3, 0.01), 905.03, 1);
  EXPECT_NEAR(settled(*make({{"test", "inner_product"}}), 3, 0.01), 301.676, 1);
}

}  // namespace batchlab::adadagrad_test
