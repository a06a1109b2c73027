// SPDX-License-Identifier: MIT
#include "nn/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <new>
#include <set>

#include "controllers/error.hpp"
#include "experiments/plugins/sanitized.hpp"

namespace batchlab::thread_pool_test {

using std::this_thread::sleep_for;

class ThreadPoolOf : public testing::TestWithParam<std::size_t> {};

TEST_P(ThreadPoolOf, RunsEveryWorkerOnceARound) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.workers(), GetParam());
  std::vector<int> calls(pool.workers());
  for (int round = 1; round <= 3000; ++round) {
    pool.run([&](std::size_t worker) { ++calls.at(worker); });
    ASSERT_EQ(calls, std::vector<int>(pool.workers(), round));
  }
}

// Plain variables: a missing barrier is a data race, which the thread sanitizer
// reports.
TEST_P(ThreadPoolOf, ShowsEachRoundTheResultsOfTheLast) {
  ThreadPool pool(GetParam());
  std::vector<std::uint64_t> values(pool.workers(), 1);
  std::uint64_t total = pool.workers();
  for (std::uint64_t round = 0; round < 2000; ++round) {
    pool.run([&](std::size_t worker) { values[worker] = total + round + worker; });
    const std::uint64_t before = total;
    total = 0;
    for (std::size_t worker = 0; worker < values.size(); ++worker) {
      ASSERT_EQ(values[worker], before + round + worker);
      total += values[worker] % 1000;
    }
  }
}

// Long enough that who waits has stopped polling and sleeps.
TEST_P(ThreadPoolOf, WakesSleepersOnEitherSide) {
  ThreadPool pool(GetParam());
  std::vector<int> calls(pool.workers());
  for (int round = 1; round <= 12; ++round) {
    const std::size_t slow = static_cast<std::size_t>(round) % pool.workers();
    pool.run([&](std::size_t worker) {
      if (worker == slow) sleep_for(std::chrono::milliseconds(2));
      ++calls[worker];
    });
    ASSERT_EQ(calls, std::vector<int>(pool.workers(), round));
    sleep_for(std::chrono::milliseconds(2));
  }
}

// Whoever throws, all others finish, and the pool goes on.
TEST_P(ThreadPoolOf, ThrowsAgainWhatATaskThrew) {
  ThreadPool pool(GetParam());
  for (std::size_t throwing = 0; throwing < pool.workers(); ++throwing) {
    std::vector<int> calls(pool.workers());
    const auto count = [&](std::size_t worker) { ++calls[worker]; };
    EXPECT_THROW(pool.run([&](std::size_t worker) {
      count(worker);
      if (worker >= throwing) throw std::bad_alloc();
    }),
                 std::bad_alloc);
    pool.run(count);
    EXPECT_EQ(calls, std::vector<int>(pool.workers(), 2));
  }
}

// Those that have started are ended first.
TEST(ThreadPool, SaysWhichThreadTheSystemRefuses) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs terabytes of addresses";
  const auto start_on_little_memory = [] {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t bytes = pages * 4096 + (60U << 20);  // a stack: 8 MiB, or less
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
    try {
      const ThreadPool pool(1024);
    } catch (const Error& error) {
      std::cerr << error.what();
      std::_Exit(0);
    }
    std::_Exit(1);
  };
  EXPECT_EXIT(start_on_little_memory(), testing::ExitedWithCode(0),
              "thread .* of 1024 cannot be started: .*; limits");
}

TEST_P(ThreadPoolOf, CountsSubnormalsAsZeroInATaskAndNotAfterIt) {
  ThreadPool pool(GetParam());
  const volatile float smallest_normal = std::numeric_limits<float>::min();
  std::vector<float> halves(pool.workers(), 1);
  pool.run([&](std::size_t worker) { halves[worker] = smallest_normal / 2; });
  EXPECT_EQ(halves, std::vector<float>(pool.workers(), 0));
  EXPECT_GT(smallest_normal / 2, 0);
}

TEST_P(ThreadPoolOf, UsesTheCallerAsWorkerZeroAndOneThreadForEachOther) {
  ThreadPool pool(GetParam());
  std::vector<std::thread::id> first(pool.workers()), second(pool.workers());
  pool.run([&](std::size_t worker) { first[worker] = std::this_thread::get_id(); });
  pool.run([&](std::size_t worker) { second[worker] = std::this_thread::get_id(); });
  EXPECT_EQ(first[0], std::this_thread::get_id());
  EXPECT_EQ(first, second);
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), pool.workers());
}

TEST_P(ThreadPoolOf, EndsWhetherUsedOrNot) {
  for (int i = 0; i < 100; ++i) {
    ThreadPool pool(GetParam());
    std::vector<int> calls(pool.workers());
    if (i % 2 == 0) pool.run([&](std::size_t worker) { ++calls[worker]; });
    EXPECT_EQ(calls, std::vector<int>(pool.workers(), i % 2 == 0 ? 1 : 0));
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, ThreadPoolOf, testing::Values(1, 2, 3, 8));

}  // namespace batchlab::thread_pool_test
