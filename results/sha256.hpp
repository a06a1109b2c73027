// SPDX-License-Identifier: MIT
//
// Inside results/ only: SHA-256 of FIPS 180-4, by which a page names the scripts and
// styles that it allows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace batchlab {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view bytes);

// As a content security policy writes it: "sha256-" and the digest in base64.
[[nodiscard]] std::string sha256_source(std::string_view bytes);

}  // namespace batchlab
