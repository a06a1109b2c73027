// SPDX-License-Identifier: MIT
#include "nn/spent_time.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "nn/training_step.hpp"
#include "tests/nn/training_step_test.hpp"

namespace batchlab::spent_time_test {

constexpr auto nothing = [] {};

void wait_two_milliseconds() {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

TEST(SpentTime, IsNoneBeforeAnythingWasDone) {
  const SpentTime time;
  EXPECT_EQ(time.data_seconds(), 0);
  EXPECT_EQ(time.statistics_seconds(), 0);
}

TEST(SpentTime, HasDataAndStatisticsByThemselves) {
  SpentTime time;
  time.in_data(wait_two_milliseconds);
  EXPECT_GE(time.data_seconds(), 0.002);
  EXPECT_EQ(time.statistics_seconds(), 0);
  time.in_statistics(wait_two_milliseconds);
  EXPECT_GE(time.statistics_seconds(), 0.002);
}

// Of 19 pieces the first alone is timed: 2 ms of 10 parameters of 10 + 18 x 20.
TEST(SpentTime, TakesPiecesThatAreNotTimedToCostAsMuchPerParameter) {
  SpentTime time;
  time.in_piece_statistics(10, wait_two_milliseconds);
  for (int i = 0; i < 18; ++i) time.in_piece_statistics(20, nothing);
  const double once = time.statistics_seconds();
  EXPECT_GE(once, 0.002 * 37);
  EXPECT_LT(once, 2.0 * 37);
  time.in_piece_statistics(370, wait_two_milliseconds);  // the second that is timed
  EXPECT_GT(time.statistics_seconds(), once / 37 * 740 / 380);
}

TEST(SpentTime, CountsWhatIsTimedInsideOnce) {
  SpentTime time;
  time.in_statistics([&] {
    for (int i = 0; i < 100; ++i) time.in_piece_statistics(1, nothing);
    time.in_statistics(wait_two_milliseconds);
  });
  EXPECT_GE(time.statistics_seconds(), 0.002);
  EXPECT_LT(time.statistics_seconds(), 1.0);
  SpentTime empty;
  for (int i = 0; i < 1000; ++i) empty.in_piece_statistics(1, nothing);
  EXPECT_LT(empty.statistics_seconds(), 1000 * 1e-5);  // reading the clock is free
}

TEST_F(TrainingStepTest, SpendsNothingOnStatisticsThatNobodyAskedFor) {
  Trainer trainer = make("relu", {});
  for (const std::size_t size : {8, 200, 1300}) {
    trainer.step.forward_backward(random_batch(size, examples, random_));
    trainer.step.update(0.01);
  }
  EXPECT_GT(trainer.step.seconds().data, 0);
  EXPECT_EQ(trainer.step.seconds().statistics, 0);
  const double before = trainer.step.seconds().data;
  const std::vector<std::uint32_t> some(100, 3);
  (void)trainer.step.evaluate(data_, some);
  EXPECT_EQ(trainer.step.seconds().data, before);
}

TEST_F(TrainingStepTest, SpendsTimeOnEachStatisticThatIsAskedFor) {
  for (const Measurements& measurements :
       {Measurements{.examples = true}, Measurements{.lanes = true},
        Measurements{.halves = true}, Measurements{.steps = true},
        Measurements{.inner_products = true}}) {
    for (const std::size_t size : {300, 1300}) {
      Trainer trainer = make("relu", {});
      for (int step = 0; step < 40; ++step) {
        trainer.step.forward_backward(random_batch(size, examples, random_),
                                      measurements);
        trainer.step.update(0.01);
      }
      EXPECT_GT(trainer.step.seconds().statistics, 0);
    }
  }
}

TEST_F(TrainingStepTest, SpendsTimeOnWhatIsMeasuredBeforeTheUpdate) {
  Trainer trainer = make("relu", {});
  trainer.step.forward_backward(random_batch(30, examples, random_));
  (void)trainer.step.measure();
  EXPECT_GT(trainer.step.seconds().statistics, 0);
}

}  // namespace batchlab::spent_time_test
