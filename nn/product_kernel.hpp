// SPDX-License-Identifier: MIT
//
// A matrix product for the shapes of a training step: few rows, operands that stay in
// cache. It reads them where they stand, but for wide ones; a general library first
// copies both into packed blocks, which here costs 5 to 45 % of the product (README.md
// has the figures).
#pragma once

#include <cstddef>
#include <span>

namespace batchlab {

// Element (i, k) of the left operand is data[i row_stride + k inner_stride].
struct StridedMatrix {
  const float* data;
  std::size_t row_stride, inner_stride;
};

// Whether the kernel is faster than OpenBLAS: on a build for a processor with fused
// multiply-add and vectors of 8 floats or more.
[[nodiscard]] bool kernel_is_fast();

// A product as far as its first `inner` terms.
struct RunningSum {
  std::size_t inner;
  float* result;  // rows x columns, contiguous
};

// left right. left: rows x inner; right: inner x columns, contiguous. `sums`: in order
// of `inner`, the last being the whole product; those before cost little but their
// writing. Each element is one sum over k in order: no bit depends on the shape around
// it.
void multiply_by_kernel(const StridedMatrix& left, std::size_t rows, const float* right,
                        std::size_t columns, std::span<const RunningSum> sums);

}  // namespace batchlab
