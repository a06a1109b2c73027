// SPDX-License-Identifier: MIT
//
// Activations, fused into a dense layer or as a layer of their own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/layer.hpp"

namespace batchlab {

enum class Activation { none, relu, tanh };

[[nodiscard]] const std::vector<std::string>& activation_names();  // none, relu, tanh
// Throws Error(usage) naming the closest.
[[nodiscard]] Activation find_activation(const std::string& name);

// values = activation(values + more + bias) row by row, in some columns. bias (one
// float per column) and more (as many as values) may be null.
void activate(Activation activation, const float* bias, const float* more, Range wanted,
              MatrixView& values);

// delta *= activation'(.), expressed by the activation's output:
// relu' = [output > 0], tanh' = 1 - output^2.
void multiply_by_derivative(Activation activation, const ConstMatrixView& output,
                            MatrixView& delta);

[[nodiscard]] std::unique_ptr<Layer> make_activation_layer(Activation activation,
                                                           std::size_t inputs);

}  // namespace batchlab
