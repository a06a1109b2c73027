// SPDX-License-Identifier: MIT
//
// The other end of the protocol of controller_program.hpp: controllers of this process
// for another one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

struct Served {
  std::vector<Entry> entries;
  std::string version;  // of whatever has them, or empty
};

// Answers line by line on standard input and output until the input ends; whatever else
// is written to standard output, also by `load`, goes to standard error. Where `load`
// throws, the answers say so. Returns the exit code.
[[nodiscard]] int serve(const std::function<Served()>& load);

[[nodiscard]] int serve(const std::vector<Entry>& entries);

}  // namespace batchlab
