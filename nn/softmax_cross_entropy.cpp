// SPDX-License-Identifier: MIT
//
//     loss_i = log sum_j exp(z_ij - max_i) - (z_iy - max_i),   d loss_i / d z = softmax
//     - 1_y
#include "nn/softmax_cross_entropy.hpp"

#include <cmath>
#include <limits>

#include "nn/elementwise.hpp"

namespace batchlab {

namespace {

// Subtracts the row's maximum; returns the position of the maximum.
std::size_t shift_by_maximum(float* row, std::size_t width) {
  std::size_t best = 0;
  for (std::size_t j = 1; j < width; ++j) {
    if (row[j] > row[best]) best = j;
  }
  const float maximum = row[best];
  for (std::size_t j = 0; j < width; ++j) row[j] -= maximum;
  return best;
}

}  // namespace

LossSum softmax_cross_entropy(MatrixView& logits, const std::uint8_t* labels) {
  const std::size_t count = rows(logits), width = columns(logits);
  LossSum sum;
  if (!all_finite(logits.data(),
                  count * width)) {  // -inf alone would just weigh nothing
    sum.loss = std::numeric_limits<double>::quiet_NaN();
  }
  for (std::size_t i = 0; i < count; ++i) {
    float* row = logits.data() + i * width;
    sum.correct += shift_by_maximum(row, width) == labels[i];
    sum.loss -= double{row[labels[i]]};
  }
  exponential(logits.data(), count * width);
  for (std::size_t i = 0; i < count; ++i) {
    float* row = logits.data() + i * width;
    float total = 0;
    for (std::size_t j = 0; j < width; ++j) total += row[j];
    sum.loss += std::log(double{total});
    for (std::size_t j = 0; j < width; ++j) row[j] /= total;
    row[labels[i]] -= 1;
  }
  return sum;
}

}  // namespace batchlab
