// SPDX-License-Identifier: MIT
//
// The loss of a quadratic: half the squared length of each row.
#pragma once

#include "nn/loss.hpp"

namespace batchlab {

// The gradient is the outputs themselves. Labels are not read, and nothing is correct
// or wrong.
[[nodiscard]] LossSum half_squared(MatrixView& outputs, const std::uint8_t* labels);

}  // namespace batchlab
