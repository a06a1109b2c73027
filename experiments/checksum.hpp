// SPDX-License-Identifier: MIT
//
// FNV-1a, 64 bits: a short name for a content. Not against forgery.
#pragma once

#include <string>
#include <string_view>

namespace batchlab {

[[nodiscard]] std::string checksum(std::string_view bytes);  // 16 hexadecimal digits

// Of a file's content. Throws Error(usage) when it cannot be read.
[[nodiscard]] std::string file_checksum(const std::string& path);

}  // namespace batchlab
