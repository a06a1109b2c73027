// SPDX-License-Identifier: MIT
#include "nn/thread_pool.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "controllers/error.hpp"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace batchlab {

namespace {

// While it lives, subnormal numbers count as zero on this thread. They arise where a
// moving average decays, mean nothing there, and cost a step up to a fifth of its time.
class SubnormalsAsZero {
 public:
#if defined(__SSE__)
  SubnormalsAsZero() : before_(_mm_getcsr()) {
    constexpr unsigned flush_results = 0x8000, zero_operands = 0x0040;
    _mm_setcsr(before_ | flush_results | zero_operands);
  }
  ~SubnormalsAsZero() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#endif
};

constexpr int polls_before_sleep = 4000;  // about 50 to 100 microseconds

}  // namespace

ThreadPool::ThreadPool(std::size_t workers)
    : spins_(workers <= std::thread::hardware_concurrency() ? polls_before_sleep : 0) {
  threads_.reserve(workers - 1);
  try {
    for (std::size_t worker = 1; worker < workers; ++worker) {
      threads_.emplace_back([this, worker] { work(worker); });
    }
  } catch (const std::system_error& error) {
    stop();
    throw Error(
        ErrorKind::failed,
        fmt::format("thread {} of {} cannot be started: {}; limits of processes "
                    "or addresses (ulimit -a) leave room for fewer",
                    threads_.size() + 2, workers, error.code().message()));
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::run(const std::function<void(std::size_t)>& task) {
  task_ = &task;
  if (!threads_.empty()) {
    pending_.store(static_cast<std::uint32_t>(threads_.size()),
                   std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }
  {
    const SubnormalsAsZero here;
    run_task(0);
  }
  while (const std::uint32_t pending = pending_.load(std::memory_order_acquire)) {
    wait_while_equal(pending_, pending);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::run_task(std::size_t worker) {
  try {
    (*task_)(worker);
  } catch (...) {
    const std::lock_guard lock(failing_);
    if (!failure_) failure_ = std::current_exception();
  }
}

// The next part of a step is microseconds away.
void ThreadPool::wait_while_equal(const std::atomic<std::uint32_t>& value,
                                  std::uint32_t old) const {
  for (int i = 0; i < spins_; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old, std::memory_order_acquire);
}

void ThreadPool::work(std::size_t worker) {
  const SubnormalsAsZero here;
  std::uint32_t round = 0;
  while (true) {
    wait_while_equal(round_, round);
    round = round_.load(std::memory_order_acquire);
    if (stopping_) return;
    run_task(worker);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
  }
}

}  // namespace batchlab
