// SPDX-License-Identifier: MIT
//
// Gradients of every layer by finite differences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "controllers/error.hpp"
#include "nn/activation.hpp"
#include "nn/dense.hpp"
#include "nn/dropout.hpp"
#include "nn/product_kernel.hpp"
#include "nn/quadratic_layer.hpp"
#include "tests/nn/random_values.hpp"

namespace batchlab::layers_test {

using testing::HasSubstr;

// A layer with parameters and a tile of input. The loss is sum_ij weightsij output_ij.
class LayerProbe {
 public:
  LayerProbe(std::unique_ptr<Layer> layer, std::size_t rows, std::uint32_t seed)
      : layer_(std::move(layer)), rows_(rows) {
    RandomValues random(seed);
    std::size_t parameter_count = 0;
    for (const auto& block : layer_->parameters()) parameter_count += block.size();
    parameters = random.floats(parameter_count);
    input = random.floats(rows * layer_->inputs());
    weights = random.floats(rows * layer_->outputs());
    for (std::uint32_t i = 0; i < rows; ++i) batch_.examples.push_back(100 + i);
    batch_.rows_in_epoch = rows;
  }

  std::vector<float> forward() {
    std::vector<float> output(rows_ * layer_->outputs(), std::nanf(""));
    scratch_.assign(rows_ * layer_->scratch_per_row(), std::nanf(""));
    MatrixView result = view(output.data(), rows_, layer_->outputs());
    layer_->forward(tile(), parameters.data(), nullptr,
                    view(in(), rows_, layer_->inputs()), result, scratch_.data());
    return output;
  }

  double loss() {
    const auto output = forward();
    double sum = 0;
    for (std::size_t i = 0; i < output.size(); ++i) {
      sum += double{weights[i]} * double{output[i]};
    }
    return sum;
  }

  struct Gradients {
    std::vector<float> parameters, input;
    std::vector<double> example_norms_squared;
    std::vector<float> of_part;
  };
  // The gradient sums of the first `part` rows go by the way where it is not 0.
  Gradients backward(std::size_t part = 0) {
    const auto output = forward();
    Gradients gradients{std::vector<float>(parameters.size(), std::nanf("")),
                        std::vector<float>(input.size(), std::nanf("")),
                        std::vector<double>(rows_, 0),
                        {}};
    auto copy = weights;  // backward() may overwrite it
    const std::size_t width = layer_->outputs();
    MatrixView delta = view(copy.data(), rows_, width);
    MatrixView below = view(gradients.input.data(), rows_, layer_->inputs());
    layer_->backward(tile(), parameters.data(), view(in(), rows_, layer_->inputs()),
                     view(output.data(), rows_, layer_->outputs()), scratch_.data(),
                     delta, &below);
    const ConstMatrixView given = view(in(), rows_, layer_->inputs());
    const ConstMatrixView left = view(std::as_const(copy).data(), rows_, width);
    if (const std::size_t row_size = layer_->parameter_row_size()) {
      gradients.of_part.assign(parameters.size(), std::nanf(""));
      const RunningSum sums[] = {{part, gradients.of_part.data()},
                                 {rows_, gradients.parameters.data()}};
      layer_->gradient(given, {left.data(), width}, {0, parameters.size() / row_size},
                       std::span(sums).last(part > 0 ? 2 : 1));
    }
    layer_->add_example_norms(given, left, gradients.example_norms_squared.data());
    return gradients;
  }

  // Central differences of the loss in each of `values`, which belongs to this.
  std::vector<double> differences(std::vector<float>& values) {
    constexpr float step = 0x1p-7F;
    std::vector<double> result;
    for (float& value : values) {
      const float centre = value;
      value = centre + step;
      const double above = loss();
      value = centre - step;
      result.push_back((above - loss()) / (2 * double{step}));
      value = centre;
    }
    return result;
  }

  std::vector<float> parameters, input, weights;

 private:
  const float* in() const { return input.data(); }
  Tile tile() const { return {0, rows_, &batch_, 7}; }

  std::unique_ptr<Layer> layer_;
  std::size_t rows_;
  std::vector<float> scratch_;
  Batch batch_;
};

void expect_gradients_match(LayerProbe& probe) {
  const auto gradients = probe.backward();
  EXPECT_LT(relative_difference(gradients.input, probe.differences(probe.input)), 1e-3);
  if (probe.parameters.empty()) return;
  EXPECT_LT(
      relative_difference(gradients.parameters, probe.differences(probe.parameters)),
      1e-3);
}

// The first seed for which no value before a relu is so near to zero that the
// differences would cross the kink.
LayerProbe away_from_kinks(
    const std::function<LayerProbe(Activation, std::uint32_t)>& make) {
  for (std::uint32_t seed = 1;; ++seed) {
    const auto values = make(Activation::none, seed).forward();
    if (std::all_of(values.begin(), values.end(),
                    [](float z) { return std::abs(z) > 0.03F; })) {
      return make(Activation::relu, seed);
    }
  }
}

LayerProbe dense_probe(std::size_t rows, std::size_t inputs, std::size_t units,
                       Activation activation, std::uint32_t seed = 1) {
  return {make_dense_layer(inputs, units, activation, Initialisation::he_normal), rows,
          seed};
}

struct DenseShape {
  std::size_t rows, inputs, units;
};
class Dense : public testing::TestWithParam<DenseShape> {
 protected:
  LayerProbe probe(Activation activation, std::uint32_t seed = 1) const {
    return dense_probe(GetParam().rows, GetParam().inputs, GetParam().units, activation,
                       seed);
  }
};

TEST_P(Dense, GradientMatchesFiniteDifferencesWithoutActivation) {
  LayerProbe none = probe(Activation::none);
  expect_gradients_match(none);
}

TEST_P(Dense, GradientMatchesFiniteDifferencesWithTanh) {
  LayerProbe tanh = probe(Activation::tanh);
  expect_gradients_match(tanh);
}

TEST_P(Dense, GradientMatchesFiniteDifferencesWithRelu) {
  LayerProbe relu = away_from_kinks([this](Activation activation, std::uint32_t seed) {
    return probe(activation, seed);
  });
  expect_gradients_match(relu);
}

TEST_P(Dense, ARunningSumIsTheGradientOfTheFirstRowsAndChangesNoBitOfTheWhole) {
  LayerProbe tanh = probe(Activation::tanh);
  const auto [rows, inputs, units] = GetParam();
  const std::size_t part = (rows + 1) / 2;
  const auto both = tanh.backward(part);
  EXPECT_EQ(both.parameters, tanh.backward().parameters);
  LayerProbe first = dense_probe(part, inputs, units, Activation::tanh);
  first.parameters = tanh.parameters;
  std::copy_n(tanh.input.data(), part * inputs, first.input.data());
  std::copy_n(tanh.weights.data(), part * units, first.weights.data());
  EXPECT_EQ(both.of_part, first.backward().parameters);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Dense,
                         testing::Values(DenseShape{1, 1, 1}, DenseShape{3, 5, 4},
                                         DenseShape{1, 20, 3}, DenseShape{4, 1, 2},
                                         DenseShape{2, 3, 18}));

TEST(DenseNorms, EqualNormsOfTheGradientsOfSingleRows) {
  LayerProbe tile = dense_probe(6, 9, 21, Activation::tanh);
  const auto norms = tile.backward().example_norms_squared;
  for (std::size_t i = 0; i < 6; ++i) {
    LayerProbe row = dense_probe(1, 9, 21, Activation::tanh);
    row.parameters = tile.parameters;
    std::copy_n(tile.input.data() + i * 9, 9, row.input.data());
    std::copy_n(tile.weights.data() + i * 21, 21, row.weights.data());
    double norm_squared = 0;
    for (const float g : row.backward().parameters)
      norm_squared += double{g} * double{g};
    EXPECT_NEAR(norms[i], norm_squared, 1e-5 * norm_squared);
  }
}

TEST(ActivationLayer, GradientMatchesFiniteDifferences) {
  LayerProbe tanh{make_activation_layer(Activation::tanh, 19), 3, 1};
  expect_gradients_match(tanh);
  LayerProbe relu = away_from_kinks([](Activation activation, std::uint32_t seed) {
    return LayerProbe{make_activation_layer(activation, 19), 1, seed};
  });
  expect_gradients_match(relu);
}

// 19 columns: one vector or more, and a tail.
TEST(ActivationLayer, EqualsStandardLibrary) {
  LayerProbe tanh{make_activation_layer(Activation::tanh, 19), 3, 1};
  LayerProbe relu{make_activation_layer(Activation::relu, 19), 3, 1};
  const auto tanh_of = tanh.forward(), relu_of = relu.forward();
  for (std::size_t i = 0; i < tanh_of.size(); ++i) {
    EXPECT_NEAR(tanh_of[i], std::tanh(tanh.input[i]), 1e-6);
    EXPECT_EQ(relu_of[i], relu.input[i] > 0 ? relu.input[i] : 0);
  }
}

TEST(ActivationLayer, DerivativeOfARowDependsOnNoOther) {
  constexpr std::size_t rows = 5, width = 19;
  RandomValues random(6);
  const auto output = random.floats(rows * width), delta = random.floats(rows * width);
  for (const Activation activation : {Activation::relu, Activation::tanh}) {
    const auto derivative = [&](std::size_t first, std::size_t count) {
      std::vector<float> values(delta.begin() + first * width,
                                delta.begin() + (first + count) * width);
      MatrixView matrix = view(values.data(), count, width);
      multiply_by_derivative(activation,
                             view(output.data() + first * width, count, width), matrix);
      return values;
    };
    std::vector<float> by_rows;
    for (std::size_t row = 0; row < rows; ++row) {
      const auto one = derivative(row, 1);
      by_rows.insert(by_rows.end(), one.begin(), one.end());
    }
    EXPECT_EQ(by_rows, derivative(0, rows));
  }
}

// Else a diverged unit would look like an idle one.
TEST(ActivationLayer, KeepsNotANumberAtEveryPosition) {
  for (const Activation activation : {Activation::relu, Activation::tanh}) {
    for (std::size_t i = 0; i < 19; ++i) {
      LayerProbe probe{make_activation_layer(activation, 19), 1, 1};
      probe.input[i] = std::nanf("");
      EXPECT_TRUE(std::isnan(probe.forward()[i])) << i;
    }
  }
}

TEST(DropoutGradient, MatchesFiniteDifferencesUnderItsFixedMask) {
  LayerProbe probe{make_dropout_layer(21, 0.4, 2), 3, 1};
  expect_gradients_match(probe);
}

LayerProbe quadratic_probe(std::size_t rows, std::size_t dimensions) {
  return {make_quadratic_layer(make_quadratic(dimensions, {}, 3)), rows, 1};
}

TEST(QuadraticLayer, GradientMatchesFiniteDifferences) {
  for (const std::size_t dimensions : {1, 5, 18}) {
    LayerProbe probe = quadratic_probe(3, dimensions);
    expect_gradients_match(probe);
  }
}

TEST(QuadraticLayer, ARunningSumIsTheGradientOfTheFirstRows) {
  LayerProbe both = quadratic_probe(5, 18), first = quadratic_probe(3, 18);
  const auto sums = both.backward(3);
  EXPECT_EQ(sums.parameters, both.backward().parameters);
  first.parameters = both.parameters;
  std::copy_n(both.input.data(), 3 * 18, first.input.data());
  std::copy_n(both.weights.data(), 3 * 18, first.weights.data());
  const auto of_first = first.backward().parameters;
  if (kernel_is_fast()) {
    EXPECT_EQ(sums.of_part, of_first);
  } else {  // OpenBLAS's bits depend on how many rows there are
    EXPECT_LT(relative_difference(sums.of_part, of_first), 1e-6);
  }
}

TEST(QuadraticLayer, NormsEqualThoseOfTheGradientsOfSingleRows) {
  LayerProbe tile = quadratic_probe(4, 18);
  const auto norms = tile.backward().example_norms_squared;
  for (std::size_t i = 0; i < 4; ++i) {
    LayerProbe row = quadratic_probe(1, 18);
    std::copy_n(tile.weights.data() + i * 18, 18, row.weights.data());
    double norm_squared = 0;
    for (const float g : row.backward().parameters)
      norm_squared += double{g} * double{g};
    EXPECT_NEAR(norms[i], norm_squared, 1e-5 * norm_squared);
  }
}

TEST(Names, UnknownActivationsAndInitialisationsAreRefused) {
  for (const std::string& name : activation_names()) {
    EXPECT_EQ(activation_names()[static_cast<std::size_t>(find_activation(name))],
              name);
  }
  for (const std::string& name : initialisation_names()) {
    const auto number = static_cast<std::size_t>(find_initialisation(name));
    EXPECT_EQ(initialisation_names()[number], name);
  }
  const auto message = [](const auto& action) -> std::string {
    try {
      (void)action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message([] { return find_activation("rellu"); }),
              HasSubstr("did you mean \"relu\""));
  EXPECT_THAT(message([] { return find_initialisation("he_norml"); }),
              HasSubstr("did you mean \"he_normal\""));
}

}  // namespace batchlab::layers_test
