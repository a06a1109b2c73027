// SPDX-License-Identifier: MIT
#include "nn/work_shares.hpp"

#include <gtest/gtest.h>

#include "nn/thread_pool.hpp"

namespace batchlab::work_shares_test {

bool is(Range range, std::size_t begin, std::size_t end) {
  return range.begin == begin && range.end == end;
}

TEST(WorkShares, AWorkerTakesItsOwnFromTheFrontAndLessTowardsTheEnd) {
  WorkShares shares(2);
  shares.deal(std::vector<std::size_t>{11, 20});
  EXPECT_TRUE(is(shares.take(1, 4), 11, 15));  // 9 of them
  EXPECT_TRUE(is(shares.take(1, 4), 15, 18));  // 5
  EXPECT_TRUE(is(shares.take(1, 4), 18, 19));  // 2
  EXPECT_TRUE(is(shares.take(1, 4), 19, 20));
  EXPECT_TRUE(is(shares.take(0, 1), 0, 1));
}

TEST(WorkShares, AWorkerWithoutAnyTakesFromTheEndOfWhatIsLongest) {
  WorkShares shares(3);
  shares.deal(std::vector<std::size_t>{3, 3, 12});
  EXPECT_TRUE(is(shares.take(1, 2), 10, 12));
  EXPECT_TRUE(is(shares.take(1, 9), 6, 10));  // half of 7
  EXPECT_TRUE(is(shares.take(1, 9), 1, 3));   // of 3 and 3, the first
  EXPECT_TRUE(is(shares.take(0, 9), 0, 1));
  EXPECT_TRUE(is(shares.take(0, 9), 4, 6));
  EXPECT_TRUE(is(shares.take(2, 9), 3, 4));
  for (std::size_t worker = 0; worker < 3; ++worker) {
    EXPECT_EQ(shares.take(worker, 9).size(), 0);
  }
}

TEST(WorkShares, DealtEvenlyAllHaveAsMany) {
  WorkShares shares(3);
  shares.deal_evenly(7);
  EXPECT_TRUE(is(shares.take(2, 1), 4, 5));
  EXPECT_TRUE(is(shares.take(1, 1), 2, 3));
  EXPECT_TRUE(is(shares.take(0, 9), 0, 1));
  EXPECT_TRUE(is(shares.take(0, 9), 1, 2));
  EXPECT_TRUE(is(shares.take(0, 9), 6, 7));  // the last of 2, of whom 2 are left
  EXPECT_TRUE(is(shares.take(0, 9), 3, 4));
}

TEST(WorkShares, CanBeDealtAnew) {
  WorkShares shares(1);
  for (const std::size_t count : {1, 0, 5}) {
    shares.deal({&count, 1});
    std::size_t taken = 0;
    for_each_taken(shares, 0, 2, [&](Range range) {
      EXPECT_EQ(range.begin, taken);
      EXPECT_GT(range.size(), 0);
      taken = range.end;
    });
    EXPECT_EQ(taken, count);
  }
}

// Plain counters: a thing taken twice is a data race too, which the thread sanitizer
// reports.
TEST(WorkShares, GivesEachThingToOneOfManyWorkersAtOnce) {
  constexpr std::size_t things = 1000;
  ThreadPool pool(4);
  WorkShares shares(4);
  for (std::size_t round = 0; round < 300; ++round) {
    std::vector<int> times(things);
    shares.deal(std::vector<std::size_t>{10, 10, 700 + round, things});
    pool.run([&](std::size_t worker) {
      for_each_taken(shares, worker, 3, [&](Range range) {
        for (std::size_t i = range.begin; i < range.end; ++i) ++times[i];
      });
    });
    ASSERT_EQ(times, std::vector<int>(things, 1));
  }
}

}  // namespace batchlab::work_shares_test
