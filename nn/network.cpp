// SPDX-License-Identifier: MIT
#include "nn/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "controllers/error.hpp"
#include "nn/activation.hpp"
#include "nn/dense.hpp"
#include "nn/dropout.hpp"

namespace batchlab {

namespace {

std::unique_ptr<Layer> make_layer(const LayerOptions& options, std::size_t inputs,
                                  std::uint32_t number) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("model.layers[{}]: {}", number, what));
  };
  if (options.type == "dense") {
    if (options.units == 0) refuse("units must be at least 1, got 0");
    return make_dense_layer(inputs, options.units, find_activation(options.activation),
                            find_initialisation(options.initialisation));
  }
  if (options.type == "dropout") {
    if (!(options.rate >= 0 && options.rate < 1)) {
      refuse(fmt::format("rate must be in [0, 1), got {}", options.rate));
    }
    return make_dropout_layer(inputs, options.rate, number);
  }
  if (options.type == "relu" || options.type == "tanh") {
    return make_activation_layer(find_activation(options.type), inputs);
  }
  throw unknown_name("layer type", options.type, layer_types());
}

}  // namespace

const std::vector<std::string>& layer_types() {
  static const std::vector<std::string> types{"dense", "relu", "tanh", "dropout"};
  return types;
}

std::size_t ParameterBlock::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                         std::multiplies<>());
}

Network::Network(std::size_t inputs, std::span<const LayerOptions> layers)
    : inputs_(inputs) {
  if (layers.empty()) {
    throw Error(ErrorKind::usage, "model.layers: at least one layer is needed");
  }
  for (const LayerOptions& options : layers) {
    const auto number = static_cast<std::uint32_t>(layers_.size());
    layers_.push_back(make_layer(options, inputs, number));
    inputs = layers_.back()->outputs();
    if (parameter_count_ == 0) first_with_parameters_ = number;
    offsets_.push_back(parameter_count_);
    for (const ParameterBlock& block : layers_.back()->parameters()) {
      blocks_.push_back({fmt::format("layers.{}.{}", number, block.name), block.shape,
                         parameter_count_, block.size()});
      parameter_count_ += block.size();
    }
  }
  if (parameter_count_ == 0) {
    throw Error(ErrorKind::usage, "model.layers: no layer has parameters to train");
  }
}

Array Network::initial_parameters(std::uint32_t seed) const {
  Array parameters = xt::zeros<float>({parameter_count_});
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->initialise(parameters.data() + offsets_[i], seed,
                           static_cast<std::uint32_t>(i));
  }
  return parameters;
}

Workspace::Workspace(const Network& network, std::size_t tile_height) {
  std::size_t values = network.inputs() * tile_height, scratch = 0, widest = 0;
  value_offsets_.push_back(0);
  for (const auto& layer : network.layers_) {
    value_offsets_.push_back(values);
    scratch_offsets_.push_back(scratch);
    values += layer->outputs() * tile_height;
    scratch += layer->scratch_per_row() * tile_height;
    widest = std::max({widest, layer->inputs(), layer->outputs()});
  }
  values_ = uninitialised(values);
  scratch_ = uninitialised(scratch);
  for (Array& delta : delta_) delta = uninitialised(widest * tile_height);
}

MatrixView Network::forward(const Tile& tile, const float* parameters,
                            Workspace& workspace) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = *layers_[i];
    const float* from = workspace.values_.data() + workspace.value_offsets_[i];
    MatrixView output = view(workspace.values_.data() + workspace.value_offsets_[i + 1],
                             tile.rows, layer.outputs());
    layer.forward(tile, parameters + offsets_[i], view(from, tile.rows, layer.inputs()),
                  output, workspace.scratch_.data() + workspace.scratch_offsets_[i]);
  }
  const float* logits = workspace.values_.data() + workspace.value_offsets_.back();
  std::copy_n(logits, tile.rows * outputs(), workspace.delta_[0].data());
  return view(workspace.delta_[0].data(), tile.rows, outputs());
}

void Network::backward(const Tile& tile, const float* parameters, Workspace& workspace,
                       const GradientSink& gradient) const {
  std::size_t from = 0;  // which of the two delta buffers holds the layer's delta
  for (std::size_t i = layers_.size(); i-- > first_with_parameters_;) {
    const Layer& layer = *layers_[i];
    const float* values = workspace.values_.data();
    MatrixView delta = view(workspace.delta_[from].data(), tile.rows, layer.outputs());
    MatrixView below =
        view(workspace.delta_[1 - from].data(), tile.rows, layer.inputs());
    const GradientSink sink{gradient.sums + offsets_[i], gradient.overwrite,
                            gradient.example_norms_squared};
    layer.backward(
        tile, parameters + offsets_[i],
        view(values + workspace.value_offsets_[i], tile.rows, layer.inputs()),
        view(values + workspace.value_offsets_[i + 1], tile.rows, layer.outputs()),
        workspace.scratch_.data() + workspace.scratch_offsets_[i], delta,
        i > first_with_parameters_ ? &below : nullptr, sink);
    from = 1 - from;
  }
}

}  // namespace batchlab
