// SPDX-License-Identifier: MIT
//
// Controllers in a process of their own, which speaks JSON lines over its standard
// input and output: programs in any language, and shared libraries that are isolated.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

struct ProgramOptions {
  std::vector<std::string> command;  // program and arguments; no shell
  double seconds_per_answer = 10;    // then it is killed
  // Of address space; then its allocations fail. 0: as much as there is.
  std::int64_t memory_bytes = std::int64_t{1} << 30;
  // SHA-256 that its file must have whenever it is started. Empty: any.
  std::string checksum = {};
  // No answer is waited for any longer.
  std::chrono::steady_clock::time_point deadline =
      std::chrono::steady_clock::time_point::max();
};

// The controllers of a program. It is started to say which they are, and anew for every
// controller made, and ends with it. Entry::plugin is `path`. Throws Error(plugin),
// here and from each call of such a controller, with what the program did: ended (by
// which signal, with which code, its last words on standard error), did not answer in
// time, answered what is no decision, did not end in order (Controller::finish()), or
// that its file is another one by now. What it refuses when a controller is made is
// Error(usage): an option. `version`: where its own is to go, empty if it says none.
[[nodiscard]] std::vector<Entry> controllers_of_program(
    const std::filesystem::path& path, const ProgramOptions& options,
    std::string* version = nullptr);

}  // namespace batchlab
