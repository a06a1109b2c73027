// SPDX-License-Identifier: MIT
//
// Inside results/ only: the records of a TensorBoard event file, as bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace batchlab {

// One value of a step. The format keeps single precision; what is beyond its range
// becomes infinite.
struct Scalar {
  std::string tag;  // UTF-8
  double value = 0;
};

// The Castagnoli checksum, and as event files keep it.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);
[[nodiscard]] std::uint32_t masked_crc32c(std::string_view bytes);

// The record that begins every file. `wall_time`: seconds since 1970.
[[nodiscard]] std::string version_record(double wall_time);

[[nodiscard]] std::string scalars_record(double wall_time, std::int64_t step,
                                         std::span<const Scalar> scalars);

}  // namespace batchlab
