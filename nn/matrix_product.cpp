// SPDX-License-Identifier: MIT
#include "nn/matrix_product.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cassert>
#include <cstdlib>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <xtensor-blas/xblas.hpp>
#pragma GCC diagnostic pop

#include "controllers/error.hpp"
#include "nn/operand_copies.hpp"

// Not in a header that xtensor-blas can be included with: both declare cblas_*.
extern "C" {
void openblas_set_num_threads(int threads);
int openblas_get_num_threads();
int openblas_get_parallel();
char* openblas_get_config();
char* openblas_get_corename();
}

namespace batchlab {

namespace {

std::ptrdiff_t stride(std::size_t floats) {
  return static_cast<std::ptrdiff_t>(floats);
}

// left by right, into the columns of result from `first` on.
void multiply_into(const ConstMatrixView& left, const RightOperand& right,
                   std::size_t first, MatrixView& result) {
  const RunningSum whole{columns(left), result.data() + first};
  multiply_by_kernel({left.data(), columns(left), 1}, rows(left), right, {&whole, 1},
                     columns(result));
}

// Few columns leave most of a vector empty. So right^T L is made, whose rows are as
// long as L has columns, with the same sums, and then transposed into the results.
void multiply_by_few_columns(const ConstMatrixView& left, ColumnRange of_left,
                             const RightOperand& right,
                             std::span<const RunningSum> sums) {
  thread_local Copy values;
  thread_local std::vector<RunningSum> transposed;
  const std::size_t size = right.columns * of_left.count;
  make_room(values, sums.size() * size);
  transposed.clear();
  for (const RunningSum& sum : sums) {
    transposed.push_back({sum.inner, values.data() + transposed.size() * size});
  }
  multiply_by_kernel(
      {right.data, right.column_stride, right.row_stride}, right.columns,
      {left.data() + of_left.first, of_left.count, nullptr, stride(columns(left))},
      transposed, of_left.count);
  for (std::size_t n = 0; n < sums.size(); ++n) {
    for (std::size_t i = 0; i < of_left.count; ++i) {
      for (std::size_t j = 0; j < right.columns; ++j) {
        sums[n].result[i * right.columns + j] =
            transposed[n].result[j * of_left.count + i];
      }
    }
  }
}

}  // namespace

void multiply(const ConstMatrixView& left, const ConstMatrixView& right,
              MatrixView& result, const Panels* panels) {
  if (kernel_is_fast()) {
    multiply_into(left, {right.data(), columns(right), panels}, 0, result);
  } else {
    xt::blas::gemm(left, right, result);
  }
}

void multiply_columns(const ConstMatrixView& left, ColumnRange columns_of_left,
                      const ConstMatrixView& right, TermOrder order, MatrixView& result,
                      const float* written_next) {
  const std::size_t inner = columns_of_left.count, width = columns(right);
  assert(inner > 0);
  StridedMatrix terms_of_left{left.data() + columns_of_left.first, columns(left), 1};
  RightOperand terms_of_right{right.data(), width};
  if (order == TermOrder::backwards) {
    terms_of_left.data += inner - 1;
    terms_of_left.inner_stride = -1;
    terms_of_right.data += (inner - 1) * width;
    terms_of_right.row_stride = -stride(width);
  }
  const RunningSum whole{inner, result.data(), written_next};
  multiply_by_kernel(terms_of_left, rows(left), terms_of_right, {&whole, 1},
                     columns(result));
}

void multiply_transposed_left(const ConstMatrixView& left, ColumnRange columns_of_left,
                              const RightOperand& right,
                              std::span<const RunningSum> sums) {
  if (right.columns < FloatBatch::size && columns_of_left.count >= FloatBatch::size) {
    multiply_by_few_columns(left, columns_of_left, right, sums);
    return;
  }
  multiply_by_kernel({left.data() + columns_of_left.first, 1, stride(columns(left))},
                     columns_of_left.count, right, sums, right.columns);
}

void multiply_transposed_right(const ConstMatrixView& left,
                               const ConstMatrixView& right, MatrixView& result) {
  if (kernel_is_fast()) {
    multiply_transposed_into_columns(left, right, {0, rows(right)}, result);
  } else {
    xt::blas::gemm(left, right, result, false, true, 1.0F, 0.0F);
  }
}

void multiply_into_columns(const ConstMatrixView& left, const ConstMatrixView& right,
                           ColumnRange wanted, MatrixView& result) {
  assert(columns(right) == columns(result));
  multiply_into(
      left,
      {right.data() + wanted.first, wanted.count, nullptr, stride(columns(right))},
      wanted.first, result);
}

void multiply_transposed_into_columns(const ConstMatrixView& left,
                                      const ConstMatrixView& right, ColumnRange wanted,
                                      MatrixView& result) {
  const std::size_t inner = columns(left);
  multiply_into(left,
                {right.data() + wanted.first * inner, wanted.count, nullptr, 1, inner},
                wanted.first, result);
}

void use_single_threaded_blas() {
  openblas_set_num_threads(1);
  if (const int threads = openblas_get_num_threads(); threads != 1) {
    throw Error(ErrorKind::failed,
                fmt::format("OpenBLAS uses {} threads a call and cannot be told to use "
                            "one; set OPENBLAS_NUM_THREADS=1",
                            threads));
  }
}

void check_blas_memory(std::size_t threads) {
  const std::size_t bytes = threads * (std::size_t{128 + 64} << 20);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(
        ErrorKind::failed,
        fmt::format("out of memory: OpenBLAS on {} threads needs {} MiB of "
                    "addresses; ulimit -v or vm.overcommit_memory=2 limits them",
                    threads, bytes >> 20));
  }
  ::munmap(memory, bytes);
}

BlasDescription describe_blas() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  const char* threading[] = {"none", "pthreads", "OpenMP"};
  return {openblas_get_config(), openblas_get_corename(), variable("OPENBLAS_CORETYPE"),
          threading[openblas_get_parallel()], variable("OPENBLAS_NUM_THREADS")};
}

}  // namespace batchlab
