// SPDX-License-Identifier: MIT
//
// What a call of foreign code may have changed around it is put back: rounding mode,
// flush-to-zero and the other bits of the floating-point environment, and the locale.
// A library linked with -ffast-math changes them when it is loaded.
#pragma once

#include <fmt/format.h>

#include <cfenv>
#include <clocale>
#include <string>

#include "controllers/error.hpp"

namespace batchlab {

// From now on a call that ends this process by exit() does so with exit code 6, and
// says on standard error who it was: else that looks like a success.
void watch_exits();

class CallGuard {
 public:
  explicit CallGuard(const std::string& who);
  ~CallGuard();
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;

 private:
  std::fenv_t environment_;
  locale_t of_thread_;
  std::string of_process_;
  const char* outer_;
};

// Calls `action`; whatever it throws becomes Error(plugin) that names `who`.
template <class Action>
auto call_guarded(const std::string& who, Action action) {
  const CallGuard guard(who);
  try {
    return action();
  } catch (const std::exception& problem) {
    throw Error(ErrorKind::plugin, fmt::format("{}: threw an exception: {}", who,
                                               printable(problem.what(), 400)));
  } catch (...) {
    throw Error(ErrorKind::plugin, who + ": threw an exception");
  }
}

}  // namespace batchlab
