// SPDX-License-Identifier: MIT
//
// Tiles of rows that become ready while threads finish blocks of the same rows, and are
// then worked off by whoever is free: a thread that is late, as when the host has
// stopped its core, finds fewer left. Who does what depends on that; results must not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nn/batch_cut.hpp"
#include "nn/thread_pool.hpp"

namespace batchlab {

class ReadyTiles {
 public:
  // Of at most so many tiles, for the workers of `threads`, which must outlive this.
  ReadyTiles(std::size_t most, const ThreadPool& threads)
      : threads_(threads), left_(most) {}

  // `tiles` and `blocks` divide the same rows, both as part() does; of each block there
  // are as many as `parts`. A tile is ready once all blocks that have rows of it are
  // finished. The workers must see this before they go on, as of ThreadPool::run().
  void expect(std::size_t tiles, std::size_t blocks, std::size_t parts);

  // One part of the block. Who takes a tile of it sees what the caller wrote.
  void finish(std::size_t block);

  // Blocks will be missing: no tile is given to anybody any more.
  void give_up();

  // 1 to `most` tiles that follow each other and are ready: the worker's own before
  // others. Waits while none is, so the worker must have finished its own blocks.
  // Empty: all are taken; for_each_taken() (work_shares.hpp) goes on until then.
  [[nodiscard]] Range take(std::size_t worker, std::size_t most);

 private:
  [[nodiscard]] bool take_if_ready(std::size_t tile);

  const ThreadPool& threads_;
  std::vector<std::atomic<std::uint32_t>> left_;  // blocks of each tile, or `taken`
  std::size_t tiles_ = 0, blocks_ = 0;
  std::atomic<bool> given_up_{false};
  std::atomic<std::uint32_t> changes_{0};  // raised when a tile has become ready
};

}  // namespace batchlab
