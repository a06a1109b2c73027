// SPDX-License-Identifier: MIT
//
// The result is cut into blocks of a few rows by a few vectors, which stay in registers
// while k runs:
//
//     block(i, j) += left(i, k) * right(k, j),   k = 0, 1, ..., inner - 1
#include "nn/product_kernel.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "nn/elementwise.hpp"

namespace batchlab {

namespace {

constexpr std::size_t width = FloatBatch::size;

// Sums, one row of the right operand and one element of the left fill the registers: 32
// vectors of 16 floats, or 16 of 8.
constexpr std::size_t block_rows = width == 16 ? 6 : 4;
constexpr std::size_t block_vectors = width == 16 ? 4 : 3;

struct Problem {
  StridedMatrix left;
  const float* right;
  std::size_t right_stride;
  std::span<const RunningSum> sums;
  std::size_t result_stride;
};

// The block of `Rows` x `Vectors` at (row, column).
template <std::size_t Rows, std::size_t Vectors>
void multiply_block(const Problem& problem, std::size_t row, std::size_t column) {
  const std::size_t row_stride = problem.left.row_stride;
  const float* left = problem.left.data + row * row_stride;
  const float* right = problem.right + column;
  FloatBatch sums[Rows][Vectors];
  for (auto& row_sums : sums) std::fill_n(row_sums, Vectors, FloatBatch(0.0F));
  std::size_t k = 0;
  for (const RunningSum& running : problem.sums) {
    for (; k < running.inner; ++k) {
      FloatBatch vectors[Vectors];
      for (std::size_t j = 0; j < Vectors; ++j) {
        vectors[j] = FloatBatch::load_unaligned(right + j * width);
      }
      for (std::size_t i = 0; i < Rows; ++i) {
        const FloatBatch factor(left[i * row_stride]);
        for (std::size_t j = 0; j < Vectors; ++j) {
          sums[i][j] = xsimd::fma(factor, vectors[j], sums[i][j]);
        }
      }
      right += problem.right_stride;
      left += problem.left.inner_stride;
    }
    float* result = running.result + row * problem.result_stride + column;
    for (std::size_t i = 0; i < Rows; ++i) {
      for (std::size_t j = 0; j < Vectors; ++j) {
        store(result + i * problem.result_stride + j * width, sums[i][j]);
      }
    }
  }
}

using Block = void (*)(const Problem&, std::size_t, std::size_t);

template <std::size_t... I>
constexpr auto make_blocks(std::index_sequence<I...>) {
  return std::array<Block, sizeof...(I)>{
      multiply_block<I / block_vectors + 1, I % block_vectors + 1>...};
}
constexpr auto blocks =
    make_blocks(std::make_index_sequence<block_rows * block_vectors>{});

Block block_of(std::size_t rows, std::size_t vectors) {
  return blocks[(rows - 1) * block_vectors + vectors - 1];
}

// Rows [row, row + rows), at most block_rows of them, of the last `count` columns,
// fewer than a vector. right: rows of one vector each, whose last `count` are theirs.
void multiply_tail(Problem problem, std::size_t row, std::size_t rows,
                   std::size_t first_column, std::size_t count) {
  const std::size_t stride = std::exchange(problem.result_stride, width);
  const auto wanted = problem.sums;
  problem.left.data += row * problem.left.row_stride;
  for (const RunningSum& running : wanted) {  // each from the start
    float block[block_rows * width];
    const RunningSum alone{running.inner, block};
    problem.sums = {&alone, 1};
    block_of(rows, 1)(problem, 0, 0);
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(block + (i + 1) * width - count, count,
                  running.result + (row + i) * stride + first_column);
    }
  }
}

// The right operand, narrower than a vector, at the end of rows of one vector each.
const float* widen(const float* right, std::size_t rows, std::size_t columns) {
  thread_local std::vector<float> wide;
  wide.assign(rows * width, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(right + i * columns, columns, wide.data() + (i + 1) * width - columns);
  }
  return wide.data();
}

}  // namespace

bool kernel_is_fast() {
#if defined(__FMA__)
  return width >= 8;
#else
  return false;
#endif
}

void multiply_by_kernel(const StridedMatrix& left, std::size_t rows, const float* right,
                        std::size_t columns, std::span<const RunningSum> sums) {
  const Problem problem{left, right, columns, sums, columns};
  Problem tail = problem;
  tail.right = columns < width ? widen(right, sums.back().inner, columns)
                               : right + columns - width;
  tail.right_stride = std::max(columns, width);
  const std::size_t whole = columns / width;  // vectors of a row
  const std::size_t row_blocks = (rows + block_rows - 1) / block_rows;
  for (std::size_t i = 0; i < row_blocks; ++i) {  // of nearly equal height
    const std::size_t row = i * rows / row_blocks;
    const std::size_t height = (i + 1) * rows / row_blocks - row;
    for (std::size_t vector = 0; vector < whole; vector += block_vectors) {
      block_of(height, std::min(block_vectors, whole - vector))(problem, row,
                                                                vector * width);
    }
    const std::size_t first = whole * width;
    if (first < columns) multiply_tail(tail, row, height, first, columns - first);
  }
}

}  // namespace batchlab
