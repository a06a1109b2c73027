// SPDX-License-Identifier: MIT
//
// How two threads' cores stand to each other, which the host of a virtual machine may
// change at any time. One JSON line:
//
//   word_seconds  a word from one thread to the other and back
//   line_seconds  a cache line that the other has written, among many in order
//   at_once       what multiply-adds take on both threads, times what they take on one:
//                 2 where the host has put both on one core
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>
#include <xsimd/xsimd.hpp>

namespace {

using Clock = std::chrono::steady_clock;
using Vector = xsimd::batch<float>;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Two threads that go from one task to the next together, without sleeping.
class Pair {
 public:
  Pair() : other_([this] { follow(); }) {}
  ~Pair() {
    run(nullptr);
    other_.join();
  }

  // task(0) here and task(1) on the other thread, at once.
  void run(const std::function<void(int)>& task) {
    task_ = task;
    const unsigned round = ++begun_;
    if (task) task(0);
    while (task && done_ != round) {
    }
  }

 private:
  void follow() {
    for (unsigned round = 1;; ++round) {
      while (begun_ != round) {
      }
      if (!task_) return;
      task_(1);
      done_ = round;
    }
  }

  std::function<void(int)> task_;
  alignas(64) std::atomic<unsigned> begun_{0};
  alignas(64) std::atomic<unsigned> done_{0};
  std::thread other_;
};

double word_seconds(Pair& pair) {
  constexpr int words = 2000;
  static std::atomic<int> turn;
  turn = 0;
  double seconds = 0;
  pair.run([&](int thread) {
    const Clock::time_point begin = Clock::now();
    for (int i = thread; i < 2 * words; i += 2) {
      while (turn.load(std::memory_order_acquire) != i) {
      }
      turn.store(i + 1, std::memory_order_release);
    }
    if (thread == 0) seconds = seconds_since(begin) / words;
  });
  return seconds;
}

double line_seconds(Pair& pair) {
  constexpr std::size_t lines = 3200, line = 64 / sizeof(float);
  static std::vector<float> values(lines * line);
  double seconds = 0;
  pair.run([](int thread) {
    if (thread == 1) std::fill(values.begin(), values.end(), 1.0F);
  });
  pair.run([&](int thread) {
    if (thread == 1) return;
    const Clock::time_point begin = Clock::now();
    float sum = 0;
    for (std::size_t i = 0; i < values.size(); i += line) sum += values[i];
    [[maybe_unused]] static volatile float kept;
    kept = sum;
    seconds = seconds_since(begin) / lines;
  });
  return seconds;
}

// As many sums as hide the latency of a multiply-add, from beginnings of their own, or
// the compiler may take some for one. Not inline, or there are two programs to compare.
[[gnu::noinline]] double multiply_add_seconds() {
  constexpr int sums = 12, turns = 40'000;
  static volatile float factor = 0.999F;
  const Vector by(factor);
  Vector sum[sums];
  for (int i = 0; i < sums; ++i) sum[i] = Vector(factor * static_cast<float>(i));
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < turns; ++i) {
    for (Vector& one : sum) one = xsimd::fma(one, by, by);
  }
  const double seconds = seconds_since(begin);
  Vector all(0.0F);
  for (const Vector& one : sum) all += one;
  [[maybe_unused]] static thread_local volatile float kept;
  kept = all.get(0);
  return seconds;
}

}  // namespace

int main() {
  if (std::thread::hardware_concurrency() < 2) {
    fmt::print(stderr, "placement: there is one core; two are needed\n");
    return 1;
  }
  double word = 1, line = 1, alone = 1, both = 1;  // the least of all repeats
  for (int i = 0; i < 100; ++i) alone = std::min(alone, multiply_add_seconds());
  Pair pair;
  // Threads begin on one core at times and are parted within milliseconds.
  const Clock::time_point begin = Clock::now();
  while (seconds_since(begin) < 0.1) {
    word = std::min(word, word_seconds(pair));
    line = std::min(line, line_seconds(pair));
    double seconds[2] = {0, 0};
    pair.run([&](int thread) { seconds[thread] = multiply_add_seconds(); });
    both = std::min(both, std::max(seconds[0], seconds[1]));
  }
  fmt::print("{{\"word_seconds\":{:.3g},\"line_seconds\":{:.3g},\"at_once\":{:.2f}}}\n",
             word, line, both / alone);
}
