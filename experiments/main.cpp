// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "experiments/command_line.hpp"
#include "nn/matrix_product.hpp"

// A run's file that got the number of a closed standard stream would get its messages.
static void open_standard_streams() {
  int file = 0;
  do {
    file = open("/dev/null", O_RDWR);
  } while (file >= 0 && file <= STDERR_FILENO);
  if (file >= 0) close(file);
}

// Whether the system may refuse addresses long before memory is used up.
static bool addresses_are_limited() {
  for (const auto resource : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      return true;
    }
  }
  std::ifstream overcommit("/proc/sys/vm/overcommit_memory");
  int mode = 0;
  return overcommit >> mode && mode == 2;
}

// As the program starts, OpenBLAS makes threads that we do not use. One that is refused
// its 128 MiB of addresses asks for them for ever, and fork() and the end of the
// program wait for it. So the program begins again without these threads; if it cannot,
// it goes on as it is.
static void leave_out_threads_of_blas(char** arguments) {
  const char* const variable = "OPENBLAS_NUM_THREADS";
  const char* const value = std::getenv(variable);
  if (value != nullptr && std::strcmp(value, "1") == 0) return;
  if (!addresses_are_limited() || setenv(variable, "1", 1) != 0) return;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) execv(program.c_str(), arguments);
}

int main(int count, char** arguments) {
  open_standard_streams();
  leave_out_threads_of_blas(arguments);
  std::signal(SIGXFSZ, SIG_IGN);  // a file too large is an error to report, not a death
  batchlab::use_single_threaded_blas();
  return batchlab::run_command_line(count, arguments);
}
