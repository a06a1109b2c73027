// SPDX-License-Identifier: MIT
//
// By OpenSSL's libcrypto; its header stays here.
#include "results/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

void check(int success) {
  if (success == 1) return;
  throw Error(ErrorKind::failed, "SHA-256: OpenSSL's libcrypto refuses it");
}

class Sha256 {
 public:
  Sha256() { check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr)); }

  void absorb(std::string_view bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  }

  [[nodiscard]] std::array<unsigned char, 32> digest() {
    std::array<unsigned char, 32> digest{};
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free};
};

}  // namespace

std::string sha256_source(std::string_view bytes) {
  Sha256 hash;
  hash.absorb(bytes);
  const auto digest = hash.digest();
  std::array<unsigned char, 4 * ((digest.size() + 2) / 3) + 1> text{};
  const int letters = EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return "sha256-" + std::string(text.begin(), text.begin() + letters);
}

std::string sha256_of_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw Error(ErrorKind::data,
                printable(path, 400) + ": no such file, or not a regular one");
  }
  std::ifstream file(path, std::ios::binary);
  Sha256 hash;
  std::array<char, 1 << 16> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    hash.absorb({block.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (!file.eof()) {
    throw Error(ErrorKind::data, printable(path, 400) + ": cannot be read");
  }
  std::string text;
  for (const unsigned char byte : hash.digest()) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace batchlab
