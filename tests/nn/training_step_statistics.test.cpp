// SPDX-License-Identifier: MIT
//
// What a training step measures of its gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "nn/gradient_statistics.hpp"
#include "nn/training_step.hpp"
#include "tests/nn/training_step_test.hpp"

namespace batchlab::training_step_statistics_test {

TEST_F(TrainingStepTest, PerExampleNormsEqualNaiveGradients) {
  for (const std::string activation : {"relu", "tanh"}) {
    for (const CutOptions& cut : cuts) {
      Trainer trainer = make(activation, cut);
      for (const std::size_t size : {1, 2, 30, 171}) {
        const Batch batch = random_batch(size, examples, random_);
        double expected = 0;
        for (const auto example : batch.examples) {
          expected += norm_squared(naive(activation, trainer, example).gradient);
        }
        trainer.step.forward_backward(batch, {.examples = true});
        const GroupedGradients sums = trainer.step.update(0).examples;
        EXPECT_EQ(sums.groups, static_cast<std::int64_t>(size));
        EXPECT_NEAR(sums.weighted_norms_squared, expected, 1e-5 * expected);
      }
    }
  }
}

TEST_F(TrainingStepTest, MicroBatchSumsEqualNaiveGradientsOfLanes) {
  for (const CutOptions& cut : cuts) {
    Trainer trainer = make("relu", cut);
    for (const std::size_t size : {1, 2, 5, 30, 171, 1300}) {
      const Batch batch = random_batch(size, examples, random_);
      const Cut rows = cut_batch(size, cut);
      const double expected = naive_lanes("relu", trainer, batch, rows);
      trainer.step.forward_backward(batch, {.lanes = true});
      const GroupedGradients sums = trainer.step.update(0).lanes;
      EXPECT_EQ(sums.groups, static_cast<std::int64_t>(rows.lanes()));
      EXPECT_NEAR(sums.weighted_norms_squared, expected, 1e-5 * expected);
    }
  }
}

// Where both lanes hold the same rows their sum of squares is B |g|^2: the difference,
// from which the variance is taken, keeps its precision.
TEST_F(TrainingStepTest, TwoEqualMicroBatchesHaveNoVariance) {
  Trainer trainer = make("tanh", {});
  for (const std::size_t half : {1, 7, 64, 200}) {
    Batch batch = random_batch(half, examples, random_);
    const std::vector<std::uint32_t> rows = batch.examples;
    batch.examples.insert(batch.examples.end(), rows.begin(), rows.end());
    batch.rows_in_epoch = 2 * half;
    trainer.step.forward_backward(batch, {.lanes = true});
    const GroupedGradients sums = trainer.step.update(0).lanes;
    const auto size = static_cast<double>(2 * half);
    const double both = size * sums.gradient_norm_squared;
    EXPECT_NEAR(sums.weighted_norms_squared, both, 1e-11 * both) << half;
  }
}

// Of each piece |gradient sum|^2 / rows over batch rows [begin, end), by plain loops.
std::vector<double> naive_piece_norms(const NaiveNetwork& rival, const Trainer& trainer,
                                      const Dataset& data, const Batch& batch,
                                      std::size_t begin, std::size_t end) {
  std::vector<double> sum(trainer.parameters.size());
  for (std::size_t row = begin; row < end; ++row) {
    const NaiveExample one =
        rival.run(trainer.parameters, data, batch.examples[row], double{input_scale});
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one.gradient[i];
  }
  std::vector<double> norms;
  for (const Piece& piece : trainer.network.pieces()) {
    const double* first = sum.data() + piece.offset;
    norms.push_back(std::inner_product(first, first + piece.size, first, 0.0) /
                    static_cast<double>(end - begin));
  }
  return norms;
}

// 33 pieces of the first layer, of which each 8th is measured and counts for 8, from
// one that the epoch decides on; all of the last layer.
TEST_F(TrainingStepTest, MicroBatchSumsOfManyPiecesEqualNaiveGradientsOfEachEighth) {
  constexpr std::size_t inputs = 390, interval = 8;
  const Layers layers{{.type = "dense", .units = 120, .activation = "tanh"},
                      {.type = "dense", .units = classes}};
  const Dataset data = random_dataset(520, inputs, classes, 3);
  const NaiveNetwork rival(inputs, layers);
  const std::pair<std::size_t, std::size_t> sizes_and_lanes[] = {
      {21, 2}, {40, 3}, {520, 2}};
  for (const auto& [size, lanes] : sizes_and_lanes) {
    Trainer trainer(data, layers, {.threads = 2, .cut = {.lanes = lanes}});
    Batch batch = random_batch(size, 520, random_);
    const auto norms_of = [&, size = size](std::size_t i, std::size_t parts) {
      return naive_piece_norms(rival, trainer, data, batch, i * size / parts,
                               (i + 1) * size / parts);
    };
    const std::vector<double> whole = norms_of(0, 1);
    std::vector<double> expected(interval,
                                 std::accumulate(whole.begin(), whole.end(), 0.0));
    const auto expect_more = [&](const std::vector<double>& norms, double sign) {
      for (std::size_t i = 0; i < norms.size(); ++i) {
        const bool sampled = trainer.network.pieces()[i].layer == 0;
        ASSERT_EQ(sampled, i < 33);
        for (std::size_t start = 0; start < interval; ++start) {
          if (!sampled) expected[start] += sign * norms[i];
          if (sampled && i % interval == start) expected[start] += sign * 8 * norms[i];
        }
      }
    };
    expect_more(whole, -1);
    for (std::size_t lane = 0; lane < lanes; ++lane)
      expect_more(norms_of(lane, lanes), 1);
    std::vector<int> met(interval);
    for (batch.epoch = 0; batch.epoch < 60; ++batch.epoch) {
      trainer.step.forward_backward(batch, {.lanes = true});
      const double found = trainer.step.update(0).lanes.weighted_norms_squared;
      int equal = 0;
      for (std::size_t start = 0; start < interval; ++start) {
        if (std::abs(found - expected[start]) > 1e-6 * found) continue;
        ++met[start];
        ++equal;
      }
      EXPECT_EQ(equal, 1) << found << " in epoch " << batch.epoch;
    }
    for (const int times : met) EXPECT_GT(times, 0);
  }
}

// With one round the halves are lanes or lie between, with several each has as many
// rounds.
TEST_F(TrainingStepTest, HalfBatchCosineEqualsNaiveGradients) {
  for (const std::size_t lanes : {0, 1, 3, 5, 8}) {
    Trainer trainer = make("tanh", {.lanes = lanes}),
            plain = make("tanh", {.lanes = lanes});
    for (const std::size_t size : {2, 3, 30, 31, 600, 1300}) {
      const Batch batch = random_batch(size, examples, random_);
      trainer.step.forward_backward(batch, {.lanes = size < 40, .halves = true});
      const auto update = trainer.step.update(0);
      EXPECT_NEAR(update.half_batch_cosine.value(),
                  naive_cosine("tanh", trainer, batch), 1e-5)
          << size << " rows, " << lanes << " lanes";
      if (size >= 40) continue;
      plain.step.forward_backward(batch, {.lanes = true});
      EXPECT_EQ(update.lanes.weighted_norms_squared,
                plain.step.update(0).lanes.weighted_norms_squared);
    }
    trainer.step.forward_backward(random_batch(1, examples, random_), {.halves = true});
    EXPECT_FALSE(trainer.step.update(0).half_batch_cosine.has_value());
  }
}

// Wide enough for the gradients of several pieces to be one product.
TEST_F(TrainingStepTest, StatisticsOfPiecesTogetherEqualNaiveGradients) {
  units_ = 40;
  second_units_ = 300;
  for (const std::size_t lanes : {2, 3}) {
    Trainer trainer = make("tanh", {.lanes = lanes});
    for (const std::size_t size : {20, 290, 520}) {
      const Batch batch = random_batch(size, examples, random_);
      trainer.step.forward_backward(batch, {.lanes = true, .halves = true});
      const auto expected = naive_mean("tanh", trainer, batch, 0, size);
      EXPECT_LT(relative_difference(trainer.step.gradient(), expected.gradient), 1e-5);
      const auto update = trainer.step.update(0);
      const double of_lanes =
          naive_lanes("tanh", trainer, batch, cut_batch(size, {.lanes = lanes}));
      EXPECT_NEAR(update.lanes.weighted_norms_squared, of_lanes, 1e-5 * of_lanes);
      EXPECT_NEAR(update.half_batch_cosine.value(),
                  naive_cosine("tanh", trainer, batch), 1e-5);
    }
  }
}

TEST_F(TrainingStepTest, TwoStepSumsEqualNaiveGradientsOfBothBatches) {
  for (const CutOptions& cut : cuts) {
    Trainer trainer = make("relu", cut);
    std::vector<double> before;
    std::size_t size_before = 0;
    for (const std::size_t size : {5, 1, 171, 1300}) {
      const Batch batch = random_batch(size, examples, random_);
      const auto mean = naive_mean("relu", trainer, batch, 0, size).gradient;
      trainer.step.forward_backward(batch, {.steps = true});
      const GroupedGradients sums = trainer.step.update(0.01).steps;
      EXPECT_EQ(sums.groups, before.empty() ? 0 : 2);
      if (!before.empty()) {
        const auto n = static_cast<double>(size_before), m = static_cast<double>(size);
        std::vector<double> both(mean.size());
        for (std::size_t i = 0; i < mean.size(); ++i) {
          both[i] = (n * before[i] + m * mean[i]) / (n + m);
        }
        const double norms = n * norm_squared(before) + m * norm_squared(mean);
        EXPECT_EQ(sums.batch_size, static_cast<std::int64_t>(size_before + size));
        EXPECT_NEAR(sums.weighted_norms_squared, norms, 1e-5 * norms);
        EXPECT_NEAR(sums.gradient_norm_squared, norm_squared(both),
                    1e-5 * norms / (n + m));
      }
      before = mean;
      size_before = size;
    }
    trainer.step.forward_backward(random_batch(9, examples, random_));
    trainer.step.update(0);
    trainer.step.forward_backward(random_batch(9, examples, random_), {.steps = true});
    EXPECT_EQ(trainer.step.update(0).steps.groups, 0) << "after a step not measured";
  }
}

// Of the last round's rows, with the mean over all; of up to 5 rows by pairs of them.
TEST_F(TrainingStepTest, InnerProductsEqualNaiveGradients) {
  for (const CutOptions& cut : cuts) {
    Trainer trainer = make("tanh", cut);
    for (const std::size_t size : {1, 2, 5, 30, 171, 1300}) {
      const Batch batch = random_batch(size, examples, random_);
      const auto mean = naive_mean("tanh", trainer, batch, 0, size).gradient;
      const double q = norm_squared(mean);
      const std::size_t rounds = cut_batch(size, cut).rounds;
      const std::size_t first = (rounds - 1) * size / rounds;
      double deviations = 0, orthogonal = 0, norms = 0;
      for (std::size_t row = first; row < size; ++row) {
        const auto one = naive("tanh", trainer, batch.examples[row]).gradient;
        const double inner =
            std::inner_product(one.begin(), one.end(), mean.begin(), 0.0);
        deviations += (inner - q) * (inner - q);
        orthogonal += norm_squared(one) - inner * inner / q;
        norms += norm_squared(one);
      }
      trainer.step.forward_backward(batch, {.inner_products = true});
      const InnerProducts sums = trainer.step.update(0.1).inner_products;
      EXPECT_EQ(sums.examples, static_cast<std::int64_t>(size - first));
      EXPECT_NEAR(sums.deviations_squared, deviations, 1e-5 * norms * q);
      EXPECT_NEAR(sums.orthogonal_squared, orthogonal, 1e-5 * norms);
    }
  }
}

// A batch in three parts is a batch.
TEST_F(TrainingStepTest, ExtendedBatchEqualsNaiveReference) {
  for (const CutOptions& cut : cuts) {
    for (const std::size_t first : {1, 40, 600, 1200}) {
      Trainer trainer = make("relu", cut);
      const Batch batch = random_batch(1400, examples, random_);
      const auto slice = [&](std::size_t begin, std::size_t end) {
        const auto at = [&](std::size_t i) {
          return batch.examples.begin() + static_cast<std::ptrdiff_t>(i);
        };
        return Batch{{at(begin), at(end)}, 0, end - begin};
      };
      const Measurements measurements{.examples = true, .lanes = true, .halves = true};
      double loss = trainer.step.forward_backward(slice(0, first), measurements).loss;
      std::int64_t lanes = trainer.step.measure().lanes.groups;
      for (const std::size_t begin : {first, first + 7}) {
        const std::size_t end = begin == first ? first + 7 : first + 100;
        loss += trainer.step.extend(slice(begin, end)).loss;
        lanes += static_cast<std::int64_t>(cut_batch(end - begin, cut).lanes());
      }
      const std::size_t size = first + 100;
      const auto expected = naive_mean("relu", trainer, batch, 0, size);
      EXPECT_NEAR(loss, expected.loss * static_cast<double>(size), 1e-5 * loss);
      EXPECT_LT(relative_difference(trainer.step.gradient(), expected.gradient), 1e-5);
      const auto update = trainer.step.update(0);
      EXPECT_EQ(update.gradient.batch_size, static_cast<std::int64_t>(size));
      EXPECT_EQ(update.lanes.groups, lanes);
      EXPECT_EQ(update.examples.groups, update.gradient.batch_size);
      EXPECT_FALSE(update.half_batch_cosine.has_value());
    }
  }
}

TEST_F(TrainingStepTest, MeasuringBeforeTheUpdateTellsTheSameAndChangesNothing) {
  for (const std::size_t size : {1, 40, 600, 1300}) {
    Trainer plain = make("tanh", {}), measured = make("tanh", {});
    const Batch batch = random_batch(size, examples, random_);
    const Measurements measurements{.examples = true, .lanes = true, .halves = true};
    plain.step.forward_backward(batch, measurements);
    measured.step.forward_backward(batch, measurements);
    const auto before = measured.step.measure();
    const auto expected = plain.step.update(0.1), after = measured.step.update(0.1);
    for (const auto& update : {before, after}) {
      EXPECT_EQ(update.gradient.gradient_norm_squared,
                expected.gradient.gradient_norm_squared);
      EXPECT_EQ(update.lanes.weighted_norms_squared,
                expected.lanes.weighted_norms_squared);
      EXPECT_EQ(update.examples.weighted_norms_squared,
                expected.examples.weighted_norms_squared);
      EXPECT_EQ(update.half_batch_cosine, expected.half_batch_cosine);
    }
    EXPECT_EQ(measured.bits(), plain.bits());
  }
}

// The whole set gives V of the population and q exactly; all estimators on batches of
// 32 have these as their means.
TEST_F(TrainingStepTest, EstimatesOfBatchesAverageToThoseOfTheWholeSet) {
  for (std::size_t i = 0; i < examples / 4 * 3; ++i)
    data_.labels(i) = 0;  // a gradient beside the noise
  Trainer trainer = make("relu", {.lanes = 4});
  const auto estimate_on = [&](const Batch& batch, Estimator estimator) {
    trainer.step.forward_backward(batch, {true, true, false, true, false});
    const auto update = trainer.step.update(0);
    const auto result = estimate(estimator == Estimator::per_example   ? update.examples
                                 : estimator == Estimator::micro_batch ? update.lanes
                                                                       : update.steps,
                                 examples);
    return std::pair{*result.gradient_variance_trace,
                     *result.true_gradient_norm_squared};
  };
  const auto whole =
      estimate_on(random_batch(examples, examples, random_), Estimator::per_example);
  for (const Estimator estimator :
       {Estimator::per_example, Estimator::micro_batch, Estimator::two_step}) {
    constexpr int batches = 2000;
    double sums[2] = {}, squares[2] = {};
    for (int i = 0; i < batches; ++i) {
      const auto [v, g2] = estimate_on(random_batch(32, examples, random_), estimator);
      sums[0] += v, sums[1] += g2;
      squares[0] += v * v, squares[1] += g2 * g2;
    }
    for (int i : {0, 1}) {
      const double mean = sums[i] / batches;
      const double error = std::sqrt((squares[i] / batches - mean * mean) / batches);
      const double expected = i == 0 ? whole.first : whole.second;
      EXPECT_NEAR(mean, expected, 4 * error);
      EXPECT_LT(error, 0.03 * expected) << "the test is too weak to tell";
    }
  }
}

}  // namespace batchlab::training_step_statistics_test
