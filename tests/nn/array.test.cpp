// SPDX-License-Identifier: MIT
#include "nn/array.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace batchlab::array_test {

TEST(Array, BeginsAtACacheLineAndFarBehindALargeOne) {
  std::vector<Array> arrays;
  for (const std::size_t size : {100'000, 20'000, 100'000, 20'000, 1'000'000, 100'000})
    arrays.push_back(uninitialised(size));
  for (const Array& array : arrays) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0U);
    const auto end = reinterpret_cast<std::uintptr_t>(array.data() + array.size());
    for (const Array& other : arrays) {
      const auto begin = reinterpret_cast<std::uintptr_t>(other.data());
      if (begin >= end) {
        EXPECT_GE(begin - end, array_gap_bytes);
      }
    }
  }
}

}  // namespace batchlab::array_test
