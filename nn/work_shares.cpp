// SPDX-License-Identifier: MIT
#include "nn/work_shares.hpp"

#include <algorithm>

namespace batchlab {

namespace {

std::uint64_t packed(Range range) {
  return std::uint64_t{range.begin} << 32 | std::uint64_t{range.end};
}

Range unpacked(std::uint64_t range) { return {range >> 32, range & 0xffffffff}; }

}  // namespace

void WorkShares::deal(std::span<const std::size_t> ends) {
  std::size_t begin = 0;
  for (std::size_t worker = 0; worker < left_.size(); ++worker) {
    left_[worker].range.store(packed({begin, ends[worker]}), std::memory_order_relaxed);
    begin = ends[worker];
  }
}

void WorkShares::deal_evenly(std::size_t count) {
  for (std::size_t worker = 0; worker < left_.size(); ++worker) {
    left_[worker].range.store(packed(part(count, worker, left_.size())),
                              std::memory_order_relaxed);
  }
}

Range WorkShares::take(std::size_t worker, std::size_t most) {
  // Half of what is left, so that what is taken last is small.
  const auto count = [most](Range left) {
    return std::min(most, (left.size() + 1) / 2);
  };
  auto& own = left_[worker].range;
  std::uint64_t now = own.load(std::memory_order_relaxed);
  while (unpacked(now).size() > 0) {
    const Range left = unpacked(now);
    const std::size_t end = left.begin + count(left);
    if (own.compare_exchange_weak(now, packed({end, left.end}),
                                  std::memory_order_relaxed)) {
      return {left.begin, end};
    }
  }
  while (true) {
    std::atomic<std::uint64_t>* fullest = &own;
    now = 0;
    for (Left& other : left_) {
      const std::uint64_t range = other.range.load(std::memory_order_relaxed);
      if (unpacked(range).size() <= unpacked(now).size()) continue;
      fullest = &other.range;
      now = range;
    }
    const Range left = unpacked(now);
    if (left.size() == 0) return {0, 0};
    const std::size_t begin = left.end - count(left);
    if (fullest->compare_exchange_weak(now, packed({left.begin, begin}),
                                       std::memory_order_relaxed)) {
      return {begin, left.end};
    }
  }
}

}  // namespace batchlab
