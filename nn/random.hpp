// SPDX-License-Identifier: MIT
//
// Random numbers as a function of (seed, purpose, counter): Philox 4x32-10 of
// Random123. The same numbers whatever the order, thread or process that asks for them.
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (2011).
#pragma once

#include <array>
#include <cstdint>

namespace batchlab {

// What the numbers are for: keeps the streams of one seed apart. Values are part of the
// results of every run: never renumber.
enum class RandomPurpose : std::uint32_t {
  data_order = 1,
  data_split = 2,
  initial_weights = 3,
  dropout = 4,
  generated_data = 5,
  quadratic = 6,
  measured_pieces = 7,
};

using RandomCounter = std::array<std::uint32_t, 4>;

// Four independent uniform 32-bit integers.
[[nodiscard]] RandomCounter random_bits(std::uint32_t seed, RandomPurpose purpose,
                                        const RandomCounter& counter);

// Uniform in [0, 1), a multiple of 2^-24.
[[nodiscard]] constexpr float uniform_float(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24F;
}

// Standard normal.
[[nodiscard]] double normal_double(std::uint32_t first, std::uint32_t second);

// Uniform in [0, bound), bound > 0, with a bias below bound / 2^64.
[[nodiscard]] constexpr std::uint32_t uniform_integer(std::uint32_t high,
                                                      std::uint32_t low,
                                                      std::uint32_t bound) {
  const std::uint64_t bits = (std::uint64_t{high} << 32) | low;
  return static_cast<std::uint32_t>((static_cast<unsigned __int128>(bits) * bound) >>
                                    64);
}

}  // namespace batchlab
