// SPDX-License-Identifier: MIT
#include "nn/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace batchlab {

RandomCounter random_bits(std::uint32_t seed, RandomPurpose purpose,
                          const RandomCounter& counter) {
  const r123::Philox4x32::ctr_type input = {
      {counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type key = {{seed, static_cast<std::uint32_t>(purpose)}};
  const auto output = r123::Philox4x32{}(input, key);  // 10 rounds
  return {output[0], output[1], output[2], output[3]};
}

// Box and Muller 1958; 1 - u lies in (0, 1].
double normal_double(std::uint32_t first, std::uint32_t second) {
  const double radius = std::sqrt(-2 * std::log(1 - double{uniform_float(first)}));
  return radius * std::cos(2 * std::numbers::pi * double{uniform_float(second)});
}

}  // namespace batchlab
