// SPDX-License-Identifier: MIT
//
// Inner products of the examples' gradients of a dense layer with the sum of them all,
// pair by pair:
//
//     sum_j <g_i, g_j>  =  sum_j (<a_i, a_j> + 1) <delta_i, delta_j>
//
// a_i: input, 1: that of the bias, delta_i: gradient of loss i before activation. A
// pair counts for both of its rows, so that few rows of wide layers need far fewer
// multiply-adds than a product of all rows with their summed gradient.
#pragma once

#include <cstddef>

#include "nn/array.hpp"

namespace batchlab {

// The pairs are dealt out in so many shares of nearly equal work, for threads.
constexpr std::size_t pair_shares = 8;

// Whether pairs cost less than the product of `rows` rows with an inputs x units
// matrix.
[[nodiscard]] bool pairs_are_cheaper(std::size_t rows, std::size_t inputs,
                                     std::size_t units);

// Adds to sums[i], for each row i, what the pairs of share [0, pair_shares) give it.
// input: rows x inputs; delta: rows x units.
void add_pair_products(const ConstMatrixView& input, const ConstMatrixView& delta,
                       std::size_t share, double* sums);

}  // namespace batchlab
