// SPDX-License-Identifier: MIT
//
// Random numbers for tests: the same with every standard library.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace batchlab {

class RandomValues {
 public:
  explicit RandomValues(std::uint32_t seed) : engine_(seed) {}

  double uniform() { return static_cast<double>(engine_()) * 0x1p-32; }  // [0, 1)
  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(uniform() * static_cast<double>(bound));
  }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  std::vector<float> floats(std::size_t size, double low = -1, double high = 1) {
    std::vector<float> values(size);
    for (float& x : values) x = static_cast<float>(low + (high - low) * uniform());
    return values;
  }

 private:
  std::mt19937 engine_;
};

// |a - b| / |b|, Euclidean.
template <class A, class B>
[[nodiscard]] double relative_difference(const A& a, const B& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  return std::sqrt(difference / norm);
}

}  // namespace batchlab
