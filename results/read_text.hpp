// SPDX-License-Identifier: MIT
//
// Inside results/ only: a file as one string.
#pragma once

#include <filesystem>
#include <string>

namespace batchlab {

// Throws Error(data) when `path` is missing, Error(corrupt) when it is no file,
// Error(disk) with the system's reason when it cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);

}  // namespace batchlab
