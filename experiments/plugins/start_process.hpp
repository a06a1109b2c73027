// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/plugins/descriptor.hpp"

namespace batchlab {

// A program, and our ends of the pipes to its standard streams: they do not block, and
// no other program gets them.
struct StartedProcess {
  pid_t supervisor = -1;  // of the program: our child, which is its parent
  Descriptor input, output, errors;
  Descriptor end;  // what the supervisor tells last (supervisor.hpp)
};

// As of ChildProcess. Throws Error(plugin): `cannot be started: Permission denied`.
[[nodiscard]] StartedProcess start_process(const std::vector<std::string>& command,
                                           std::int64_t memory_bytes);

}  // namespace batchlab
