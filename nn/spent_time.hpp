// SPDX-License-Identifier: MIT
//
// What a worker spends of its training steps on data and on statistics. One writer;
// read between steps.
//
// Around a part that lasts microseconds the clock is read twice, some 30 ns each. A
// piece's statistics last some hundred: one piece in 19 is timed, less what reading the
// clock costs, and the others are taken to cost as much per parameter. 19 is prime: all
// pieces have their turn, unless their number is a multiple of it.
#pragma once

#include <chrono>
#include <cstddef>

namespace batchlab {

class alignas(64) SpentTime {  // a cache line: its neighbours are other workers'
 public:
  template <class F>
  void in_data(F&& f) {
    add(data_, f);
  }

  // What is timed inside counts once.
  template <class F>
  void in_statistics(F&& f) {
    if (inside_) return f();
    inside_ = true;
    add(statistics_, f);
    inside_ = false;
  }

  template <class F>
  void in_piece_statistics(std::size_t parameters, F&& f) {
    if (inside_) return f();
    all_parameters_ += parameters;
    if (pieces_++ % 19 != 0) return f();
    timed_parameters_ += parameters;
    ++timed_pieces_;
    add(timed_, f);
  }

  [[nodiscard]] double data_seconds() const { return seconds(data_); }
  [[nodiscard]] double statistics_seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
  }
  // Of two readings that follow each other, the least that was seen.
  static Clock::duration reading();

  template <class F>
  static void add(Clock::duration& sum, F&& f) {
    const Clock::time_point begin = Clock::now();
    f();
    sum += Clock::now() - begin;
  }

  Clock::duration data_{0}, statistics_{0}, timed_{0};
  std::size_t pieces_ = 0, timed_pieces_ = 0;
  std::size_t all_parameters_ = 0, timed_parameters_ = 0;
  bool inside_ = false;
};

}  // namespace batchlab
