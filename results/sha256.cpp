// SPDX-License-Identifier: MIT
//
// By OpenSSL's libcrypto; its header stays here.
#include "results/sha256.hpp"

#include <openssl/evp.h>

#include <array>

#include "controllers/error.hpp"

namespace batchlab {

std::string sha256_source(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
                 nullptr) != 1) {
    throw Error(ErrorKind::failed, "SHA-256: OpenSSL's libcrypto refuses it");
  }
  std::array<unsigned char, 4 * (EVP_MAX_MD_SIZE + 2) / 3 + 1> text{};
  const int letters =
      EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return "sha256-" + std::string(text.begin(), text.begin() + letters);
}

}  // namespace batchlab
