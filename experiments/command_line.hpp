// SPDX-License-Identifier: MIT
//
// The command line: commands by name, their options by Boost.Program_options.
#pragma once

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace batchlab {

struct Command {
  std::string name;
  std::string arguments;  // after the options, for the usage line: "SPEC"
  std::string summary;    // one line
  std::string help;       // what it does, reads and prints; ends with examples
  // Returns the exit code; throws Error.
  int (*run)(const Command& command, const std::vector<std::string>& arguments);
};

// All commands, in the order of the help.
[[nodiscard]] std::span<const Command> commands();

// Parses `arguments` by `options` and, for what is not an option, by `positional`. Adds
// --help; prints it and returns nothing when asked for. Throws Error(usage) for unknown
// options (naming the closest), missing or malformed values and superfluous arguments.
// Abbreviated options are not guessed. Of a command that makes or names
// controllers, adds the options of plugins (plugin_arguments.hpp) too, and the plugins
// that they name to the registry.
[[nodiscard]] std::optional<boost::program_options::variables_map> parse_arguments(
    const Command& command, const std::vector<std::string>& arguments,
    boost::program_options::options_description options,
    const boost::program_options::positional_options_description& positional);

// The specification or recipe `name`, as a file (where it exists or ends in .toml) or
// else a recipe, with what --set of `values` says.
[[nodiscard]] nlohmann::json document_named(
    const std::string& name, const boost::program_options::variables_map& values);

// The same of the positional argument "specification". Throws Error(usage) where it is
// missing.
[[nodiscard]] nlohmann::json document_argument(
    const Command& command, const boost::program_options::variables_map& values);

// `text` as an integer in [low, high]. Throws Error(usage): `--threads: must be an
// integer in [1, 1024], got "0"`.
[[nodiscard]] std::size_t count_argument(const std::string& option,
                                         const std::string& text, std::size_t low,
                                         std::size_t high);

// Dispatches argv to a command; every Error becomes a line on standard error and its
// exit code.
[[nodiscard]] int run_command_line(int count, const char* const* arguments);

// The commands, one file each in commands/.
extern const Command run_command, reproduce_command, compare_command, list_command,
    show_command, controllers_command, data_command, plan_command, replay_command,
    bench_command, plugin_command, report_command, export_command, tune_command;

}  // namespace batchlab
