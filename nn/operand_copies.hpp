// SPDX-License-Identifier: MIT
//
// Copies of a product's operands in the order in which the kernel reads them.
#pragma once

#include <cstddef>
#include <vector>

#include "nn/elementwise.hpp"
#include "nn/product_kernel.hpp"

namespace batchlab {

// Columns of a block of the kernel, and so of a panel.
constexpr std::size_t block_vectors = FloatBatch::size == 16 ? 4 : 2;
constexpr std::size_t block_width = block_vectors * FloatBatch::size;

// Aligned: a vector that lies across two cache lines is two reads.
using Copy = std::vector<float, xsimd::aligned_allocator<float, 64>>;

// Grows, which writes zeros, and never shrinks.
void make_room(Copy& copy, std::size_t size);

// Copies `inner` rows of `vectors` each, `stride` floats apart, into panels: one for
// each block of columns, `panel_stride` floats after the one before it.
void pack_right(const float* right, std::ptrdiff_t stride, std::size_t inner,
                std::size_t vectors, float* panels, std::size_t panel_stride);

// The same of an operand whose columns are runs in memory, `stride` floats apart.
void pack_right_columns(const float* right, std::size_t stride, std::size_t inner,
                        std::size_t vectors, float* panels, std::size_t panel_stride);

// Copies rows [0, rows) of a left operand whose columns are runs in memory: for each k
// its column.
StridedMatrix pack_left(const StridedMatrix& left, std::size_t rows, std::size_t inner,
                        Copy& copy);

// The last columns of the right operand, at most a vector, at the end of rows of one
// vector each. Of the calling thread, until its next call.
const float* widen(const RightOperand& right, std::size_t rows);

}  // namespace batchlab
