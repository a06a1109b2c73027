// SPDX-License-Identifier: MIT
//
// Inside results/ only: SHA-256, by which a page names the scripts and styles that it
// allows.
#pragma once

#include <string>
#include <string_view>

namespace batchlab {

// As a content security policy writes it: "sha256-" and the digest in base64.
[[nodiscard]] std::string sha256_source(std::string_view bytes);

}  // namespace batchlab
