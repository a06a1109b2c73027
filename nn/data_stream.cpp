// SPDX-License-Identifier: MIT
#include "nn/data_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "controllers/error.hpp"
#include "nn/random.hpp"

namespace batchlab {
namespace {

constexpr std::int64_t largest_epoch = std::numeric_limits<std::uint32_t>::max();

bool is_range(std::int64_t first, std::int64_t count, std::size_t size) {
  const auto examples = static_cast<std::int64_t>(size);
  return first >= 0 && count >= 1 && first <= examples && count <= examples - first;
}

// Fisher and Yates; each call of the generator serves two places.
void shuffle_order(std::vector<std::uint32_t>& order, std::uint32_t seed,
                   std::uint32_t epoch) {
  const auto size = static_cast<std::uint32_t>(order.size());
  for (std::uint32_t i = 0; i + 1 < size; i += 2) {
    const RandomCounter bits =
        random_bits(seed, RandomPurpose::data_order, {i / 2, epoch, 0, 0});
    const std::uint32_t left = size - i;
    std::swap(order[i], order[i + uniform_integer(bits[0], bits[1], left)]);
    std::swap(order[i + 1], order[i + 1 + uniform_integer(bits[2], bits[3], left - 1)]);
  }
}

}  // namespace

DataStream::DataStream(std::vector<std::uint32_t> examples, bool shuffle,
                       EpochTail tail, std::uint32_t seed)
    : examples_(std::move(examples)), shuffle_(shuffle), tail_(tail), seed_(seed) {
  assert(!examples_.empty());
  assert(examples_.size() <= std::numeric_limits<std::uint32_t>::max());
  count_ = static_cast<std::int64_t>(examples_.size());
  order_.reserve(examples_.size());
  batch_.examples.reserve(examples_.size());
  order_epoch();
}

void DataStream::select(std::int64_t first, std::int64_t count) {
  if (first == first_ && count == count_) return;
  if (!is_range(first, count, examples_.size())) {
    throw Error(
        ErrorKind::usage,
        fmt::format("cannot select {} examples from position {} on: there are {}",
                    count, first, examples_.size()));
  }
  first_ = first;
  count_ = count;
  if (cursor_ > 0) ++epoch_;  // else the number is fresh still
  cursor_ = 0;
  order_epoch();
}

const Batch& DataStream::take(std::int64_t batch_size) {
  assert(batch_size >= 1);
  const auto size = static_cast<std::size_t>(std::min(batch_size, count_));
  skip_short_tail(batch_size);

  batch_.epoch = epoch_;
  batch_.rows_in_epoch = std::min(size, order_.size() - cursor_);
  batch_.examples.clear();
  append(batch_.rows_in_epoch);
  if (tail_ == EpochTail::carry) append(size - batch_.rows_in_epoch);
  if (cursor_ > 0) skip_short_tail(batch_size);
  return batch_;
}

void DataStream::skip_short_tail(std::int64_t batch_size) {
  const auto size = static_cast<std::size_t>(std::min(batch_size, count_));
  if (tail_ == EpochTail::drop && order_.size() - cursor_ < size) finish_epoch();
}

void DataStream::append(std::size_t rows) {
  const std::uint32_t* const begin = order_.data() + cursor_;
  batch_.examples.insert(batch_.examples.end(), begin, begin + rows);
  cursor_ += rows;
  if (cursor_ == order_.size()) finish_epoch();
}

std::int64_t DataStream::epoch_examples() const { return count_; }

std::int64_t DataStream::cursor() const { return static_cast<std::int64_t>(cursor_); }

DataStream::Position DataStream::position() const {
  return {epochs_completed_, epoch_, cursor(), first_, count_};
}

void DataStream::restore(const Position& position) {
  const auto& [epochs_completed, epoch, cursor, first, count] = position;
  if (!is_range(first, count, examples_.size()) || cursor < 0 || cursor >= count ||
      epoch < 0 || epoch > largest_epoch || epochs_completed < 0 ||
      epochs_completed > epoch) {
    throw Error(
        ErrorKind::corrupt,
        fmt::format("data stream of {} examples cannot continue at epochs_completed "
                    "{}, epoch {}, cursor {}, first {}, count {}",
                    examples_.size(), epochs_completed, epoch, cursor, first, count));
  }
  epochs_completed_ = epochs_completed;
  epoch_ = static_cast<std::uint32_t>(epoch);
  cursor_ = static_cast<std::size_t>(cursor);
  first_ = first;
  count_ = count;
  order_epoch();
}

void DataStream::order_epoch() {
  const auto begin = examples_.begin() + first_;
  order_.assign(begin, begin + count_);
  if (shuffle_) shuffle_order(order_, seed_, epoch_);
}

void DataStream::finish_epoch() {
  ++epochs_completed_;
  ++epoch_;
  cursor_ = 0;
  order_epoch();
}

}  // namespace batchlab
