// SPDX-License-Identifier: MIT
#include "experiments/plugins/trust.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw Error(ErrorKind::plugin,
              fmt::format("{}: not loaded: {}; --allow-writable-plugins loads it "
                          "all the same",
                          printable(file.string(), 400), why));
}

// `what`: the file itself, or a folder above it.
void check_one(const fs::path& file, const fs::path& what) {
  struct stat is {};
  if (::stat(what.c_str(), &is) != 0) {
    throw Error(ErrorKind::plugin, fmt::format("{}: {}", printable(what.string(), 400),
                                               std::strerror(errno)));
  }
  const std::string name = printable(what.string(), 400);
  if (is.st_uid != 0 && is.st_uid != ::geteuid()) {
    refuse(file, fmt::format("{} belongs to user {}, neither root nor you ({}); copy "
                             "the plugin to a folder of yours",
                             name, is.st_uid, ::geteuid()));
  }
  const bool sticky_folder = S_ISDIR(is.st_mode) && (is.st_mode & S_ISVTX) != 0;
  if (sticky_folder || (is.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  refuse(file, fmt::format("others can write to {} (mode {:04o}); chmod go-w {}", name,
                           is.st_mode & 07777, name));
}

void check_path(const fs::path& file, const fs::path& path) {
  check_one(file, path);
  for (fs::path folder = path.parent_path();; folder = folder.parent_path()) {
    check_one(file, folder);
    if (folder == folder.root_path()) return;
  }
}

}  // namespace

// Both as it is named and as it is, where links are on the way.
void check_trusted(const fs::path& file) {
  std::error_code failure;
  const fs::path named = fs::absolute(file, failure).lexically_normal();
  const fs::path real = fs::canonical(file, failure);
  if (failure) {
    throw Error(ErrorKind::plugin, fmt::format("{}: {}", printable(file.string(), 400),
                                               failure.message()));
  }
  check_path(file, real);
  if (named != real) check_path(file, named);
}

}  // namespace batchlab
