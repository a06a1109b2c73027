// SPDX-License-Identifier: MIT
//
// A program that is asked line by line, and that may do anything: it is given time and
// memory, its words on standard error are kept, and nothing that it started outlives it
// or its object (supervisor.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/plugins/start_process.hpp"

namespace batchlab {

// All of its methods throw Error(plugin) with what the program did, as a clause:
// `ended by signal 11 (Segmentation fault)`, `did not answer within 10 s`. After that
// it is of no more use.
class ChildProcess {
 public:
  // `command`: program and arguments, no shell and no search. In a session of its own,
  // so that no Ctrl-C reaches it. It dies with the thread that made it.
  // `memory_bytes`: of address space; 0: as much as there is.
  ChildProcess(const std::vector<std::string>& command, std::int64_t memory_bytes);
  // Closes its input, waits half a second for it, kills it and all that it started.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Writes `line` and a newline; returns the line that it answers with.
  [[nodiscard]] std::string ask(std::string_view line, double seconds);

  // Closes its input; then it must end with exit code 0.
  void finish(double seconds);

  // The end of what it wrote on standard error, fit to be printed; what the system
  // holds of it is read first.
  [[nodiscard]] std::string last_words();

 private:
  using Time = std::chrono::steady_clock::time_point;

  static Time after(double seconds);
  void write_some(std::string_view& unwritten);
  void wait_for_something(bool writing, Time end) const;
  void read_output();
  void read_errors();
  [[nodiscard]] std::optional<std::string> whole_line();
  [[nodiscard]] bool ended();
  bool ends_before(Time end);
  [[nodiscard]] std::string how_it_ended() const;
  [[noreturn]] void fail_without_output();
  [[noreturn]] void fail_late(double seconds) const;

  StartedProcess process_;
  std::string unread_;  // of its output
  std::string words_;   // the last of its errors
  bool over_ = false;
  std::optional<int> exit_code_, signal_;       // neither: nobody can tell
  std::int64_t memory_bytes_, used_bytes_ = 0;  // allowed; at most resident
};

}  // namespace batchlab
