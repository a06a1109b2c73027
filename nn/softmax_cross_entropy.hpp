// SPDX-License-Identifier: MIT
//
// The loss of classification: softmax followed by cross-entropy.
#pragma once

#include <cstdint>

#include "nn/array.hpp"

namespace batchlab {

struct LossSum {
  double loss = 0;  // sum over rows
  std::int64_t correct =
      0;  // rows whose largest logit is the label's (first of equals)
};

// `labels`: one per row, below the number of columns. On return `logits` holds the
// gradient of each row's loss with respect to its logits, softmax - one_hot, not
// divided by the number of rows. Logits that are not finite give a loss that is not
// finite.
[[nodiscard]] LossSum softmax_cross_entropy(MatrixView& logits,
                                            const std::uint8_t* labels);

}  // namespace batchlab
