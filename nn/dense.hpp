// SPDX-License-Identifier: MIT
//
// The dense layer: output = activation(input W + b).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/activation.hpp"
#include "nn/layer.hpp"

namespace batchlab {

// Random start of a weight matrix, inputs x outputs; biases start at zero.
//   glorot_uniform  U(-a, a), a^2 = 6 / (inputs + outputs)   Glorot and Bengio 2010
//   glorot_normal   N(0, 2 / (inputs + outputs))
//   he_uniform      U(-a, a), a^2 = 6 / inputs               He et al. 2015
//   he_normal       N(0, 2 / inputs)
enum class Initialisation { glorot_uniform, glorot_normal, he_uniform, he_normal };

[[nodiscard]] const std::vector<std::string>& initialisation_names();
// Throws Error(usage) naming the closest.
[[nodiscard]] Initialisation find_initialisation(const std::string& name);

[[nodiscard]] std::unique_ptr<Layer> make_dense_layer(std::size_t inputs,
                                                      std::size_t units,
                                                      Activation activation,
                                                      Initialisation initialisation);

}  // namespace batchlab
