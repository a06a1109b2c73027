// SPDX-License-Identifier: MIT
//
// Matrix products: our kernel where it is faster (product_kernel.hpp), elsewhere
// xtensor-blas over OpenBLAS, called from this one source file. Which of them depends
// on the product and the build alone. Each call runs on the calling thread alone.
#pragma once

#include <span>
#include <string>

#include "nn/array.hpp"
#include "nn/product_kernel.hpp"

namespace batchlab {

// result = left right. To the bit, a row of the result depends on right and that row of
// left; where not kernel_is_fast(), also on how many rows there are. panels: of right,
// or null.
void multiply(const ConstMatrixView& left, const ConstMatrixView& right,
              MatrixView& result, const Panels* panels = nullptr);

struct ColumnRange {
  std::size_t first, count;
};

// In which order products are added to an element of a result.
enum class TermOrder { forwards, backwards };

// The same by our kernel, fast or not, with the given columns of left, of which right
// has a row for each. written_next: as of RunningSum.
void multiply_columns(const ConstMatrixView& left, ColumnRange columns_of_left,
                      const ConstMatrixView& right, TermOrder order, MatrixView& result,
                      const float* written_next = nullptr);

// The same by our kernel, fast or not, of the given columns of right and result, which
// are as wide; the other columns of result stay as they are.
void multiply_into_columns(const ConstMatrixView& left, const ConstMatrixView& right,
                           ColumnRange columns_of_right, MatrixView& result);

// With L the given columns of left: L^T right, adding one row of left and right after
// the other, as far as each of `sums` says (product_kernel.hpp).
void multiply_transposed_left(const ConstMatrixView& left, ColumnRange columns_of_left,
                              const RightOperand& right,
                              std::span<const RunningSum> sums);

// result = left right^T, to the bit as multiply() by a copy of right^T would give it
// where kernel_is_fast().
void multiply_transposed_right(const ConstMatrixView& left,
                               const ConstMatrixView& right, MatrixView& result);

// The same by our kernel, fast or not, of the given columns of result, of which right
// has a row for each.
void multiply_transposed_into_columns(const ConstMatrixView& left,
                                      const ConstMatrixView& right,
                                      ColumnRange columns_of_result,
                                      MatrixView& result);

// Keeps BLAS to one thread a call: threads are ours (thread_pool.hpp), and two layers
// of them would fight. Call once at start. Throws Error(failed) if the library does not
// obey.
void use_single_threaded_blas();

// OpenBLAS takes 128 MiB of addresses for each thread that calls it at once and,
// refused them, asks again for ever. Throws Error(failed) if `threads` threads cannot
// have them beside what the C library takes for a thread, 64 MiB.
void check_blas_memory(std::size_t threads);

struct BlasDescription {
  std::string configuration;  // as the library describes itself
  std::string kernel;         // processor kernel in use, e.g. "SkylakeX"
  std::string pinned_kernel;  // OPENBLAS_CORETYPE of the environment, or empty
  std::string threading;      // "none", "pthreads", "OpenMP": of the library as built
  // OPENBLAS_NUM_THREADS of the environment, which has no effect here, or empty.
  std::string requested_threads;
};
[[nodiscard]] BlasDescription describe_blas();

}  // namespace batchlab
