// SPDX-License-Identifier: MIT
//
// What a run was made with and on: recorded in run.json, so that figures can be judged.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace batchlab {

[[nodiscard]] const char* version();

// version, compiler, compiler_options, blas, blas_kernel, blas_kernel_pinned,
// blas_threading, processor, cores.
[[nodiscard]] nlohmann::json environment();

// What in the environment costs speed or has no effect, with so many threads at once:
// one sentence each.
[[nodiscard]] std::vector<std::string> environment_notes(std::size_t threads);

// Largest resident set of this process so far, shared data included.
[[nodiscard]] std::size_t peak_memory_bytes();

// Now, as 2026-01-31T12:00:00Z.
[[nodiscard]] std::string utc_now();

}  // namespace batchlab
