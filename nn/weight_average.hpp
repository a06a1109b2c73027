// SPDX-License-Identifier: MIT
//
// An average of the parameters over the steps, to be evaluated in their place:
//
//     average  <-  rho^k average + (1 - rho^k) parameters,   k = B / B0
//
// so that it remembers as many examples whatever the batch size. Busbridge et al.: How
// to scale your EMA (2023), arXiv 2307.13813.
#pragma once

#include <cstddef>

#include "nn/array.hpp"

namespace batchlab {

class WeightAverage {
 public:
  // `decay`: rho, what a step of B0 examples keeps.
  WeightAverage(double decay, std::size_t parameter_count)
      : decay_(decay), values_(uninitialised(parameter_count)) {}

  // Once a step, before the pieces. `batch_ratio`: k. The first step's parameters are
  // where the average begins.
  void begin_step(double batch_ratio);

  // Adds parameters [offset, offset + size), of which `parameters` is the first.
  // Different pieces on different threads.
  void update(const float* parameters, std::size_t size, std::size_t offset);

  // Not to be read before the first step.
  [[nodiscard]] const Array& values() const { return values_; }

 private:
  double decay_;
  bool begun_ = false;
  float kept_ = 0;
  Array values_;
};

}  // namespace batchlab
