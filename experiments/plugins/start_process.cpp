// SPDX-License-Identifier: MIT
//
// Between fork() and exec() stands only what POSIX allows there: other threads of this
// process may hold any lock.

#include "experiments/plugins/start_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

[[noreturn]] void fail(int reason) {
  const char* const hint =
      reason == ENOEXEC ? " (the first line of a script names its interpreter, such as "
                          "#!/usr/bin/env python3)"
                        : "";
  throw Error(ErrorKind::plugin,
              fmt::format("cannot be started: {}{}", std::strerror(reason), hint));
}

struct Pipe {
  Descriptor read, write;
};

Pipe new_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// Owns what pointers point to.
struct Words {
  explicit Words(std::vector<std::string> all) : words(std::move(all)) {
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
  }
  std::vector<std::string> words;
  std::vector<char*> pointers;
};

// Ours, and one thread for its linear algebra where nobody said otherwise: rules are
// small, and each thread of a library reserves memory.
std::vector<std::string> environment_of_program() {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  for (const char* name : {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (::getenv(name) == nullptr) all.push_back(fmt::format("{}=1", name));
  }
  return all;
}

void limit(decltype(RLIMIT_AS) resource, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(resource, &both);
}

// What is ignored or blocked here would stay so in the program.
void forget_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void become(const Words& command, const Words& environment, std::int64_t memory_bytes) {
  forget_signals();
  if (memory_bytes > 0) limit(RLIMIT_AS, static_cast<rlim_t>(memory_bytes));
  limit(RLIMIT_CORE, 0);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(command.pointers.front(), command.pointers.data(),
           environment.pointers.data());
}

void do_not_block(const Descriptor& file) {
  ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) | O_NONBLOCK);
}

// 0 once it has become the program, else why not.
int outcome_of(Pipe& report) {
  report.write.close();
  int reason = 0;
  ssize_t count = 0;
  do {
    count = ::read(report.read.get(), &reason, sizeof reason);
  } while (count < 0 && errno == EINTR);
  return count == sizeof reason ? reason : 0;
}

}  // namespace

StartedProcess start_process(const std::vector<std::string>& command,
                             std::int64_t memory_bytes) {
  Pipe input = new_pipe(), output = new_pipe(), errors = new_pipe();
  Pipe report = new_pipe();
  const Words words(command), environment(environment_of_program());
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process < 0) fail(errno);
  if (process == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(input.read.get(), STDIN_FILENO);
    ::dup2(output.write.get(), STDOUT_FILENO);
    ::dup2(errors.write.get(), STDERR_FILENO);
    become(words, environment, memory_bytes);
    const int reason = errno;
    (void)!::write(report.write.get(), &reason, sizeof reason);
    ::_exit(127);
  }
  ::setpgid(process, process);
  if (const int reason = outcome_of(report)) {
    ::waitpid(process, nullptr, 0);
    fail(reason);
  }
  for (Descriptor* ours : {&input.write, &output.read, &errors.read}) {
    do_not_block(*ours);
  }
  return {process, std::move(input.write), std::move(output.read),
          std::move(errors.read)};
}

}  // namespace batchlab
