// SPDX-License-Identifier: MIT
#include "nn/random.hpp"

#include <Random123/philox.h>

namespace batchlab {

RandomCounter random_bits(std::uint32_t seed, RandomPurpose purpose,
                          const RandomCounter& counter) {
  const r123::Philox4x32::ctr_type input = {
      {counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type key = {{seed, static_cast<std::uint32_t>(purpose)}};
  const auto output = r123::Philox4x32{}(input, key);  // 10 rounds
  return {output[0], output[1], output[2], output[3]};
}

}  // namespace batchlab
