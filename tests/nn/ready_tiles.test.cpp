// SPDX-License-Identifier: MIT
#include "nn/ready_tiles.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "nn/batch_cut.hpp"
#include "nn/work_shares.hpp"

namespace batchlab::ready_tiles_test {

// The tile that a worker takes alone; 99 where all are taken.
std::size_t one(ReadyTiles& ready, std::size_t worker) {
  const Range taken = ready.take(worker, 1);
  return taken.size() == 1 ? taken.begin : 99;
}

void finish_all(ReadyTiles& ready, std::size_t blocks) {
  for (std::size_t block = 0; block < blocks; ++block) ready.finish(block);
}

TEST(ReadyTiles, AWorkerTakesItsOwnBeforeThoseOfOthers) {
  const ThreadPool pool(2);
  ReadyTiles ready(4, pool);
  ready.expect(4, 1, 1);
  ready.finish(0);
  EXPECT_EQ(one(ready, 1), 2);
  EXPECT_EQ(one(ready, 0), 0);
  EXPECT_EQ(one(ready, 1), 3);
  EXPECT_EQ(one(ready, 1), 1);
  EXPECT_EQ(one(ready, 0), 99);
  EXPECT_EQ(one(ready, 1), 99);
}

TEST(ReadyTiles, AWorkerWhoseOwnIsNotReadyTakesAnother) {
  const ThreadPool pool(2);
  ReadyTiles ready(4, pool);
  ready.expect(4, 4, 2);
  finish_all(ready, 3);  // the first of two parts
  ready.finish(1);
  EXPECT_EQ(one(ready, 1), 1);
  ready.finish(0);
  EXPECT_EQ(one(ready, 1), 0);
  ready.finish(2);
  EXPECT_EQ(one(ready, 0), 2);
}

TEST(ReadyTiles, ThoseThatFollowEachOtherAreTakenTogether) {
  const ThreadPool pool(2);
  ReadyTiles ready(8, pool);
  ready.expect(8, 8, 1);
  finish_all(ready, 5);
  ready.finish(6);
  ready.finish(7);
  const auto takes = [&](std::size_t worker, std::size_t begin, std::size_t end) {
    const Range taken = ready.take(worker, 3);
    EXPECT_EQ(taken.begin, begin);
    EXPECT_EQ(taken.end, end);
  };
  takes(1, 4, 5);  // 5 is not ready
  takes(1, 6, 8);
  takes(1, 0, 3);
  ready.finish(5);
  takes(0, 3, 4);  // 4 is taken
  takes(0, 5, 6);
  takes(0, 0, 0);
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
          taken.insert(one(ready, 0));
        }
        for (const std::size_t tile : waiting) EXPECT_FALSE(taken.contains(tile));
        ready.finish(missing);
        for (const std::size_t tile : waiting) EXPECT_EQ(one(ready, 0), tile);
        EXPECT_EQ(one(ready, 0), 99);
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
      for_each_taken(ready, worker, 1 + round % 3, [&](Range taken) {
        for (std::size_t tile = taken.begin; tile < taken.end; ++tile) {
          for (std::size_t part = 0; part < parts; ++part) {
            sums[tile] += written[part][tile];
          }
        }
      });
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
      EXPECT_EQ(one(ready, worker), 99);
    }),
                 std::bad_alloc);
  }
  ready.expect(2, 1, 1);
  ready.finish(0);
  EXPECT_EQ(one(ready, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(Workers, ReadyTilesOf, testing::Values(1, 2, 3, 8));

}  // namespace batchlab::ready_tiles_test
