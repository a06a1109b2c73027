// SPDX-License-Identifier: MIT
#include "experiments/plugins/plugins.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "controllers/error.hpp"
#include "experiments/plugins/call_guard.hpp"
#include "experiments/plugins/controller_program.hpp"
#include "experiments/plugins/sanitized.hpp"
#include "experiments/plugins/shared_library.hpp"
#include "experiments/plugins/trust.hpp"
#include "results/sha256.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Of the added, by path: what plugin_of() says.
std::map<std::string, json>& added_plugins() {
  static std::map<std::string, json> added;
  return added;
}

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw Error(ErrorKind::plugin, printable(file.string(), 400) + ": " + why);
}

void check_executable(const fs::path& program) {
  if (::access(program.c_str(), X_OK) == 0) return;
  refuse(program,
         fmt::format("is neither a shared library (*.so) nor a program that can be "
                     "run; chmod u+x {}",
                     printable(program.string(), 400)));
}

// This program, even where its file has been replaced since it started.
std::vector<std::string> serving(const fs::path& library,
                                 const PluginOptions& options) {
  std::vector<std::string> command{"/proc/self/exe", "plugin", "serve",
                                   library.string()};
  if (options.allow_writable) command.emplace_back("--allow-writable-plugins");
  return command;
}

// `plugin`: all but its entries and version, which become those that it says it has.
void introduce(Plugin& plugin, bool library, const PluginOptions& options) {
  const fs::path& path = plugin.path;
  if (!plugin.isolated) {
    watch_exits();
    plugin.entries = load_shared_library(path, &plugin.version);
    return;
  }
  ProgramOptions program;
  program.command = library ? serving(path, options) : std::vector{path.string()};
  program.seconds_per_answer = options.seconds_per_answer;
  program.checksum = plugin.checksum;
  // No limit where the programs that this build is tested with are sanitized too.
  program.memory_bytes = sanitized ? 0 : options.memory_bytes;
  program.deadline = options.deadline;
  plugin.entries = controllers_of_program(path, program, &plugin.version);
}

// The plugins in one folder of BATCHLAB_PLUGIN_PATH, sorted.
std::vector<fs::path> files_in(const std::string& folder) {
  const auto refuse_folder = [&](const std::string& why) {
    throw Error(ErrorKind::plugin, fmt::format("BATCHLAB_PLUGIN_PATH: \"{}\" {}",
                                               printable(folder, 400), why));
  };
  if (folder.empty()) refuse_folder("is empty; remove the ':' too many");
  if (folder.front() != '/') refuse_folder("is no absolute path");
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) refuse_folder("is no folder");
  std::vector<fs::path> files;
  fs::directory_iterator entry(folder, failure);
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored)) continue;
    const fs::path& file = entry->path();
    if (is_shared_library(file) || ::access(file.c_str(), X_OK) == 0)
      files.push_back(file);
  }
  if (failure) refuse_folder("cannot be read: " + failure.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

fs::path plugin_path(const fs::path& file) {
  const std::string& name = file.native();
  if (name.find('/') == std::string::npos) {
    refuse(file, "a plugin is named by its path; write ./" + printable(name, 400));
  }
  std::error_code failure;
  const fs::path path = fs::canonical(file, failure);
  if (failure) refuse(file, failure.message());
  if (!fs::is_regular_file(path, failure)) refuse(file, "is no file");
  return path;
}

bool is_shared_library(const fs::path& file) { return file.extension() == ".so"; }

std::vector<fs::path> plugin_files(const PluginOptions& options) {
  std::vector<fs::path> files, real;
  const auto add = [&](const fs::path& file) {
    const fs::path path = plugin_path(file);
    if (std::find(real.begin(), real.end(), path) != real.end()) return;
    real.push_back(path);
    files.push_back(file);
  };
  for (const fs::path& file : options.files) add(file);
  if (options.folders.empty()) return files;
  for (std::size_t start = 0; start <= options.folders.size();) {
    const std::size_t end =
        std::min(options.folders.find(':', start), options.folders.size());
    for (const fs::path& file : files_in(options.folders.substr(start, end - start)))
      add(file);
    start = end + 1;
  }
  return files;
}

Plugin load_plugin(const fs::path& file, const PluginOptions& options) {
  Plugin plugin;
  plugin.path = plugin_path(file);
  if (!options.allow_writable) check_trusted(file);
  const bool library = is_shared_library(file);
  if (!library) check_executable(plugin.path);
  plugin.isolated = options.isolate || !library;
  plugin.checksum = sha256_of_file(plugin.path.string());
  introduce(plugin, library, options);
  for (Entry& entry : plugin.entries) entry.plugin = plugin.path.string();
  return plugin;
}

void add_plugin(Plugin plugin) {
  add_controllers(std::move(plugin.entries));
  added_plugins()[plugin.path.string()] = {{"path", plugin.path.string()},
                                           {"checksum", plugin.checksum},
                                           {"version", plugin.version},
                                           {"isolated", plugin.isolated}};
}

void add_plugins(const PluginOptions& options) {
  for (const fs::path& file : plugin_files(options)) {
    add_plugin(load_plugin(file, options));
  }
}

json plugin_of(const std::string& name) {
  const std::string& path = find_controller(name).plugin;
  if (path.empty()) return {};
  const auto added = added_plugins().find(path);
  if (added != added_plugins().end()) return added->second;
  return {
      {"path", path}, {"checksum", nullptr}, {"version", ""}, {"isolated", nullptr}};
}

}  // namespace batchlab
