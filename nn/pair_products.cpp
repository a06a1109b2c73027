// SPDX-License-Identifier: MIT
//
// Pairs come in blocks of four rows by so many others that a block has as many pairs as
// a vector has floats. Their inner products are summed vector by vector, and the sums
// across vectors are all taken at once. Blocks below the diagonal are computed, for
// those above it have the same products; on it both orders are.
#include "nn/pair_products.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "nn/elementwise.hpp"

namespace batchlab {

namespace {

constexpr std::size_t width = FloatBatch::size;
constexpr std::size_t block_rows = 4, block_columns = width / block_rows;

// Else GCC reads a value again from memory for each of its uses: more loads than a
// processor can make beside two multiply-adds a cycle.
void keep_in_register(FloatBatch& values) {
#if defined(__GNUC__) && defined(__x86_64__)
  asm("" : "+v"(values.data));
#endif
}

using Vector = float __attribute__((vector_size(width * sizeof(float))));

// a_0 + a_1, a_2 + a_3, ..., b_0 + b_1, ...
template <int... I>
Vector neighbours_sums(Vector a, Vector b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, 2 * I...) +
         __builtin_shufflevector(a, b, 2 * I + 1 ...);
}

// The sum of each of `Count` vectors, as often as they are fewer than floats in one.
// Not xsimd's haddp(), which in version 8.1 puts sums of 16 floats in a wrong order.
template <std::size_t First = 0, std::size_t Count = width>
Vector sums_of(const FloatBatch (&vectors)[width]) {
  if constexpr (Count == 1) {
    return std::bit_cast<Vector>(vectors[First].data);
  } else {
    constexpr std::size_t half = Count / 2;
    return neighbours_sums(sums_of<First, half>(vectors),
                           sums_of<First + half, half>(vectors),
                           std::make_integer_sequence<int, static_cast<int>(width)>{});
  }
}

using Block = std::array<float, width>;  // row-major

// The rows [first, first + Count) of a matrix; the last row again where there are
// fewer.
template <std::size_t Count>
std::array<const float*, Count> rows_from(const ConstMatrixView& matrix,
                                          std::size_t first) {
  std::array<const float*, Count> pointers;
  for (std::size_t i = 0; i < Count; ++i) {
    pointers[i] =
        matrix.data() + std::min(first + i, rows(matrix) - 1) * columns(matrix);
  }
  return pointers;
}

// Inner products of rows [row, row + block_rows) with rows [column, column +
// block_columns).
[[gnu::flatten]] FloatBatch inner_products(const ConstMatrixView& matrix,
                                           std::size_t row, std::size_t column) {
  const auto left = rows_from<block_rows>(matrix, row);
  const auto right = rows_from<block_columns>(matrix, column);
  const std::size_t size = columns(matrix);
  FloatBatch sums[width];
  for (FloatBatch& sum : sums) sum = FloatBatch(0.0F);
  std::size_t k = 0;
  for (; k + width <= size; k += width) {
    FloatBatch others[block_columns];
    for (std::size_t j = 0; j < block_columns; ++j) {
      others[j] = load<FloatBatch>(right[j] + k);
      keep_in_register(others[j]);
    }
    for (std::size_t i = 0; i < block_rows; ++i) {
      auto own = load<FloatBatch>(left[i] + k);
      keep_in_register(own);
      for (std::size_t j = 0; j < block_columns; ++j) {
        FloatBatch& sum = sums[i * block_columns + j];
        sum = xsimd::fma(own, others[j], sum);
      }
    }
  }
  auto products = std::bit_cast<Block>(sums_of(sums));
  for (; k < size; ++k) {
    for (std::size_t pair = 0; pair < width; ++pair) {
      products[pair] += left[pair / block_columns][k] * right[pair % block_columns][k];
    }
  }
  return load<FloatBatch>(products.data());
}

// <g_i, g_j> of a block.
Block products_of(const ConstMatrixView& input, const ConstMatrixView& delta,
                  std::size_t row, std::size_t column) {
  Block block;
  store(block.data(), (inner_products(input, row, column) + FloatBatch(1.0F)) *
                          inner_products(delta, row, column));
  return block;
}

// The pairs of rows [row, row + block_rows) with each other and with all before them.
void add_row_block(const ConstMatrixView& input, const ConstMatrixView& delta,
                   std::size_t row, double* sums) {
  const std::size_t count = std::min(block_rows, rows(input) - row);
  std::array<double, width> row_sums{};
  for (std::size_t column = 0; column < row; column += block_columns) {
    const Block block = products_of(input, delta, row, column);
    for (std::size_t pair = 0; pair < width; ++pair) row_sums[pair] += block[pair];
    for (std::size_t j = 0; j < block_columns; ++j) {
      float sum = block[j];
      for (std::size_t i = 1; i < count; ++i) sum += block[i * block_columns + j];
      sums[column + j] += sum;
    }
  }
  for (std::size_t column = row; column < row + count; column += block_columns) {
    const Block block = products_of(input, delta, row, column);
    const std::size_t others = std::min(block_columns, row + count - column);
    for (std::size_t pair = 0; pair < width; ++pair) {
      if (pair % block_columns < others) row_sums[pair] += block[pair];
    }
  }
  for (std::size_t pair = 0; pair < count * block_columns; ++pair) {
    sums[row + pair / block_columns] += row_sums[pair];
  }
}

}  // namespace

// Counted are multiply-adds; in pairs a quarter more, for what is not one.
bool pairs_are_cheaper(std::size_t rows, std::size_t inputs, std::size_t units) {
  return (rows + block_rows) * (inputs + units) * 5 < inputs * units * 8;
}

// Later row blocks have more pairs: they are dealt forth and back.
void add_pair_products(const ConstMatrixView& input, const ConstMatrixView& delta,
                       std::size_t share, double* sums) {
  for (std::size_t block = 0; block * block_rows < rows(input); ++block) {
    const std::size_t turn = block % (2 * pair_shares);
    if (std::min(turn, 2 * pair_shares - 1 - turn) != share) continue;
    add_row_block(input, delta, block * block_rows, sums);
  }
}

}  // namespace batchlab
