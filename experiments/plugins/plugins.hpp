// SPDX-License-Identifier: MIT
//
// From files that a user names to controllers in the registry.
#pragma once

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
  double seconds_per_answer = 10;
};

struct Plugin {
  std::filesystem::path path;  // absolute
  std::string checksum;        // SHA-256 of the file
  std::string version;         // its own; empty where it does not say
  std::vector<Entry> entries;
};

// Checked, loaded, not yet added. A name without a slash is refused, for it could be
// looked up anywhere; so is a file or folder that others can write to, or that belongs
// to neither root nor this user. Throws Error(plugin).
[[nodiscard]] Plugin load_plugin(const std::filesystem::path& file,
                                 const PluginOptions& options);

// All plugins of `options`, added to the registry.
void add_plugins(const PluginOptions& options);

// Of the plugin that controller `name` came from: path, checksum, version, for
// run.json; null for a built-in rule.
[[nodiscard]] nlohmann::json plugin_of(const std::string& name);

}  // namespace batchlab
