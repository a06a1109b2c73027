// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::constant_test {

TEST(Constant, WantsItsBatchSizeAtEveryStep) {
  const auto rule = make_controller("constant", {{"batch_size", 48}}, fashion_mnist);
  for (int step = 0; step < 10; ++step) {
    EXPECT_EQ(rule->decide(statistics_at(step)).batch_size, 48);
  }
}

TEST(Constant, BatchSizeMayBeTheTrainingSetAndNoMore) {
  EXPECT_EQ(refusal("constant", {{"batch_size", 54000}}), "");
  EXPECT_EQ(refusal("constant", {{"batch_size", 70000}}),
            "constant: batch_size must be in [1, 54000] (the training set), got 70000");
}

}  // namespace batchlab::constant_test
