// SPDX-License-Identifier: MIT
//
// Things 0, 1, ..., n - 1 that are dealt to workers in stretches. Whoever has done its
// own takes from the end of another's: cores are not equally fast from one moment to
// the next. Who does what depends on that; results must not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/batch_cut.hpp"

namespace batchlab {

class WorkShares {
 public:
  explicit WorkShares(std::size_t workers) : left_(workers) {}

  // Worker w gets [ends[w - 1], ends[w]), the first from 0; fewer than 2^32 in all. The
  // workers must see this before they take, as of ThreadPool::run().
  void deal(std::span<const std::size_t> ends);

  // Each gets as many of `count`, or nearly.
  void deal_evenly(std::size_t count);

  // What the worker does next: 1 to `most` that follow each other, fewer towards the
  // end. Empty: nothing is left. Any worker may call it at any time.
  [[nodiscard]] Range take(std::size_t worker, std::size_t most);

 private:
  struct alignas(64) Left {  // a cache line for each worker
    std::atomic<std::uint64_t> range{0};
  };
  std::vector<Left> left_;
};

// f(what the worker takes) until nothing is left, of WorkShares or ReadyTiles.
template <class Work, class F>
void for_each_taken(Work& work, std::size_t worker, std::size_t most, F&& f) {
  for (Range taken = work.take(worker, most); taken.size() > 0;
       taken = work.take(worker, most)) {
    f(taken);
  }
}

}  // namespace batchlab
