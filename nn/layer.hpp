// SPDX-License-Identifier: MIT
//
// A layer: a function of parameters and input without state of its own, so that every
// thread may run it on its own tile. Parameters, activations and gradients live
// elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/array.hpp"
#include "nn/data_stream.hpp"

namespace batchlab {

// The rows of a batch in work on one thread: [first_row, first_row + rows).
struct Tile {
  std::size_t first_row = 0;
  std::size_t rows = 0;
  const Batch* batch = nullptr;  // whose rows these are; null outside training
  std::uint32_t seed = 0;        // of the run, for what is random per example

  [[nodiscard]] bool training() const { return batch != nullptr; }
};

// Where a layer's parameters stand in the flat array.
struct ParameterBlock {
  std::string name;  // "weight", "bias"
  std::vector<std::size_t> shape;
  [[nodiscard]] std::size_t size() const;
};

// Where a layer adds its part of the gradient: sums over examples, of the loss of each.
struct GradientSink {
  float* sums = nullptr;   // laid out as the layer's parameters
  bool overwrite = false;  // the first tile of a lane starts from zero
  // Per row of the tile: += |gradient of this example with respect to these
  // parameters|^2; null unless the statistic is asked for.
  double* example_norms_squared = nullptr;
};

class Layer {
 public:
  virtual ~Layer() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual std::size_t inputs() const = 0;  // features of a row
  [[nodiscard]] virtual std::size_t outputs() const = 0;
  [[nodiscard]] virtual std::vector<ParameterBlock> parameters() const { return {}; }
  // Floats per row that forward() leaves for backward() beside input and output.
  [[nodiscard]] virtual std::size_t scratch_per_row() const { return 0; }

  // Fills the layer's parameters from (seed, layer number).
  virtual void initialise(float* /*parameters*/, std::uint32_t /*seed*/,
                          std::uint32_t /*number*/) const {}

  // input: rows x inputs, output: rows x outputs, scratch: rows x scratch_per_row.
  virtual void forward(const Tile& tile, const float* parameters,
                       const ConstMatrixView& input, MatrixView& output,
                       float* scratch) const = 0;

  // delta: gradient of each row's loss with respect to output, rows x outputs; may be
  // overwritten. input_delta: the same with respect to input, or null when not needed.
  virtual void backward(const Tile& tile, const float* parameters,
                        const ConstMatrixView& input, const ConstMatrixView& output,
                        const float* scratch, MatrixView& delta,
                        MatrixView* input_delta,
                        const GradientSink& gradient) const = 0;
};

}  // namespace batchlab
