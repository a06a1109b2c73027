// SPDX-License-Identifier: MIT
#include "nn/elementwise.hpp"

#include <algorithm>

#include "nn/product_sums.hpp"

namespace batchlab {

void add(const float* values, std::size_t size, float* sums) {
  for_each_position(size, [&]<class V>(std::size_t i) {
    store(sums + i, load<V>(sums + i) + load<V>(values + i));
  });
}

double sum_of_squares(const float* values, std::size_t size) {
  return inner_product(values, values, size);
}

double inner_product(const float* values, const float* others, std::size_t size) {
  return sum_products_of<1>(size, [=]<class V>(std::size_t i, auto add) {
    add(0, load<V>(values + i), load<V>(others + i));
  })[0];
}

double squared_distance(const float* values, const float* others, std::size_t size,
                        float multiple) {
  return sum_products_of<1>(size, [=]<class V>(std::size_t i, auto add) {
    const V difference = load<V>(values + i) - V(multiple) * load<V>(others + i);
    add(0, difference, difference);
  })[0];
}

PartNorms part_norms_squared(const float* first, const float* sum, std::size_t size) {
  const auto norms = sum_products_of<2>(size, [=]<class V>(std::size_t i, auto add) {
    const V one = load<V>(first + i), other = load<V>(sum + i) - one;
    add(0, one, one);
    add(1, other, other);
  });
  return {norms[0], norms[1]};
}

double scale(float factor, std::size_t size, float* values) {
  return sum_products_of<1>(size, [=]<class V>(std::size_t i, auto add) {
    const V scaled = V(factor) * load<V>(values + i);
    store(values + i, scaled);
    add(0, scaled, scaled);
  })[0];
}

bool all_finite(const float* values, std::size_t size) {
  // 0 * x is 0 for finite x and not a number otherwise.
  constexpr std::size_t width = FloatBatch::size;
  FloatBatch probes[4] = {FloatBatch(0.0F), FloatBatch(0.0F), FloatBatch(0.0F),
                          FloatBatch(0.0F)};
  std::size_t i = 0;
  for (; i + 4 * width <= size; i += 4 * width) {
    for (std::size_t k = 0; k < 4; ++k) {
      probes[k] = xsimd::fma(load<FloatBatch>(values + i + k * width), FloatBatch(0.0F),
                             probes[k]);
    }
  }
  float tail = 0;
  for (; i < size; ++i) tail += values[i] * 0.0F;
  return xsimd::hadd((probes[0] + probes[1]) + (probes[2] + probes[3])) + tail == 0;
}

void scale_bytes(const std::uint8_t* __restrict input, std::size_t size, float scale,
                 float* __restrict output) {
  for (std::size_t i = 0; i < size; ++i)
    output[i] = static_cast<float>(input[i]) * scale;
}

namespace {

// Columns [first, first + Vectors vectors) of add_rows().
template <class V, std::size_t Vectors>
void add_columns(const ConstMatrixView& matrix, const float* start, std::size_t first,
                 float* sums) {
  constexpr std::size_t width = sizeof(V) / sizeof(float);
  const float* row = matrix.data() + first;
  V column_sums[Vectors];
  for (std::size_t k = 0; k < Vectors; ++k) {
    column_sums[k] = start ? load<V>(start + first + k * width) : V(0.0F);
  }
  for (std::size_t i = 0; i < rows(matrix); ++i, row += columns(matrix)) {
    for (std::size_t k = 0; k < Vectors; ++k)
      column_sums[k] += load<V>(row + k * width);
  }
  for (std::size_t k = 0; k < Vectors; ++k) {
    store(sums + first + k * width, column_sums[k]);
  }
}

}  // namespace

// Four vectors at a time: rows that lie pages apart fall out of the first-level cache
// before their next vector is read. Columns beyond whole vectors four at a time too:
// one sum need not wait for another.
void add_rows(const ConstMatrixView& matrix, const float* start, float* sums) {
  constexpr std::size_t width = FloatBatch::size;
  const std::size_t size = columns(matrix);
  std::size_t j = 0;
  for (; j + 4 * width <= size; j += 4 * width) {
    add_columns<FloatBatch, 4>(matrix, start, j, sums);
  }
  for (; j + width <= size; j += width) {
    add_columns<FloatBatch, 1>(matrix, start, j, sums);
  }
  for (; j + 4 <= size; j += 4) add_columns<float, 4>(matrix, start, j, sums);
  for (; j < size; ++j) add_columns<float, 1>(matrix, start, j, sums);
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
