// SPDX-License-Identifier: MIT
//
// Two-sided permutation tests of a difference of means, and Holm's correction.
//
// Paired: had the two controllers no difference, each difference d_i could as well have
// had the other sign,
//
//     p = share of the 2^n sign patterns with |sum s_i d_i| >= |sum d_i|.
//
// Two samples: any n of the n + m values could as well have been the first sample,
//
//     p = share of the (n + m over n) splits with |difference of means| >= that found.
//
// Where there are too many to count, p = (1 + hits) / (1 + draws), which is never 0.
// Fisher: The design of experiments (1935); Phipson, Smyth (2010) for the 1 +;
// Holm: A simple sequentially rejective multiple test procedure (1979).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace batchlab {

struct PermutationTest {
  double p = 1;
  double least_p = 1;  // that samples of these sizes can give
  bool exact = true;   // all patterns were counted, none drawn
};

// Exact up to 20 differences, else 100,000 drawn patterns, the same for the same seed.
// Throws Error(data) for a value that is not finite, as do the others.
[[nodiscard]] PermutationTest sign_flip_test(std::span<const double> differences,
                                             std::uint32_t seed = 0);

// Exact up to 200,000 splits, else 100,000 drawn ones. An empty sample gives p = 1.
[[nodiscard]] PermutationTest split_test(std::span<const double> first,
                                         std::span<const double> second,
                                         std::uint32_t seed = 0);

// The p values for being one of several: the i-th least of m times m - i + 1 (i from
// 1), never less than the one before, at most 1. In the order given.
[[nodiscard]] std::vector<double> holm(std::span<const double> p);

}  // namespace batchlab
