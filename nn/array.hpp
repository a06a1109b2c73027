// SPDX-License-Identifier: MIT
//
// Arrays: xtensor containers that own, xtensor adaptors that view. All are row-major
// float32.
#pragma once

#include <cstddef>
#include <xsimd/xsimd.hpp>
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>

namespace batchlab {

// Behind a large array lie so many addresses that nobody uses. A processor asks for
// rows of weights ahead of a product, one of Zen 5 for 60 of them, which are 30 KB, and
// beyond the last row for what follows. There began the moments of another thread,
// which then had to take back each line before it wrote it: of a step of 784-128-10
// with two threads, 2 % at 8 and 32 rows.
constexpr std::size_t array_gap_bytes = 64 * 1024;

// Aligned to cache lines: no vector, and no block of a product, lies across two.
template <class T>
struct ArrayAllocator : xsimd::aligned_allocator<T, 64> {
  template <class U>
  struct rebind {
    using other = ArrayAllocator<U>;
  };
  T* allocate(std::size_t count) {
    constexpr std::size_t gap = array_gap_bytes / sizeof(T);
    return xsimd::aligned_allocator<T, 64>::allocate(count < gap ? count : count + gap);
  }
};

// Owning.
using Array = xt::xtensor<float, 1, xt::layout_type::row_major, ArrayAllocator<float>>;

// A matrix over memory owned elsewhere: rows x columns, contiguous.
using MatrixView = xt::xtensor_adaptor<xt::xbuffer_adaptor<float*, xt::no_ownership>, 2,
                                       xt::layout_type::row_major>;
using ConstMatrixView = xt::xtensor_adaptor<
    xt::xbuffer_adaptor<const float*, xt::no_ownership, std::allocator<float>>, 2,
    xt::layout_type::row_major>;

[[nodiscard]] inline MatrixView view(float* data, std::size_t rows,
                                     std::size_t columns) {
  return {xt::xbuffer_adaptor<float*, xt::no_ownership>(data, rows * columns),
          {rows, columns}};
}
[[nodiscard]] inline ConstMatrixView view(const float* data, std::size_t rows,
                                          std::size_t columns) {
  return {xt::xbuffer_adaptor<const float*, xt::no_ownership, std::allocator<float>>(
              data, rows * columns),
          {rows, columns}};
}

template <class Matrix>
[[nodiscard]] std::size_t rows(const Matrix& matrix) {
  return matrix.shape(0);
}
template <class Matrix>
[[nodiscard]] std::size_t columns(const Matrix& matrix) {
  return matrix.shape(1);
}

// Uninitialised: pages that are never written cost no memory.
[[nodiscard]] inline Array uninitialised(std::size_t size) {
  return Array::from_shape({size});
}

}  // namespace batchlab
