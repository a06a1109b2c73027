// SPDX-License-Identifier: MIT
//
// From files that a user names to controllers in the registry.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

struct PluginOptions {
  std::vector<std::filesystem::path> files;  // --plugin
  std::string folders;   // BATCHLAB_PLUGIN_PATH: folders, absolute, parted by ":"
  bool isolate = false;  // shared libraries in a process of their own
  bool allow_writable = false;  // files and folders that others can write to
  // Of plugins in a process of their own: as of ProgramOptions.
  double seconds_per_answer = 10;
  std::int64_t memory_bytes = std::int64_t{1} << 30;
  std::chrono::steady_clock::time_point deadline =
      std::chrono::steady_clock::time_point::max();
};

struct Plugin {
  std::filesystem::path path;  // absolute, without links
  std::string checksum;        // SHA-256 of the file, as of sha256.hpp
  std::string version;         // its own; empty where it does not say
  bool isolated = false;       // its code runs in a process of its own
  std::vector<Entry> entries;
};

// The file that is meant, absolute and without links. Throws Error(plugin) for a name
// without a slash, which could be looked up anywhere, and for what is no file.
[[nodiscard]] std::filesystem::path plugin_path(const std::filesystem::path& file);

// Whether the name of `file` says that it is a shared library; else it is a program.
[[nodiscard]] bool is_shared_library(const std::filesystem::path& file);

// The files that `options` name, then those in its folders: shared libraries and
// programs, sorted by folder; no file twice. Throws Error(plugin).
[[nodiscard]] std::vector<std::filesystem::path> plugin_files(
    const PluginOptions& options);

// Checked, loaded, not yet added. Throws Error(plugin), also for a file that is not to
// be trusted (trust.hpp).
[[nodiscard]] Plugin load_plugin(const std::filesystem::path& file,
                                 const PluginOptions& options);

// To the registry.
void add_plugin(Plugin plugin);

// All plugins of `options`, loaded and added.
void add_plugins(const PluginOptions& options);

// Of the plugin that controller `name` came from: path, checksum, version, isolated,
// for run.json; null for a built-in rule. Of one that came by add_controllers() alone
// no more than the path is known: its checksum is null.
[[nodiscard]] nlohmann::json plugin_of(const std::string& name);

}  // namespace batchlab
