// SPDX-License-Identifier: MIT
#include "experiments/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <new>
#include <sstream>

#include "controllers/error.hpp"
#include "experiments/environment.hpp"
#include "experiments/plugin_arguments.hpp"
#include "experiments/progress.hpp"
#include "experiments/recipes.hpp"
#include "experiments/toml_file.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

std::vector<std::string> option_names(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& option : options.options())
    names.push_back("--" + option->long_name());
  return names;
}

void print_help(const Command& command, const po::options_description& options) {
  std::stringstream table;
  table << options;
  fmt::print("usage: batchlab {}{}{} [options]\n\n{}\n\n{}", command.name,
             command.arguments.empty() ? "" : " ", command.arguments, command.help,
             table.str());
}

void print_overview() {
  fmt::print(
      "batchlab {}: which batch size to train with, and when to change it\n\n"
      "usage: batchlab COMMAND [arguments] [options]\n\n",
      version());
  for (const Command& command : commands()) {
    fmt::print("  {:<12} {}\n", command.name, command.summary);
  }
  fmt::print(
      "\nbatchlab COMMAND --help tells more. Start with\n\n"
      "  batchlab reproduce four-families\n\n"
      "Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 data missing or "
      "altered,\n4 corrupt checkpoint or log, 5 disk or permission, 6 plugin, 7 "
      "diverged, 8 some runs\nfailed, 130 and 143 interrupted.\n");
}

// It makes or names controllers.
bool takes_plugins(const Command& command) {
  constexpr std::array<std::string_view, 6> names{"run",    "reproduce",   "plan",
                                                  "replay", "controllers", "bench"};
  return std::find(names.begin(), names.end(), command.name) != names.end();
}

int report(ErrorKind kind, const std::string& what) {
  say("batchlab: " + what + '\n');
  return static_cast<int>(kind);
}

int dispatch(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    print_overview();
    return words.empty() ? static_cast<int>(ErrorKind::usage) : 0;
  }
  if (words[0] == "--version") {
    fmt::print("batchlab {}\n", version());
    return 0;
  }
  if (words[0] == "help") {
    if (words.size() == 1) {
      print_overview();
      return 0;
    }
    return dispatch({words[1], "--help"});
  }
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (command.name == words[0]) {
      return command.run(command, {words.begin() + 1, words.end()});
    }
    names.push_back(command.name);
  }
  throw unknown_name("command", words[0], names);
}

}  // namespace

std::span<const Command> commands() {
  static const std::array all{run_command,         reproduce_command, compare_command,
                              report_command,      list_command,      show_command,
                              controllers_command, data_command,      plan_command,
                              replay_command,      bench_command,     export_command,
                              plugin_command,      tune_command};
  return all;
}

std::optional<po::variables_map> parse_arguments(
    const Command& command, const std::vector<std::string>& arguments,
    po::options_description options,
    const po::positional_options_description& positional) {
  options.add_options()("help,h", "show this help");
  if (takes_plugins(command)) options.add(plugin_options());
  // Positional arguments are options to the library, but none that the help should
  // list.
  po::options_description all(options);
  for (unsigned i = 0; i < positional.max_total_count() && i < 8; ++i) {
    const std::string& name = positional.name_for_position(i);
    if (!all.find_nothrow(name, false)) {
      all.add_options()(name.c_str(), po::value<std::vector<std::string>>());
    }
  }
  try {
    po::variables_map values;
    using namespace po::command_line_style;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional)
                  .style(unix_style & ~allow_guessing)
                  .run(),
              values);
    if (values.count("help")) {
      print_help(command, options);
      return std::nullopt;
    }
    po::notify(values);
    if (takes_plugins(command)) add_plugins(plugin_arguments(values));
    return values;
  } catch (const po::unknown_option& error) {
    const Error unknown =
        unknown_name("option", error.get_option_name(), option_names(options));
    throw Error(unknown.kind(), command.name + ": " + unknown.what());
  } catch (const po::too_many_positional_options_error&) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: too many arguments; usage: batchlab {} {}",
                            command.name, command.name, command.arguments));
  } catch (const po::error& error) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {}", command.name, printable(error.what(), 300)));
  }
}

nlohmann::json document_named(const std::string& name,
                              const po::variables_map& values) {
  std::error_code ignored;
  const bool file = std::filesystem::exists(name, ignored) || name.ends_with(".toml");
  nlohmann::json document = file ? parse_toml(read_text_file(name), name)
                                 : parse_toml(find_recipe(name).text, name);
  if (values.count("set")) {
    for (const auto& setting : values["set"].as<std::vector<std::string>>()) {
      apply_setting(document, setting);
    }
  }
  return document;
}

nlohmann::json document_argument(const Command& command,
                                 const po::variables_map& values) {
  if (!values.count("specification")) {
    throw Error(ErrorKind::usage,
                command.name + ": a specification or recipe is needed");
  }
  return document_named(values["specification"].as<std::vector<std::string>>().front(),
                        values);
}

std::size_t count_argument(const std::string& option, const std::string& text,
                           std::size_t low, std::size_t high) {
  std::size_t value = 0;
  const auto [end, failure] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < low ||
      value > high) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: must be an integer in [{}, {}], got \"{}\"", option,
                            low, high, printable(text)));
  }
  return value;
}

int run_command_line(int count, const char* const* arguments) {
  try {
    const int code = dispatch({arguments + 1, arguments + count});
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    return report(ErrorKind::disk, "standard output cannot be written");
  } catch (const Error& error) {
    return report(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ErrorKind::failed, "out of memory");
  } catch (const std::exception& error) {  // of fmt::print, where the disk is full
    return report(std::ferror(stdout) != 0 ? ErrorKind::disk : ErrorKind::failed,
                  error.what());
  }
}

}  // namespace batchlab
