// SPDX-License-Identifier: MIT
//
// Inside results/ only: the random numbers of bootstrap and permutation tests, a
// function of (seed, purpose, resample): the same everywhere and in any order. Philox
// 4x32-10 of Random123.
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (2011).
#pragma once

#include <array>
#include <cstdint>

namespace batchlab {

// Keeps the streams of one seed apart, also from those of training (nn/random.hpp).
enum class ResamplingPurpose : std::uint32_t {
  bootstrap = 0x1001,
  sign_flips = 0x1002,
  splits = 0x1003,
};

// The draws of one resample, one after the other.
class ResamplingDraws {
 public:
  ResamplingDraws(std::uint32_t seed, ResamplingPurpose purpose, std::uint32_t resample)
      : seed_(seed), purpose_(purpose), resample_(resample) {}

  // 32 independent random bits.
  std::uint32_t bits() {
    if (used_ == words_.size()) refill();
    return words_[used_++];
  }

  // Uniform in [0, bound), bound > 0, with a bias below bound / 2^32.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((std::uint64_t{bits()} * bound) >> 32);
  }

 private:
  void refill();

  std::uint32_t seed_;
  ResamplingPurpose purpose_;
  std::uint32_t resample_, block_ = 0;
  std::array<std::uint32_t, 4> words_{};
  std::size_t used_ = 4;
};

}  // namespace batchlab
