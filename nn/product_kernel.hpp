// SPDX-License-Identifier: MIT
//
// A matrix product for the shapes of a training step: few rows, operands that stay in
// cache. It copies them into panels only where that pays, or where their rows are no
// runs in memory; a general library always does, which here costs 5 to 45 % of the
// product (README.md has the figures).
#pragma once

#include <cstddef>
#include <span>

#include "nn/array.hpp"

namespace batchlab {

// Element (i, k) of the left operand is data[i row_stride + k inner_stride]; one of the
// strides is 1, or inner_stride is -1.
struct StridedMatrix {
  const float* data;
  std::size_t row_stride;
  std::ptrdiff_t inner_stride;
};

// Whether the kernel is faster than OpenBLAS: on a build for a processor with fused
// multiply-add and vectors of 8 floats or more.
[[nodiscard]] bool kernel_is_fast();

// Rows of a left operand of row_stride 1 that the kernel should get at a time, as of a
// gradient that is made by pieces: more where it copies them.
constexpr std::size_t least_rows_at_a_time = 12, most_rows_at_a_time = 96;
[[nodiscard]] std::size_t rows_at_a_time(std::size_t terms, std::size_t columns);

// A product as far as its first `inner` terms.
struct RunningSum {
  std::size_t inner;
  float* result;  // rows x columns
  // Of the last of several sums, or the only one. Memory as large as the result, or
  // null: what the caller writes next. Where the processor can be asked to, most of its
  // cache lines are taken from other cores on the way, which costs next to nothing; a
  // write that waits for such a line costs 13 ns. Of whole vectors alone: nothing is
  // asked for where there are fewer columns.
  const float* written_next = nullptr;
};

// A copy of a right operand as blocks of the kernel read it, made once for many left
// operands, as the pieces of a gradient are: with vectors of 8 that takes 7 to 9 % less
// time. Empty where the operand is better read where it stands.
class Panels {
 public:
  Panels() = default;
  Panels(std::size_t most_rows, std::size_t columns);

  // values: count x columns, contiguous; become rows [first, first + count). Calls for
  // other rows may run at the same time.
  void copy(const float* values, std::size_t first, std::size_t count);

  [[nodiscard]] bool empty() const { return data_.size() == 0; }
  [[nodiscard]] const float* data() const { return data_.data(); }
  [[nodiscard]] std::size_t stride() const { return stride_; }  // floats a panel

 private:
  std::size_t columns_ = 0, stride_ = 0;
  Array data_;
};

// inner x columns: element (k, j) is data[k row_stride + j column_stride]; one of the
// strides is 1, and row_stride may be negative. panels: a copy of it, or null; not with
// a negative stride. A left operand whose rows are no runs in memory is slow without.
struct RightOperand {
  const float* data;
  std::size_t columns;
  const Panels* panels = nullptr;
  std::ptrdiff_t row_stride = static_cast<std::ptrdiff_t>(columns);
  std::size_t column_stride = 1;
};

// left right. left: rows x inner. `sums`: in order of `inner`, the last being the whole
// product; those before cost little but their writing. result_stride: floats from one
// row of a result to the next. Each element is one sum over k in order: no bit depends
// on the shape around it, nor on strides or panels.
void multiply_by_kernel(const StridedMatrix& left, std::size_t rows,
                        const RightOperand& right, std::span<const RunningSum> sums,
                        std::size_t result_stride);

}  // namespace batchlab
