// SPDX-License-Identifier: MIT
//
// For the tests of the command line: the real program in a process of its own.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/experiments/support.hpp"

namespace batchlab::test {

struct Output {
  int code = -1;  // exit code, or 1000 + the signal that ended it
  std::string out, err;
};

// A program that runs. It is killed if the test ends before it.
class Program {
 public:
  // `prepare` is called in the new process before the program starts.
  explicit Program(
      const std::vector<std::string>& arguments,
      const std::function<void()>& prepare = [] {}) {
    process_ = ::fork();
    if (process_ == 0) {
      redirect("out", STDOUT_FILENO);
      redirect("err", STDERR_FILENO);
      prepare();
      std::vector<char*> words{const_cast<char*>(BATCHLAB_PROGRAM)};
      for (const auto& word : arguments)
        words.push_back(const_cast<char*>(word.c_str()));
      words.push_back(nullptr);
      ::execv(BATCHLAB_PROGRAM, words.data());
      ::_exit(127);
    }
  }
  ~Program() {
    signal(SIGKILL);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Only while it runs: kill() takes a number below 1 for many processes.
  void signal(int number) const {
    if (process_ > 0) ::kill(process_, number);
  }

  // Kills it after three minutes, for sanitizers are slow: code 1000 + SIGKILL.
  [[nodiscard]] Output wait() {
    if (process_ <= 0) return {};
    int status = 0;
    for (int i = 0; ::waitpid(process_, &status, WNOHANG) == 0; ++i) {
      if (i == 90000) signal(SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    process_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status),
            file_text(folder_ / "out"), file_text(folder_ / "err")};
  }

  // The process of a run that this program has started; 0 if none.
  [[nodiscard]] pid_t child() const {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", process_));
    pid_t child = 0;
    children >> child;
    return child;
  }

 private:
  void redirect(const char* name, int number) const {
    const int file =
        ::open((folder_ / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ::dup2(file, number);
    ::close(file);
  }

  TemporaryFolder folder_;
  pid_t process_ = -1;
};

inline Output run_program(
    const std::vector<std::string>& arguments,
    const std::function<void()>& prepare = [] {}) {
  return Program(arguments, prepare).wait();
}

// Waits until `condition` holds, ten seconds at most; looks after each `pause`.
template <class Condition>
bool eventually(Condition condition,
                std::chrono::microseconds pause = std::chrono::milliseconds(5)) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(pause);
  }
  return false;
}

// A folder with a specification on the tiny data, and where its runs go.
struct Experiment {
  explicit Experiment(const std::string& text = tiny_text()) {
    write_file(specification(), text);
  }
  [[nodiscard]] std::string specification() const {
    return (folder / "tiny.toml").string();
  }
  [[nodiscard]] std::filesystem::path out() const { return folder / "runs"; }
  [[nodiscard]] std::filesystem::path run_folder(const std::string& name) const {
    return out() / "tiny" / name;
  }
  // The words of a `run` of it, one thread, with `more`.
  [[nodiscard]] std::vector<std::string> words(
      std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"run", specification(), "--out", out().string(),
                                 "--threads=1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Output run(const std::vector<std::string>& more = {}) const {
    return run_program(words(more));
  }
  [[nodiscard]] nlohmann::json record(const std::string& name) const {
    return read_json(run_folder(name) / "run.json");
  }

  TemporaryFolder folder;
};

// The rows of a CSV file without the times, which are never the same.
inline std::vector<std::vector<std::string>> rows_without_seconds(
    const std::filesystem::path& path) {
  Table table = read_csv(path);
  EXPECT_FALSE(table.torn) << path;
  const auto seconds = table.column("training_seconds");
  for (auto& row : table.rows) {
    if (seconds) row.erase(row.begin() + static_cast<std::ptrdiff_t>(*seconds));
  }
  return table.rows;
}

// Two runs did the same: all rows but times, and the weights bit by bit.
inline void expect_same_run(const std::filesystem::path& one,
                            const std::filesystem::path& other) {
  for (const char* name : {"steps.csv", "evaluations.csv", "decisions.csv"}) {
    EXPECT_EQ(rows_without_seconds(one / name), rows_without_seconds(other / name))
        << name;
  }
  EXPECT_TRUE(file_text(one / "checkpoint.safetensors") ==
              file_text(other / "checkpoint.safetensors"));
}

// Every file in a folder with its bytes.
inline std::map<std::string, std::string> snapshot(
    const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().string()] = file_text(entry.path());
  }
  return files;
}

}  // namespace batchlab::test
