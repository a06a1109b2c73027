// SPDX-License-Identifier: MIT
//
// The rules that only grow, written anew and told what normal noise of the size of the
// closed form would tell them.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "tests/known_answers/problem.hpp"

namespace batchlab::known_answers {

// What a step at rest measures of its batch.
struct NoisyStep {
  double norm_squared, variance_trace;                 // q, V
  double inner_product_variance, orthogonal_variance;  // VarIP, VarOrth
};

class NormalNoise {
 public:
  // `problem` must outlive this.
  NormalNoise(const Problem& problem, std::uint32_t seed)
      : problem_(problem), generator_(seed) {}
  [[nodiscard]] NoisyStep step(double batch_size);
  // The last one with further examples.
  [[nodiscard]] NoisyStep extended(double batch_size);

 private:
  const Problem& problem_;
  double size_ = 0;           // of the batch
  std::vector<double> sums_;  // of its noise, along each direction
  std::mt19937_64 generator_;
  std::normal_distribution<double> normal_;
};

// From the step and its batch size to the next batch size.
using GrowingRule = std::function<double(const NoisyStep&, double, NormalNoise&)>;
[[nodiscard]] GrowingRule norm_test_rival(double theta);
[[nodiscard]] GrowingRule inner_product_test_rival(double theta);
[[nodiscard]] GrowingRule orthogonal_test_rival(double nu);
[[nodiscard]] GrowingRule big_batch_rival(double delta);

// The mean over `runs` of the size of the last of `steps` batches.
[[nodiscard]] double last_size(const Problem& problem, const GrowingRule& rule,
                               double first, int steps, std::uint32_t runs);

}  // namespace batchlab::known_answers
