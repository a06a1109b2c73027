// SPDX-License-Identifier: MIT
#include "nn/matrix_product.hpp"

#include <cstdlib>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <xtensor-blas/xblas.hpp>
#pragma GCC diagnostic pop

// Not in a header that xtensor-blas can be included with: both declare cblas_*.
extern "C" {
void openblas_set_num_threads(int threads);
char* openblas_get_config();
char* openblas_get_corename();
}

namespace batchlab {

void multiply(const ConstMatrixView& left, const ConstMatrixView& right,
              MatrixView& result) {
  if (kernel_is_fast()) {
    const RunningSum whole{columns(left), result.data()};
    multiply_by_kernel({left.data(), columns(left), 1}, rows(left), right.data(),
                       columns(right), {&whole, 1});
  } else {
    xt::blas::gemm(left, right, result);
  }
}

void multiply_transposed_left(const ConstMatrixView& left, ColumnRange columns_of_left,
                              const ConstMatrixView& right,
                              std::span<const RunningSum> sums) {
  multiply_by_kernel({left.data() + columns_of_left.first, 1, columns(left)},
                     columns_of_left.count, right.data(), columns(right), sums);
}

void multiply_transposed_right(const ConstMatrixView& left,
                               const ConstMatrixView& right, MatrixView& result) {
  xt::blas::gemm(left, right, result, false, true, 1.0F, 0.0F);
}

void use_single_threaded_blas() { openblas_set_num_threads(1); }

BlasDescription describe_blas() {
  const char* pinned = std::getenv("OPENBLAS_CORETYPE");
  return {openblas_get_config(), openblas_get_corename(), pinned ? pinned : ""};
}

}  // namespace batchlab
