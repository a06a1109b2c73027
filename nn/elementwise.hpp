// SPDX-License-Identifier: MIT
//
// Elementwise work and row sums, vectorised by xsimd. Results depend on the values and
// their number alone, not on alignment or thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "nn/array.hpp"

namespace batchlab {

using FloatBatch = xsimd::batch<float>;

// Vector or scalar, so that one generic lambda serves body and tail.
template <class V>
[[nodiscard]] V load(const float* from) {
  if constexpr (std::is_same_v<V, float>) {
    return *from;
  } else {
    return V::load_unaligned(from);
  }
}
inline void store(float* to, float value) { *to = value; }
inline void store(float* to, const FloatBatch& value) { value.store_unaligned(to); }

// Calls f.operator()<V>(i) for i = 0, W, 2W, ... with V a vector of W floats, then with
// V = float for the tail.
template <class F>
void for_each_position(std::size_t size, F&& f) {
  std::size_t i = 0;
  for (; i + FloatBatch::size <= size; i += FloatBatch::size) {
    f.template operator()<FloatBatch>(i);
  }
  for (; i < size; ++i) f.template operator()<float>(i);
}

// sums += values
void add(const float* values, std::size_t size, float* sums);

// values *= factor. Returns their sum of squares after it, summed as sum_of_squares().
double scale(float factor, std::size_t size, float* values);

// sum_i values_i^2. Partial sums of at most a few dozen terms in float, their sum in
// double.
[[nodiscard]] double sum_of_squares(const float* values, std::size_t size);

// sum_i values_i others_i, summed in the same way.
[[nodiscard]] double inner_product(const float* values, const float* others,
                                   std::size_t size);

// sum_i (values_i - multiple others_i)^2, summed in the same way.
[[nodiscard]] double squared_distance(const float* values, const float* others,
                                      std::size_t size, float multiple = 1);

// |first|^2 and |sum - first|^2 of two parts of a sum, in one pass, each summed as
// sum_of_squares().
struct PartNorms {
  double first = 0, second = 0;
};
[[nodiscard]] PartNorms part_norms_squared(const float* first, const float* sum,
                                           std::size_t size);

// False if any value is infinite or not a number.
[[nodiscard]] bool all_finite(const float* values, std::size_t size);

// output = scale * input, bytes to floats.
void scale_bytes(const std::uint8_t* input, std::size_t size, float scale,
                 float* output);

// Asks for values that will soon be read; they need not exist.
template <class T>
void prefetch(const T* values, std::size_t size) {
  for (std::size_t i = 0; i < size; i += 64 / sizeof(T)) {
    __builtin_prefetch(values + i);
  }
}

// sums = start + one row of `matrix` after the other, one float per column. `start`:
// null for zero; may be `sums`.
void add_rows(const ConstMatrixView& matrix, const float* start, float* sums);

// values_i = exp(values_i)
void exponential(float* values, std::size_t size);

}  // namespace batchlab
