// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

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

int main(int count, char** arguments) {
  open_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file too large is an error to report, not a death
  batchlab::use_single_threaded_blas();
  return batchlab::run_command_line(count, arguments);
}
