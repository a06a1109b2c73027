// SPDX-License-Identifier: MIT
#include "experiments/plugins/trust.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as Linux has it

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw Error(ErrorKind::plugin,
              fmt::format("{}: not loaded: {}; --allow-writable-plugins loads it "
                          "all the same",
                          printable(file.string(), 400), why));
}

[[noreturn]] void fail(const fs::path& what, int reason) {
  throw Error(ErrorKind::plugin, fmt::format("{}: {}", printable(what.string(), 400),
                                             std::strerror(reason)));
}

// `what`: the file itself, or a folder or link on the way to it. Returns its mode.
mode_t check_one(const fs::path& file, const fs::path& what) {
  struct stat is {};
  if (::lstat(what.c_str(), &is) != 0) fail(what, errno);
  const std::string name = printable(what.string(), 400);
  if (is.st_uid != 0 && is.st_uid != ::geteuid()) {
    refuse(file, fmt::format("{} belongs to user {}, neither root nor you ({}); copy "
                             "the plugin to a folder of yours",
                             name, is.st_uid, ::geteuid()));
  }
  const bool sticky_folder = S_ISDIR(is.st_mode) && (is.st_mode & S_ISVTX) != 0;
  const bool writable = (is.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (sticky_folder || S_ISLNK(is.st_mode) || !writable) return is.st_mode;
  refuse(file, fmt::format("others can write to {} (mode {:04o}); chmod go-w {}", name,
                           is.st_mode & 07777, name));
}

}  // namespace

// Name by name, as the system goes: where one is a link, its target comes next. So
// `here` has no links, and ".." is the folder above it.
void check_trusted(const fs::path& file) {
  std::error_code failure;
  const fs::path named = fs::absolute(file, failure);
  std::deque<fs::path> names(named.begin(), named.end());
  fs::path here;
  for (int links = 0; !names.empty();) {
    const fs::path name = names.front();
    names.pop_front();
    if (name == "..") here = here.parent_path();
    if (name == ".." || name == "." || name.empty()) continue;
    const fs::path next = here / name;  // name alone, where that is the root
    if (!S_ISLNK(check_one(file, next))) {
      here = next;
      continue;
    }
    if (++links > most_links) fail(file, ELOOP);
    const fs::path target = fs::read_symlink(next, failure);
    if (failure) fail(next, failure.value());
    names.insert(names.begin(), target.begin(), target.end());
  }
}

}  // namespace batchlab
