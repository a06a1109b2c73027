// SPDX-License-Identifier: MIT
#include "experiments/plugins/call_guard.hpp"

namespace batchlab {

CallGuard::CallGuard()
    : of_thread_(::uselocale(nullptr)), of_process_(std::setlocale(LC_ALL, nullptr)) {
  std::fegetenv(&environment_);
}

// glibc keeps the control word of SSE, with flush-to-zero, in the environment too.
CallGuard::~CallGuard() {
  std::fesetenv(&environment_);
  if (::uselocale(nullptr) != of_thread_) ::uselocale(of_thread_);
  if (of_process_ != std::setlocale(LC_ALL, nullptr)) {
    std::setlocale(LC_ALL, of_process_.c_str());
  }
}

}  // namespace batchlab
