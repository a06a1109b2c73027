// SPDX-License-Identifier: MIT
//
// Dense layer, with rows a_i of the input and delta_i = gradient of loss i before
// activation:
//
//     W gradient = sum_i a_i^T delta_i,   b gradient = sum_i delta_i,   input: delta
//     W^T |g_i|^2 = |delta_i|^2 (|a_i|^2 + 1), weight and bias together
//     <g_i, D> = (a_i D_W + D_b) delta_i^T
//
// Goodfellow: Efficient per-example gradient computations (2015), arXiv 1510.01799.
#include "nn/dense.hpp"

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"
#include "nn/elementwise.hpp"
#include "nn/matrix_product.hpp"
#include "nn/pair_products.hpp"
#include "nn/random.hpp"

namespace batchlab {

namespace {

struct Spread {
  bool normal;
  double
      half_width;  // of the uniform distribution, or standard deviation of the normal
};

Spread spread_of(Initialisation initialisation, std::size_t inputs,
                 std::size_t outputs) {
  const auto fan_in = static_cast<double>(inputs);
  const double fan_both = fan_in + static_cast<double>(outputs);
  switch (initialisation) {
    case Initialisation::glorot_uniform:
      return {false, std::sqrt(6 / fan_both)};
    case Initialisation::glorot_normal:
      return {true, std::sqrt(2 / fan_both)};
    case Initialisation::he_uniform:
      return {false, std::sqrt(6 / fan_in)};
    case Initialisation::he_normal:
      return {true, std::sqrt(2 / fan_in)};
  }
  return {};
}

class DenseLayer final : public Layer {
 public:
  DenseLayer(std::size_t inputs, std::size_t units, Activation activation,
             Initialisation initialisation)
      : inputs_(inputs),
        units_(units),
        activation_(activation),
        initialisation_(initialisation) {}

  std::string_view type() const override { return "dense"; }
  std::size_t inputs() const override { return inputs_; }
  std::size_t outputs() const override { return units_; }
  std::vector<ParameterBlock> parameters() const override {
    return {{"weight", {inputs_, units_}}, {"bias", {units_}}};
  }

  void initialise(float* parameters, std::uint32_t seed,
                  std::uint32_t number) const override {
    const Spread spread = spread_of(initialisation_, inputs_, units_);
    for (std::size_t i = 0; i < inputs_ * units_; ++i) {
      const auto bits = random_bits(seed, RandomPurpose::initial_weights,
                                    {static_cast<std::uint32_t>(i),
                                     static_cast<std::uint32_t>(i >> 32), number, 0});
      const double draw = spread.normal ? normal_double(bits[0], bits[1])
                                        : 2 * double{uniform_float(bits[0])} - 1;
      parameters[i] = static_cast<float>(spread.half_width * draw);
    }
    std::fill_n(parameters + inputs_ * units_, units_, 0.0F);
  }

  void forward(const Tile&, const float* parameters, const Panels* weights,
               const ConstMatrixView& input, MatrixView& output,
               float*) const override {
    multiply(input, weight(parameters), output, weights);
    activate(activation_, parameters + inputs_ * units_, nullptr, {0, units_}, output);
  }

  bool multiplies_inputs() const override { return kernel_is_fast(); }

  // The first part backwards: beyond the last rows that are read the processor asks for
  // some 60 more, which another thread writes. Behind the last part is a gap
  // (array.hpp).
  void multiply_inputs(const float* parameters, const ConstMatrixView& input,
                       Range inputs, MatrixView& products,
                       const float* written_next) const override {
    multiply_columns(input, {inputs.begin, inputs.size()},
                     view(parameters + inputs.begin * units_, inputs.size(), units_),
                     inputs.end < inputs_ ? TermOrder::backwards : TermOrder::forwards,
                     products, written_next);
  }

  void finish_forward(const float* parameters, const ConstMatrixView& more,
                      MatrixView& output) const override {
    activate(activation_, parameters + inputs_ * units_, more.data(), {0, units_},
             output);
  }

  // Fewer weights may stay in cache, and threads could not divide them as evenly.
  bool is_wide() const override {
    return kernel_is_fast() && std::min(inputs_, units_) >= 512;
  }

  void forward_outputs(const float* parameters, const ConstMatrixView& input,
                       Range outputs, MatrixView& output) const override {
    multiply_into_columns(input, weight(parameters), {outputs.begin, outputs.size()},
                          output);
    activate(activation_, parameters + inputs_ * units_, nullptr, outputs, output);
  }

  void backward_inputs(const float* parameters, const ConstMatrixView& delta,
                       Range inputs, MatrixView& input_delta) const override {
    multiply_transposed_into_columns(delta, weight(parameters),
                                     {inputs.begin, inputs.size()}, input_delta);
  }

  void backward(const Tile&, const float* parameters, const ConstMatrixView&,
                const ConstMatrixView& output, const float*, MatrixView& delta,
                MatrixView* input_delta) const override {
    multiply_by_derivative(activation_, output, delta);
    if (input_delta) {
      const float* values = delta.data();
      multiply_transposed_right(view(values, rows(delta), units_), weight(parameters),
                                *input_delta);
    }
  }

  // A row for each input, then the bias.
  std::size_t parameter_row_size() const override { return units_; }
  bool multiplies_by_delta() const override { return true; }

  void gradient(const ConstMatrixView& input, const RightOperand& delta,
                ParameterRows wanted, std::span<const RunningSum> sums) const override {
    const std::size_t weight_rows =
        std::min(wanted.first + wanted.count, inputs_) - wanted.first;
    if (weight_rows > 0) {
      multiply_transposed_left(input, {wanted.first, weight_rows}, delta, sums);
    }
    if (weight_rows == wanted.count) return;
    const std::size_t bias = weight_rows * units_;
    std::size_t first = 0;
    const float* before = nullptr;
    for (const RunningSum& sum : sums) {
      const float* rows = delta.data + first * units_;
      add_rows(view(rows, sum.inner - first, units_), before, sum.result + bias);
      first = sum.inner;
      before = sum.result + bias;
    }
  }

  void add_example_norms(const ConstMatrixView& input, const ConstMatrixView& delta,
                         double* norms_squared) const override {
    for (std::size_t i = 0; i < rows(delta); ++i) {
      norms_squared[i] += sum_of_squares(delta.data() + i * units_, units_) *
                          (sum_of_squares(input.data() + i * inputs_, inputs_) + 1);
    }
  }

  void add_inner_products(const ConstMatrixView& input, const ConstMatrixView& delta,
                          const float* direction, MatrixView& scratch,
                          double* inner_products) const override {
    multiply(input, weight(direction), scratch);
    const float* bias = direction + inputs_ * units_;
    for (std::size_t i = 0; i < rows(delta); ++i) {
      float* row = scratch.data() + i * units_;
      add(bias, units_, row);
      inner_products[i] += inner_product(row, delta.data() + i * units_, units_);
    }
  }

  bool prefers_pairs(std::size_t rows) const override {
    return pairs_are_cheaper(rows, inputs_, units_);
  }

  void add_pair_products(const ConstMatrixView& input, const ConstMatrixView& delta,
                         std::size_t share, double* sums) const override {
    batchlab::add_pair_products(input, delta, share, sums);
  }

 private:
  ConstMatrixView weight(const float* parameters) const {
    return view(parameters, inputs_, units_);
  }

  std::size_t inputs_, units_;
  Activation activation_;
  Initialisation initialisation_;
};

}  // namespace

const std::vector<std::string>& initialisation_names() {
  static const std::vector<std::string> names{"glorot_uniform", "glorot_normal",
                                              "he_uniform", "he_normal"};
  return names;
}

Initialisation find_initialisation(const std::string& name) {
  const auto& names = initialisation_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw unknown_name("initialisation", name, names);
  return static_cast<Initialisation>(found - names.begin());
}

std::unique_ptr<Layer> make_dense_layer(std::size_t inputs, std::size_t units,
                                        Activation activation,
                                        Initialisation initialisation) {
  return std::make_unique<DenseLayer>(inputs, units, activation, initialisation);
}

}  // namespace batchlab
