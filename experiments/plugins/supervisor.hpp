// SPDX-License-Identifier: MIT
//
// A process between this one and a program. Whatever the program starts, and that
// leaves its process group, session or parent, is a child of the supervisor in the end,
// and goes with the program: also where this process is killed. A program that kills
// its supervisor goes at once; what it detached before that stays.
//
// It is a copy of this process that executes nothing else: memory that this one had by
// then and writes again later is held twice.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>

namespace batchlab {

// How a program ended, told once nothing below it is left.
struct ProgramEnd {
  bool exited = false;  // else by a signal
  int status = 0;       // the exit code or the signal
  std::int64_t most_resident_bytes = 0;
};

// The only signal that a supervisor obeys: it ends, program and all.
inline constexpr int end_supervisor = SIGUSR1;

// Makes a process just forked, its signals blocked, a supervisor that does not outlive
// the thread of `parent` that forked it.
void become_supervisor(pid_t parent);

// Waits for the end of `program`, a child of this supervisor, or brings it about. Then
// writes a ProgramEnd to `report`, a pipe, and ends. Other files of this process are
// closed.
[[noreturn]] void supervise(pid_t program, int report);

}  // namespace batchlab
