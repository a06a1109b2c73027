// SPDX-License-Identifier: MIT
//
// The other end of the protocol of controller_program.hpp: controllers of this process
// for another one.
#pragma once

#include <string>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

// Answers line by line on standard input and output until the input ends; whatever else
// is written to standard output goes to standard error. Returns the exit code.
// `version`: of whatever has them, or empty.
[[nodiscard]] int serve(const std::vector<Entry>& entries,
                        const std::string& version = "");

}  // namespace batchlab
