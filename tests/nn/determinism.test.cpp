// SPDX-License-Identifier: MIT
//
// The bits of a training run: a function of seed, data and batch sizes, whatever the
// number of threads and whatever was measured beside.
#include <gtest/gtest.h>

#include "tests/nn/trainer.hpp"

namespace batchlab::determinism_test {

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

constexpr Measurements everything{true, true, true, true, true};

struct Outcome {
  std::vector<std::uint32_t> parameter_bits;
  std::vector<double> numbers;  // losses, norms and group sums of all steps
  bool operator==(const Outcome&) const = default;
};

// Trains on batches of random sizes, among them one example and the whole set.
Outcome train(const TrainerOptions& options, const Measurements& measurements = {}) {
  Trainer trainer(data(), layers, options);
  RandomValues random(9);
  Outcome outcome;
  for (const std::size_t size :
       {1 + random.below(30), std::size_t{1}, 1 + random.below(1000), std::size_t{1030},
        examples, std::size_t{2}, 1 + random.below(300)}) {
    const Batch batch = random_batch(size, examples, random, 3);
    const LossSum loss = trainer.step.forward_backward(batch, measurements);
    const auto update = trainer.step.update(0.01);
    EXPECT_TRUE(update.parameters_finite);
    outcome.numbers.insert(
        outcome.numbers.end(),
        {loss.loss, static_cast<double>(loss.correct),
         update.gradient.gradient_norm_squared, update.examples.weighted_norms_squared,
         update.lanes.weighted_norms_squared, update.steps.gradient_norm_squared,
         update.half_batch_cosine.value_or(7), update.inner_products.deviations_squared,
         update.inner_products.orthogonal_squared});
  }
  const auto batch = random_batch(700, examples, random);
  const auto evaluation = trainer.step.evaluate(data(), batch.examples);
  outcome.numbers.insert(outcome.numbers.end(), {evaluation.loss, evaluation.accuracy});
  outcome.parameter_bits = trainer.bits();
  return outcome;
}

class Bits : public testing::TestWithParam<OptimizerOptions> {};

TEST_P(Bits, DoNotDependOnTheNumberOfThreads) {
  for (const Measurements& measurements : {Measurements{}, everything}) {
    const Outcome one = train({.threads = 1, .optimizer = GetParam()}, measurements);
    for (const std::size_t threads : {2, 3, 5, 8}) {
      EXPECT_EQ(train({.threads = threads, .optimizer = GetParam()}, measurements), one)
          << threads << " threads";
    }
  }
}

TEST_P(Bits, OfParametersDoNotDependOnWhatIsMeasured) {
  const TrainerOptions options{.threads = 2, .optimizer = GetParam()};
  const auto plain = train(options).parameter_bits;
  for (const Measurements& one :
       {Measurements{.examples = true}, Measurements{.lanes = true},
        Measurements{.halves = true}, Measurements{.steps = true},
        Measurements{.inner_products = true}, everything}) {
    EXPECT_EQ(train(options, one).parameter_bits, plain);
  }
}

TEST_P(Bits, DifferBetweenSeeds) {
  EXPECT_NE(train({.optimizer = GetParam(), .seed = 1}).parameter_bits,
            train({.optimizer = GetParam(), .seed = 2}).parameter_bits);
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
  const Outcome one = train({.threads = 1, .cut = cut}, everything);
  for (const std::size_t threads : {2, 3, 8}) {
    EXPECT_EQ(train({.threads = threads, .cut = cut}, everything), one);
  }
}

// So many inputs that batches take them by parts (with vectors of 8 small ones alone),
// apart from each other where no row is measured; the first layer is the last, too, or
// is followed by others.
TEST(BitsOfManyInputs, DependNeitherOnThreadsNorOnWhatIsMeasured) {
  const Dataset many = random_dataset(1100, 300, 7, 4);
  const std::vector<std::vector<LayerOptions>> networks{
      {{.type = "dense", .units = 7}},
      {{.type = "dense", .units = 150, .activation = "relu"},
       {.type = "dropout", .rate = 0.3},
       {.type = "dense", .units = 7}}};
  for (const auto& network : networks) {
    for (const std::size_t tile_height : {0, 5}) {
      const auto bits_with = [&](std::size_t threads,
                                 const Measurements& measurements) {
        Trainer trainer(many, network,
                        {.threads = threads, .cut = {.tile_height = tile_height}});
        RandomValues random(14);
        for (const std::size_t size : {1, 2, 3, 17, 128, 129, 63, 512, 513, 1100}) {
          const Batch batch = random_batch(size, 1100, random);
          trainer.step.forward_backward(batch, measurements);
          if (size == 17) trainer.step.extend(random_batch(9, 1100, random));
          if (size == 128) trainer.step.extend(random_batch(600, 1100, random));
          trainer.step.update(0.01);
        }
        return trainer.bits();
      };
      const auto one = bits_with(1, {});
      for (const std::size_t threads : {1, 2, 3, 5, 8}) {
        EXPECT_EQ(bits_with(threads, {}), one) << threads << " threads";
        EXPECT_EQ(bits_with(threads, everything), one)
            << threads << " threads, measured";
      }
    }
  }
}

// Layers with several pieces to a product: which these are depends on who takes them,
// not which of them are measured by lanes, each eighth of the second layer.
TEST(BitsOfWideLayers, DoNotDependOnTheNumberOfThreads) {
  const std::vector<LayerOptions> wide{
      {.type = "dense", .units = 400, .activation = "relu"},
      {.type = "dense", .units = 300, .activation = "tanh"},
      {.type = "dense", .units = 7}};
  const auto train_on = [&](std::size_t threads) {
    Trainer trainer(data(), wide, {.threads = threads});
    RandomValues random(12);
    std::vector<double> numbers;
    const auto keep = [&](const TrainingStep::Update& update) {
      numbers.insert(
          numbers.end(),
          {update.gradient.gradient_norm_squared, update.lanes.weighted_norms_squared,
           update.steps.gradient_norm_squared, update.half_batch_cosine.value_or(7)});
    };
    for (const std::size_t size : {20, 300, 300, 1100}) {
      const Batch batch = random_batch(size, examples, random);
      trainer.step.forward_backward(batch,
                                    {.lanes = true, .halves = true, .steps = true});
      keep(trainer.step.measure());
      if (size == 300) trainer.step.extend(random_batch(100, examples, random));
      const Array gradient = trainer.step.gradient();
      numbers.insert(numbers.end(), gradient.begin(), gradient.end());
      keep(trainer.step.update(0.01));
    }
    return std::pair(trainer.bits(), numbers);
  };
  const auto one = train_on(1);
  for (int again = 0; again < 3; ++again) {
    for (const std::size_t threads : {2, 3, 5, 8}) {
      EXPECT_TRUE(train_on(threads) == one) << threads << " threads";
    }
  }
}

// So many weights that threads divide these: of the first layer, of
// the last, of two with another between them, behind a layer by parts of the inputs.
TEST(BitsOfManyWeights, DoNotDependOnTheNumberOfThreads) {
  const Dataset many = random_dataset(600, 515, 7, 5);
  const std::vector<std::vector<LayerOptions>> networks{
      {{.type = "dense", .units = 513}},
      {{.type = "dropout", .rate = 0.1},
       {.type = "dense", .units = 515, .activation = "tanh"},
       {.type = "dropout", .rate = 0.3},
       {.type = "dense", .units = 530, .activation = "relu"},
       {.type = "dense", .units = 7}},
      {{.type = "dense", .units = 200, .activation = "relu"},
       {.type = "dense", .units = 512, .activation = "relu"},
       {.type = "dense", .units = 512}}};
  for (const auto& network : networks) {
    const auto train_on = [&](std::size_t threads) {
      Trainer trainer(many, network, {.threads = threads});
      RandomValues random(15);
      std::vector<double> numbers;
      for (const std::size_t size : {1, 2, 17, 128, 129, 513}) {
        const Batch batch = random_batch(size, 600, random);
        numbers.push_back(trainer.step.forward_backward(batch, everything).loss);
        if (size == 17) trainer.step.extend(random_batch(9, 600, random));
        if (size == 128) trainer.step.extend(random_batch(200, 600, random));
        const auto update = trainer.step.update(0.01);
        EXPECT_TRUE(update.parameters_finite);
        numbers.insert(numbers.end(), {update.examples.weighted_norms_squared,
                                       update.lanes.weighted_norms_squared,
                                       update.inner_products.deviations_squared});
      }
      return std::pair(trainer.bits(), numbers);
    };
    const auto one = train_on(1);
    for (const std::size_t threads : {2, 3, 5, 8}) {
      EXPECT_TRUE(train_on(threads) == one) << threads << " threads";
    }
  }
}

// A layer that copies what it multiplies.
TEST(BitsOfAQuadratic, DoNotDependOnTheNumberOfThreads) {
  const std::vector<LayerOptions> quadratic{{.type = "quadratic"}};
  const auto bits_with = [&](std::size_t threads) {
    Trainer trainer(data(), quadratic, {.threads = threads});
    RandomValues random(10);
    for (const std::size_t size : {5, 300, 900}) {
      trainer.step.forward_backward(random_batch(size, examples, random));
      trainer.step.update(0.01);
    }
    return trainer.bits();
  };
  for (const std::size_t threads : {2, 3, 5})
    EXPECT_EQ(bits_with(threads), bits_with(1));
}

// A hundred runs of random networks, optimizers and batch sizes.
TEST(BitsOfRandomRuns, DoNotDependOnTheNumberOfThreads) {
  const std::size_t most_threads[] = {2, 3, 5, 8};
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    RandomValues random(seed);
    std::vector<LayerOptions> network;
    const std::size_t most_units = seed % 3 == 0 ? 300 : 90;
    for (std::size_t depth = random.below(3); depth > 0; --depth) {
      network.push_back({.type = "dense",
                         .units = 1 + random.below(most_units),
                         .activation = depth == 1 ? "relu" : "tanh"});
    }
    network.push_back({.type = "dense", .units = 7 + random.below(3)});
    const char* optimizers[] = {"sgd", "adam", "adamw", "adagrad"};
    const OptimizerOptions optimizer{.name = optimizers[random.below(4)]};
    std::vector<Batch> batches;
    for (int step = 0; step < 6; ++step) {
      const std::size_t most = random.below(4) == 0 ? 1600 : 150;
      batches.push_back(random_batch(1 + random.below(most), examples, random));
    }
    const auto bits_with = [&](std::size_t threads) {
      Trainer trainer(data(), network, {.threads = threads, .optimizer = optimizer});
      for (const Batch& batch : batches) {
        trainer.step.forward_backward(batch);
        trainer.step.update(0.01);
      }
      return trainer.bits();
    };
    EXPECT_EQ(bits_with(most_threads[seed % 4]), bits_with(1)) << "seed " << seed;
  }
}

}  // namespace batchlab::determinism_test
