// SPDX-License-Identifier: MIT
#include "nn/batch_cut.hpp"

#include <gtest/gtest.h>

#include "nn/elementwise.hpp"
#include "tests/nn/training_step_test.hpp"

namespace batchlab::batch_cut_test {

TEST(CutBatch, RoundsHaveAtMost512RowsAndLanesAtLeastOne) {
  for (std::size_t size = 1; size < 10'000; size += 1 + size / 7) {
    for (const CutOptions& options : cuts) {
      const Cut cut = cut_batch(size, options);
      EXPECT_EQ(cut.rounds, size <= 512 ? 1 : (size + 1023) / 1024 * 2);
      EXPECT_GE(cut.lanes(), std::min(options.lanes ? options.lanes : 2, size));
      EXPECT_LE(cut.lanes_per_round, size / cut.rounds);
      EXPECT_EQ(cut.tile_height, options.tile_height ? options.tile_height : 128U);
    }
  }
  EXPECT_EQ(cut_batch(60'000, {}).lanes(), 118U);
  EXPECT_EQ(cut_batch(100, {.lanes = 8}).lanes(), 8U);
  EXPECT_EQ(cut_batch(5, {.lanes = 8}).lanes(), 5U);
  EXPECT_EQ(cut_batch(5, {.tile_height = 9999}).tile_height, 512U);
  EXPECT_TRUE(cut_batch(128, {}).few_rows);
  EXPECT_FALSE(cut_batch(129, {}).few_rows);
  EXPECT_TRUE(cut_batch(128, {}).by_parts);
  EXPECT_EQ(cut_batch(129, {}).by_parts, FloatBatch::size == 16);
  EXPECT_EQ(cut_batch(60'000, {}).by_parts, FloatBatch::size == 16);
}

}  // namespace batchlab::batch_cut_test
