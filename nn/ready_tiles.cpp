// SPDX-License-Identifier: MIT
#include "nn/ready_tiles.hpp"

#include <limits>

namespace batchlab {

namespace {

constexpr std::uint32_t taken = std::numeric_limits<std::uint32_t>::max();

// Which of n things share something with thing i, if both divide the same by part().
Range that_meet(std::size_t i, std::size_t count, std::size_t n) {
  return {i * n / count, divide_up((i + 1) * n, count)};
}

}  // namespace

void ReadyTiles::expect(std::size_t tiles, std::size_t blocks, std::size_t parts) {
  tiles_ = tiles;
  blocks_ = blocks;
  given_up_.store(false, std::memory_order_relaxed);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t count = parts * that_meet(tile, tiles, blocks).size();
    left_[tile].store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  }
}

void ReadyTiles::finish(std::size_t block) {
  const Range tiles = that_meet(block, blocks_, tiles_);
  bool ready = false;
  for (std::size_t tile = tiles.begin; tile < tiles.end; ++tile) {
    ready |= left_[tile].fetch_sub(1, std::memory_order_release) == 1;
  }
  if (!ready) return;
  changes_.fetch_add(1, std::memory_order_release);
  changes_.notify_all();
}

void ReadyTiles::give_up() {
  given_up_.store(true, std::memory_order_relaxed);
  changes_.fetch_add(1, std::memory_order_release);
  changes_.notify_all();
}

bool ReadyTiles::take_if_ready(std::size_t tile) {
  std::uint32_t ready = 0;
  return left_[tile].compare_exchange_strong(ready, taken, std::memory_order_acquire,
                                             std::memory_order_relaxed);
}

Range ReadyTiles::take(std::size_t worker, std::size_t most) {
  const std::size_t first = part(tiles_, worker, threads_.workers()).begin;
  while (true) {
    const std::uint32_t changes = changes_.load(std::memory_order_acquire);
    if (given_up_.load(std::memory_order_relaxed)) return {0, 0};
    bool some_are_not_ready = false;
    for (std::size_t i = 0; i < tiles_; ++i) {
      const std::size_t tile = (first + i) % tiles_;
      const std::uint32_t left = left_[tile].load(std::memory_order_relaxed);
      if (left != 0) {
        some_are_not_ready |= left != taken;
      } else if (take_if_ready(tile)) {
        std::size_t end = tile + 1;
        while (end < tiles_ && end - tile < most && take_if_ready(end)) ++end;
        return {tile, end};
      }
    }
    if (!some_are_not_ready) return {0, 0};
    threads_.wait_while_equal(changes_, changes);
  }
}

}  // namespace batchlab
