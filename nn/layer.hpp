// SPDX-License-Identifier: MIT
//
// A layer: a function of parameters and input without state of its own, so that every
// thread may run it on its own tile. Parameters, activations and gradients live
// elsewhere.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/array.hpp"
#include "nn/batch_cut.hpp"
#include "nn/data_stream.hpp"
#include "nn/product_kernel.hpp"
#include "nn/softmax_cross_entropy.hpp"

namespace batchlab {

// Rows of a batch that are in work together: [first_row, first_row + rows).
struct Tile {
  std::size_t first_row = 0;
  std::size_t rows = 0;
  const Batch* batch = nullptr;   // whose rows these are; null outside training
  std::uint32_t seed = 0;         // of the run, for what is random per example
  std::size_t workspace_row = 0;  // where its rows begin in the workspace

  [[nodiscard]] bool training() const { return batch != nullptr; }
};

// Where a layer's parameters stand in the flat array.
struct ParameterBlock {
  std::string name;  // "weight", "bias"
  std::vector<std::size_t> shape;
  [[nodiscard]] std::size_t size() const;
};

// Some of a layer's parameters, counted in its parameter rows.
struct ParameterRows {
  std::size_t first, count;
};

// Where our kernel serves (product_kernel.hpp), what forward() and backward() do to a
// row must not depend, to the bit, on the other rows or on how many there are: which of
// them come together depends on the threads.
class Layer {
 public:
  virtual ~Layer() = default;

  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual std::size_t inputs() const = 0;  // features of a row
  [[nodiscard]] virtual std::size_t outputs() const = 0;
  [[nodiscard]] virtual std::vector<ParameterBlock> parameters() const { return {}; }
  // That of a network whose last layer this is.
  [[nodiscard]] virtual Loss loss() const { return softmax_cross_entropy; }
  // Floats per row that forward() leaves for backward() beside input and output.
  [[nodiscard]] virtual std::size_t scratch_per_row() const { return 0; }

  // Fills the layer's parameters from (seed, layer number).
  virtual void initialise(float* /*parameters*/, std::uint32_t /*seed*/,
                          std::uint32_t /*number*/) const {}

  // input: rows x inputs, output: rows x outputs, scratch: rows x scratch_per_row.
  // weights: where the layer multiplies_inputs(), panels of the weights, perhaps empty,
  // or null.
  virtual void forward(const Tile& tile, const float* parameters, const Panels* weights,
                       const ConstMatrixView& input, MatrixView& output,
                       float* scratch) const = 0;

  // Whether forward() multiplies the inputs by weights, inputs x outputs, which are the
  // first of the parameters, with our kernel. Then the next two can do what it does, up
  // to rounding.
  [[nodiscard]] virtual bool multiplies_inputs() const { return false; }

  // products (rows x outputs): of some of the inputs alone. written_next: null, or what
  // the thread writes next, of the same shape (product_kernel.hpp).
  virtual void multiply_inputs(const float* /*parameters*/,
                               const ConstMatrixView& /*input*/, Range /*inputs*/,
                               MatrixView& /*products*/,
                               const float* /*written_next*/) const {}

  // output: products of some of the inputs. more: products of the others.
  virtual void finish_forward(const float* /*parameters*/,
                              const ConstMatrixView& /*more*/,
                              MatrixView& /*output*/) const {}

  // Whether the weights are so many that threads had better divide these than the rows:
  // the next two then do what forward() does and what backward() does for input_delta.
  [[nodiscard]] virtual bool is_wide() const { return false; }

  // Some columns of output.
  virtual void forward_outputs(const float* /*parameters*/,
                               const ConstMatrixView& /*input*/, Range /*outputs*/,
                               MatrixView& /*output*/) const {}

  // Some columns of input_delta. delta: as backward() left it.
  virtual void backward_inputs(const float* /*parameters*/,
                               const ConstMatrixView& /*delta*/, Range /*inputs*/,
                               MatrixView& /*input_delta*/) const {}

  // delta: gradient of each row's loss with respect to output, rows x outputs; becomes
  // what gradient() takes. input_delta: the same with respect to input, or null when
  // not needed.
  virtual void backward(const Tile& tile, const float* parameters,
                        const ConstMatrixView& input, const ConstMatrixView& output,
                        const float* scratch, MatrixView& delta,
                        MatrixView* input_delta) const = 0;

  // The parameters come in rows of this many, of which gradient() gives whole ones.
  [[nodiscard]] virtual std::size_t parameter_row_size() const { return 0; }

  // Whether gradient() multiplies by delta, which then has its panels.
  [[nodiscard]] virtual bool multiplies_by_delta() const { return false; }

  // Gradient of the wanted parameters, adding one row after the other of input and of
  // delta, which is as backward() left it. Each of `sums` (wanted.count x
  // parameter_row_size) is of the first `inner` rows; the last is of all. At most 256.
  virtual void gradient(const ConstMatrixView& /*input*/, const RightOperand& /*delta*/,
                        ParameterRows /*wanted*/,
                        std::span<const RunningSum> /*sums*/) const {}

  // Adds for each row |gradient of this example with respect to these parameters|^2.
  virtual void add_example_norms(const ConstMatrixView& /*input*/,
                                 const ConstMatrixView& /*delta*/,
                                 double* /*norms_squared*/) const {}

  // Adds for each row <gradient of this example, direction> over these parameters.
  // scratch: rows x outputs.
  virtual void add_inner_products(const ConstMatrixView& /*input*/,
                                  const ConstMatrixView& /*delta*/,
                                  const float* /*direction*/, MatrixView& /*scratch*/,
                                  double* /*inner_products*/) const {}

  // Whether add_pair_products() costs less, for a batch of so many rows.
  [[nodiscard]] virtual bool prefers_pairs(std::size_t /*rows*/) const { return false; }

  // Adds for each row what a share of the pairs (pair_products.hpp) gives to the inner
  // product of its gradient with the sum of all.
  virtual void add_pair_products(const ConstMatrixView& /*input*/,
                                 const ConstMatrixView& /*delta*/,
                                 std::size_t /*share*/, double* /*sums*/) const {}
};

}  // namespace batchlab
