// SPDX-License-Identifier: MIT
//
// FNV-1a, 64 bits: a short name for a content. Not against forgery.
#pragma once

#include <string>
#include <string_view>

namespace batchlab {

[[nodiscard]] std::string checksum(std::string_view bytes);  // 16 hexadecimal digits

// Of a file's content. Throws Error(data) when it is missing, no regular file, or
// unreadable.
[[nodiscard]] std::string file_checksum(const std::string& path);

}  // namespace batchlab
