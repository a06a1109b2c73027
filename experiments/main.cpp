// SPDX-License-Identifier: MIT
#include <csignal>

#include "experiments/command_line.hpp"
#include "nn/matrix_product.hpp"

int main(int count, char** arguments) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file too large is an error to report, not a death
  batchlab::use_single_threaded_blas();
  return batchlab::run_command_line(count, arguments);
}
