// SPDX-License-Identifier: MIT
//
// SHA-256: by which a page names the scripts and styles that it allows, and a run the
// files that made it.
#pragma once

#include <string>
#include <string_view>

namespace batchlab {

// As a content security policy writes it: "sha256-" and the digest in base64.
[[nodiscard]] std::string sha256_source(std::string_view bytes);

// Of a file's content, as `sha256sum` writes it: 64 hexadecimal digits. Throws
// Error(data) when it is missing, no regular file, or unreadable.
[[nodiscard]] std::string sha256_of_file(const std::string& path);

}  // namespace batchlab
