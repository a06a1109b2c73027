// SPDX-License-Identifier: MIT
//
// A network: layers in sequence over one flat parameter array.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/layer.hpp"

namespace batchlab {

// One layer as a specification describes it; what a type does not use is ignored here
// and refused where the specification is read.
struct LayerOptions {
  std::string type;  // dense, relu, tanh, dropout
  std::size_t units = 0;
  std::string activation = "none";
  std::string initialisation = "glorot_uniform";
  double rate = 0;
};

[[nodiscard]] const std::vector<std::string>& layer_types();

// A parameter block of the whole network: "layers.0.weight" at offset in the flat
// array.
struct NamedBlock {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t offset = 0, size = 0;
};

class Network;

// The activations and deltas of one tile: one per thread.
class Workspace {
 public:
  Workspace(const Network& network, std::size_t tile_height);

  // Where the caller puts the rows of a tile: rows x network.inputs().
  [[nodiscard]] float* input() { return values_.data(); }

 private:
  friend class Network;
  Array values_;   // input, then each layer's output
  Array scratch_;  // of the layers
  Array delta_[2];
  std::vector<std::size_t> value_offsets_, scratch_offsets_;
};

class Network {
 public:
  // Throws Error(usage) for an unknown type or activation, a dense layer without units,
  // a dropout rate outside [0, 1), no layers.
  Network(std::size_t inputs, std::span<const LayerOptions> layers);

  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t outputs() const { return layers_.back()->outputs(); }
  [[nodiscard]] std::size_t parameter_count() const { return parameter_count_; }
  [[nodiscard]] const std::vector<NamedBlock>& blocks() const { return blocks_; }

  [[nodiscard]] Array initial_parameters(std::uint32_t seed) const;

  // Runs the layers on the tile in workspace.input(). Returns a copy of the output,
  // rows x outputs, inside the workspace: the loss overwrites it by its gradient.
  [[nodiscard]] MatrixView forward(const Tile& tile, const float* parameters,
                                   Workspace& workspace) const;

  // After forward(), with what it returned overwritten by the gradient of each row's
  // loss.
  void backward(const Tile& tile, const float* parameters, Workspace& workspace,
                const GradientSink& gradient) const;

 private:
  friend class Workspace;
  std::size_t inputs_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::size_t> offsets_;  // of each layer's parameters
  std::vector<NamedBlock> blocks_;
  std::size_t parameter_count_ = 0;
  std::size_t first_with_parameters_ = 0;  // backward() ends at this layer
};

}  // namespace batchlab
