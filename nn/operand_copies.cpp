// SPDX-License-Identifier: MIT
#include "nn/operand_copies.hpp"

#include <algorithm>
#include <cstring>

namespace batchlab {

namespace {

constexpr std::size_t width = FloatBatch::size;

// Rows that lie a page apart do not come by themselves: those to be copied are asked
// for this early. Measured: products of 1024 columns, right operand copied, 6 to 16 %
// less time; gradients of 784-128 over 512 rows, left operand copied, 3 %.
constexpr std::ptrdiff_t rows_ahead = 16;

using Four = float __attribute__((vector_size(16)));

// to[j * to_stride + i] = from[i * stride + j] for i, j < 4
void transpose_four(const float* from, std::size_t stride, float* to,
                    std::size_t to_stride) {
  Four rows[4];
  for (std::size_t i = 0; i < 4; ++i) {
    std::memcpy(&rows[i], from + i * stride, sizeof(Four));
  }
  const Four low_01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Four low_23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Four high_01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Four high_23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  const Four columns[4] = {__builtin_shufflevector(low_01, low_23, 0, 1, 4, 5),
                           __builtin_shufflevector(low_01, low_23, 2, 3, 6, 7),
                           __builtin_shufflevector(high_01, high_23, 0, 1, 4, 5),
                           __builtin_shufflevector(high_01, high_23, 2, 3, 6, 7)};
  for (std::size_t j = 0; j < 4; ++j) {
    std::memcpy(to + j * to_stride, &columns[j], sizeof(Four));
  }
}

}  // namespace

void make_room(Copy& copy, std::size_t size) {
  if (copy.size() < size) copy.resize(size);
}

void pack_right(const float* right, std::ptrdiff_t stride, std::size_t inner,
                std::size_t vectors, float* panels, std::size_t panel_stride) {
  for (std::size_t k = 0; k < inner; ++k, right += stride) {
    const float* from = right;
    prefetch(from + rows_ahead * stride, vectors * width);
    for (std::size_t first = 0; first < vectors; first += block_vectors) {
      float* to = panels + first / block_vectors * panel_stride + k * block_width;
      const std::size_t count = std::min(block_vectors, vectors - first);
      for (std::size_t i = 0; i < count; ++i, from += width) {
        store(to + i * width, load<FloatBatch>(from));
      }
    }
  }
}

void pack_right_columns(const float* right, std::size_t stride, std::size_t inner,
                        std::size_t vectors, float* panels, std::size_t panel_stride) {
  for (std::size_t column = 0; column < vectors * width; column += 4) {
    const float* from = right + column * stride;
    float* to = panels + column / block_width * panel_stride + column % block_width;
    std::size_t k = 0;
    for (; k + 4 <= inner; k += 4) {
      transpose_four(from + k, stride, to + k * block_width, block_width);
    }
    for (; k < inner; ++k) {
      for (std::size_t j = 0; j < 4; ++j) {
        to[k * block_width + j] = from[j * stride + k];
      }
    }
  }
}

StridedMatrix pack_left(const StridedMatrix& left, std::size_t rows, std::size_t inner,
                        Copy& copy) {
  make_room(copy, inner * rows);
  const float* from = left.data;
  for (std::size_t k = 0; k < inner; ++k, from += left.inner_stride) {
    prefetch(from + rows_ahead * left.inner_stride, rows);
    std::copy_n(from, rows, copy.data() + k * rows);
  }
  return {copy.data(), 1, static_cast<std::ptrdiff_t>(rows)};
}

const float* widen(const RightOperand& right, std::size_t rows) {
  thread_local std::vector<float> wide;
  wide.assign(rows * width, 0);
  const std::size_t count = std::min(right.columns, width);
  const float* from = right.data + (right.columns - count) * right.column_stride;
  for (std::size_t i = 0; i < rows; ++i, from += right.row_stride) {
    float* row = wide.data() + (i + 1) * width - count;
    for (std::size_t j = 0; j < count; ++j) row[j] = from[j * right.column_stride];
  }
  return wide.data();
}

}  // namespace batchlab
