// SPDX-License-Identifier: MIT
//
// A training step on random data, beside its naive rival.
#pragma once

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "tests/nn/naive_network.hpp"
#include "tests/nn/trainer.hpp"

namespace batchlab {

using Layers = std::vector<LayerOptions>;

inline constexpr std::size_t features = 9, classes = 4,
                             examples = 1400;  // four rounds at most

inline Layers small_network(const std::string& activation, std::size_t units) {
  return {{.type = "dense", .units = units, .activation = activation},
          {.type = "dense", .units = 6, .activation = activation},
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
    return {data_, small_network(activation, units_), {.threads = 2, .cut = cut}};
  }

  NaiveExample naive(const std::string& activation, const Trainer& trainer,
                     std::size_t example) const {
    return NaiveNetwork(features, small_network(activation, units_))
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

  static double norm_squared(const std::vector<double>& v) {
    return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
  }

  std::size_t units_ = 19;  // of the first layer
  Dataset data_ = random_dataset(examples, features, classes, 1);
  RandomValues random_{2};
};

}  // namespace batchlab
