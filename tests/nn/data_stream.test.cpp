// SPDX-License-Identifier: MIT
#include "nn/data_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "controllers/error.hpp"
#include "nn/random.hpp"

namespace batchlab::data_stream_test {

using testing::ElementsAre;
using Examples = std::vector<std::uint32_t>;

Examples positions(std::size_t count, std::uint32_t first = 0) {
  Examples result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

DataStream in_order(std::size_t examples, EpochTail tail) {
  return {positions(examples), false, tail, 0};
}

Examples sorted(Examples examples) {
  std::sort(examples.begin(), examples.end());
  return examples;
}

// The whole next epoch, in its order.
Examples epoch_order(DataStream& stream) {
  return stream.take(stream.epoch_examples()).examples;
}

// An endless source of batch sizes in [1, maximum], another one for each seed.
std::function<std::int64_t()> random_sizes(std::uint32_t seed, std::uint32_t maximum) {
  return [=, i = std::uint32_t{0}]() mutable {
    const auto bits = random_bits(seed, RandomPurpose::dropout, {i++, 0, 0, 1});
    return std::int64_t{1} + uniform_integer(bits[0], bits[1], maximum);
  };
}

// What has been taken, by epoch and in order.
using Taken = std::map<std::uint32_t, Examples>;

void add(Taken& taken, const Batch& batch) {
  for (std::size_t row = 0; row < batch.size(); ++row) {
    taken[batch.epoch_of(row)].push_back(batch.examples[row]);
  }
}

// ---- worked by hand: five examples in order

TEST(DataStreamKeep, ShortensTheLastBatch) {
  DataStream stream = in_order(5, EpochTail::keep);
  EXPECT_THAT(stream.take(3).examples, ElementsAre(0, 1, 2));
  EXPECT_EQ(stream.cursor(), 3);
  EXPECT_EQ(stream.epochs_completed(), 0);
  const Batch& last = stream.take(3);
  EXPECT_THAT(last.examples, ElementsAre(3, 4));
  EXPECT_EQ(last.epoch, 0U);
  EXPECT_EQ(last.rows_in_epoch, 2U);
  EXPECT_EQ(stream.cursor(), 0);
  EXPECT_EQ(stream.epochs_completed(), 1);
  const Batch& next = stream.take(4);
  EXPECT_THAT(next.examples, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(next.epoch, 1U);
  EXPECT_THAT(stream.take(1).examples, ElementsAre(4));
  EXPECT_EQ(stream.epochs_completed(), 2);
}

TEST(DataStreamDrop, LeavesOutTheRest) {
  DataStream stream = in_order(5, EpochTail::drop);
  EXPECT_THAT(stream.take(2).examples, ElementsAre(0, 1));
  EXPECT_EQ(stream.epochs_completed(), 0);
  EXPECT_THAT(stream.take(2).examples, ElementsAre(2, 3));
  EXPECT_EQ(stream.epochs_completed(), 1);  // one example is less than the last batch
  const Batch& next = stream.take(2);
  EXPECT_THAT(next.examples, ElementsAre(0, 1));
  EXPECT_EQ(next.epoch, 1U);
  EXPECT_EQ(next.rows_in_epoch, 2U);
}

TEST(DataStreamDrop, LeavesOutWhatTheNextBatchFindsTooFew) {
  DataStream stream = in_order(5, EpochTail::drop);
  EXPECT_THAT(stream.take(2).examples, ElementsAre(0, 1));
  EXPECT_EQ(stream.epochs_completed(), 0);  // three remain
  EXPECT_THAT(stream.take(4).examples, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(stream.epochs_completed(), 2);
}

TEST(DataStreamCarry, FillsTheBatchFromTheNextEpoch) {
  DataStream stream = in_order(5, EpochTail::carry);
  EXPECT_THAT(stream.take(3).examples, ElementsAre(0, 1, 2));
  const Batch& batch = stream.take(4);
  EXPECT_THAT(batch.examples, ElementsAre(3, 4, 0, 1));
  EXPECT_EQ(batch.epoch, 0U);
  EXPECT_EQ(batch.rows_in_epoch, 2U);
  EXPECT_EQ(batch.epoch_of(1), 0U);
  EXPECT_EQ(batch.epoch_of(2), 1U);
  EXPECT_EQ(stream.epochs_completed(), 1);
  EXPECT_EQ(stream.cursor(), 2);
  EXPECT_THAT(stream.take(3).examples, ElementsAre(2, 3, 4));
  EXPECT_EQ(stream.epochs_completed(), 2);
  EXPECT_EQ(stream.cursor(), 0);
}

TEST(DataStream, GivesAtMostOneEpochAtATime) {
  for (const EpochTail tail : {EpochTail::keep, EpochTail::drop, EpochTail::carry}) {
    DataStream stream = in_order(3, tail);
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
      const Batch& batch = stream.take(1'000'000'000'000);
      EXPECT_THAT(batch.examples, ElementsAre(0, 1, 2));
      EXPECT_EQ(batch.epoch, epoch);
      EXPECT_EQ(stream.epochs_completed(), epoch + 1);
    }
  }
}

TEST(DataStreamCarry, CarriesWhenTheBatchExceedsTheEpoch) {
  DataStream stream = in_order(3, EpochTail::carry);
  (void)stream.take(1);
  EXPECT_THAT(stream.take(100).examples, ElementsAre(1, 2, 0));
  EXPECT_EQ(stream.epochs_completed(), 1);
  EXPECT_EQ(stream.cursor(), 1);
}

TEST(DataStream, CarriesOnWithASingleExample) {
  for (const EpochTail tail : {EpochTail::keep, EpochTail::drop, EpochTail::carry}) {
    DataStream stream({7}, true, tail, 0);
    EXPECT_THAT(stream.take(1).examples, ElementsAre(7));
    EXPECT_THAT(stream.take(2).examples, ElementsAre(7));
    EXPECT_EQ(stream.epochs_completed(), 2);
  }
}

// ---- a thousand random sequences of batch sizes

TEST(DataStream, CoversEveryEpochExactlyOnceUnderKeepAndCarry) {
  for (const EpochTail tail : {EpochTail::keep, EpochTail::carry}) {
    for (std::uint32_t seed = 0; seed < 1000; ++seed) {
      DataStream stream(positions(37, 100), true, tail, seed);
      auto next_size = random_sizes(seed, 1 + seed % 50);
      Taken taken;
      while (stream.epochs_completed() < 4) add(taken, stream.take(next_size()));
      for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
        ASSERT_EQ(sorted(taken[epoch]), positions(37, 100)) << seed << " " << epoch;
      }
    }
  }
}

TEST(DataStream, RepeatsNothingWithinAnEpochUnderDrop) {
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    DataStream stream(positions(37), true, EpochTail::drop, seed);
    auto next_size = random_sizes(seed, 1 + seed % 50);
    Taken taken;
    while (stream.epochs_completed() < 4) {
      const std::int64_t size = next_size();
      const Batch& batch = stream.take(size);
      ASSERT_EQ(batch.size(),
                static_cast<std::size_t>(std::min<std::int64_t>(size, 37)));
      ASSERT_EQ(batch.rows_in_epoch, batch.size());
      add(taken, batch);
    }
    for (const auto& [epoch, examples] : taken) {
      const Examples ascending = sorted(examples);
      ASSERT_EQ(std::adjacent_find(ascending.begin(), ascending.end()),
                ascending.end());
    }
  }
}

TEST(DataStream, OrderDoesNotDependOnBatchSizes) {
  std::vector<Examples> orders;
  DataStream whole(positions(37), true, EpochTail::keep, 5);
  for (int epoch = 0; epoch < 3; ++epoch) orders.push_back(epoch_order(whole));
  for (const EpochTail tail : {EpochTail::keep, EpochTail::drop, EpochTail::carry}) {
    DataStream stream(positions(37), true, tail, 5);
    auto next_size = random_sizes(8, 12);
    Taken taken;
    while (stream.epochs_completed() < 3) add(taken, stream.take(next_size()));
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
      Examples expected = orders[epoch];
      const Examples& found = taken[static_cast<std::uint32_t>(epoch)];
      if (tail == EpochTail::drop) expected.resize(found.size());
      EXPECT_EQ(found, expected);
    }
  }
}

// ---- the order

TEST(DataStream, OrderDependsOnSeedAndEpoch) {
  DataStream first(positions(100), true, EpochTail::keep, 1);
  DataStream again(positions(100), true, EpochTail::keep, 1);
  DataStream other(positions(100), true, EpochTail::keep, 2);
  const Examples order = epoch_order(first);
  EXPECT_EQ(epoch_order(again), order);
  EXPECT_NE(epoch_order(other), order);
  EXPECT_NE(epoch_order(first), order);
  EXPECT_NE(order, positions(100));
}

// 24 orders of 4 examples over 24,000 epochs: chi-squared with 23 degrees of freedom is
// above 49.7 once in 1,000.
TEST(DataStream, GivesEveryOrderAlike) {
  DataStream stream(positions(4), true, EpochTail::keep, 3);
  std::map<Examples, int> counts;
  for (int epoch = 0; epoch < 24'000; ++epoch) ++counts[epoch_order(stream)];
  ASSERT_EQ(counts.size(), 24U);
  double chi_squared = 0;
  for (const auto& [order, count] : counts) {
    chi_squared += (count - 1000.0) * (count - 1000.0) / 1000.0;
  }
  EXPECT_LT(chi_squared, 49.7);
}

// Fisher and Yates with the draws of counter {i, epoch, 0, 0} for places 2i and 2i + 1,
// written anew. The results of all runs hang on this order.
TEST(DataStream, OrderIsTheOneDocumented) {
  for (const std::size_t size : {6U, 7U}) {
    Examples expected = positions(size);
    for (std::uint32_t place = 0; place < size; ++place) {
      const auto bits = random_bits(9, RandomPurpose::data_order, {place / 2, 1, 0, 0});
      const std::size_t pair = place % 2 == 0 ? 0 : 2;
      const auto left = static_cast<std::uint32_t>(size) - place;
      std::swap(expected[place],
                expected[place + uniform_integer(bits[pair], bits[pair + 1], left)]);
    }
    DataStream stream(positions(size), true, EpochTail::keep, 9);
    (void)epoch_order(stream);
    EXPECT_EQ(epoch_order(stream), expected);
  }
}

TEST(DataStream, GivesTheExamplesAsTheyAreWithoutShuffling) {
  DataStream stream({4, 2, 9}, false, EpochTail::keep, 1);
  EXPECT_THAT(epoch_order(stream), ElementsAre(4, 2, 9));
  EXPECT_THAT(epoch_order(stream), ElementsAre(4, 2, 9));
}

TEST(DataStream, AllocatesNothingAfterConstruction) {
  DataStream stream(positions(37), true, EpochTail::carry, 1);
  const std::uint32_t* const memory = stream.take(1).examples.data();
  for (std::int64_t size = 1; size < 50; ++size) {
    EXPECT_EQ(stream.take(size).examples.data(), memory);
  }
}

// ---- select

TEST(DataStreamSelect, LimitsTheEpochsFromHereOn) {
  DataStream stream(positions(10), true, EpochTail::keep, 1);
  stream.select(4, 3);
  EXPECT_EQ(stream.epoch_examples(), 3);
  EXPECT_THAT(sorted(epoch_order(stream)), ElementsAre(4, 5, 6));
  stream.select(0, 10);
  EXPECT_EQ(sorted(epoch_order(stream)), positions(10));
}

TEST(DataStreamSelect, GivesUpTheEpochInProgress) {
  DataStream stream = in_order(10, EpochTail::keep);
  (void)stream.take(4);
  stream.select(2, 3);
  EXPECT_EQ(stream.epochs_completed(), 0);
  EXPECT_EQ(stream.cursor(), 0);
  const Batch& batch = stream.take(3);
  EXPECT_THAT(batch.examples, ElementsAre(2, 3, 4));
  EXPECT_EQ(batch.epoch, 1U);
  EXPECT_EQ(stream.epochs_completed(), 1);
}

TEST(DataStreamSelect, KeepsANumberThatIsFresh) {
  DataStream stream = in_order(10, EpochTail::keep);
  stream.select(2, 3);
  EXPECT_EQ(epoch_order(stream).size(), 3U);
  stream.select(0, 4);
  EXPECT_EQ(stream.take(1).epoch, 1U);
}

TEST(DataStreamSelect, ChangesNothingWhenSelectedAlready) {
  DataStream stream = in_order(10, EpochTail::keep);
  (void)stream.take(4);
  stream.select(0, 10);
  EXPECT_EQ(stream.cursor(), 4);
  EXPECT_THAT(stream.take(2).examples, ElementsAre(4, 5));
}

TEST(DataStreamSelect, RefusesRangesThatAreEmptyOrLeaveTheExamples) {
  DataStream stream = in_order(10, EpochTail::keep);
  (void)stream.take(4);
  const auto before = stream.position();
  const std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  for (const auto& [first, count] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, 0}, {0, -1}, {-1, 5}, {0, 11}, {10, 1}, {9, 2}, {largest, largest}}) {
    try {
      stream.select(first, count);
      ADD_FAILURE() << first << " " << count;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
    }
  }
  EXPECT_EQ(stream.position(), before);
}

// ---- position and restore

TEST(DataStreamRestore, GivesTheSameFutureFromAnyPoint) {
  for (const EpochTail tail : {EpochTail::keep, EpochTail::drop, EpochTail::carry}) {
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
      DataStream stream(positions(37), true, tail, seed);
      auto next_size = random_sizes(seed, 20);
      if (seed % 2 == 1) stream.select(5, 30);
      for (std::uint32_t step = 0; step < seed; ++step) (void)stream.take(next_size());
      DataStream resumed(positions(37), true, tail, seed);
      resumed.restore(stream.position());
      EXPECT_EQ(resumed.position(), stream.position());
      for (int step = 0; step < 20; ++step) {
        const std::int64_t size = next_size();
        const Batch& expected = stream.take(size);
        const Batch& found = resumed.take(size);
        ASSERT_EQ(found.examples, expected.examples);
        ASSERT_EQ(found.epoch, expected.epoch);
        ASSERT_EQ(found.rows_in_epoch, expected.rows_in_epoch);
        ASSERT_EQ(resumed.position(), stream.position());
      }
    }
  }
}

TEST(DataStreamRestore, RefusesPositionsThatTheExamplesDoNotHave) {
  DataStream stream = in_order(10, EpochTail::keep);
  (void)stream.take(4);
  const auto before = stream.position();
  EXPECT_EQ(before, (DataStream::Position{0, 0, 4, 0, 10}));
  const std::int64_t too_large = std::int64_t{1} << 32;
  for (const DataStream::Position& position :
       std::vector<DataStream::Position>{{0, 0, 10, 0, 10},
                                         {0, 0, -1, 0, 10},
                                         {0, 0, 0, 0, 11},
                                         {0, 0, 0, 0, 0},
                                         {0, 0, 0, -1, 5},
                                         {0, -1, 0, 0, 10},
                                         {-1, 0, 0, 0, 10},
                                         {2, 1, 0, 0, 10},
                                         {0, too_large, 0, 0, 10}}) {
    try {
      stream.restore(position);
      ADD_FAILURE() << position.cursor << " " << position.count;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    }
  }
  EXPECT_EQ(stream.position(), before);
}

}  // namespace batchlab::data_stream_test
