// SPDX-License-Identifier: MIT
//
// The plugins of the tests as files of a folder of their own.
#pragma once

#include <sys/stat.h>

#include "tests/experiments/program.hpp"

namespace batchlab::test {

// A file, its folder and all that is above it that nobody else can write to, whatever
// the umask: but for /tmp, which is sticky.
class ExampleFiles {
 public:
  ExampleFiles() { mode(folder.path(), 0755); }

  // A copy of the program (or the shared library) in this folder.
  [[nodiscard]] std::string program(const std::string& name = "example") const {
    return copy(BATCHLAB_EXAMPLE_PROGRAM, name);
  }
  [[nodiscard]] std::string library(const std::string& name = "example.so") const {
    return copy(BATCHLAB_EXAMPLE_LIBRARY, name);
  }

  // It works as before, but is another file: bytes behind the end of an ELF file.
  static void build_anew(const std::string& file) {
    std::ofstream(file, std::ios::app) << "another build";
  }

  static void mode(const std::filesystem::path& path, mode_t mode) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
  }

  TemporaryFolder folder;

 private:
  [[nodiscard]] std::string copy(const char* file, const std::string& name) const {
    const auto to = folder / name;
    std::filesystem::copy_file(file, to,
                               std::filesystem::copy_options::overwrite_existing);
    mode(to, 0755);
    return to.string();
  }
};

}  // namespace batchlab::test
