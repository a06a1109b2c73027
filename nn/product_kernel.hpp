// SPDX-License-Identifier: MIT
//
// A matrix product for the shapes of a training step: few rows, operands that stay in
// cache. It copies them into panels only where that pays; a general library always
// does, which here costs 5 to 45 % of the product (README.md has the figures).
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

// Sums of at least so many terms pay for a copy of a left operand of row_stride 1.
constexpr std::size_t many_terms = 256;

// Rows of such an operand that the kernel should get at a time, as of a gradient that
// is made by pieces.
[[nodiscard]] std::size_t rows_at_a_time(std::size_t terms, std::size_t columns);

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
