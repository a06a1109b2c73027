// SPDX-License-Identifier: MIT
//
// The quadratic layer: where its parameters stand, seen from the input, with
// |output|^2 = (position - input) Q (position - input)^T.
#pragma once

#include <memory>

#include "nn/layer.hpp"
#include "nn/quadratic.hpp"

namespace batchlab {

// Of as many inputs, outputs and parameters as the quadratic has dimensions. Parameters
// start at zero, and the loss is half_squared().
[[nodiscard]] std::unique_ptr<Layer> make_quadratic_layer(const Quadratic& quadratic);

}  // namespace batchlab
