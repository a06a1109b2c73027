// SPDX-License-Identifier: MIT
#include "experiments/environment.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <ctime>
#include <fstream>
#include <thread>

#include "nn/matrix_product.hpp"

namespace batchlab {

namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace

const char* version() { return BATCHLAB_VERSION; }

nlohmann::json environment() {
  const BlasDescription blas = describe_blas();
  return {{"version", version()},
          {"compiler", "gcc " __VERSION__},
          {"compiler_options", BATCHLAB_COMPILER_OPTIONS},
          {"blas", blas.configuration},
          {"blas_kernel", blas.kernel},
          {"blas_kernel_pinned", blas.pinned_kernel},
          {"blas_threading", blas.threading},
          {"processor", processor_name()},
          {"cores", std::thread::hardware_concurrency()}};
}

std::vector<std::string> environment_notes(std::size_t threads) {
  const BlasDescription blas = describe_blas();
  std::vector<std::string> notes;
  if (!blas.pinned_kernel.empty()) {
    notes.push_back(fmt::format(
        "OPENBLAS_CORETYPE={} pins the BLAS kernel; unset, the library chooses the "
        "fastest for this processor",
        blas.pinned_kernel));
  }
  if (!blas.requested_threads.empty() && blas.requested_threads != "1") {
    notes.push_back(fmt::format(
        "OPENBLAS_NUM_THREADS={} has no effect: the threads of a step are set by "
        "--threads, and each product runs on one of them",
        blas.requested_threads));
  }
  const std::size_t cores = std::thread::hardware_concurrency();
  if (cores > 0 && threads > cores) {
    notes.push_back(fmt::format(
        "{} threads on {} cores: slower than one a core, with the same results",
        threads, cores));
  }
  return notes;
}

std::size_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;  // kibibytes on Linux
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace batchlab
