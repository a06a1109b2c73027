// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
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

// As the program starts, OpenBLAS makes threads that we do not use. One that a limit of
// addresses refuses its 128 MiB asks for them for ever, and fork() and the end of the
// program wait for it. So the program begins again without them; if it cannot, it goes
// on as it is.
static void leave_out_threads_of_blas(char** arguments) {
  const char* const variable = "OPENBLAS_NUM_THREADS";
  const char* const value = std::getenv(variable);
  rlimit addresses{};
  if (getrlimit(RLIMIT_AS, &addresses) != 0 || addresses.rlim_cur == RLIM_INFINITY ||
      (value != nullptr && std::strcmp(value, "1") == 0) ||
      setenv(variable, "1", 1) != 0) {
    return;
  }
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
