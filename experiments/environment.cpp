// SPDX-License-Identifier: MIT
#include "experiments/environment.hpp"

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
          {"processor", processor_name()},
          {"cores", std::thread::hardware_concurrency()}};
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
