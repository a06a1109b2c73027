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

// Owning. Aligned to cache lines: no vector, and no block of a product, lies across
// two.
using Array = xt::xtensor<float, 1, xt::layout_type::row_major,
                          xsimd::aligned_allocator<float, 64>>;

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
