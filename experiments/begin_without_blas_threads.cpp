// SPDX-License-Identifier: MIT
//
// As it is loaded, OpenBLAS makes threads that we do not use. One that is refused its
// 128 MiB of addresses asks for them for ever, and fork() and the end of the program
// wait for it; where a thread itself is refused, OpenBLAS ends the program. So where
// addresses are limited the program begins again with OpenBLAS told to make none. If it
// cannot, it goes on as it is.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "experiments/plugins/sanitized.hpp"

namespace batchlab {

namespace {

// Whether addresses may be refused long before memory is used up.
bool addresses_are_limited() {
  for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      return true;
    }
  }
  const int file = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char mode = 0;
  const bool is_known = read(file, &mode, 1) == 1;
  close(file);
  return is_known && mode == '2';
}

// Of libraries built with threads of their own and with OpenMP's.
char one_thread[][24] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1"};

// Whether both begin with the same `name=`.
bool same_variable(const char* left, const char* right) {
  const auto length = static_cast<std::size_t>(std::strchr(right, '=') - right);
  return std::strncmp(left, right, length + 1) == 0;
}

// changed: room for `environment`, these two and the end. Whether they differ.
bool set_one_thread(char** environment, char** changed) {
  std::size_t as_wanted = 0;
  for (; *environment != nullptr; ++environment) {
    bool is_other = true;
    for (const char* wanted : one_thread) {
      if (!same_variable(*environment, wanted)) continue;
      is_other = false;
      if (std::strcmp(*environment, wanted) == 0) ++as_wanted;
    }
    if (is_other) *changed++ = *environment;
  }
  for (char* wanted : one_thread) *changed++ = wanted;
  *changed = nullptr;
  return as_wanted != std::size(one_thread);
}

// Called before the constructors of libraries: nothing of C++ is there yet.
[[gnu::no_sanitize("address", "thread")]] void before_libraries(int, char** arguments,
                                                                char** environment) {
  if (sanitized || !addresses_are_limited()) return;
  std::size_t room = std::size(one_thread) + 1;
  for (char** entry = environment; *entry != nullptr; ++entry) ++room;
  auto** const changed = static_cast<char**>(__builtin_alloca(room * sizeof(char*)));
  if (!set_one_thread(environment, changed)) return;
  char program[PATH_MAX] = {};  // /proc/self/exe would become the name of the process
  if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0) return;
  execve(program, arguments, changed);
}

[[gnu::section(".preinit_array"),
  gnu::used]] void (*const entry)(int, char**, char**) = before_libraries;

}  // namespace

}  // namespace batchlab
