// SPDX-License-Identifier: MIT
//
// Sums of products over arrays, several in one pass, which may do other work as well.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "nn/elementwise.hpp"

namespace batchlab {

// `Count` sums at once: term.operator()<V>(i, add), V vector or scalar, has to call
// add(n, a, b) for the i-th product a b of each sum n. (Products that it returned would
// go through memory.)
template <std::size_t Count, class Term>
std::array<double, Count> sum_products_of(std::size_t size, Term term) {
  constexpr std::size_t width = FloatBatch::size;
  constexpr std::size_t block = 64 * width;  // 16 terms in each of four partial sums
  std::array<double, Count> totals{};
  std::size_t i = 0;
  while (size - i >= 4 * width) {
    FloatBatch sums[Count][4];
    for (auto& partial : sums) std::fill_n(partial, 4, FloatBatch(0.0F));
    const std::size_t end = i + std::min(block, (size - i) / (4 * width) * (4 * width));
    for (; i < end; i += 4 * width) {
      for (std::size_t k = 0; k < 4; ++k) {
        term.template operator()<FloatBatch>(
            i + k * width,
            [&](std::size_t n, const FloatBatch& a, const FloatBatch& b) {
              sums[n][k] = xsimd::fma(a, b, sums[n][k]);
            });
      }
    }
    for (std::size_t n = 0; n < Count; ++n) {
      totals[n] += static_cast<double>(
          xsimd::hadd((sums[n][0] + sums[n][1]) + (sums[n][2] + sums[n][3])));
    }
  }
  for (; i < size; ++i) {
    term.template operator()<float>(i, [&](std::size_t n, float a, float b) {
      totals[n] += double{a} * double{b};
    });
  }
  return totals;
}

}  // namespace batchlab
