// SPDX-License-Identifier: MIT
#include "nn/ready_tiles.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "nn/batch_cut.hpp"

namespace batchlab::ready_tiles_test {

void finish_all(ReadyTiles& ready, std::size_t blocks) {
  for (std::size_t block = 0; block < blocks; ++block) ready.finish(block);
}

TEST(ReadyTiles, AWorkerTakesItsOwnBeforeThoseOfOthers) {
  const ThreadPool pool(2);
  ReadyTiles ready(4, pool);
  ready.expect(4, 1, 1);
  ready.finish(0);
  EXPECT_EQ(ready.take(1), 2);
  EXPECT_EQ(ready.take(0), 0);
  EXPECT_EQ(ready.take(1), 3);
  EXPECT_EQ(ready.take(1), 1);
  EXPECT_EQ(ready.take(0), std::nullopt);
  EXPECT_EQ(ready.take(1), std::nullopt);
}

TEST(ReadyTiles, AWorkerWhoseOwnIsNotReadyTakesAnother) {
  const ThreadPool pool(2);
  ReadyTiles ready(4, pool);
  ready.expect(4, 4, 2);
  finish_all(ready, 3);  // the first of two parts
  ready.finish(1);
  EXPECT_EQ(ready.take(1), 1);
  ready.finish(0);
  EXPECT_EQ(ready.take(1), 0);
  ready.finish(2);
  EXPECT_EQ(ready.take(0), 2);
}

// Against rows counted one by one.
TEST(ReadyTiles, ATileWaitsForTheBlocksThatHaveRowsOfIt) {
  const ThreadPool pool(1);
  ReadyTiles ready(6, pool);
  for (const std::size_t tiles : {1, 2, 4, 6}) {
    for (const std::size_t blocks : {1, 2, 3, 4, 8}) {
      for (std::size_t missing = 0; missing < blocks; ++missing) {
        constexpr std::size_t rows = 240;
        std::set<std::size_t> waiting, taken;
        for (std::size_t row = 0; row < rows; ++row) {
          if (row * blocks / rows == missing) waiting.insert(row * tiles / rows);
        }
        ready.expect(tiles, blocks, 1);
        for (std::size_t block = 0; block < blocks; ++block) {
          if (block != missing) ready.finish(block);
        }
        for (std::size_t i = waiting.size(); i < tiles; ++i) {
          taken.insert(ready.take(0).value());
        }
        for (const std::size_t tile : waiting) EXPECT_FALSE(taken.contains(tile));
        ready.finish(missing);
        for (const std::size_t tile : waiting) EXPECT_EQ(ready.take(0), tile);
        EXPECT_EQ(ready.take(0), std::nullopt);
      }
    }
  }
}

class ReadyTilesOf : public testing::TestWithParam<std::size_t> {};

// Plain numbers: a tile taken twice or too early is a data race too, which the thread
// sanitizer reports. Now and then one is late, for who waits to sleep.
TEST_P(ReadyTilesOf, GiveEachTileToOneWorkerAfterItsBlocks) {
  ThreadPool pool(GetParam());
  ReadyTiles ready(8, pool);
  for (std::size_t round = 0; round < 300; ++round) {
    const std::size_t tiles = 1 + round % 8, parts = pool.workers();
    std::vector<std::vector<int>> written(parts, std::vector<int>(tiles));
    std::vector<int> sums(tiles);
    ready.expect(tiles, tiles, parts);
    pool.run([&](std::size_t worker) {
      if (round % 30 == worker) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        written[worker][tile] = 1;
        ready.finish(tile);
      }
      while (const auto tile = ready.take(worker)) {
        for (std::size_t part = 0; part < parts; ++part) {
          sums[*tile] += written[part][*tile];
        }
      }
    });
    ASSERT_EQ(sums, std::vector<int>(tiles, static_cast<int>(parts)));
  }
}

TEST_P(ReadyTilesOf, EndTheWaitingWhenBlocksWillBeMissing) {
  ThreadPool pool(GetParam());
  ReadyTiles ready(2, pool);
  for (std::size_t failing = 0; failing < pool.workers(); ++failing) {
    ready.expect(2, 1, pool.workers());
    EXPECT_THROW(pool.run([&](std::size_t worker) {
      if (worker == failing) {
        ready.give_up();
        throw std::bad_alloc();
      }
      ready.finish(0);
      EXPECT_EQ(ready.take(worker), std::nullopt);
    }),
                 std::bad_alloc);
  }
  ready.expect(2, 1, 1);
  ready.finish(0);
  EXPECT_EQ(ready.take(0), 0);
}

INSTANTIATE_TEST_SUITE_P(Workers, ReadyTilesOf, testing::Values(1, 2, 3, 8));

}  // namespace batchlab::ready_tiles_test
