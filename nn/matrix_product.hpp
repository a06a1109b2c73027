// SPDX-License-Identifier: MIT
//
// Matrix products: xtensor-blas over OpenBLAS, from one source file. Each call runs on
// the calling thread alone.
#pragma once

#include <string>

#include "nn/array.hpp"

namespace batchlab {

// result = left right + accumulate result
void multiply(const ConstMatrixView& left, const ConstMatrixView& right,
              MatrixView& result, bool accumulate = false);
// result = left^T right + accumulate result
void multiply_transposed_left(const ConstMatrixView& left, const ConstMatrixView& right,
                              MatrixView& result, bool accumulate);
// result = left right^T
void multiply_transposed_right(const ConstMatrixView& left,
                               const ConstMatrixView& right, MatrixView& result);

// Keeps BLAS to one thread a call: threads are ours (thread_pool.hpp). Call once at
// start.
void use_single_threaded_blas();

struct BlasDescription {
  std::string configuration;  // as the library describes itself
  std::string kernel;         // processor kernel in use, e.g. "SkylakeX"
  std::string pinned_kernel;  // OPENBLAS_CORETYPE of the environment, or empty
};
[[nodiscard]] BlasDescription describe_blas();

}  // namespace batchlab
