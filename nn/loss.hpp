// SPDX-License-Identifier: MIT
//
// A loss: a function of a network's outputs.
#pragma once

#include <cstdint>

#include "nn/array.hpp"

namespace batchlab {

struct LossSum {
  double loss = 0;     // sum over rows
  double correct = 0;  // rows answered right; not a number where labels mean nothing
};

// `labels`: one per row. On return `outputs` holds the gradient of each row's loss with
// respect to its outputs, not divided by the number of rows. Outputs that are not
// finite give a loss that is not finite.
using Loss = LossSum (*)(MatrixView& outputs, const std::uint8_t* labels);

}  // namespace batchlab
