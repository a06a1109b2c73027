// SPDX-License-Identifier: MIT
#include "results/resampling.hpp"

#include <Random123/philox.h>

namespace batchlab {

void ResamplingDraws::refill() {
  const r123::Philox4x32::ctr_type counter = {{block_++, resample_, 0, 0}};
  const r123::Philox4x32::key_type key = {
      {seed_, static_cast<std::uint32_t>(purpose_)}};
  const auto output = r123::Philox4x32{}(counter, key);  // 10 rounds
  words_ = {output[0], output[1], output[2], output[3]};
  used_ = 0;
}

}  // namespace batchlab
