// SPDX-License-Identifier: MIT
//
// A network: layers in sequence over one flat parameter array.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/batch_cut.hpp"
#include "nn/layer.hpp"
#include "nn/product_kernel.hpp"

namespace batchlab {

// One layer as a specification describes it; what a type does not use is ignored here
// and refused where the specification is read.
struct LayerOptions {
  std::string type;  // one of layer_types()
  std::size_t units = 0;
  std::string activation = "none";
  std::string initialisation = "glorot_uniform";
  double rate = 0;
  std::vector<double> eigenvalues = {};  // none: as make_quadratic() draws them
  std::uint32_t seed = 0;                // of the quadratic
};

[[nodiscard]] const std::vector<std::string>& layer_types();

// A parameter block of the whole network: "layers.0.weight" at offset in the flat
// array.
struct NamedBlock {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t offset = 0, size = 0;
};

// A piece of the flat parameter array, of one layer: small enough to stay in cache
// while its gradient is computed, measured and applied.
struct Piece {
  std::size_t layer, pieces_in_layer;
  ParameterRows rows;  // of the layer
  std::size_t offset, size;
};

constexpr std::size_t most_pieces_together = most_rows_at_a_time / least_rows_at_a_time;

class Network;

// The activations and deltas of some rows.
class Workspace {
 public:
  Workspace(const Network& network, std::size_t rows);

  // Where the caller puts row i of the input.
  [[nodiscard]] float* input(std::size_t i) { return input_part(i, 0); }

  // The same of part p of the inputs (Network::input_parts()), which is as far from the
  // row's beginning as in a whole row.
  [[nodiscard]] float* input_part(std::size_t i, std::size_t p) {
    return values_[0].data.data() + (first_row_of(p) + i) * values_[0].width;
  }

  // Whether the parts lie in memory of their own: a processor that reads ahead in one
  // takes lines of the other from the core that works on it (two threads, Zen 5, cores
  // far apart: 0.93, 0.91 and 0.89 of the time at 8, 32 and 128). Then no row is whole,
  // as rows must be that go through forward() or are measured.
  void keep_parts_apart(bool apart) { parts_apart_ = apart; }

 private:
  friend class Network;
  struct Matrix {
    std::size_t width;
    Array data;
    [[nodiscard]] MatrixView rows(std::size_t first, std::size_t count) {
      return view(data.data() + first * width, count, width);
    }
    [[nodiscard]] ConstMatrixView rows(std::size_t first, std::size_t count) const {
      return view(data.data() + first * width, count, width);
    }
  };
  // Where in values_[0] the rows of a part of the inputs begin.
  [[nodiscard]] std::size_t first_row_of(std::size_t part) const {
    return parts_apart_ ? part * rows_ : 0;
  }
  // Layer i reads values_[i], scratch_[i] and deltas_[i + 1], and writes values_[i + 1]
  // and deltas_[i].
  std::vector<Matrix> values_, deltas_, scratch_;
  std::size_t rows_;  // values_[0] has as many for each part of the inputs
  bool parts_apart_ = false;
  Matrix second_products_;  // of the first layer with the second part of the inputs
  std::vector<Panels> delta_panels_;  // of deltas_[i + 1]
};

class Network {
 public:
  // Throws Error(usage) for an unknown type or activation, a dense layer without units,
  // a dropout rate outside [0, 1), eigenvalues that are not as many as inputs or one
  // below 0, no layers.
  Network(std::size_t inputs, std::span<const LayerOptions> layers);

  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t outputs() const { return layers_.back()->outputs(); }
  [[nodiscard]] Loss loss() const { return layers_.back()->loss(); }
  [[nodiscard]] std::size_t parameter_count() const { return parameter_count_; }
  [[nodiscard]] const std::vector<NamedBlock>& blocks() const { return blocks_; }

  [[nodiscard]] Array initial_parameters(std::uint32_t seed) const;

  // The parameters in pieces, in order and without gaps.
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

  // The first of these pieces, which must not be none, as many as gradient() over so
  // many rows should get together: at most most_pieces_together.
  [[nodiscard]] Range together(Range pieces, std::size_t rows) const;

  [[nodiscard]] std::size_t inputs(std::size_t layer) const {
    return layers_[layer]->inputs();
  }
  [[nodiscard]] std::size_t outputs(std::size_t layer) const {
    return layers_[layer]->outputs();
  }
  [[nodiscard]] Range layers() const { return {0, layers_.size()}; }

  // The wide ones (layer.hpp), in order.
  [[nodiscard]] std::span<const std::size_t> wide_layers() const {
    return wide_layers_;
  }

  // For a copy of the weights by which each layer multiplies its inputs, made once for
  // many rows; empty panels where it would not pay, as of wide layers, and none where
  // it would for no layer. Then share i of n of that copy; calls for other shares may
  // run at the same time.
  [[nodiscard]] std::vector<Panels> make_weight_panels() const;
  void copy_weights(std::size_t i, std::size_t n, const float* parameters,
                    std::span<Panels> weights) const;

  // Runs some layers, in order, on the tile's rows of the workspace. weights: a copy of
  // these, or none; of it depends no bit.
  void forward(Range layers, const Tile& tile, const float* parameters,
               std::span<const Panels> weights, Workspace& workspace) const;

  // Of a wide layer some of the outputs: with all of them, what forward() does.
  void forward_outputs(Range outputs, std::size_t layer, const Tile& tile,
                       const float* parameters, Workspace& workspace) const;

  // Two parts of the inputs, or none. The same, up to rounding, are forward_part() of
  // each and, after both, finish_forward(). A part meets parameters of its own:
  // where the first layer has most of all, a thread of two can update those it meets.
  // goes_back_next: the thread will most likely write the deltas of these rows, where
  // others have read the last ones.
  [[nodiscard]] std::span<const Range> input_parts() const { return input_parts_; }
  void forward_part(const Tile& tile, std::size_t part, const float* parameters,
                    bool goes_back_next, Workspace& workspace) const;
  void finish_forward(const Tile& tile, const float* parameters,
                      Workspace& workspace) const;

  // After forward() of these rows, among others: a copy of their output, rows x
  // outputs, inside the workspace. The loss overwrites it by its gradient.
  [[nodiscard]] MatrixView copy_logits(const Tile& tile, Workspace& workspace) const;

  // After forward(), with copy_logits() overwritten by the gradient of each row's loss:
  // some layers, the last of them first. After all of them the workspace holds what
  // gradient() and those after it need.
  void backward(Range layers, const Tile& tile, const float* parameters,
                Workspace& workspace) const;

  // The same of a wide layer, in two: first what does not need its weights, then, when
  // that is done for all of the tile's rows, the deltas of some of the inputs, where
  // these are needed: where a layer before it has parameters.
  [[nodiscard]] bool needs_input_delta(std::size_t layer) const {
    return layer > first_with_parameters_;
  }
  void finish_delta(std::size_t layer, const Tile& tile, const float* parameters,
                    Workspace& workspace) const;
  void backward_inputs(Range inputs, std::size_t layer, const Tile& tile,
                       const float* parameters, Workspace& workspace) const;

  // Gradient of pieces of one layer, summed over the first rows of the workspace: as
  // many as each of `sums` says (layer.hpp).
  void gradient(Range pieces, const Workspace& workspace,
                std::span<const RunningSum> sums) const;

  // norms_squared: of the gradient of each of the tile's rows.
  void example_norms(const Tile& tile, const Workspace& workspace,
                     double* norms_squared) const;

  // inner_products: of the gradient of each of the tile's rows with `direction`, which
  // is as long as the parameters. `scratch` has at least as many rows. Layers that
  // prefer pairs of `pair_rows` rows are left out; 0: none is.
  void inner_products(const Tile& tile, const Workspace& workspace,
                      const float* direction, std::size_t pair_rows, Workspace& scratch,
                      double* inner_products) const;

  // sums: of the gradient of each of the first `pair_rows` rows with those of all of
  // them, over the layers left out above, as far as the pairs of `share` go.
  void pair_products(std::size_t pair_rows, const Workspace& workspace,
                     std::size_t share, double* sums) const;

 private:
  friend class Workspace;
  void add_pieces(std::size_t layer);
  void part_inputs();
  [[nodiscard]] bool begins_a_part(const Piece& piece) const;
  void run_backward(std::size_t layer, bool with_inputs, const Tile& tile,
                    const float* parameters, Workspace& workspace) const;

  std::size_t inputs_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::size_t> offsets_;  // of each layer's parameters
  std::vector<NamedBlock> blocks_;
  std::vector<Piece> pieces_;
  std::vector<Range> input_parts_;
  std::vector<std::size_t> wide_layers_;
  std::size_t parameter_count_ = 0;
  std::size_t first_with_parameters_ = 0;  // backward() ends at this layer
};

}  // namespace batchlab
