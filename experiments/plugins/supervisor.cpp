// SPDX-License-Identifier: MIT
//
// A fork of a process that may have other threads, which hold any lock: nothing here
// allocates or uses standard streams.
//
// Who is killed cannot fork any more, but a list of children is old once it is read:
// therefore by groups, which the system signals at once, and again until nobody is
// left. The program leads a session of its own, so that no group below it has a
// stranger.

#include "experiments/plugins/supervisor.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <ctime>
#include <utility>

namespace batchlab {
namespace {

sigset_t of_interest() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, end_supervisor);
  return signals;
}

// Reaps others, which came here when their parents ended.
bool has_ended(pid_t program) {
  siginfo_t who{};
  while (::waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) == 0 && who.si_pid > 0) {
    if (who.si_pid == program) return true;
    ::waitpid(who.si_pid, nullptr, 0);
    who = {};
  }
  return false;
}

void wait_for_end(pid_t program) {
  const sigset_t signals = of_interest();
  while (!has_ended(program)) {
    if (::sigwaitinfo(&signals, nullptr) == end_supervisor) return;
  }
}

// Killed first, where it has not ended: until it is reaped, its number is nobody
// else's.
ProgramEnd end_of(pid_t program) {
  ::kill(-program, SIGKILL);
  ::kill(program, SIGKILL);
  int status = 0;
  rusage used{};
  ::wait4(program, &status, 0, &used);
  const bool exited = WIFEXITED(status);
  return {exited, exited ? WEXITSTATUS(status) : WTERMSIG(status),
          std::int64_t{used.ru_maxrss} * 1024};
}

// A child that has not been reaped, and its group.
void kill_one(pid_t child) {
  const pid_t group = ::getpgid(child);
  if (group > 0 && group != ::getpgrp()) ::kill(-group, SIGKILL);
  ::kill(child, SIGKILL);
}

// As many as fit; false where the system does not list them.
bool kill_children() {
  std::array<char, 4096> text;
  const int file = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t size = ::read(file, text.data(), text.size());
  ::close(file);
  pid_t child = 0;
  for (ssize_t i = 0; i < size; ++i) {
    const char one = text[static_cast<std::size_t>(i)];
    if (one >= '0' && one <= '9') child = child * 10 + (one - '0');
    if (one == ' ') kill_one(std::exchange(child, 0));
  }
  return size >= 0;
}

void end_all_others() {
  while (true) {
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 || !kill_children()) return;  // nobody is left
    const timespec moment{0, 1'000'000};
    ::nanosleep(&moment, nullptr);
  }
}

// One by one on a system that has no call for it or does not allow it.
void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
  rlimit most{};
  ::getrlimit(RLIMIT_NOFILE, &most);
  for (rlim_t file = static_cast<rlim_t>(first); file < most.rlim_cur; ++file) {
    ::close(static_cast<int>(file));
  }
}

}  // namespace

void become_supervisor(pid_t parent) {
  ::setsid();
  ::prctl(PR_SET_NAME, "supervisor");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, end_supervisor);
  ::signal(SIGCHLD, SIG_DFL);  // where it is ignored, nobody can be waited for
  if (::getppid() != parent) ::_exit(127);
}

// Pipes that it held open would never end for those who read them.
void supervise(pid_t program, int report) {
  ::dup2(report, 0);
  close_from(1);
  wait_for_end(program);
  const ProgramEnd end = end_of(program);
  end_all_others();
  (void)!::write(0, &end, sizeof end);
  ::_exit(0);
}

}  // namespace batchlab
