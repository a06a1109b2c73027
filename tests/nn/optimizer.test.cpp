// SPDX-License-Identifier: MIT
#include "nn/optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controllers/error.hpp"
#include "nn/elementwise.hpp"
#include "tests/nn/random_values.hpp"

namespace batchlab::optimizer_test {

using testing::HasSubstr;

// Two steps from p = 1 with rate 0.1 and gradients 0.5 and -1, at 37 equal positions,
// which fill whole vectors and leave a tail. The hand-computed cases below follow it.
void expect_two_steps(const OptimizerOptions& options, double after_one,
                      double after_two, double batch_ratio = 1) {
  constexpr std::size_t size = 37;
  const auto optimizer = make_optimizer(options, size);
  std::vector<float> parameters(size, 1.0F);
  const auto step = [&](float gradient, double expected) {
    const std::vector<float> gradients(size, gradient);
    optimizer->begin_step(0.1, batch_ratio);
    optimizer->update(parameters.data(), gradients, 0);
    for (const float p : parameters) ASSERT_NEAR(p, expected, 2e-7);
  };
  step(0.5F, after_one);
  step(-1.0F, after_two);
}

// p: 1 - 0.1 0.5 = 0.95;  0.95 + 0.1 1 = 1.05
TEST(Sgd, EqualsHandComputedSteps) { expect_two_steps({.name = "sgd"}, 0.95, 1.05); }

// v: -0.05, p: 0.95;  v: 0.9 (-0.05) + 0.1 = 0.055, p: 1.005
TEST(Sgd, MomentumEqualsHandComputedSteps) {
  expect_two_steps({.name = "sgd", .momentum = 0.9}, 0.95, 1.005);
}

// v: -0.05, p: 1 + 0.9 (-0.05) - 0.05 = 0.905;
// v: 0.055, p: 0.905 + 0.9 0.055 + 0.1 = 1.0545
TEST(Sgd, NesterovEqualsHandComputedSteps) {
  expect_two_steps({.name = "sgd", .momentum = 0.9, .nesterov = true}, 0.905, 1.0545);
}

// Kept: 1 - 0.1 0.2 = 0.98.  p: 0.98 - 0.05 = 0.93;  0.98 0.93 + 0.1 = 1.0114
TEST(Sgd, WeightDecayIsDecoupled) {
  expect_two_steps({.name = "sgd", .weight_decay = 0.2}, 0.93, 1.0114);
}

// The velocity does not see the decay.  p: 0.98 - 0.05 = 0.93;  0.98 0.93 + 0.055 =
// 0.9664
TEST(Sgd, WeightDecayStaysOutOfTheVelocity) {
  expect_two_steps({.name = "sgd", .momentum = 0.9, .weight_decay = 0.2}, 0.93, 0.9664);
}

// beta1 = 1/2, beta2 = 3/4, epsilon = 1/4, large so that its place shows:
//   m: 0.25, s: 0.0625, rate sqrt(1 - 3/4) / (1 - 1/2) = 0.1
//   p: 1 - 0.1 0.25 / (0.25 + 0.25) = 0.95
//   m: 0.125 - 0.5 = -0.375, s: 0.046875 + 0.25 = 0.296875
//   rate: 0.1 sqrt(1 - 9/16) / (1 - 1/4) = 0.08819171
//   p: 0.95 + 0.08819171 0.375 / (0.54486237 + 0.25) = 0.99160706
const OptimizerOptions adam{
    .name = "adam", .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.25};

TEST(Adam, EqualsHandComputedSteps) { expect_two_steps(adam, 0.95, 0.99160706); }

// Ratio 2: beta1 = 1 - 2/2 = 0, beta2 = 1 - 2/4 = 1/2, epsilon = 1/4 / sqrt(2).
//   m: 0.5, s: 0.125, rate: 0.1 sqrt(1/2) / 1 = 0.07071068
//   p: 1 - 0.07071068 0.5 / (0.35355339 + 0.17677670) = 0.93333333
//   m: -1, s: 0.0625 + 0.5 = 0.5625, rate: 0.1 sqrt(1 - 1/4) = 0.08660254
//   p: 0.93333333 + 0.08660254 / (0.75 + 0.17677670) = 1.02677827
// With ratio 8 both betas would be negative: they count as 0, and p moves by
// 0.1 |g| / (|g| + epsilon / sqrt(8)).
TEST(Adam, MomentsFollowTheBatchRatio) {
  const double root = std::sqrt(2.0);
  const double second = 1 - 1.0 / 15 + 0.1 * std::sqrt(0.75) / (0.75 + 0.25 / root);
  expect_two_steps(adam, 1 - 1.0 / 15, second, 2);
  EXPECT_NEAR(second, 1.0267782, 1e-6);
  const double epsilon = 0.25 / std::sqrt(8.0);
  const double first = 1 - 0.1 * 0.5 / (0.5 + epsilon);
  expect_two_steps(adam, first, first + 0.1 / (1 + epsilon), 8);
}

TEST(Adam, IgnoresWeightDecay) {
  OptimizerOptions options = adam;
  options.weight_decay = 0.2;
  expect_two_steps(options, 0.95, 0.99160706);
}

// As Adam, with p times 0.98 before: 0.98 - 0.05 = 0.93;  0.9114 + 0.04160706 =
// 0.95300706
TEST(AdamW, EqualsHandComputedSteps) {
  OptimizerOptions options = adam;
  options.name = "adamw";
  options.weight_decay = 0.2;
  expect_two_steps(options, 0.93, 0.95300706);
}

// beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, gradients 0.5 and -1:
//   m: 0.05, s: 0.00025, rate: 0.1 sqrt(0.001) / 0.1 = 0.031622777
//   p: 1 - 0.031622777 0.05 / (0.015811388 + 1e-7) = 0.90000063
//   m: 0.045 - 0.1 = -0.055, s: 0.00024975 + 0.001 = 0.00124975
//   rate: 0.1 sqrt(1 - 0.998001) / (1 - 0.81) = 0.02353167
//   p: 0.90000063 + 0.02353167 0.055 / (0.03535180 + 1e-7) = 0.93661088
TEST(Adam, DefaultsAreThoseOfKeras) {
  expect_two_steps({.name = "adam"}, 0.90000063, 0.93661088);
}

// epsilon = 1/4, large so that its place shows; the sum begins at 1/2:
//   s: 0.5 + 0.25 = 0.75, p: 1 - 0.1 0.5 / (0.86602540 + 0.25) = 0.95519815
//   s: 1.75, p: 0.95519815 + 0.1 / (1.32287566 + 0.25) = 1.01877598
TEST(Adagrad, EqualsHandComputedSteps) {
  const OptimizerOptions options{
      .name = "adagrad", .epsilon = 0.25, .initial_squared_gradient_sum = 0.5};
  expect_two_steps(options, 0.95519815, 1.01877598);
  expect_two_steps(options, 0.95519815, 1.01877598, 4);  // knows no batch ratio
}

// p: 1 - 0.1 0.5 / 0.5 = 0.9;  0.9 + 0.1 / sqrt(0.25 + 1) = 0.98944272
TEST(Adagrad, FirstMovesByTheRateWhateverTheGradient) {
  expect_two_steps({.name = "adagrad", .epsilon = 1e-10}, 0.9, 0.98944272);
}

TEST(Adagrad, LeavesAParameterWithoutGradient) {
  const auto optimizer = make_optimizer({.name = "adagrad", .epsilon = 1e-10}, 9);
  std::vector<float> parameters(9, 1.0F);
  optimizer->begin_step(0.1);
  optimizer->update(parameters.data(), std::vector<float>(9, 0.0F), 0);
  EXPECT_EQ(parameters, std::vector<float>(9, 1.0F));
}

TEST(Adagrad, EqualsANaiveLoop) {
  constexpr std::size_t size = 101;
  const auto optimizer = make_optimizer({.name = "adagrad", .epsilon = 1e-10}, size);
  RandomValues random(7);
  std::vector<float> parameters = random.floats(size);
  std::vector<double> naive(parameters.begin(), parameters.end()), sum(size, 0.0);
  for (int step = 1; step <= 20; ++step) {
    const auto gradient = random.floats(size);
    const double rate = 0.1 / step;
    optimizer->begin_step(rate);
    optimizer->update(parameters.data(), gradient, 0);
    for (std::size_t i = 0; i < size; ++i) {
      const double g = gradient[i];
      sum[i] += g * g;
      naive[i] -= rate * g / (std::sqrt(sum[i]) + 1e-10);
    }
  }
  for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(parameters[i], naive[i], 1e-6);
}

TEST(Optimizer, RefusesAnUnknownNameAndNamesTheClosest) {
  try {
    (void)make_optimizer({.name = "adamm"}, 1);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr("\"adamm\""));
    EXPECT_THAT(error.what(), HasSubstr("did you mean \"adam"));
  }
}

// What must hold for every optimizer.
const OptimizerOptions variants[] = {
    {.name = "sgd"},
    {.name = "sgd", .weight_decay = 0.1},
    {.name = "sgd", .momentum = 0.9, .weight_decay = 0.1},
    {.name = "sgd", .momentum = 0.9, .nesterov = true},
    {.name = "adam"},
    {.name = "adamw", .weight_decay = 0.1},
    {.name = "adagrad", .epsilon = 1e-10},
};

TEST(Optimizer, VariantsCoverEveryName) {
  for (const std::string& name : optimizer_names()) {
    EXPECT_TRUE(std::any_of(std::begin(variants), std::end(variants),
                            [&](const auto& variant) { return variant.name == name; }))
        << name;
  }
}

class EveryOptimizer : public testing::TestWithParam<OptimizerOptions> {
 protected:
  static constexpr std::size_t size = 5003;

  // `steps` steps in chunks of `chunk` parameters, the last chunk first.
  void train(Optimizer& optimizer, std::vector<float>& parameters, int steps,
             std::size_t chunk) {
    for (int i = 0; i < steps; ++i) {
      const auto gradient = random_.floats(size);
      const auto before = gradient;
      optimizer.begin_step(0.01 * (i + 1));
      for (std::size_t n = (size + chunk - 1) / chunk; n-- > 0;) {
        const std::size_t begin = n * chunk;
        optimizer.update(
            parameters.data() + begin,
            std::span(gradient).subspan(begin, std::min(chunk, size - begin)), begin);
      }
      EXPECT_EQ(gradient, before) << "the gradient was touched";
    }
  }

  RandomValues random_{3};
};

TEST_P(EveryOptimizer, UpdatesInChunksAsAtOnce) {
  const auto start = RandomValues(4).floats(size);
  std::vector<float> at_once = start, in_chunks = start;
  random_ = RandomValues(3);
  train(*make_optimizer(GetParam(), size), at_once, 3, size);
  random_ = RandomValues(3);
  train(*make_optimizer(GetParam(), size), in_chunks, 3, 2048);
  EXPECT_EQ(at_once, in_chunks);
  EXPECT_GT(relative_difference(at_once, start), 1e-3) << "nothing was updated";
}

TEST_P(EveryOptimizer, ContinuesFromACopyOfItsState) {
  std::vector<float> parameters = RandomValues(4).floats(size);
  const auto original = make_optimizer(GetParam(), size);
  const auto copy = make_optimizer(GetParam(), size);
  train(*original, parameters, 2, size);

  const OptimizerState from = original->state(), to = copy->state();
  ASSERT_EQ(from.arrays.size(), to.arrays.size());
  ASSERT_EQ(from.numbers.size(), to.numbers.size());
  for (std::size_t i = 0; i < from.arrays.size(); ++i) {
    EXPECT_EQ(from.arrays[i].second->size(), size);
    *to.arrays[i].second = *from.arrays[i].second;
  }
  for (std::size_t i = 0; i < from.numbers.size(); ++i) {
    *to.numbers[i].second = *from.numbers[i].second;
  }

  std::vector<float> continued = parameters;
  random_ = RandomValues(5);
  train(*original, parameters, 2, size);
  random_ = RandomValues(5);
  train(*copy, continued, 2, size);
  EXPECT_EQ(parameters, continued);
}

// A quarter of four times the gradient: powers of two change no bit.
TEST_P(EveryOptimizer, TakesAFactorToTheMeanAndFindsItsNorm) {
  const auto start = RandomValues(4).floats(size),
             gradient = RandomValues(5).floats(size);
  std::vector<float> sum = gradient, of_sum = start, of_mean = start;
  for (float& value : sum) value *= 4;
  const auto first = make_optimizer(GetParam(), size);
  const auto second = make_optimizer(GetParam(), size);
  first->begin_step(0.1);
  second->begin_step(0.1);
  const UpdateSums found = first->update(of_sum.data(), sum, 0, 0.25F);
  EXPECT_EQ(second->update(of_mean.data(), gradient, 0).gradient_norm_squared,
            found.gradient_norm_squared);
  EXPECT_EQ(of_sum, of_mean);
  EXPECT_EQ(found.gradient_norm_squared, sum_of_squares(gradient.data(), size));
  EXPECT_TRUE(found.finite);
}

TEST_P(EveryOptimizer, TellsOfOneParameterThatIsNotFinite) {
  for (const std::size_t bad : {std::size_t{0}, size / 2, size - 1}) {
    auto parameters = RandomValues(4).floats(size);
    parameters[bad] = std::numeric_limits<float>::infinity();
    const auto optimizer = make_optimizer(GetParam(), size);
    optimizer->begin_step(0.1);
    const auto gradient = RandomValues(5).floats(size);
    EXPECT_FALSE(optimizer->update(parameters.data(), gradient, 0).finite) << bad;
  }
}

TEST_P(EveryOptimizer, DescendsAQuadratic) {
  std::vector<float> parameters(20, 1.0F);
  const auto optimizer = make_optimizer(GetParam(), parameters.size());
  for (int i = 0; i < 200; ++i) {
    const auto gradient = parameters;
    optimizer->begin_step(0.1);
    optimizer->update(parameters.data(), gradient, 0);
  }
  for (const float p : parameters) EXPECT_LT(std::abs(p), 0.1);
}

INSTANTIATE_TEST_SUITE_P(Variants, EveryOptimizer, testing::ValuesIn(variants));

class AnyOptimizer : public testing::TestWithParam<OptimizerOptions> {};

TEST_P(AnyOptimizer, BeginsAnewAfterAReset) {
  RandomValues random(4);
  const auto used = make_optimizer(GetParam(), 37),
             fresh = make_optimizer(GetParam(), 37);
  std::vector<float> parameters = random.floats(37);
  for (int step = 0; step < 3; ++step) {
    used->begin_step(0.1);
    used->update(parameters.data(), random.floats(37), 0);
  }
  used->reset();
  std::vector<float> others = parameters;
  for (int step = 0; step < 3; ++step) {
    const std::vector<float> gradient = random.floats(37);
    used->begin_step(0.1);
    used->update(parameters.data(), gradient, 0);
    fresh->begin_step(0.1);
    fresh->update(others.data(), gradient, 0);
  }
  EXPECT_EQ(parameters, others);
}

INSTANTIATE_TEST_SUITE_P(
    All, AnyOptimizer,
    testing::Values(OptimizerOptions{.name = "sgd", .momentum = 0.9},
                    OptimizerOptions{.name = "adam"},
                    OptimizerOptions{.name = "adagrad",
                                     .initial_squared_gradient_sum = 0.1}));

}  // namespace batchlab::optimizer_test
