// SPDX-License-Identifier: MIT
#include "nn/weight_average.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/nn/trainer.hpp"

namespace batchlab::weight_average_test {

void add(WeightAverage& average, float value, double batch_ratio) {
  const std::vector<float> parameters(37, value);  // whole vectors and a tail
  average.begin_step(batch_ratio);
  average.update(parameters.data(), 20, 0);
  average.update(parameters.data() + 20, 17, 20);
}

// rho = 0.81: begins with 2;  k = 1: 0.81 2 + 0.19 3 = 2.19;  k = 1/2, rho^k = 0.9: 0.9
// 2.19 + 0.1 4 = 2.371
TEST(WeightAverage, EqualsHandComputedSteps) {
  WeightAverage average(0.81, 37);
  const auto expect = [&](double expected) {
    for (const float value : average.values()) ASSERT_NEAR(value, expected, 1e-6);
  };
  add(average, 2, 1);
  expect(2);
  add(average, 3, 1);
  expect(2.19);
  add(average, 4, 0.5);
  expect(2.371);
}

TEST(WeightAverage, OneLargeStepKeepsAsMuchAsFourSmallOnes) {
  WeightAverage large(0.9, 37), small(0.9, 37);
  add(large, 1, 1);
  add(small, 1, 1);
  add(large, 5, 4);
  for (int step = 0; step < 4; ++step) add(small, 5, 1);
  EXPECT_NEAR(large.values()(3), small.values()(3), 1e-6);
}

// Without it the parameters are the same; with it the evaluation is of the average.
TEST(WeightAverage, IsEvaluatedInPlaceOfTheParametersAndChangesNoBitOfThem) {
  const Dataset data = random_dataset(300, 9, 4, 1);
  const std::vector<LayerOptions> layers{{.type = "dense", .units = 4}};
  Trainer plain(data, layers, {.threads = 2}), averaged(data, layers, {.threads = 2});
  WeightAverage average(0.5, averaged.parameters.size());
  averaged.step.average_into(average);
  RandomValues random(3);
  for (int step = 0; step < 3; ++step) {
    const Batch batch = random_batch(40, 300, random);
    for (Trainer* trainer : {&plain, &averaged}) {
      trainer->step.forward_backward(batch);
      trainer->step.update(0.5);
    }
  }
  EXPECT_EQ(plain.bits(), averaged.bits());
  const auto all = random_batch(300, 300, random).examples;
  const double loss = averaged.step.evaluate(data, all).loss;
  EXPECT_NE(loss, plain.step.evaluate(data, all).loss);
  plain.parameters = average.values();
  EXPECT_EQ(loss, plain.step.evaluate(data, all).loss);
}

}  // namespace batchlab::weight_average_test
