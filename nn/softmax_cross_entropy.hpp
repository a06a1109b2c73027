// SPDX-License-Identifier: MIT
//
// The loss of classification: softmax followed by cross-entropy.
#pragma once

#include <cstdint>

#include "nn/loss.hpp"

namespace batchlab {

// `labels`: one per row, below the number of columns. The gradient is softmax -
// one_hot. Correct is the row whose largest logit is the label's (first of equals).
[[nodiscard]] LossSum softmax_cross_entropy(MatrixView& logits,
                                            const std::uint8_t* labels);

}  // namespace batchlab
