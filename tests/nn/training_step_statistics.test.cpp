// SPDX-License-Identifier: MIT
//
// What a training step measures of its gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

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

// A network whose first layer has 33 pieces, of which lanes are compared on four, eight
// apart, each for 33 / 4; the last layer has one.
class SampledPieces : public testing::Test {
 protected:
  static constexpr std::size_t inputs = 390, rows = 520, many = 33;

  // Of each piece |gradient sum|^2 / rows over some rows, by plain loops.
  std::vector<double> norms(const std::vector<std::uint32_t>& examples,
                            Range wanted) const {
    std::vector<double> sum(trainer_.parameters.size());
    for (std::size_t row = wanted.begin; row < wanted.end; ++row) {
      const NaiveExample one =
          rival_.run(trainer_.parameters, data_, examples[row], double{input_scale});
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one.gradient[i];
    }
    std::vector<double> norms;
    for (const Piece& piece : trainer_.network.pieces()) {
      const double* first = sum.data() + piece.offset;
      norms.push_back(std::inner_product(first, first + piece.size, first, 0.0) /
                      static_cast<double>(wanted.size()));
    }
    EXPECT_EQ(norms.size(), many + 1);
    return norms;
  }

  // sum_m b_m |gbar_m|^2 for each piece that the sample may begin with.
  std::vector<double> expected(const std::vector<std::uint32_t>& examples,
                               const std::vector<Range>& lanes) const {
    const std::vector<double> whole = norms(examples, {0, lanes.back().end});
    std::vector<double> beyond(whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) beyond[i] = -whole[i];
    for (const Range& lane : lanes) {
      const std::vector<double> more = norms(examples, lane);
      for (std::size_t i = 0; i < whole.size(); ++i) beyond[i] += more[i];
    }
    std::vector<double> sums(
        many, beyond[many] + std::accumulate(whole.begin(), whole.end(), 0.0));
    for (std::size_t start = 0; start < many; ++start) {
      for (const std::size_t next : {0, 8, 16, 24}) {
        sums[start] += 33 / 4.0 * beyond[(start + next) % many];
      }
    }
    return sums;
  }

  // Which of them it is.
  static std::size_t start_of(const TrainingStep::Update& update,
                              const std::vector<double>& expected) {
    const double found = update.lanes.weighted_norms_squared;
    std::vector<std::size_t> starts;
    for (std::size_t start = 0; start < many; ++start) {
      if (std::abs(found - expected[start]) < 1e-6 * found) starts.push_back(start);
    }
    EXPECT_EQ(starts.size(), 1U) << found;
    return starts.empty() ? many : starts[0];
  }

  Layers layers_{{.type = "dense", .units = 120, .activation = "tanh"},
                 {.type = "dense", .units = classes}};
  Dataset data_ = random_dataset(rows, inputs, classes, 3);
  NaiveNetwork rival_{inputs, layers_};
  Trainer trainer_{data_, layers_};
  RandomValues random_{4};
};

TEST_F(SampledPieces, EqualNaiveGradients) {
  const std::pair<std::size_t, std::size_t> sizes_and_lanes[] = {
      {21, 2}, {40, 3}, {520, 2}};
  for (const auto& [size, lanes] : sizes_and_lanes) {
    Trainer trainer(data_, layers_, {.threads = 2, .cut = {.lanes = lanes}});
    Batch batch = random_batch(size, rows, random_);
    std::vector<Range> ranges;
    for (std::size_t i = 0; i < lanes; ++i) ranges.push_back(part(size, i, lanes));
    const std::vector<double> sums = expected(batch.examples, ranges);
    trainer.step.forward_backward(batch, {.halves = true});
    const auto cosine = trainer.step.update(0).half_batch_cosine;
    std::set<std::size_t> starts;
    for (batch.epoch = 0; batch.epoch < 40; ++batch.epoch) {
      trainer.step.forward_backward(batch, {.lanes = true, .halves = true});
      const auto update = trainer.step.update(0);
      starts.insert(start_of(update, sums));
      EXPECT_EQ(update.half_batch_cosine, cosine);
    }
    EXPECT_GT(starts.size(), 12U);
    EXPECT_TRUE(cosine.has_value());
  }
}

TEST_F(SampledPieces, BeginAnewWithEachBatchAndSeed) {
  Batch batch = random_batch(40, rows, random_);
  const std::vector<double> sums = expected(batch.examples, {{0, 20}, {20, 40}});
  std::set<std::size_t> of_batches, of_seeds;
  for (std::size_t i = 0; i < 20; ++i) {
    std::swap(batch.examples[0], batch.examples[i]);  // in the same lane
    trainer_.step.forward_backward(batch, {.lanes = true});
    of_batches.insert(start_of(trainer_.step.update(0), sums));
  }
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    Trainer trainer(data_, layers_, {.seed = seed});
    trainer.parameters = trainer_.parameters;
    trainer.step.forward_backward(batch, {.lanes = true});
    of_seeds.insert(start_of(trainer.step.update(0), sums));
  }
  EXPECT_GT(of_batches.size(), 8U);
  EXPECT_GT(of_seeds.size(), 8U);
}

TEST_F(SampledPieces, StayTheSameWhileABatchIsExtended) {
  for (std::uint32_t epoch = 0; epoch < 5; ++epoch) {
    Batch batch = random_batch(40, rows, random_, epoch);
    const Batch more = random_batch(24, rows, random_, epoch);
    trainer_.step.forward_backward(batch, {.lanes = true});
    const auto before = trainer_.step.measure();
    trainer_.step.extend(more);
    const auto after = trainer_.step.update(0);
    std::vector<Range> lanes{{0, 20}, {20, 40}};
    const std::size_t start = start_of(before, expected(batch.examples, lanes));
    batch.examples.insert(batch.examples.end(), more.examples.begin(),
                          more.examples.end());
    lanes.insert(lanes.end(), {{40, 52}, {52, 64}});
    EXPECT_EQ(start_of(after, expected(batch.examples, lanes)), start);
  }
}

}  // namespace batchlab::training_step_statistics_test
