// SPDX-License-Identifier: MIT
//
// A pool of threads for the parallel parts of a step. Which worker does what is the
// caller's rule; the pool only runs a task on every worker and waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace batchlab {

class ThreadPool {
 public:
  // `workers` >= 1 counts the calling thread: 1 starts no thread. Throws Error(failed)
  // where the system refuses one.
  explicit ThreadPool(std::size_t workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] std::size_t workers() const { return threads_.size() + 1; }

  // Calls task(worker) once for each worker, the caller being worker 0; returns when
  // all have returned. Throws again what one of them threw, if any did.
  void run(const std::function<void(std::size_t)>& task);

  // For a worker that waits for others within a task: returns once the value is another
  // or, after notify_all(), may be. Polls a while, then sleeps.
  void wait_while_equal(const std::atomic<std::uint32_t>& value,
                        std::uint32_t old) const;

 private:
  void stop();
  void work(std::size_t worker);
  void run_task(std::size_t worker);

  // Two cache lines: one that the caller writes, one that the workers write.
  alignas(64) std::atomic<std::uint32_t> round_{0};  // raised to start a task
  const std::function<void(std::size_t)>* task_ = nullptr;
  bool stopping_ = false;
  std::mutex failing_;
  std::exception_ptr failure_;                         // the first of the round
  alignas(64) std::atomic<std::uint32_t> pending_{0};  // workers that have not finished
  int spins_;  // polls before a thread sleeps; 0 where cores are fewer than workers
  std::vector<std::thread> threads_;
};

}  // namespace batchlab
