// SPDX-License-Identifier: MIT
//
// A training step on random data, beside its naive rival.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "tests/nn/naive_network.hpp"
#include "tests/nn/trainer.hpp"

namespace batchlab {

using Layers = std::vector<LayerOptions>;

inline constexpr std::size_t features = 9, classes = 4,
                             examples = 1400;  // four rounds at most

inline Layers small_network(const std::string& activation, std::size_t units,
                            std::size_t second_units = 6) {
  return {{.type = "dense", .units = units, .activation = activation},
          {.type = "dense", .units = second_units, .activation = activation},
          {.type = "dense", .units = classes}};
}

inline const CutOptions cuts[] = {{},
                                  {.lanes = 1},
                                  {.lanes = 3, .tile_height = 7},
                                  {.lanes = 8, .tile_height = 1},
                                  {.lanes = 64, .tile_height = 2}};

// A trainer beside its naive rival.
class TrainingStepTest : public testing::Test {
 protected:
  Trainer make(const std::string& activation, const CutOptions& cut) const {
    return {data_,
            small_network(activation, units_, second_units_),
            {.threads = 2, .cut = cut}};
  }

  NaiveExample naive(const std::string& activation, const Trainer& trainer,
                     std::size_t example) const {
    return NaiveNetwork(data_.features(),
                        small_network(activation, units_, second_units_))
        .run(trainer.parameters, data_, example, double{input_scale});
  }

  // Mean over batch rows [begin, end).
  NaiveExample naive_mean(const std::string& activation, const Trainer& trainer,
                          const Batch& batch, std::size_t begin,
                          std::size_t end) const {
    NaiveExample mean{0, false, std::vector<double>(trainer.parameters.size())};
    const auto size = static_cast<double>(end - begin);
    for (std::size_t row = begin; row < end; ++row) {
      const NaiveExample one = naive(activation, trainer, batch.examples[row]);
      mean.loss += one.loss / size;
      for (std::size_t i = 0; i < one.gradient.size(); ++i) {
        mean.gradient[i] += one.gradient[i] / size;
      }
    }
    return mean;
  }

  // Of the lanes of a batch: sum of rows |mean gradient|^2.
  double naive_lanes(const std::string& activation, const Trainer& trainer,
                     const Batch& batch, const Cut& cut) const {
    double sum = 0;
    for (std::size_t round = 0; round < cut.rounds; ++round) {
      const std::size_t first = round * batch.size() / cut.rounds;
      const std::size_t rows = (round + 1) * batch.size() / cut.rounds - first;
      for (std::size_t lane = 0; lane < cut.lanes_per_round; ++lane) {
        const std::size_t begin = first + lane * rows / cut.lanes_per_round;
        const std::size_t end = first + (lane + 1) * rows / cut.lanes_per_round;
        sum +=
            static_cast<double>(end - begin) *
            norm_squared(naive_mean(activation, trainer, batch, begin, end).gradient);
      }
    }
    return sum;
  }

  // That of the gradients of both halves.
  double naive_cosine(const std::string& activation, const Trainer& trainer,
                      const Batch& batch) const {
    const std::size_t size = batch.size(), middle = size / 2;
    const auto first = naive_mean(activation, trainer, batch, 0, middle).gradient;
    const auto second = naive_mean(activation, trainer, batch, middle, size).gradient;
    const double inner =
        std::inner_product(first.begin(), first.end(), second.begin(), 0.0);
    return inner / std::sqrt(norm_squared(first) * norm_squared(second));
  }

  static double norm_squared(const std::vector<double>& v) {
    return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
  }

  std::size_t units_ = 19, second_units_ = 6;  // of the first two layers
  Dataset data_ = random_dataset(examples, features, classes, 1);
  RandomValues random_{2};
};

}  // namespace batchlab
