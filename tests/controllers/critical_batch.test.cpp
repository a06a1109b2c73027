// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "examples.hpp"

namespace batchlab::critical_batch_test {

using nlohmann::json;
using testing::HasSubstr;

// A run in which the loss is a function of batch size and rate factor.
class SimulatedRun {
 public:
  SimulatedRun(const json& options, std::function<double(double, double)> loss,
               double maximum = 1e9, double minimum = 1)
      : rule_(make_controller("critical_batch", options, fashion_mnist)),
        loss_(std::move(loss)),
        maximum_(maximum),
        minimum_(minimum) {
    statistics_.training_set_size = fashion_mnist.training_set_size;
    decision_ = rule_->decide(statistics_);
  }

  const Decision& step() {
    statistics_.step += 1;
    statistics_.batch_size =
        std::llround(std::clamp(decision_.batch_size, minimum_, maximum_));
    statistics_.examples_seen += statistics_.batch_size;
    statistics_.batch_loss = loss_(static_cast<double>(statistics_.batch_size),
                                   decision_.learning_rate_factor);
    return decision_ = rule_->decide(statistics_);
  }

  // The decisions that keep or go back, up to the choice.
  std::vector<Decision> trial() {
    std::vector<Decision> turns;
    do {
      if (step().branching != Branching{.trial = decision_.branching.trial}) {
        turns.push_back(decision_);
      }
    } while (turns.empty() || decision_.branching.trial);
    return turns;
  }

  std::int64_t examples_seen() const { return statistics_.examples_seen; }

 private:
  std::unique_ptr<Controller> rule_;
  std::function<double(double, double)> loss_;
  double maximum_, minimum_;
  Statistics statistics_;
  Decision decision_;
};

const json options{{"batch_size", 10},
                   {"every_examples", 100},
                   {"window_examples", 160},
                   {"doublings", 2}};

// k = 1, 2, 4 from the state kept as 0, with rates 1, sqrt 2, 2; all end alike, so
// k* = 4 > 2: on from the end of k = 2, kept as 2.
TEST(CriticalBatch, TriesFromOneStateAndDoublesWhereLargerBatchesDoNoHarm) {
  SimulatedRun run(options, [](double, double) { return 1.0; });
  const auto turns = run.trial();
  ASSERT_EQ(turns.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(turns[i].batch_size, 10 << i);
    EXPECT_NEAR(turns[i].learning_rate_factor,
                std::pow(2, 0.5 * static_cast<double>(i)), 1e-12);
    EXPECT_TRUE(turns[i].branching.trial);
  }
  EXPECT_EQ(turns[0].branching, (Branching{.keep_as = 0, .trial = true}));
  EXPECT_EQ(turns[1].branching, (Branching{1, 0, true}));
  EXPECT_EQ(turns[2].branching, (Branching{2, 0, true}));
  EXPECT_EQ(turns[3].branching, (Branching{3, 2, false}));
  EXPECT_EQ(turns[3].batch_size, 20);
  EXPECT_NEAR(turns[3].learning_rate_factor, std::sqrt(2), 1e-12);
  EXPECT_THAT(turns[3].reason, HasSubstr("k* 4, losses 1 1 1"));
}

// 100 examples, three branches of 160, then the next hundred.
TEST(CriticalBatch, CountsTheExamplesOfEveryBranch) {
  SimulatedRun run(options, [](double, double) { return 1.0; });
  (void)run.trial();
  EXPECT_EQ(run.examples_seen(), 100 + 3 * 160);
  EXPECT_EQ(run.trial()[0].batch_size, 20);
  EXPECT_EQ(run.examples_seen(), 680 + 3 * 160);
}

// k = 4 is within the tolerance of 0.01, k = 2 is not: k* = 1.
TEST(CriticalBatch, StopsAtTheFirstBranchThatIsWorse) {
  SimulatedRun run(options,
                   [](double size, double) { return size == 20 ? 1.02 : 1.0; });
  const Decision choice = run.trial().back();
  EXPECT_EQ(choice.batch_size, 10);
  EXPECT_EQ(choice.branching, (Branching{3, 1, false}));
  EXPECT_THAT(choice.reason, HasSubstr("k* 1"));
}

// k* = 2 is not more than a doubling.
TEST(CriticalBatch, HoldsWhereADoublingIsTheMost) {
  SimulatedRun run(options,
                   [](double size, double) { return size == 40 ? 1.02 : 1.009; });
  EXPECT_EQ(run.trial().back().batch_size, 10);
}

TEST(CriticalBatch, ScalesTheRateOfABranchByItsPower) {
  json for_sgd = options;
  for_sgd["rate_power"] = 1;
  SimulatedRun run(for_sgd, [](double size, double factor) {
    EXPECT_EQ(factor, size / 10);
    return 1.0;
  });
  EXPECT_EQ(run.trial().back().learning_rate_factor, 2);
}

// Batches of 10 in a window of 160: the losses after examples 90 to 160 count, those of
// steps 19 to 26.
TEST(CriticalBatch, MeasuresTheSecondHalfOfTheWindow) {
  int steps = 0;
  SimulatedRun run(options, [&](double, double) { return ++steps; });
  EXPECT_THAT(run.trial().back().reason, HasSubstr("losses 22.5 "));
}

// Of 80 examples the branch of k = 4 takes two steps of 40, one in the second half: its
// loss is that before it learned anything.
TEST(CriticalBatch, ABranchOfWhichOneStepIsMeasuredProvesNothing) {
  json short_window = options;
  short_window["window_examples"] = 80;
  SimulatedRun run(short_window, [](double, double) { return 1.0; });
  EXPECT_THAT(run.trial().back().reason, HasSubstr("k* 2, losses 1 1 unknown"));
}

TEST(CriticalBatch, ABranchThatDivergesIsGivenUpAtOnce) {
  SimulatedRun run(options,
                   [](double size, double) { return size > 10 ? std::nan("") : 1.0; });
  const Decision choice = run.trial().back();
  EXPECT_EQ(choice.batch_size, 10);
  EXPECT_EQ(choice.branching.go_back_to, 1);
  EXPECT_EQ(run.examples_seen(), 100 + 160 + 20 + 40);
}

TEST(CriticalBatch, HoldsWhereThatOfOneDiverged) {
  SimulatedRun run(options, [](double, double) { return std::nan(""); });
  EXPECT_EQ(run.trial().back().batch_size, 10);
}

// A size that is forced, or the least allowed, is that of every branch.
TEST(CriticalBatch, BranchesOfOneSizeProveNothing) {
  SimulatedRun run(
      options, [](double, double) { return 1.0; }, 1e9, 64);
  EXPECT_EQ(run.trial().back().batch_size, 10);
}

TEST(CriticalBatch, ABranchKeptFromItsSizeProvesNothing) {
  SimulatedRun run(
      options, [](double, double) { return 1.0; }, 20);
  EXPECT_THAT(run.trial().back().reason, HasSubstr("k* 2"));
}

}  // namespace batchlab::critical_batch_test
