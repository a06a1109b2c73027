// SPDX-License-Identifier: MIT
#include "nn/noisy_quadratic.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "nn/random.hpp"

namespace batchlab {

namespace {

// A call gives 16 bytes. `part`: 0 for the training set, 1 for the test set.
void draw_bytes(std::span<std::uint8_t> bytes, std::uint32_t seed, std::uint32_t part) {
  for (std::size_t i = 0; i < bytes.size(); i += 16) {
    const RandomCounter bits = random_bits(
        seed, RandomPurpose::generated_data,
        {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), part, 0});
    for (std::size_t k = 0; k < std::min<std::size_t>(16, bytes.size() - i); ++k) {
      bytes[i + k] = static_cast<std::uint8_t>(bits[k / 4] >> (8 * (k % 4)));
    }
  }
}

Dataset draw(std::size_t examples, const GeneratedData& options, std::uint32_t part) {
  Dataset data;
  data.inputs.resize(std::array{examples, options.dimensions});
  draw_bytes({data.inputs.data(), data.inputs.size()}, options.seed, part);
  data.labels = xt::zeros<std::uint8_t>({examples});
  data.shape = {options.dimensions};
  data.classes = 1;
  return data;
}

std::string checksum_of(const Dataset& data) {
  return fmt::format("{:08x}", crc32_z(0, data.inputs.data(), data.inputs.size()));
}

}  // namespace

DataSource make_noisy_quadratic(const GeneratedData& options) {
  DataSource source;
  source.name = "noisy-quadratic";
  source.training = draw(options.examples, options, 0);
  source.test = draw((options.examples + 4) / 5, options, 1);
  source.checksum = checksum_of(source.training) + '-' + checksum_of(source.test);
  return source;
}

}  // namespace batchlab
