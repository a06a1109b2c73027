// SPDX-License-Identifier: MIT
#include "nn/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <system_error>
#include <utility>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(float) == 4,
              "tensors are written as they lie in memory");

constexpr std::uint64_t maximum_header_bytes = 100'000'000;  // as the reference has it
constexpr std::size_t maximum_depth = 16;                    // of the JSON header
constexpr const char* metadata_name = "__metadata__";

// ---- writing

[[noreturn]] void fail_disk(const std::string& path, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  throw Error(ErrorKind::disk, fmt::format("{}: {}", path, reason));
}

// Closes a file descriptor at the end of its life.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// A new file beside `path` that takes its place on commit, or else is removed.
class Replacement {
 public:
  explicit Replacement(const std::string& path)
      : path_(path), folder_(open_folder(path)), file_(create()) {}
  ~Replacement() {
    if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  void write(const void* data, std::size_t bytes) {
    const char* begin = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t written = ::write(file_.number(), begin, bytes);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_disk(path_, errno);
      begin += written;
      bytes -= static_cast<std::size_t>(written);
    }
  }

  void commit() {
    if (::fsync(file_.number()) != 0) fail_disk(path_, errno);
    if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) fail_disk(path_, errno);
    temporary_path_.clear();
    // Some file systems cannot flush a folder and say so with EINVAL.
    if (::fsync(folder_.number()) != 0 && errno != EINVAL) fail_disk(path_, errno);
  }

 private:
  static int open_folder(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    const int number = ::open(folder.empty() ? "." : folder.c_str(),
                              O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (number < 0) fail_disk(path, errno);
    return number;
  }

  int create() {
    static std::atomic<unsigned> counter{0};
    int number = -1;
    do {  // the name may be left over from a process that was killed
      temporary_path_ = fmt::format("{}.{}-{}.tmp", path_, ::getpid(), counter++);
      number = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                      0666);
    } while (number < 0 && errno == EEXIST);
    if (number < 0) fail_disk(path_, errno);
    return number;
  }

  std::string path_;
  std::string temporary_path_;  // empty once renamed
  Descriptor folder_;
  Descriptor file_;
};

[[maybe_unused]] std::size_t elements(const std::vector<std::size_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                         std::multiplies<>());
}

std::string make_header(const std::string& path, const TensorFile& file) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header[metadata_name] = file.metadata;
  std::size_t begin = 0;
  for (const NamedTensor& tensor : file.tensors) {
    assert(tensor.name != metadata_name && !header.contains(tensor.name));
    assert(elements(tensor.shape) == tensor.values.size());
    const std::size_t end = begin + sizeof(float) * tensor.values.size();
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  try {
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::failed, path + ": a name or the metadata is not UTF-8");
  }
}

// ---- reading

using Json = nlohmann::json;

[[noreturn]] void fail_corrupt(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::corrupt, fmt::format("{}: {}", path, what));
}

std::uint64_t file_bytes(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw Error(ErrorKind::data, path + ": no such file");
  }
  if (error) fail_disk(path, error.value());
  if (status.type() != std::filesystem::file_type::regular) {
    throw Error(ErrorKind::data, path + ": not a regular file");
  }
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  if (error) fail_disk(path, error.value());
  return bytes;
}

void read_exactly(std::ifstream& stream, const std::string& path, void* target,
                  std::uint64_t bytes) {
  stream.read(static_cast<char*>(target), static_cast<std::streamsize>(bytes));
  if (!stream) fail_corrupt(path, "ended while it was read");
}

std::string read_header(std::ifstream& stream, const std::string& path,
                        std::uint64_t file_size) {
  std::uint64_t bytes = 0;
  if (file_size < sizeof(bytes)) {
    fail_corrupt(path, fmt::format("{} bytes are no safetensors file", file_size));
  }
  read_exactly(stream, path, &bytes, sizeof(bytes));
  if (bytes > maximum_header_bytes || bytes > file_size - sizeof(bytes)) {
    fail_corrupt(path, fmt::format("header of {} bytes in a file of {} (at most {})",
                                   bytes, file_size, maximum_header_bytes));
  }
  std::string text(bytes, '\0');
  read_exactly(stream, path, text.data(), bytes);
  return text;
}

// Refuses what the parser lets pass, deep nesting and a name given twice in one object,
// and notes the order of the tensors, which a JSON object forgets.
class HeaderGuard {
 public:
  HeaderGuard(std::string path, std::vector<std::string>& tensor_names)
      : path_(std::move(path)), tensor_names_(tensor_names) {}

  bool operator()(int /*depth*/, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      names_.emplace_back();
      if (names_.size() > maximum_depth) fail_corrupt(path_, "header nested too deep");
    } else if (event == Event::object_end || event == Event::array_end) {
      names_.pop_back();
    } else if (event == Event::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!names_.back().insert(name).second) {
        fail_corrupt(path_, fmt::format("\"{}\" occurs twice", printable(name)));
      }
      if (names_.size() == 1 && name != metadata_name) tensor_names_.push_back(name);
    }
    return true;
  }

 private:
  std::string path_;
  std::vector<std::string>& tensor_names_;
  std::vector<std::set<std::string>> names_;  // of each open object or array
};

struct Header {
  Json json;
  std::vector<std::string> tensor_names;  // as the file lists them
};

Header parse_header(const std::string& path, const std::string& text) {
  // The parser takes a zero byte for the end and would ignore what follows.
  if (text.empty() || text[0] != '{' || text.find('\0') != std::string::npos) {
    fail_corrupt(path, "the header is not a JSON object");
  }
  try {
    Header header;
    HeaderGuard guard(path, header.tensor_names);
    header.json = Json::parse(text, std::ref(guard));
    return header;
  } catch (const Json::exception& error) {
    fail_corrupt(path, "header: " + printable(error.what(), 200));
  }
}

std::map<std::string, std::string> parse_metadata(const std::string& path,
                                                  const Json& header) {
  std::map<std::string, std::string> metadata;
  const auto found = header.find(metadata_name);
  if (found == header.end()) return metadata;
  if (!found->is_object()) fail_corrupt(path, "__metadata__ is not an object");
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) fail_corrupt(path, "__metadata__ holds more than strings");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

struct TensorEntry {
  std::string name;
  std::vector<std::size_t> shape;
  std::uint64_t begin, end;  // bytes, counted from the beginning of the data
};

[[noreturn]] void fail_tensor(const std::string& path, const std::string& name,
                              const std::string& what) {
  fail_corrupt(path, fmt::format("tensor \"{}\": {}", printable(name), what));
}

std::vector<std::size_t> parse_sizes(const std::string& path, const std::string& name,
                                     const Json& tensor, const char* key) {
  const auto found = tensor.find(key);
  std::vector<std::size_t> sizes;
  bool valid = found != tensor.end() && found->is_array();
  for (const Json& size : valid ? *found : Json::array()) {
    valid = valid && size.is_number_unsigned();
    if (valid) sizes.push_back(size.get<std::size_t>());
  }
  if (!valid) fail_tensor(path, name, fmt::format("{} is no list of sizes", key));
  return sizes;
}

void check_size(const std::string& path, const TensorEntry& entry) {
  std::uint64_t bytes = sizeof(float);
  for (const std::size_t size : entry.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) {
      fail_tensor(path, entry.name, "the shape overflows");
    }
  }
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    fail_tensor(
        path, entry.name,
        fmt::format("shape [{}] needs {} bytes, data_offsets are [{}, {}]",
                    fmt::join(entry.shape, ", "), bytes, entry.begin, entry.end));
  }
}

TensorEntry parse_entry(const std::string& path, const std::string& name,
                        const Json& tensor) {
  if (!tensor.is_object()) fail_tensor(path, name, "not an object");
  const auto type = tensor.find("dtype");
  if (type == tensor.end() || *type != "F32") {
    fail_tensor(path, name, "dtype is not F32");
  }
  const auto offsets = parse_sizes(path, name, tensor, "data_offsets");
  if (offsets.size() != 2) fail_tensor(path, name, "data_offsets are not two");
  TensorEntry entry{name, parse_sizes(path, name, tensor, "shape"), offsets[0],
                    offsets[1]};
  check_size(path, entry);
  return entry;
}

// In file order; together they cover the data exactly.
std::vector<TensorEntry> parse_entries(const std::string& path, const Header& header,
                                       std::uint64_t data_bytes) {
  std::vector<TensorEntry> entries;
  for (const std::string& name : header.tensor_names) {
    entries.push_back(parse_entry(path, name, header.json.at(name)));
  }
  std::stable_sort(
      entries.begin(), entries.end(), [](const auto& left, const auto& right) {
        return std::pair(left.begin, left.end) < std::pair(right.begin, right.end);
      });
  std::uint64_t end = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != end) {
      fail_tensor(path, entry.name, "a gap or an overlap before it");
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    fail_corrupt(path,
                 fmt::format("{} bytes of data, the tensors need {}", data_bytes, end));
  }
  return entries;
}

}  // namespace

void write_safetensors(const std::string& path, const TensorFile& file) {
  const std::string header = make_header(path, file);
  const std::uint64_t header_bytes = header.size();
  Replacement replacement(path);
  replacement.write(&header_bytes, sizeof(header_bytes));
  replacement.write(header.data(), header.size());
  for (const NamedTensor& tensor : file.tensors) {
    replacement.write(tensor.values.data(), sizeof(float) * tensor.values.size());
  }
  replacement.commit();
}

TensorFile read_safetensors(const std::string& path) {
  const std::uint64_t bytes = file_bytes(path);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_disk(path, errno);
  const std::string text = read_header(stream, path, bytes);
  const Header header = parse_header(path, text);
  const std::uint64_t data_bytes = bytes - sizeof(std::uint64_t) - text.size();

  TensorFile file;
  file.metadata = parse_metadata(path, header.json);
  for (TensorEntry& entry : parse_entries(path, header, data_bytes)) {
    NamedTensor tensor{std::move(entry.name), std::move(entry.shape), {}};
    tensor.values.resize((entry.end - entry.begin) / sizeof(float));
    read_exactly(stream, path, tensor.values.data(), entry.end - entry.begin);
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

}  // namespace batchlab
