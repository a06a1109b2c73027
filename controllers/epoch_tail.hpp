// SPDX-License-Identifier: MIT
//
// The last batch of an epoch, which may be smaller than the rule wanted.
#pragma once

#include <cstdint>
#include <utility>

#include "controllers/statistics.hpp"

namespace batchlab {

// For rules that average over batches of one size: told of every step.
class EpochTail {
 public:
  // Whether the batch of the step just made ended an epoch with fewer examples than
  // `size`: it says nothing of a change of the batch size.
  [[nodiscard]] bool cut_short(const Statistics& statistics, std::int64_t size) {
    const std::int64_t before = std::exchange(epochs_, statistics.epochs_completed);
    return epochs_ > before && statistics.batch_size < size;
  }

  [[nodiscard]] std::int64_t save() const { return epochs_; }
  void load(std::int64_t epochs) { epochs_ = epochs; }

 private:
  std::int64_t epochs_ = 0;  // completed by the step before
};

}  // namespace batchlab
