// SPDX-License-Identifier: MIT
//
// The checks are in the order that gives the kindest message: what kind of file, for
// which machine, whether it loads, is a plugin, of which version, and only then what it
// describes.
#include "experiments/plugins/shared_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstddef>
#include <set>

#include "controllers/error.hpp"
#include "controllers/plugin_values.hpp"
#include "experiments/plugins/call_guard.hpp"
#include "experiments/plugins/elf_file.hpp"
#include "experiments/plugins/library_entry.hpp"

namespace batchlab {
namespace {

constexpr char symbol[] = "batchlab_plugin";
constexpr char magic[8] = BATCHLAB_MAGIC;
constexpr std::uint32_t oldest_version = 1;
constexpr std::size_t most_entries = 1000, longest_version = 80;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::plugin, path + ": " + why);
}

using EntryFunction = const batchlab_descriptor* (*)();

// The library stays loaded even where it is refused: what it has begun, it may need.
EntryFunction entry_function(const std::filesystem::path& file,
                             const std::string& path) {
  const std::string absolute = std::filesystem::absolute(file).string();
  void* library = call_guarded(
      path, [&] { return ::dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL); });
  if (library == nullptr) {
    const char* why = ::dlerror();
    refuse(path, "cannot be loaded: " + printable(why != nullptr ? why : "", 400));
  }
  void* function = ::dlsym(library, symbol);
  if (function == nullptr) {
    refuse(path, fmt::format("is a library but no plugin of batchlab: it has no "
                             "function {} (controllers/plugin_abi.h)",
                             symbol));
  }
  return reinterpret_cast<EntryFunction>(function);
}

void check_version(const std::string& path, const batchlab_descriptor& descriptor) {
  if (std::memcmp(descriptor.magic, magic, sizeof magic) != 0) {
    refuse(path, fmt::format("is no plugin of batchlab: what {} returns must begin "
                             "with \"batchlab\", got \"{}\"",
                             symbol, printable({descriptor.magic, sizeof magic})));
  }
  if (descriptor.abi_version > BATCHLAB_ABI_VERSION) {
    refuse(path, fmt::format("needs version {} of the plugin interface, this batchlab "
                             "has {}; take a newer batchlab or compile the plugin with "
                             "the headers of this one",
                             descriptor.abi_version, BATCHLAB_ABI_VERSION));
  }
  if (descriptor.abi_version < oldest_version) {
    refuse(path,
           fmt::format("is for version {} of the plugin interface, this batchlab "
                       "has {} and takes none before {}; compile it anew",
                       descriptor.abi_version, BATCHLAB_ABI_VERSION, oldest_version));
  }
}

// `least`: up to the last field that every plugin has; `most`: as compiled here.
void check_size(const std::string& path, const char* what, std::size_t size,
                std::size_t least, std::size_t most) {
  if (size >= least && size <= most && size % alignof(void*) == 0) return;
  refuse(path, fmt::format("size of its {} must be in [{}, {}] bytes, got {}", what,
                           least, most, size));
}

void check_sizes(const std::string& path, const batchlab_descriptor& descriptor) {
  check_size(path, "batchlab_descriptor", descriptor.descriptor_size,
             sizeof(batchlab_descriptor), sizeof(batchlab_descriptor));
  check_size(path, "batchlab_entry", descriptor.entry_size,
             offsetof(batchlab_entry, save), sizeof(batchlab_entry));
  check_size(path, "batchlab_option", descriptor.option_size,
             offsetof(batchlab_option, choices), sizeof(batchlab_option));
  check_size(path, "batchlab_statistics", descriptor.statistics_size,
             offsetof(batchlab_statistics, gradient_norm_squared),
             sizeof(batchlab_statistics));
  check_size(path, "batchlab_decision", descriptor.decision_size,
             offsetof(batchlab_decision, learning_rate_factor),
             sizeof(batchlab_decision));
}

void check_entries(const std::string& path, const batchlab_descriptor& descriptor) {
  const std::size_t count = descriptor.entry_count;
  if (count == 0) refuse(path, "has no controllers");
  if (count > most_entries || descriptor.entries == nullptr) {
    refuse(path, fmt::format(
                     "must have at most {} controllers, got {}{}", most_entries, count,
                     descriptor.entries == nullptr ? " at a null pointer" : ""));
  }
}

// What the entry function returns. Nothing is read beyond the version before that is
// known, nor beyond a size.
batchlab_descriptor descriptor_of(const std::string& path, EntryFunction function) {
  const batchlab_descriptor* given = call_guarded(path, function);
  if (given == nullptr) {
    refuse(path,
           fmt::format("{} returned nothing: it could not describe itself", symbol));
  }
  batchlab_descriptor descriptor{};
  std::memcpy(&descriptor, given, offsetof(batchlab_descriptor, descriptor_size));
  check_version(path, descriptor);
  std::memcpy(&descriptor, given, offsetof(batchlab_descriptor, version));
  check_sizes(path, descriptor);
  return struct_at<batchlab_descriptor>(given, 0, descriptor.descriptor_size);
}

}  // namespace

std::vector<Entry> load_shared_library(const std::filesystem::path& file,
                                       std::string* version) {
  check_shared_library_file(file);
  const std::string path = printable(file.string(), 400);
  const batchlab_descriptor descriptor =
      descriptor_of(path, entry_function(file, path));
  check_entries(path, descriptor);
  const LibraryLayout layout{file.string(), descriptor.entry_size,
                             descriptor.option_size};
  std::vector<Entry> entries;
  std::set<std::string> names;
  for (std::size_t i = 0; i < descriptor.entry_count; ++i) {
    entries.push_back(library_entry(layout, descriptor.entries, i));
    if (!names.insert(entries.back().name).second) {
      refuse(path,
             fmt::format("has two controllers of the name {}", entries.back().name));
    }
  }
  if (version != nullptr) {
    *version = printable(from_plugin(descriptor.version, longest_version + 1),
                         longest_version);
  }
  return entries;
}

}  // namespace batchlab
