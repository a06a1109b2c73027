// SPDX-License-Identifier: MIT
#include "nn/training_step.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/nn/training_step_test.hpp"

extern "C" {
void openblas_set_num_threads(int threads);
int openblas_get_num_threads();
}

namespace batchlab::training_step_test {

TEST_F(TrainingStepTest, GradientAndLossEqualNaiveReferenceForAnyBatchAndCut) {
  for (const std::string activation : {"relu", "tanh"}) {
    for (const CutOptions& cut : cuts) {
      Trainer trainer = make(activation, cut);
      for (const std::size_t size :
           {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{8},
            9 + random_.below(291), std::size_t{513}, examples}) {
        const Batch batch = random_batch(size, examples, random_);
        const LossSum loss = trainer.step.forward_backward(batch);
        const auto expected = naive_mean(activation, trainer, batch, 0, size);
        EXPECT_LT(relative_difference(trainer.step.gradient(), expected.gradient), 1e-5)
            << activation << ", batch of " << size << ", lanes " << cut.lanes;
        EXPECT_NEAR(loss.loss / static_cast<double>(size), expected.loss,
                    1e-6 * expected.loss);
      }
    }
  }
}

// So many units that deltas are copied: those of earlier batches and rounds are not
// seen.
TEST_F(TrainingStepTest, WideGradientEqualsNaiveReference) {
  units_ = 301;
  for (const std::string activation : {"relu", "tanh"}) {
    Trainer trainer = make(activation, {.tile_height = 7});
    for (const std::size_t size : {513, 40, 300, 3}) {
      const Batch batch = random_batch(size, examples, random_);
      trainer.step.forward_backward(batch);
      const auto expected = naive_mean(activation, trainer, batch, 0, size);
      EXPECT_LT(relative_difference(trainer.step.gradient(), expected.gradient), 1e-5)
          << activation << ", batch of " << size;
    }
  }
}

// So many inputs that batches take them by parts: with vectors of 8 small ones alone.
TEST_F(TrainingStepTest, GradientOfManyInputsEqualsNaiveReference) {
  data_ = random_dataset(examples, 230, classes, 3);
  for (const std::string activation : {"relu", "tanh"}) {
    Trainer trainer = make(activation, {.tile_height = 7});
    for (const std::size_t size : {1, 2, 33, 128, 129, 512, 513, 1100}) {
      const Batch batch = random_batch(size, examples, random_);
      const LossSum loss = trainer.step.forward_backward(batch);
      const auto expected = naive_mean(activation, trainer, batch, 0, size);
      EXPECT_LT(relative_difference(trainer.step.gradient(), expected.gradient), 1e-5)
          << activation << ", batch of " << size;
      EXPECT_NEAR(loss.loss / static_cast<double>(size), expected.loss,
                  1e-6 * expected.loss);
    }
  }
}

// So many weights that threads divide these: of layers that follow each other, that
// have others between them, and behind a first layer that goes by parts of the inputs.
// The update makes the biases differ from 0.
TEST_F(TrainingStepTest, GradientOfManyWeightsEqualsNaiveReference) {
  data_ = random_dataset(examples, 515, classes, 4);
  const auto dense = [](std::size_t units, const std::string& activation) {
    return LayerOptions{.type = "dense", .units = units, .activation = activation};
  };
  const Layers networks[] = {
      {dense(520, "relu"), dense(577, "tanh"), dense(4, "none")},
      {dense(512, "tanh"), dense(30, "relu"), dense(512, "relu"), dense(513, "relu"),
       dense(4, "none")},
      {dense(200, "relu"), dense(520, "tanh"), dense(512, "relu"), dense(4, "none")}};
  for (const Layers& layers : networks) {
    Trainer trainer(data_, layers, {.threads = 2, .cut = {.tile_height = 7}});
    const NaiveNetwork naive(data_.features(), layers);
    for (const std::size_t size : {2, 17, 130}) {
      const Batch batch = random_batch(size, examples, random_);
      const LossSum loss = trainer.step.forward_backward(batch, {.examples = true});
      double naive_loss = 0, norms_squared = 0;
      std::vector<double> mean(trainer.parameters.size());
      for (const std::uint32_t example : batch.examples) {
        const NaiveExample one =
            naive.run(trainer.parameters, data_, example, double{input_scale});
        naive_loss += one.loss;
        norms_squared += norm_squared(one.gradient);
        for (std::size_t i = 0; i < mean.size(); ++i) {
          mean[i] += one.gradient[i] / static_cast<double>(size);
        }
      }
      EXPECT_LT(relative_difference(trainer.step.gradient(), mean), 1e-5)
          << layers[0].units << " units, batch of " << size;
      EXPECT_NEAR(loss.loss, naive_loss, 1e-6 * naive_loss);
      const auto update = trainer.step.update(0.1);
      EXPECT_NEAR(update.examples.weighted_norms_squared, norms_squared,
                  1e-5 * norms_squared);
    }
  }
}

TEST_F(TrainingStepTest, CountsCorrectExamplesAsTheNaiveReference) {
  Trainer trainer = make("tanh", {.lanes = 3, .tile_height = 7});
  const Batch batch = random_batch(200, examples, random_);
  std::int64_t correct = 0;
  for (const auto example : batch.examples) {
    correct += naive("tanh", trainer, example).correct;
  }
  EXPECT_EQ(trainer.step.forward_backward(batch).correct, correct);
}

TEST_F(TrainingStepTest, DuplicatingEveryExampleLeavesTheMeanGradientUnchanged) {
  for (const CutOptions& cut : cuts) {
    Trainer trainer = make("relu", cut);
    Batch batch = random_batch(37, examples, random_);
    trainer.step.forward_backward(batch);
    const Array once = trainer.step.gradient();
    const auto copy = batch.examples;
    batch.examples.insert(batch.examples.end(), copy.begin(), copy.end());
    batch.rows_in_epoch = batch.size();
    trainer.step.forward_backward(batch);
    EXPECT_LT(relative_difference(trainer.step.gradient(), once), 1e-6);
  }
}

TEST_F(TrainingStepTest, UpdateAppliesTheGradientAndMeasuresItsNorm) {
  Trainer trainer = make("tanh", {});
  const Batch batch = random_batch(50, examples, random_);
  trainer.step.forward_backward(batch);
  const Array before = trainer.parameters, gradient = trainer.step.gradient();
  const auto update = trainer.step.update(0.25);
  double q = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    EXPECT_NEAR(trainer.parameters(i), before(i) - 0.25F * gradient(i), 1e-7);
    q += double{gradient(i)} * double{gradient(i)};
  }
  EXPECT_NEAR(update.gradient.gradient_norm_squared, q, 1e-6 * q);
  EXPECT_EQ(update.gradient.batch_size, 50);
  EXPECT_EQ(update.examples.groups + update.lanes.groups + update.steps.groups, 0);
  EXPECT_FALSE(update.half_batch_cosine.has_value());
  EXPECT_EQ(update.inner_products.examples, 0);
  EXPECT_TRUE(update.parameters_finite);
}

// A stream reuses its batch: the next may be taken before the update.
TEST_F(TrainingStepTest, UpdateIsOfTheBatchThatWentForwardWhateverBecomesOfIt) {
  Trainer kept = make("tanh", {}), changed = make("tanh", {});
  Batch batch = random_batch(50, examples, random_);
  kept.step.forward_backward(batch);
  kept.step.update(0.1);
  changed.step.forward_backward(batch);
  batch = random_batch(3, examples, random_);
  EXPECT_EQ(changed.step.update(0.1).gradient.batch_size, 50);
  EXPECT_EQ(changed.bits(), kept.bits());
}

TEST_F(TrainingStepTest, KeepsBlasToOneThread) {
  openblas_set_num_threads(2);
  Trainer trainer = make("tanh", {});
  EXPECT_EQ(openblas_get_num_threads(), 1);
}

TEST_F(TrainingStepTest, TileHeightChangesNothingBeyondRounding) {
  const Batch batch = random_batch(300, examples, random_);
  Trainer reference = make("tanh", {.lanes = 2});
  const double loss = reference.step.forward_backward(batch).loss;
  for (const std::size_t height : {1, 2, 33, 150, 1000}) {
    Trainer trainer = make("tanh", {.lanes = 2, .tile_height = height});
    EXPECT_NEAR(trainer.step.forward_backward(batch).loss, loss, 1e-7 * loss);
    EXPECT_LT(relative_difference(trainer.step.gradient(), reference.step.gradient()),
              1e-5);
  }
}

TEST_F(TrainingStepTest, SeesParametersThatAreNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::nanf(""), -3e38F}) {
    for (const std::size_t position : {std::size_t{0}, std::size_t{57}}) {
      Trainer trainer = make("relu", {});
      const Batch batch = random_batch(20, examples, random_);
      trainer.step.forward_backward(batch);
      trainer.parameters(position) = bad;
      const bool finite = trainer.step.update(0.1).parameters_finite;
      EXPECT_EQ(finite, std::isfinite(bad));
    }
  }
}

// Through hidden relus, which must not swallow it.
TEST_F(TrainingStepTest, LossIsNotFiniteOnceAParameterIsNotANumber) {
  for (const std::string activation : {"relu", "tanh", "none"}) {
    for (const std::size_t unit : {2, 18}) {  // in a vector, in the tail
      Trainer trainer = make(activation, {});
      trainer.parameters(unit) = std::nanf("");
      const Batch batch = random_batch(20, examples, random_);
      EXPECT_FALSE(std::isfinite(trainer.step.forward_backward(batch).loss))
          << activation << ", unit " << unit;
      EXPECT_FALSE(trainer.step.update(0.1).parameters_finite);
    }
  }
}

// With so few units that weights are read where they stand, and with so many that they
// are copied, anew for each evaluation.
TEST_F(TrainingStepTest, EvaluationEqualsNaiveReference) {
  const Dataset other = random_dataset(90, features, classes, 5);
  for (const std::size_t units : {units_, std::size_t{301}}) {
    units_ = units;
    for (const CutOptions& cut : cuts) {
      Trainer trainer = make("relu", cut);
      for (const std::size_t size : {1, 20, 90}) {
        const auto chosen = random_batch(size, 90, random_).examples;
        const NaiveNetwork naive(features, small_network("relu", units_));
        double loss = 0, correct = 0;
        for (const auto example : chosen) {
          const auto one =
              naive.run(trainer.parameters, other, example, double{input_scale});
          loss += one.loss;
          correct += one.correct;
        }
        const EvaluationResult result = trainer.step.evaluate(other, chosen);
        EXPECT_NEAR(result.loss, loss / static_cast<double>(size), 1e-6 * loss);
        EXPECT_DOUBLE_EQ(result.accuracy, correct / static_cast<double>(size));
        trainer.step.forward_backward(random_batch(size, examples, random_));
        (void)trainer.step.update(0.1);
      }
    }
  }
}

TEST_F(TrainingStepTest, EvaluationBetweenGradientAndUpdateChangesNothing) {
  Trainer plain = make("relu", {}), evaluated = make("relu", {});
  const Batch batch = random_batch(60, examples, random_);
  plain.step.forward_backward(batch, {.examples = true});
  evaluated.step.forward_backward(batch, {.examples = true});
  (void)evaluated.step.evaluate(data_, batch.examples);
  const auto a = plain.step.update(0.1), b = evaluated.step.update(0.1);
  EXPECT_EQ(a.examples.weighted_norms_squared, b.examples.weighted_norms_squared);
  EXPECT_EQ(plain.bits(), evaluated.bits());
}

}  // namespace batchlab::training_step_test
