// SPDX-License-Identifier: MIT
//
// The IDX file format of MNIST (unsigned bytes, any number of axes), plain or gzipped.
// Layout, big-endian: 0x00 0x00 0x08 <axes>, one 32-bit size per axis, then the bytes.
// http://yann.lecun.com/exdb/mnist/
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>

namespace batchlab {

// What an array of bytes, of any rank, can take over without a copy.
using ByteStorage = xt::xtensor<std::uint8_t, 1>::storage_type;

struct IdxArray {
  std::vector<std::size_t> shape;
  ByteStorage bytes;  // product of shape, row-major
};

// Reads `path`; gzip is recognised by content, not by name. At most `maximum_bytes` are
// decompressed. Throws Error(data) naming the file for: missing or unreadable, wrong
// magic, truncated, trailing bytes, a damaged gzip stream, a size beyond the maximum;
// std::bad_alloc for memory refused.
[[nodiscard]] IdxArray read_idx(const std::string& path,
                                std::size_t maximum_bytes = std::size_t{1} << 31);

}  // namespace batchlab
