// SPDX-License-Identifier: MIT
//
// Between fork() and exec() stands only what POSIX allows there: other threads of this
// process may hold any lock. The second fork is without the handlers of libraries.

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
#include "experiments/plugins/supervisor.hpp"

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

// What comes between fork() and the supervisor's own settings waits.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

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

struct Pipes {
  Pipe input = new_pipe(), output = new_pipe(), errors = new_pipe();
  Pipe start = new_pipe(), end = new_pipe();  // why it did not, and how it did
};

[[noreturn]] void fail_to_start(const Pipes& pipes) {
  const int reason = errno;
  (void)!::write(pipes.start.write.get(), &reason, sizeof reason);
  ::_exit(127);
}

// A session of its own: it has no terminal, and no group of ours can be joined.
[[noreturn]] void run_program(const Words& command, const Words& environment,
                              const Pipes& pipes, std::int64_t memory_bytes,
                              pid_t supervisor) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);
  ::dup2(pipes.input.read.get(), STDIN_FILENO);
  ::dup2(pipes.output.write.get(), STDOUT_FILENO);
  ::dup2(pipes.errors.write.get(), STDERR_FILENO);
  become(command, environment, memory_bytes);
  fail_to_start(pipes);
}

[[noreturn]] void run_supervisor(const Words& command, const Words& environment,
                                 const Pipes& pipes, std::int64_t memory_bytes,
                                 pid_t parent) {
  become_supervisor(parent);
  const pid_t self = ::getpid(), program = ::_Fork();
  if (program < 0) fail_to_start(pipes);
  if (program == 0) run_program(command, environment, pipes, memory_bytes, self);
  supervise(program, pipes.end.write.get());
}

}  // namespace

StartedProcess start_process(const std::vector<std::string>& command,
                             std::int64_t memory_bytes) {
  Pipes pipes;
  const Words words(command), environment(environment_of_program());
  const pid_t parent = ::getpid();
  pid_t supervisor = -1;
  {
    const AllSignalsBlocked blocked;
    supervisor = ::fork();
    if (supervisor == 0) {
      run_supervisor(words, environment, pipes, memory_bytes, parent);
    }
  }
  if (supervisor < 0) fail(errno);
  pipes.end.write.close();
  if (const int reason = outcome_of(pipes.start)) {
    ::waitpid(supervisor, nullptr, 0);
    fail(reason);
  }
  StartedProcess started{supervisor, std::move(pipes.input.write),
                         std::move(pipes.output.read), std::move(pipes.errors.read),
                         std::move(pipes.end.read)};
  for (Descriptor* ours :
       {&started.input, &started.output, &started.errors, &started.end}) {
    do_not_block(*ours);
  }
  return started;
}

}  // namespace batchlab
