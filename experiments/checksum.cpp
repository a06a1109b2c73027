// SPDX-License-Identifier: MIT
//
//     hash <- (hash xor byte) 1099511628211, from 14695981039346656037, modulo 2^64
#include "experiments/checksum.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

constexpr std::uint64_t start = 14695981039346656037ULL;

std::uint64_t absorb(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace

std::string checksum(std::string_view bytes) {
  return fmt::format("{:016x}", absorb(start, bytes));
}

std::string file_checksum(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw Error(ErrorKind::data,
                printable(path, 400) + ": no such file, or not a regular one");
  }
  std::ifstream file(path, std::ios::binary);
  std::uint64_t hash = start;
  std::array<char, 1 << 16> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    hash = absorb(hash, {block.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (!file.eof()) {
    throw Error(ErrorKind::data, printable(path, 400) + ": cannot be read");
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace batchlab
