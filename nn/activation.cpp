// SPDX-License-Identifier: MIT
#include "nn/activation.hpp"

#include <algorithm>

#include "controllers/error.hpp"
#include "nn/elementwise.hpp"

namespace batchlab {

namespace {

// The vector instruction returns its second operand where either is not a number: x
// last, so that relu passes it on and the loss shows it.
float relu(float x) { return x < 0 ? 0 : x; }
FloatBatch relu(const FloatBatch& x) { return xsimd::max(FloatBatch(0.0F), x); }

template <Activation activation, class V>
V apply(V x) {
  if constexpr (activation == Activation::relu) return relu(x);
  if constexpr (activation == Activation::tanh) return xsimd::tanh(x);
  return x;
}

template <Activation activation>
void activate_as(const float* bias, const float* more, Range wanted,
                 MatrixView& values) {
  const std::size_t width = columns(values);
  if (bias) bias += wanted.begin;
  for (std::size_t i = 0; i < rows(values); ++i) {
    const std::size_t at = i * width + wanted.begin;
    float* row = values.data() + at;
    const float* more_row = more ? more + at : nullptr;
    for_each_position(wanted.size(), [&]<class V>(std::size_t j) {
      V x = load<V>(row + j);
      if (more_row) x = x + load<V>(more_row + j);
      if (bias) x = x + load<V>(bias + j);
      store(row + j, apply<activation, V>(x));
    });
  }
}

template <Activation activation>
void derivative_as(const ConstMatrixView& output, MatrixView& delta) {
  const std::size_t width = columns(delta);
  for (std::size_t i = 0; i < rows(delta); ++i) {
    const float* output_row = output.data() + i * width;
    float* row = delta.data() + i * width;
    for_each_position(width, [&]<class V>(std::size_t j) {
      const V y = load<V>(output_row + j);
      const V d = load<V>(row + j);
      if constexpr (activation == Activation::tanh) {
        store(row + j, d * (V(1.0F) - y * y));
      } else if constexpr (std::is_same_v<V, float>) {
        row[j] = y > 0 ? d : 0;
      } else {
        store(row + j, xsimd::select(y > V(0.0F), d, V(0.0F)));
      }
    });
  }
}

class ActivationLayer final : public Layer {
 public:
  ActivationLayer(Activation activation, std::size_t inputs)
      : activation_(activation), inputs_(inputs) {}

  std::string_view type() const override {
    return activation_names()[static_cast<std::size_t>(activation_)];
  }
  std::size_t inputs() const override { return inputs_; }
  std::size_t outputs() const override { return inputs_; }

  void forward(const Tile&, const float*, const Panels*, const ConstMatrixView& input,
               MatrixView& output, float*) const override {
    std::copy_n(input.data(), input.size(), output.data());
    activate(activation_, nullptr, nullptr, {0, inputs_}, output);
  }

  void backward(const Tile&, const float*, const ConstMatrixView&,
                const ConstMatrixView& output, const float*, MatrixView& delta,
                MatrixView* input_delta) const override {
    if (!input_delta) return;
    multiply_by_derivative(activation_, output, delta);
    std::copy_n(delta.data(), delta.size(), input_delta->data());
  }

 private:
  Activation activation_;
  std::size_t inputs_;
};

}  // namespace

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names{"none", "relu", "tanh"};
  return names;
}

Activation find_activation(const std::string& name) {
  const auto& names = activation_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw unknown_name("activation", name, names);
  return static_cast<Activation>(found - names.begin());
}

void activate(Activation activation, const float* bias, const float* more, Range wanted,
              MatrixView& values) {
  switch (activation) {
    case Activation::none:
      if (bias || more) activate_as<Activation::none>(bias, more, wanted, values);
      break;
    case Activation::relu:
      activate_as<Activation::relu>(bias, more, wanted, values);
      break;
    case Activation::tanh:
      activate_as<Activation::tanh>(bias, more, wanted, values);
      break;
  }
}

void multiply_by_derivative(Activation activation, const ConstMatrixView& output,
                            MatrixView& delta) {
  switch (activation) {
    case Activation::none:
      break;
    case Activation::relu:
      derivative_as<Activation::relu>(output, delta);
      break;
    case Activation::tanh:
      derivative_as<Activation::tanh>(output, delta);
      break;
  }
}

std::unique_ptr<Layer> make_activation_layer(Activation activation,
                                             std::size_t inputs) {
  return std::make_unique<ActivationLayer>(activation, inputs);
}

}  // namespace batchlab
