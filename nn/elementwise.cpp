// SPDX-License-Identifier: MIT
#include "nn/elementwise.hpp"

#include <algorithm>

namespace batchlab {

double sum_of_squares(const float* values, std::size_t size) {
  constexpr std::size_t width = FloatBatch::size;
  constexpr std::size_t block = 64 * width;  // 16 terms in each of four partial sums
  double total = 0;
  std::size_t i = 0;
  while (size - i >= 4 * width) {
    FloatBatch sums[4] = {FloatBatch(0.0F), FloatBatch(0.0F), FloatBatch(0.0F),
                          FloatBatch(0.0F)};
    const std::size_t end = i + std::min(block, (size - i) / (4 * width) * (4 * width));
    for (; i < end; i += 4 * width) {
      for (std::size_t k = 0; k < 4; ++k) {
        const auto x = FloatBatch::load_unaligned(values + i + k * width);
        sums[k] = xsimd::fma(x, x, sums[k]);
      }
    }
    total +=
        static_cast<double>(xsimd::hadd((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  for (; i < size; ++i) {
    total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return total;
}

bool all_finite(const float* values, std::size_t size) {
  // 0 * x is 0 for finite x and not a number otherwise.
  FloatBatch vector_probe(0.0F);
  float scalar_probe = 0;
  for_each_position(size, [&]<class V>(std::size_t i) {
    if constexpr (std::is_same_v<V, float>) {
      scalar_probe += values[i] * 0.0F;
    } else {
      vector_probe = xsimd::fma(load<V>(values + i), V(0.0F), vector_probe);
    }
  });
  return xsimd::hadd(vector_probe) + scalar_probe == 0;
}

void scale_bytes(const std::uint8_t* __restrict input, std::size_t size, float scale,
                 float* __restrict output) {
  for (std::size_t i = 0; i < size; ++i)
    output[i] = static_cast<float>(input[i]) * scale;
}

void add_rows(const ConstMatrixView& matrix, float* sums, bool overwrite) {
  const std::size_t width = columns(matrix);
  const float* row = matrix.data();
  std::size_t i = 0;
  if (overwrite) {
    std::copy_n(row, width, sums);
    i = 1;
  }
  for (; i < rows(matrix); ++i) {
    const float* values = row + i * width;
    for_each_position(width, [&]<class V>(std::size_t j) {
      store(sums + j, load<V>(sums + j) + load<V>(values + j));
    });
  }
}

void exponential(float* values, std::size_t size) {
  constexpr std::size_t width = FloatBatch::size;
  std::size_t i = 0;
  for (; i + width <= size; i += width) {
    store(values + i, xsimd::exp(load<FloatBatch>(values + i)));
  }
  if (i == size) return;
  float tail[width] = {};
  std::copy(values + i, values + size, tail);
  store(tail, xsimd::exp(load<FloatBatch>(tail)));
  std::copy_n(tail, size - i, values + i);
}

}  // namespace batchlab
