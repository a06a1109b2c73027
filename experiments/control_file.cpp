// SPDX-License-Identifier: MIT
#include "experiments/control_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "controllers/error.hpp"
#include "experiments/toml_file.hpp"

namespace batchlab {

namespace {

constexpr off_t most_bytes = 65536;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::usage, fmt::format("{}: {}", printable(path, 400), what));
}

bool is_missing(const FileVersion& version) {
  return version.failure == ENOENT || version.failure == ENOTDIR;
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Of what is no regular file, times and size do not count.
FileVersion version_of(const struct stat& status) {
  FileVersion version;
  version.type = status.st_mode & S_IFMT;
  version.device = status.st_dev;
  version.inode = status.st_ino;
  if (version.type != S_IFREG) return version;
  version.bytes = status.st_size;
  version.modified = nanoseconds(status.st_mtim);
  version.changed = nanoseconds(status.st_ctim);
  return version;
}

FileVersion failed() {
  FileVersion version;
  version.failure = errno;
  return version;
}

FileVersion look_at(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? version_of(status) : failed();
}

// An empty file, or one of comments, leaves all to the rule.
Intervention parsed(const std::string& text, const std::string& path,
                    const OwnLimits& own) {
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string::npos;
  const nlohmann::json table =
      blank ? nlohmann::json::object() : parse_toml(text, path);
  return checked_intervention(path, table, own);
}

// A file that is open to be read, and never waits, whatever has taken its place.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
  ~OpenFile() {
    if (file_ >= 0) ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] FileVersion version() const {
    struct stat status {};
    return ::fstat(file_, &status) == 0 ? version_of(status) : failed();
  }

  // Its first `bytes`; nothing where it has less.
  [[nodiscard]] std::optional<std::string> read(off_t bytes) const {
    std::string text(static_cast<std::size_t>(bytes), '\0');
    std::size_t length = 0;
    while (length < text.size()) {
      const ssize_t count = ::read(file_, text.data() + length, text.size() - length);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return std::nullopt;
      length += static_cast<std::size_t>(count);
    }
    return text;
  }

  [[nodiscard]] bool is_open() const { return file_ >= 0; }

 private:
  int file_;
};

// The text of `version`; nothing where there is another one by now.
std::optional<std::string> text_of(const std::string& path,
                                   const FileVersion& version) {
  if (is_missing(version)) return "";
  if (version.failure != 0) refuse(path, std::strerror(version.failure));
  if (version.type != S_IFREG) refuse(path, "not a regular file");
  if (version.bytes > most_bytes) {
    refuse(path, fmt::format("{} bytes; a control file has at most {}", version.bytes,
                             most_bytes));
  }
  const OpenFile file(path);
  if (!file.is_open()) {
    const FileVersion now = failed();
    if (is_missing(now)) return std::nullopt;
    refuse(path, fmt::format("cannot be read: {}", std::strerror(now.failure)));
  }
  if (file.version() != version) return std::nullopt;
  const std::optional<std::string> text = file.read(version.bytes);
  return file.version() == version ? text : std::nullopt;
}

}  // namespace

ControlFile::ControlFile(std::string path, OwnLimits own, Refused refused,
                         std::chrono::milliseconds every)
    : path_(std::move(path)),
      own_(std::move(own)),
      refused_(std::move(refused)),
      every_(every) {}

std::optional<Intervention> ControlFile::after(const Statistics&) {
  const auto now = std::chrono::steady_clock::now();
  if (looked_ && now - *looked_ < every_) return std::nullopt;
  looked_ = now;
  if (!is_new_and_settled()) return std::nullopt;
  const std::optional<Intervention> wanted = read();
  if (!wanted || wanted->same_as(in_force_)) return std::nullopt;
  in_force_ = *wanted;
  return wanted;
}

bool ControlFile::is_new_and_settled() {
  const FileVersion now = look_at(path_);
  const bool settled = !seen_ || *seen_ == now;
  seen_ = now;
  return settled && read_ != now;
}

std::optional<Intervention> ControlFile::read() {
  std::optional<Intervention> wanted;
  try {
    const std::optional<std::string> text = text_of(path_, *seen_);
    if (!text) return std::nullopt;
    wanted = parsed(*text, path_, own_);
  } catch (const Error& error) {
    refused_(fmt::format("{}; still in force: {}", error.what(), to_text(in_force_)));
  }
  read_ = seen_;
  return wanted;
}

bool check_control_file(const std::string& path, const OwnLimits& own) {
  const FileVersion version = look_at(path);
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(path).parent_path();
  if (is_missing(version) && !std::filesystem::is_directory(folder, ignored)) {
    refuse(path, "it may come later, but its folder must be there");
  }
  if (const auto text = text_of(path, version)) {
    static_cast<void>(parsed(*text, path, own));
  }
  return !is_missing(version);
}

}  // namespace batchlab
