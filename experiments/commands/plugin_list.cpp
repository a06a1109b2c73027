// SPDX-License-Identifier: MIT
//
// batchlab plugin list: which plugins are found where.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controllers/error.hpp"
#include "experiments/commands/plugin.hpp"
#include "experiments/plugin_arguments.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;
using nlohmann::json;

// One that cannot be loaded has an error in place of its controllers.
json found(const std::filesystem::path& file, const PluginOptions& options) {
  json row{{"path", file.string()},
           {"kind", is_shared_library(file) ? "shared library" : "program"},
           {"version", ""},
           {"checksum", nullptr},
           {"controllers", json::array()},
           {"error", nullptr}};
  try {
    Plugin plugin = load_plugin(file, options);
    row["path"] = plugin.path.string();
    row["version"] = plugin.version;
    row["checksum"] = plugin.checksum;
    for (const Entry& entry : plugin.entries) row["controllers"].push_back(entry.name);
    add_plugin(std::move(plugin));
  } catch (const Error& error) {
    row["error"] = error.what();
  }
  return row;
}

void print_row(const json& row) {
  const std::string version = row.at("version");
  fmt::print("{}  {}{}\n", printable(row.at("path").get<std::string>(), 400),
             row.at("kind").get<std::string>(),
             version.empty() ? "" : ", version " + version);
  if (row.at("error").is_null()) {
    const auto names = row.at("controllers").get<std::vector<std::string>>();
    fmt::print("  {}\n", fmt::join(names, ", "));
  } else {
    fmt::print("  not usable: {}\n", row.at("error").get<std::string>());
  }
}

int run_list(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("json", "as JSON");
  options.add(plugin_options());
  const auto values = parse_arguments(command, arguments, options, {});
  if (!values) return 0;
  PluginOptions plugins = plugin_arguments(*values);
  plugins.isolate = true;
  json rows = json::array();
  bool failed = false;
  for (const auto& file : plugin_files(plugins)) {
    rows.push_back(found(file, plugins));
    failed = failed || !rows.back().at("error").is_null();
  }
  if (values->count("json")) {
    fmt::print("{}\n", rows.dump(2));
  } else if (rows.empty()) {
    fmt::print("no plugins: neither --plugin nor BATCHLAB_PLUGIN_PATH names one\n");
  } else {
    for (const json& row : rows) print_row(row);
  }
  return failed ? static_cast<int>(ErrorKind::plugin) : 0;
}

}  // namespace

const Command plugin_list_command{
    "plugin list", "", "say which plugins are found, and what is in them",
    "Lists the files that --plugin names, then the shared libraries and programs in "
    "the "
    "folders of\n"
    "BATCHLAB_PLUGIN_PATH (absolute, parted by ':'), with their controllers or what is "
    "wrong with\n"
    "them. Nothing of theirs runs in this process. Exit code 6 if one cannot be "
    "used.\n\n"
    "  BATCHLAB_PLUGIN_PATH=$HOME/plugins batchlab plugin list",
    run_list};

}  // namespace batchlab
