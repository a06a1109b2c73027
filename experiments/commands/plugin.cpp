// SPDX-License-Identifier: MIT
//
// batchlab plugin: controllers that are not built in.
#include "experiments/commands/plugin.hpp"

#include <fmt/format.h>

#include <array>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

std::span<const Command> plugin_commands() {
  static const std::array all{plugin_new_command, plugin_check_command,
                              plugin_list_command, plugin_serve_command};
  return all;
}

void print_overview(const Command& command) {
  fmt::print("usage: batchlab {} {} [options]\n\n{}\n\n", command.name,
             command.arguments, command.help);
  for (const Command& one : plugin_commands()) {
    if (!one.summary.empty()) fmt::print("  {:<13} {}\n", one.name, one.summary);
  }
  fmt::print("\nbatchlab plugin COMMAND --help tells more.\n");
}

int run_plugin(const Command& command, const std::vector<std::string>& arguments) {
  const std::string name = arguments.empty() ? "" : arguments.front();
  if (name.empty() || name == "--help" || name == "-h") {
    print_overview(command);
    return name.empty() ? static_cast<int>(ErrorKind::usage) : 0;
  }
  std::vector<std::string> names;
  for (const Command& one : plugin_commands()) {
    if (one.name == "plugin " + name)
      return one.run(one, {arguments.begin() + 1, arguments.end()});
    if (!one.summary.empty()) names.push_back(one.name.substr(7));
  }
  throw unknown_name("command of plugin", name, names);
}

}  // namespace

const Command plugin_command{
    "plugin", "COMMAND", "write, check and list controllers that are not built in",
    "Controllers from files of yours: shared libraries (*.so) and programs in any "
    "language.\n"
    "Commands that name controllers take them with --plugin FILE, or from the folders "
    "that\n"
    "BATCHLAB_PLUGIN_PATH names.",
    run_plugin};

}  // namespace batchlab
