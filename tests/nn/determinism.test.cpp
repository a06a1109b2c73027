// SPDX-License-Identifier: MIT
//
// The bits of a training run: a function of seed, data and batch sizes, whatever the
// number of threads and whatever was measured beside.
#include <gtest/gtest.h>

#include "tests/nn/trainer.hpp"

namespace batchlab {
namespace {

// Enough parameters for several pieces, enough examples for ten rounds.
constexpr std::size_t examples = 5000, features = 40;

const Dataset& data() {
  static const Dataset data = random_dataset(examples, features, 7, 1);
  return data;
}

const std::vector<LayerOptions> layers{
    {.type = "dropout", .rate = 0.1},
    {.type = "dense", .units = 70, .activation = "relu"},
    {.type = "dropout", .rate = 0.3},
    {.type = "dense", .units = 61, .activation = "tanh"},
    {.type = "dense", .units = 7},
};

struct Outcome {
  std::vector<std::uint32_t> parameter_bits;
  std::vector<double> numbers;  // losses, norms and group sums of all steps
  bool operator==(const Outcome&) const = default;
};

// Trains on batches of random sizes, among them one example and the whole set.
Outcome train(const TrainerOptions& options, Estimator estimator) {
  Trainer trainer(data(), layers, options);
  RandomValues random(9);
  Outcome outcome;
  for (const std::size_t size :
       {1 + random.below(30), std::size_t{1}, 1 + random.below(1000), std::size_t{1030},
        examples, std::size_t{2}, 1 + random.below(300)}) {
    const Batch batch = random_batch(size, examples, random, 3);
    const LossSum loss = trainer.step.forward_backward(batch, estimator);
    const auto update = trainer.step.update(0.01);
    EXPECT_TRUE(update.parameters_finite);
    outcome.numbers.insert(outcome.numbers.end(),
                           {loss.loss, static_cast<double>(loss.correct),
                            update.gradients.gradient_norm_squared,
                            update.gradients.weighted_norms_squared});
  }
  const auto batch = random_batch(700, examples, random);
  const auto evaluation = trainer.step.evaluate(data(), batch.examples);
  outcome.numbers.insert(outcome.numbers.end(), {evaluation.loss, evaluation.accuracy});
  outcome.parameter_bits = trainer.bits();
  return outcome;
}

class Bits : public testing::TestWithParam<OptimizerOptions> {};

TEST_P(Bits, DoNotDependOnTheNumberOfThreads) {
  for (const Estimator estimator :
       {Estimator::none, Estimator::micro_batch, Estimator::per_example}) {
    const Outcome one = train({.threads = 1, .optimizer = GetParam()}, estimator);
    for (const std::size_t threads : {2, 3, 5, 8}) {
      EXPECT_EQ(train({.threads = threads, .optimizer = GetParam()}, estimator), one)
          << threads << " threads";
    }
  }
}

TEST_P(Bits, OfParametersDoNotDependOnWhatIsMeasured) {
  const TrainerOptions options{.threads = 2, .optimizer = GetParam()};
  const auto plain = train(options, Estimator::none).parameter_bits;
  EXPECT_EQ(train(options, Estimator::micro_batch).parameter_bits, plain);
  EXPECT_EQ(train(options, Estimator::per_example).parameter_bits, plain);
}

TEST_P(Bits, DifferBetweenSeeds) {
  EXPECT_NE(
      train({.optimizer = GetParam(), .seed = 1}, Estimator::none).parameter_bits,
      train({.optimizer = GetParam(), .seed = 2}, Estimator::none).parameter_bits);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers, Bits,
    testing::Values(OptimizerOptions{.name = "sgd"},
                    OptimizerOptions{.name = "sgd", .momentum = 0.9, .nesterov = true},
                    OptimizerOptions{.name = "adam"},
                    OptimizerOptions{.name = "adamw", .weight_decay = 0.01}));

// With the lanes fixed the cut differs from the default; threads still must not matter.
TEST(BitsWithFixedCut, DoNotDependOnTheNumberOfThreads) {
  const CutOptions cut{.lanes = 5, .tile_height = 50};
  const Outcome one = train({.threads = 1, .cut = cut}, Estimator::micro_batch);
  for (const std::size_t threads : {2, 3, 8}) {
    EXPECT_EQ(train({.threads = threads, .cut = cut}, Estimator::micro_batch), one);
  }
}

// A hundred runs of random networks, optimizers and batch sizes.
TEST(BitsOfRandomRuns, DoNotDependOnTheNumberOfThreads) {
  const std::size_t most_threads[] = {2, 3, 5, 8};
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    RandomValues random(seed);
    std::vector<LayerOptions> network;
    for (std::size_t depth = random.below(3); depth > 0; --depth) {
      network.push_back({.type = "dense",
                         .units = 1 + random.below(90),
                         .activation = depth == 1 ? "relu" : "tanh"});
    }
    network.push_back({.type = "dense", .units = 7 + random.below(3)});
    const char* optimizers[] = {"sgd", "adam", "adamw"};
    const OptimizerOptions optimizer{.name = optimizers[random.below(3)]};
    std::vector<Batch> batches;
    for (int step = 0; step < 6; ++step) {
      const std::size_t most = random.below(4) == 0 ? 1600 : 150;
      batches.push_back(random_batch(1 + random.below(most), examples, random));
    }
    const auto bits_with = [&](std::size_t threads) {
      Trainer trainer(data(), network, {.threads = threads, .optimizer = optimizer});
      for (const Batch& batch : batches) {
        trainer.step.forward_backward(batch, Estimator::none);
        trainer.step.update(0.01);
      }
      return trainer.bits();
    };
    EXPECT_EQ(bits_with(most_threads[seed % 4]), bits_with(1)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace batchlab
