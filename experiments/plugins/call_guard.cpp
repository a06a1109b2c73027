// SPDX-License-Identifier: MIT
#include "experiments/plugins/call_guard.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace batchlab {

namespace {

thread_local const char* in_call = nullptr;  // of whom; null outside of calls

// exit() calls it in the thread that called exit().
void tell_exit(int code, void* /*nothing*/) {
  if (in_call == nullptr) return;
  ::dprintf(STDERR_FILENO, "batchlab: %s: called exit(%d)\n", in_call, code);
  ::_exit(static_cast<int>(ErrorKind::plugin));
}

}  // namespace

void watch_exits() {
  static const bool watched = ::on_exit(tell_exit, nullptr) == 0;
  (void)watched;
}

CallGuard::CallGuard(const std::string& who)
    : of_thread_(::uselocale(nullptr)),
      of_process_(std::setlocale(LC_ALL, nullptr)),
      outer_(std::exchange(in_call, who.c_str())) {
  std::fegetenv(&environment_);
}

// glibc keeps the control word of SSE, with flush-to-zero, in the environment too.
CallGuard::~CallGuard() {
  in_call = outer_;
  std::fesetenv(&environment_);
  if (::uselocale(nullptr) != of_thread_) ::uselocale(of_thread_);
  if (of_process_ != std::setlocale(LC_ALL, nullptr)) {
    std::setlocale(LC_ALL, of_process_.c_str());
  }
}

}  // namespace batchlab
