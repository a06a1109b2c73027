// SPDX-License-Identifier: MIT
//
// Quadratic layer, with rows x_i of the input, position theta, and delta_i = gradient
// of loss i with respect to z_i. Row k of S is sqrt(eigenvalue_k) eigenvector_k, so
// that S^T S = Q:
//
//     z_i = (theta - x_i) S^T,   g_i = delta_i S,   input: -g_i
//
// With loss_i = |z_i|^2 / 2 this is the noisy quadratic: g_i = (theta - x_i) Q.
#include "nn/quadratic_layer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "nn/elementwise.hpp"
#include "nn/half_squared.hpp"
#include "nn/matrix_product.hpp"

namespace batchlab {

namespace {

class QuadraticLayer final : public Layer {
 public:
  explicit QuadraticLayer(const Quadratic& quadratic)
      : dimensions_(quadratic.dimensions()),
        root_(uninitialised(dimensions_ * dimensions_)) {
    for (std::size_t k = 0; k < dimensions_; ++k) {
      const double length = std::sqrt(quadratic.eigenvalues[k]);
      for (std::size_t j = 0; j < dimensions_; ++j) {
        root_(k * dimensions_ + j) =
            static_cast<float>(length * quadratic.eigenvector(k)[j]);
      }
    }
  }

  std::string_view type() const override { return "quadratic"; }
  std::size_t inputs() const override { return dimensions_; }
  std::size_t outputs() const override { return dimensions_; }
  std::vector<ParameterBlock> parameters() const override {
    return {{"position", {dimensions_}}};
  }
  Loss loss() const override { return half_squared; }
  std::size_t scratch_per_row() const override { return dimensions_; }  // theta - x_i

  void forward(const Tile&, const float* position, const Panels*,
               const ConstMatrixView& input, MatrixView& output,
               float* differences) const override {
    for (std::size_t i = 0; i < input.size(); ++i) {
      differences[i] = position[i % dimensions_] - input.data()[i];
    }
    multiply_transposed_right(as_rows(differences, rows(input)), root(), output);
  }

  // Leaves g_i in the place of delta_i.
  void backward(const Tile&, const float*, const ConstMatrixView&,
                const ConstMatrixView&, const float*, MatrixView& delta,
                MatrixView* input_delta) const override {
    Array before = uninitialised(delta.size());
    std::copy_n(delta.data(), delta.size(), before.data());
    multiply(as_rows(before.data(), rows(delta)), root(), delta);
    if (input_delta) {
      std::transform(delta.data(), delta.data() + delta.size(), input_delta->data(),
                     std::negate<>());
    }
  }

  std::size_t parameter_row_size() const override { return dimensions_; }  // one row

  void gradient(const ConstMatrixView&, const RightOperand& delta, ParameterRows,
                std::span<const RunningSum> sums) const override {
    std::size_t first = 0;
    const float* before = nullptr;
    for (const RunningSum& sum : sums) {
      add_rows(as_rows(delta.data + first * dimensions_, sum.inner - first), before,
               sum.result);
      first = sum.inner;
      before = sum.result;
    }
  }

  void add_example_norms(const ConstMatrixView&, const ConstMatrixView& delta,
                         double* norms_squared) const override {
    for (std::size_t i = 0; i < rows(delta); ++i) {
      norms_squared[i] += sum_of_squares(delta.data() + i * dimensions_, dimensions_);
    }
  }

  void add_inner_products(const ConstMatrixView&, const ConstMatrixView& delta,
                          const float* direction, MatrixView&,
                          double* inner_products) const override {
    for (std::size_t i = 0; i < rows(delta); ++i) {
      inner_products[i] +=
          inner_product(delta.data() + i * dimensions_, direction, dimensions_);
    }
  }

 private:
  ConstMatrixView as_rows(const float* values, std::size_t count) const {
    return view(values, count, dimensions_);
  }
  ConstMatrixView root() const { return as_rows(root_.data(), dimensions_); }

  std::size_t dimensions_;
  Array root_;  // S
};

}  // namespace

std::unique_ptr<Layer> make_quadratic_layer(const Quadratic& quadratic) {
  return std::make_unique<QuadraticLayer>(quadratic);
}

}  // namespace batchlab
