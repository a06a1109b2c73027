// SPDX-License-Identifier: MIT
//
// For the tests of results/: a folder that goes away, files in it, runs in memory.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <random>
#include <sstream>
#include <string>
#include <string_view>

#include "controllers/error.hpp"
#include "results/comparison.hpp"

namespace batchlab::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "batchlab-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // no words of a process that ends meanwhile, and no exception
  return text.str();
}

// What `action` threw: its kind and message; a failure when it threw nothing.
template <class Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorKind::failed, "");
}

// A finished run of 100 updates and 6400 examples in 2 seconds, tested at its end.
inline Run finished_run(const std::string& label, std::int64_t seed, double accuracy) {
  Run run;
  run.record = {{"status", "finished"},  {"controller", label},
                {"seed", seed},          {"specification", "s"},
                {"steps", 100},          {"examples_seen", 6400},
                {"epochs_completed", 1}, {"training_seconds", 2.0}};
  run.configuration = {{"name", "s"},
                       {"seed", seed},
                       {"controller", {{"name", label}, {"label", label}}},
                       {"budget", {{"epochs", 1}}},
                       {"target", nullptr},
                       {"data", {{"set", "fashion-mnist"}}}};
  run.evaluations = {{.step = 100,
                      .epoch = 1,
                      .examples_seen = 6400,
                      .training_seconds = 2.0,
                      .split = "test",
                      .loss = 1 - accuracy,
                      .accuracy = accuracy}};
  return run;
}

inline Run run_with_status(const std::string& label, std::int64_t seed,
                           const std::string& status, const std::string& reason) {
  Run run = finished_run(label, seed, 0.1);
  run.record["status"] = status;
  run.record["reason"] = reason;
  return run;
}

// Box and Muller: the same values with every library.
inline double standard_normal(std::mt19937_64& generator) {
  const auto uniform = [&] {
    return (static_cast<double>(generator() >> 11) + 0.5) * 0x1p-53;
  };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

}  // namespace batchlab::test
