// SPDX-License-Identifier: MIT
//
// The initial weights of dense layers.
#include <gtest/gtest.h>

#include <algorithm>

#include "nn/dense.hpp"
#include "tests/nn/random_values.hpp"

namespace batchlab::initialisation_test {

constexpr std::size_t fan_in = 120, fan_out = 280, weights = fan_in * fan_out;

std::vector<float> initial(Initialisation initialisation, std::uint32_t seed,
                           std::uint32_t number,
                           Activation activation = Activation::none) {
  std::vector<float> parameters(weights + fan_out, std::nanf(""));
  make_dense_layer(fan_in, fan_out, activation, initialisation)
      ->initialise(parameters.data(), seed, number);
  return parameters;
}

struct Moments {
  double mean = 0, variance = 0, largest = 0;
};
Moments moments_of_weights(Initialisation initialisation) {
  const auto parameters = initial(initialisation, 1, 0);
  Moments moments;
  for (std::size_t i = 0; i < weights; ++i) {
    const auto w = double{parameters[i]};
    moments.mean += w / weights;
    moments.variance += w * w / weights;
    moments.largest = std::max(moments.largest, std::abs(w));
  }
  return moments;
}

// Within five standard errors: of the mean sqrt(variance / n), of the variance at most
// variance sqrt(2 / n), that of a normal distribution.
void expect_moments(const Moments& moments, double variance) {
  EXPECT_NEAR(moments.mean, 0, 5 * std::sqrt(variance / weights));
  EXPECT_NEAR(moments.variance, variance, 5 * variance * std::sqrt(2.0 / weights));
}

// U(-a, a) has variance a^2 / 3. Glorot: a^2 = 6 / 400; He: a^2 = 6 / 120.
TEST(Initialisation, UniformsHaveTheirBoundsMeanAndVariance) {
  for (const auto& [initialisation, square] :
       {std::pair{Initialisation::glorot_uniform, 6.0 / 400},
        std::pair{Initialisation::he_uniform, 6.0 / 120}}) {
    const Moments moments = moments_of_weights(initialisation);
    expect_moments(moments, square / 3);
    EXPECT_LE(moments.largest, std::sqrt(square) * (1 + 1e-6));
    EXPECT_GT(moments.largest, std::sqrt(square) * 0.999);
  }
}

// Of 33,600 normal numbers the largest lies between 3.5 and 6 standard deviations.
TEST(Initialisation, NormalsHaveTheirMeanVarianceAndTail) {
  for (const auto& [initialisation, variance] :
       {std::pair{Initialisation::glorot_normal, 2.0 / 400},
        std::pair{Initialisation::he_normal, 2.0 / 120}}) {
    const Moments moments = moments_of_weights(initialisation);
    expect_moments(moments, variance);
    EXPECT_GT(moments.largest, 3.5 * std::sqrt(variance));
    EXPECT_LT(moments.largest, 6 * std::sqrt(variance));
  }
}

TEST(Initialisation, BiasesStartAtZero) {
  const auto parameters = initial(Initialisation::he_normal, 1, 0);
  EXPECT_TRUE(std::all_of(parameters.begin() + weights, parameters.end(),
                          [](float b) { return b == 0; }));
}

TEST(Initialisation, IsAFunctionOfSeedAndLayerNumber) {
  for (const auto kind : {Initialisation::glorot_uniform, Initialisation::glorot_normal,
                          Initialisation::he_uniform, Initialisation::he_normal}) {
    const auto parameters = initial(kind, 1, 3);
    EXPECT_EQ(parameters, initial(kind, 1, 3, Activation::relu));
    EXPECT_GT(relative_difference(initial(kind, 2, 3), parameters), 1);
    EXPECT_GT(relative_difference(initial(kind, 1, 4), parameters), 1);
  }
}

}  // namespace batchlab::initialisation_test
