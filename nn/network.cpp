// SPDX-License-Identifier: MIT
#include "nn/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "controllers/error.hpp"
#include "nn/activation.hpp"
#include "nn/dense.hpp"
#include "nn/dropout.hpp"
#include "nn/quadratic_layer.hpp"

namespace batchlab {

namespace {

// What to say of them, or nothing.
std::string wrong_eigenvalues(std::span<const double> eigenvalues, std::size_t inputs) {
  if (!eigenvalues.empty() && eigenvalues.size() != inputs) {
    return fmt::format("eigenvalues must be {}, one for each input, got {}", inputs,
                       eigenvalues.size());
  }
  for (const double eigenvalue : eigenvalues) {
    if (eigenvalue >= 0) continue;
    return fmt::format("eigenvalues must be at least 0, got {}", eigenvalue);
  }
  return "";
}

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
  if (options.type == "quadratic") {
    const std::string wrong = wrong_eigenvalues(options.eigenvalues, inputs);
    if (!wrong.empty()) refuse(wrong);
    return make_quadratic_layer(
        make_quadratic(inputs, options.eigenvalues, options.seed));
  }
  if (options.type == "relu" || options.type == "tanh") {
    return make_activation_layer(find_activation(options.type), inputs);
  }
  throw unknown_name("layer type", options.type, layer_types());
}

}  // namespace

const std::vector<std::string>& layer_types() {
  static const std::vector<std::string> types{"dense", "relu", "tanh", "dropout",
                                              "quadratic"};
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
    add_pieces(number);
    if (layers_.back()->is_wide()) wide_layers_.push_back(number);
  }
  if (parameter_count_ == 0) {
    throw Error(ErrorKind::usage, "model.layers: no layer has parameters to train");
  }
  part_inputs();
}

// Pieces of at least 1024 parameters, for their passes to cost more than their calls,
// and no more rows than the product kernel needs, for these passes to find them in
// cache.
void Network::add_pieces(std::size_t layer) {
  const std::size_t row_size = layers_[layer]->parameter_row_size();
  const std::size_t size = parameter_count_ - offsets_[layer];
  if (row_size == 0) return;
  const std::size_t step = least_rows_at_a_time;
  const std::size_t height = step * (1 + 1023 / (step * row_size));
  const std::size_t end = size / row_size;
  const std::size_t pieces = divide_up(end, height);
  for (std::size_t first = 0; first < end; first += height) {
    const std::size_t count = std::min(height, end - first);
    pieces_.push_back({layer,
                       pieces,
                       {first, count},
                       offsets_[layer] + first * row_size,
                       count * row_size});
  }
}

// In the middle, between two pieces. Fewer inputs are not worth a second product; of
// more units the weights are copied for each product, and 784-1024-1024-10 took 2 to
// 18 % longer at 128, if 5 % less with two threads at 32.
void Network::part_inputs() {
  constexpr std::size_t least_inputs = 192, most_units = 256;
  const Layer& first = *layers_[0];
  if (!first.multiplies_inputs() || inputs_ < least_inputs) return;
  if (first.outputs() > most_units || first.is_wide()) return;
  const std::size_t height = pieces_[0].rows.count;
  const std::size_t middle = (inputs_ / 2 + height / 2) / height * height;
  if (middle == 0 || middle >= inputs_) return;
  input_parts_ = {{0, middle}, {middle, inputs_}};
}

bool Network::begins_a_part(const Piece& piece) const {
  return piece.layer == 0 && !input_parts_.empty() &&
         piece.rows.first == input_parts_[1].begin;
}

Range Network::together(Range pieces, std::size_t rows) const {
  const Piece& first = pieces_[pieces.begin];
  const std::size_t most =
      rows_at_a_time(rows, layers_[first.layer]->parameter_row_size());
  std::size_t end = pieces.begin + 1, count = first.rows.count;
  for (; end < pieces.end && pieces_[end].layer == first.layer; ++end) {
    count += pieces_[end].rows.count;
    if (count > most || begins_a_part(pieces_[end])) break;
  }
  return {pieces.begin, end};
}

Array Network::initial_parameters(std::uint32_t seed) const {
  Array parameters = xt::zeros<float>({parameter_count_});
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->initialise(parameters.data() + offsets_[i], seed,
                           static_cast<std::uint32_t>(i));
  }
  return parameters;
}

Workspace::Workspace(const Network& network, std::size_t rows) : rows_(rows) {
  const auto matrix = [rows](std::size_t width) {
    return Matrix{width, uninitialised(rows * width)};
  };
  const std::size_t parts = network.input_parts_.size();
  second_products_ = matrix(parts == 0 ? 0 : network.layers_[0]->outputs());
  values_.push_back({network.inputs(), uninitialised(std::max<std::size_t>(parts, 1) *
                                                     rows * network.inputs())});
  deltas_.push_back(matrix(0));  // of the input: not wanted
  for (const auto& layer : network.layers_) {
    values_.push_back(matrix(layer->outputs()));
    deltas_.push_back(matrix(layer->outputs()));
    scratch_.push_back(matrix(layer->scratch_per_row()));
    delta_panels_.push_back(
        layer->multiplies_by_delta() ? Panels(rows, layer->outputs()) : Panels());
  }
}

void Network::forward_part(const Tile& tile, std::size_t part, const float* parameters,
                           bool goes_back_next, Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  Workspace::Matrix& products =
      part == 0 ? workspace.values_[1] : workspace.second_products_;
  MatrixView output = products.rows(first, count);
  layers_[0]->multiply_inputs(
      parameters,
      std::as_const(workspace.values_[0])
          .rows(workspace.first_row_of(part) + first, count),
      input_parts_[part], output,
      goes_back_next ? workspace.deltas_[1].rows(first, count).data() : nullptr);
}

void Network::finish_forward(const Tile& tile, const float* parameters,
                             Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  MatrixView output = workspace.values_[1].rows(first, count);
  layers_[0]->finish_forward(
      parameters, std::as_const(workspace.second_products_).rows(first, count), output);
}

std::vector<Panels> Network::make_weight_panels() const {
  std::vector<Panels> panels;
  for (const auto& layer : layers_) {
    const bool copied = layer->multiplies_inputs() && !layer->is_wide();
    panels.push_back(copied ? Panels(layer->inputs(), layer->outputs()) : Panels());
  }
  if (std::ranges::all_of(panels, &Panels::empty)) panels.clear();
  return panels;
}

void Network::copy_weights(std::size_t i, std::size_t n, const float* parameters,
                           std::span<Panels> weights) const {
  for (std::size_t layer = 0; layer < weights.size(); ++layer) {
    if (weights[layer].empty()) continue;
    const Range rows = part(inputs(layer), i, n);
    const float* first = parameters + offsets_[layer] + rows.begin * outputs(layer);
    weights[layer].copy(first, rows.begin, rows.size());
  }
}

void Network::forward(Range layers, const Tile& tile, const float* parameters,
                      std::span<const Panels> weights, Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  const auto& values = std::as_const(workspace.values_);
  for (std::size_t i = layers.begin; i < layers.end; ++i) {
    MatrixView output = workspace.values_[i + 1].rows(first, count);
    layers_[i]->forward(tile, parameters + offsets_[i],
                        weights.empty() ? nullptr : &weights[i],
                        values[i].rows(first, count), output,
                        workspace.scratch_[i].rows(first, count).data());
  }
}

void Network::forward_outputs(Range outputs, std::size_t layer, const Tile& tile,
                              const float* parameters, Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  MatrixView output = workspace.values_[layer + 1].rows(first, count);
  layers_[layer]->forward_outputs(
      parameters + offsets_[layer],
      std::as_const(workspace.values_[layer]).rows(first, count), outputs, output);
}

MatrixView Network::copy_logits(const Tile& tile, Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  const ConstMatrixView output =
      std::as_const(workspace.values_.back()).rows(first, count);
  MatrixView copy = workspace.deltas_.back().rows(first, count);
  std::copy_n(output.data(), output.size(), copy.data());
  return copy;
}

void Network::backward(Range layers, const Tile& tile, const float* parameters,
                       Workspace& workspace) const {
  const std::size_t last = std::max(layers.begin, first_with_parameters_);
  for (std::size_t i = layers.end; i-- > last;) {
    run_backward(i, needs_input_delta(i), tile, parameters, workspace);
  }
}

void Network::run_backward(std::size_t layer, bool with_inputs, const Tile& tile,
                           const float* parameters, Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  const auto& values = std::as_const(workspace.values_);
  MatrixView delta = workspace.deltas_[layer + 1].rows(first, count);
  MatrixView below = workspace.deltas_[layer].rows(first, count);
  layers_[layer]->backward(tile, parameters + offsets_[layer],
                           values[layer].rows(first, count),
                           values[layer + 1].rows(first, count),
                           workspace.scratch_[layer].rows(first, count).data(), delta,
                           with_inputs ? &below : nullptr);
  workspace.delta_panels_[layer].copy(delta.data(), first, count);
}

void Network::finish_delta(std::size_t layer, const Tile& tile, const float* parameters,
                           Workspace& workspace) const {
  run_backward(layer, false, tile, parameters, workspace);
}

void Network::backward_inputs(Range inputs, std::size_t layer, const Tile& tile,
                              const float* parameters, Workspace& workspace) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  MatrixView below = workspace.deltas_[layer].rows(first, count);
  layers_[layer]->backward_inputs(
      parameters + offsets_[layer],
      std::as_const(workspace.deltas_[layer + 1]).rows(first, count), inputs, below);
}

void Network::gradient(Range pieces, const Workspace& workspace,
                       std::span<const RunningSum> sums) const {
  const std::size_t count = sums.back().inner;
  const Piece& first = pieces_[pieces.begin];
  const Piece& last = pieces_[pieces.end - 1];
  const std::size_t layer = first.layer;
  const ParameterRows rows{first.rows.first,
                           last.rows.first + last.rows.count - first.rows.first};
  const RightOperand delta{workspace.deltas_[layer + 1].rows(0, count).data(),
                           layers_[layer]->outputs(), &workspace.delta_panels_[layer]};
  const bool of_second_part =
      layer == 0 && !input_parts_.empty() && rows.first >= input_parts_[1].begin;
  const std::size_t first_row = of_second_part ? workspace.first_row_of(1) : 0;
  layers_[layer]->gradient(workspace.values_[layer].rows(first_row, count), delta, rows,
                           sums);
}

void Network::example_norms(const Tile& tile, const Workspace& workspace,
                            double* norms_squared) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  std::fill_n(norms_squared, count, 0.0);
  for (std::size_t i = first_with_parameters_; i < layers_.size(); ++i) {
    layers_[i]->add_example_norms(workspace.values_[i].rows(first, count),
                                  workspace.deltas_[i + 1].rows(first, count),
                                  norms_squared);
  }
}

void Network::inner_products(const Tile& tile, const Workspace& workspace,
                             const float* direction, std::size_t pair_rows,
                             Workspace& scratch, double* inner_products) const {
  const std::size_t first = tile.workspace_row, count = tile.rows;
  std::fill_n(inner_products, count, 0.0);
  for (std::size_t i = first_with_parameters_; i < layers_.size(); ++i) {
    if (pair_rows > 0 && layers_[i]->prefers_pairs(pair_rows)) continue;
    MatrixView output = scratch.values_[i + 1].rows(0, count);
    layers_[i]->add_inner_products(workspace.values_[i].rows(first, count),
                                   workspace.deltas_[i + 1].rows(first, count),
                                   direction + offsets_[i], output, inner_products);
  }
}

void Network::pair_products(std::size_t pair_rows, const Workspace& workspace,
                            std::size_t share, double* sums) const {
  std::fill_n(sums, pair_rows, 0.0);
  for (std::size_t i = first_with_parameters_; i < layers_.size(); ++i) {
    if (!layers_[i]->prefers_pairs(pair_rows)) continue;
    layers_[i]->add_pair_products(workspace.values_[i].rows(0, pair_rows),
                                  workspace.deltas_[i + 1].rows(0, pair_rows), share,
                                  sums);
  }
}

}  // namespace batchlab
