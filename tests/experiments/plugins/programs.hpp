// SPDX-License-Identifier: MIT
//
// For the tests of plugins/: programs that are written on the spot.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "experiments/plugins/controller_program.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test {

// An executable file, that goes with its object.
class Script {
 public:
  explicit Script(const std::string& text) {
    namespace fs = std::filesystem;
    write_file(path(), text);
    fs::permissions(path(), fs::perms::owner_exec, fs::perm_options::add);
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "rule"; }
  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

  // The controllers that it says it has; with patience, for sanitizers are slow.
  [[nodiscard]] std::vector<Entry> entries(double seconds = 30) const {
    return controllers_of_program(path(), {{path().string()}, seconds});
  }

 private:
  TemporaryFolder folder_;
};

// Before a program that is to crash or to leak: AddressSanitizer would end it in ways
// of its own.
inline void leave_endings_alone() {
  ::setenv("ASAN_OPTIONS", "handle_segv=0:detect_leaks=0", 1);
}

inline constexpr Setting tiny_setting{600};

inline const std::string hello_of_shell =
    R"({"protocol": 1, "controllers": [{"name": "rude", "summary": "-", "source": "-"}]})";

// A shell script, for these start at once, that says hello, is made, and then does what
// `body` says with the question in $line.
inline std::string after_creation(const std::string& body) {
  return fmt::format(
      "#!/bin/sh\nread line; echo '{}'\nread line; echo '{{\"needs\": []}}'\n"
      "read line\n{}\n",
      hello_of_shell, body);
}

inline std::string python(const std::string& text) {
  return "#!/usr/bin/env python3\n" + text;
}

// The program in the README of plugins/, and its exchange.
inline std::string block_of_readme(const std::string& opening) {
  const std::string text = file_text(std::filesystem::path(BATCHLAB_SOURCE) /
                                     "experiments/plugins/README.md");
  const std::size_t start = text.find("\n" + opening + "\n");
  EXPECT_NE(start, text.npos) << opening;
  const std::size_t first = start + opening.size() + 2;
  return text.substr(first, text.find("\n```", first) + 1 - first);
}

}  // namespace batchlab::test
