// SPDX-License-Identifier: MIT
#include "nn/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controllers/error.hpp"
#include "tests/nn/trainer.hpp"

namespace batchlab::network_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LayerOptions dense(std::size_t units, const std::string& activation = "none") {
  return {.type = "dense", .units = units, .activation = activation};
}
LayerOptions dropout(double rate) { return {.type = "dropout", .rate = rate}; }
LayerOptions layer(const std::string& type) { return {.type = type}; }

using Layers = std::vector<LayerOptions>;

TEST(Network, NamesItsBlocksAndLaysThemOutWithoutGaps) {
  const Network network(
      6, Layers{dropout(0.1), dense(5, "relu"), layer("tanh"), dense(3)});
  EXPECT_EQ(network.inputs(), 6U);
  EXPECT_EQ(network.outputs(), 3U);
  EXPECT_EQ(network.parameter_count(), 6U * 5 + 5 + 5 * 3 + 3);
  std::vector<std::string> names;
  std::vector<std::size_t> offsets, sizes;
  for (const NamedBlock& block : network.blocks()) {
    names.push_back(block.name);
    offsets.push_back(block.offset);
    sizes.push_back(block.size);
  }
  EXPECT_THAT(names, ElementsAre("layers.1.weight", "layers.1.bias", "layers.3.weight",
                                 "layers.3.bias"));
  EXPECT_THAT(offsets, ElementsAre(0, 30, 35, 50));
  EXPECT_THAT(sizes, ElementsAre(30, 5, 15, 3));
  EXPECT_THAT(network.blocks()[0].shape, ElementsAre(6, 5));
  EXPECT_THAT(network.blocks()[1].shape, ElementsAre(5));
}

TEST(Network, OutputsAreThoseOfALastLayerWithoutParameters) {
  EXPECT_EQ(Network(6, Layers{dense(4), layer("relu")}).outputs(), 4U);
}

std::string refusal(const Layers& layers) {
  try {
    (void)Network(4, layers);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

TEST(Network, PartsManyInputsInTheMiddleBetweenPieces) {
  const auto parts_of = [](std::size_t inputs, const Layers& layers) {
    const Network network(inputs, layers);
    std::vector<std::size_t> ends;
    for (const Range& part : network.input_parts()) {
      EXPECT_EQ(part.begin, ends.empty() ? 0 : ends.back());
      ends.push_back(part.end);
    }
    return ends;
  };
  EXPECT_THAT(parts_of(191, {dense(3)}), IsEmpty());
  EXPECT_THAT(parts_of(784, {dropout(0.1), dense(3)}), IsEmpty());
  if (!kernel_is_fast()) {
    EXPECT_THAT(parts_of(784, {dense(128), dense(10)}), IsEmpty());
    return;
  }
  EXPECT_THAT(parts_of(784, {dense(128), dense(10)}), ElementsAre(396, 784));
  EXPECT_THAT(parts_of(784, {dense(10)}), ElementsAre(432, 784));  // pieces of 108
  EXPECT_THAT(parts_of(784, {dense(256)}), ElementsAre(396, 784));
  EXPECT_THAT(parts_of(784, {dense(257)}), IsEmpty());
  EXPECT_THAT(parts_of(200, {dense(1)}), IsEmpty());  // one piece
}

TEST(Network, WideLayersAreThoseOfManyInputsAndUnits) {
  const auto wide_layers_of = [](std::size_t inputs, const Layers& layers) {
    const Network network(inputs, layers);
    const auto wide = network.wide_layers();
    return std::vector<std::size_t>(wide.begin(), wide.end());
  };
  EXPECT_THAT(wide_layers_of(784, {dense(511), dense(512)}), IsEmpty());
  if (!kernel_is_fast()) return;
  EXPECT_THAT(wide_layers_of(784, {dense(1024), dropout(0.1), dense(512), dense(10)}),
              ElementsAre(0, 2));
  EXPECT_THAT(wide_layers_of(511, {dense(1024), dense(1024)}), ElementsAre(1));
}

TEST(Network, RefusesWhatItCannotBuildAndSaysWhy) {
  EXPECT_THAT(refusal({layer("denes")}),
              AllOf(HasSubstr("\"denes\""), HasSubstr("did you mean \"dense\"")));
  EXPECT_THAT(refusal({dense(3), dense(0)}),
              AllOf(HasSubstr("layers[1]"), HasSubstr("units")));
  EXPECT_THAT(refusal({dense(3, "relo")}), HasSubstr("did you mean \"relu\""));
  LayerOptions unknown = dense(3);
  unknown.initialisation = "he_unifrm";
  EXPECT_THAT(refusal({unknown}), HasSubstr("did you mean \"he_uniform\""));
  EXPECT_THAT(refusal({}), HasSubstr("at least one layer"));
  EXPECT_THAT(refusal({dropout(0.5), layer("relu")}),
              HasSubstr("no layer has parameters"));
  for (const double rate : {-0.1, 1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(refusal({dropout(rate), dense(2)}),
                AllOf(HasSubstr("layers[0]"), HasSubstr("rate must be in [0, 1)")));
  }
  EXPECT_EQ(refusal({dropout(0), dense(1)}), "accepted");
  LayerOptions quadratic = layer("quadratic");
  EXPECT_EQ(refusal({quadratic}), "accepted");
  quadratic.eigenvalues = {1, 2, 3};
  EXPECT_THAT(refusal({quadratic}), HasSubstr("must be 4, one for each input, got 3"));
  quadratic.eigenvalues = {1, 2, -3, 4};
  EXPECT_THAT(refusal({quadratic}), HasSubstr("at least 0, got -3"));
}

TEST(Network, InitialParametersDependOnSeedAndLayerNumber) {
  const Network network(4, Layers{dense(4), dense(4)});
  const Array parameters = network.initial_parameters(1);
  EXPECT_EQ(parameters, network.initial_parameters(1));
  EXPECT_NE(parameters, network.initial_parameters(2));
  EXPECT_NE(parameters(0), parameters(20));  // first weight of each layer
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(parameters(16 + i), 0) << "bias";
}

// The mean loss of a batch, differentiated by central differences in every parameter.
void expect_gradient_matches(const Layers& layers) {
  const Dataset data = random_dataset(20, 6, 3, 1);
  Trainer trainer(data, layers, {.cut = {.lanes = 2, .tile_height = 3}});
  RandomValues random(2);
  for (float& p : trainer.parameters) p += static_cast<float>(0.3 * random.normal());
  const Batch batch = random_batch(11, 20, random);

  trainer.step.forward_backward(batch);
  const Array gradient = trainer.step.gradient();
  std::vector<double> expected;
  for (float& p : trainer.parameters) {
    const auto loss_at = [&](float value) {
      p = value;
      return trainer.step.forward_backward(batch).loss / 11;
    };
    const float centre = p, step = 0x1p-7F;
    const double above = loss_at(centre + step);
    expected.push_back((above - loss_at(centre - step)) / (2 * double{step}));
    p = centre;
  }
  EXPECT_LT(relative_difference(gradient, expected), 1e-3);
}

TEST(NetworkGradient, MatchesFiniteDifferences) {
  expect_gradient_matches({dense(7, "tanh"), dense(5, "tanh"), dense(3)});
}

TEST(NetworkGradient, MatchesFiniteDifferencesOfOneLayer) {
  expect_gradient_matches({dense(3)});
}

TEST(NetworkGradient, MatchesFiniteDifferencesBehindLeadingLayers) {
  expect_gradient_matches({dropout(0.4), layer("relu"), dense(7, "tanh"), dense(3)});
}

TEST(NetworkGradient, MatchesFiniteDifferencesThroughLayersWithoutParameters) {
  expect_gradient_matches(
      {dense(9), layer("tanh"), dropout(0.3), dense(4), layer("tanh"), dense(3)});
}

TEST(NetworkGradient, MatchesFiniteDifferencesBelowLastLayersWithoutParameters) {
  expect_gradient_matches({dense(5, "tanh"), dense(3), layer("tanh"), dropout(0.3)});
}

// Narrow and wide in turn: the two buffers of deltas must hold the widest.
TEST(NetworkGradient, MatchesFiniteDifferencesForUnevenWidths) {
  expect_gradient_matches(
      {dense(2, "tanh"), dense(30, "tanh"), dense(1, "tanh"), dense(3)});
}

TEST(NetworkGradient, DropoutIsOffInEvaluation) {
  const Dataset data = random_dataset(20, 6, 3, 1);
  Trainer with(data, Layers{dense(7, "tanh"), dropout(0.5), dense(3)});
  Trainer without(data, Layers{dense(7, "tanh"), dropout(0), dense(3)});
  const std::vector<std::uint32_t> examples{1, 5, 3};
  EXPECT_EQ(with.step.evaluate(data, examples).loss,
            without.step.evaluate(data, examples).loss);
  const Batch batch{examples, 0, 3};
  EXPECT_NE(with.step.forward_backward(batch).loss,
            without.step.forward_backward(batch).loss);
}

}  // namespace batchlab::network_test
