// SPDX-License-Identifier: MIT
//
// The writing half of the run store: lines, whole JSON files, the lock.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "controllers/error.hpp"
#include "results/run_store.hpp"

namespace batchlab {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

Error disk_error(const std::filesystem::path& path, const char* what, int reason) {
  return Error(ErrorKind::disk, fmt::format("{}: cannot {}: {}", path.string(), what,
                                            std::generic_category().message(reason)));
}

// A descriptor that closes itself.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

int open_to_write(const std::filesystem::path& path, int extra_flags) {
  int file = -1;
  do {
    file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | extra_flags, 0666);
  } while (file < 0 && errno == EINTR);
  if (file < 0) throw disk_error(path, "open for writing", errno);
  return file;
}

// Writes what the system takes; returns the bytes written and the errno that ended it.
std::pair<std::size_t, int> write_bytes(int file, std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(file, bytes.data() + written, bytes.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count == 0) {
      return {written, EIO};
    } else if (errno != EINTR) {
      return {written, errno};
    }
  }
  return {written, 0};
}

// How many of `bytes`, which begin with a line, are whole lines. A newline inside a
// quoted cell ends none: the number of quotes before it is odd.
std::size_t whole_lines(std::string_view bytes) {
  std::size_t end = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '"') quoted = !quoted;
    if (bytes[i] == '\n' && !quoted) end = i + 1;
  }
  return end;
}

// After a rename: makes the new name survive a power failure. Some file systems cannot
// do that for folders and say EINVAL.
void sync_folder(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : ".";
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || (::fsync(file.get()) != 0 && errno != EINVAL)) {
    throw disk_error(folder, "flush", errno);
  }
}

void write_and_sync(const std::filesystem::path& path, std::string_view text) {
  const File file(open_to_write(path, O_TRUNC));
  const auto [written, reason] = write_bytes(file.get(), text);
  if (reason != 0) throw disk_error(path, "write", reason);
  if (::fsync(file.get()) != 0) throw disk_error(path, "flush", errno);
}

}  // namespace

// The header goes to disk at once: a file of a run is never without one.
LineWriter::LineWriter(const std::filesystem::path& path, std::string_view header)
    : path_(path) {
  File file(open_to_write(path, O_TRUNC));
  file_ = file.get();
  append(header);
  flush();
  file.release();
}

LineWriter::~LineWriter() {
  try {
    flush();
  } catch (const Error&) {
  }
  ::close(file_);
}

void LineWriter::append(std::string_view line) {
  buffer_.append(line).push_back('\n');
  if (buffer_.size() >= kBufferBytes) flush();
}

void LineWriter::flush() {
  const auto [written, reason] = write_bytes(file_, buffer_);
  if (reason == 0) return buffer_.clear();
  // Cut off the torn line; what did not get through stays buffered for another attempt.
  const std::size_t whole = whole_lines(std::string_view(buffer_).substr(0, written));
  const off_t end = ::lseek(file_, 0, SEEK_CUR) - static_cast<off_t>(written - whole);
  if (end >= 0 && ::ftruncate(file_, end) == 0) ::lseek(file_, end, SEEK_SET);
  buffer_.erase(0, whole);
  throw disk_error(path_, "write", reason);
}

void write_json(const std::filesystem::path& path, const nlohmann::json& value) {
  // Invalid UTF-8 (a folder's name, say) becomes U+FFFD: a run must not fail over it.
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  write_text(path, value.dump(2, ' ', false, replace) + '\n');
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  try {
    write_and_sync(temporary, text);
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      throw disk_error(path, "replace", errno);
    }
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(path);
}

RunLock::RunLock(const std::filesystem::path& folder) {
  const auto path = folder / ".lock";
  File file(open_to_write(path, 0));
  int outcome = 0;
  do {
    outcome = ::flock(file.get(), LOCK_EX | LOCK_NB);
  } while (outcome != 0 && errno == EINTR);
  if (outcome != 0 && errno == EWOULDBLOCK) {
    throw Error(ErrorKind::failed,
                folder.string() + " is being written by another process");
  }
  if (outcome != 0) throw disk_error(path, "lock", errno);
  file_ = file.release();
}

// The file stays: removing it would let two processes lock different files of one name.
RunLock::~RunLock() { ::close(file_); }

}  // namespace batchlab
