// SPDX-License-Identifier: MIT
#include "nn/weight_average.hpp"

#include <algorithm>
#include <cmath>

#include "nn/elementwise.hpp"

namespace batchlab {

void WeightAverage::begin_step(double batch_ratio) {
  kept_ = begun_ ? static_cast<float>(std::pow(decay_, batch_ratio)) : 0.0F;
  begun_ = true;
}

void WeightAverage::update(const float* parameters, std::size_t size,
                           std::size_t offset) {
  float* average = values_.data() + offset;
  if (kept_ == 0) {  // whatever was there before the first step
    std::copy_n(parameters, size, average);
    return;
  }
  for_each_position(size, [&]<class V>(std::size_t i) {
    const V value = load<V>(parameters + i);
    store(average + i, V(value + V(kept_) * (load<V>(average + i) - value)));
  });
}

}  // namespace batchlab
