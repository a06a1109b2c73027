// SPDX-License-Identifier: MIT
//
// batchlab plugin new: a controller to start from, of the files in plugins/template/.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "controllers/error.hpp"
#include "controllers/registry.hpp"
#include "experiments/commands/plugin.hpp"
#include "template_files.hpp"  // generated from plugins/template/

namespace batchlab {

namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

constexpr std::string_view name_in_templates = "my_rule";
constexpr std::size_t longest_name = 40;

// Names of targets that CMake makes, or the packages that batchlab is found with.
constexpr std::string_view reserved[] = {
    "all",     "clean",   "depend",     "help",          "test",
    "install", "package", "edit_cache", "rebuild_cache", "nlohmann_json"};

[[noreturn]] void refuse(const std::string& what, const std::string& right) {
  throw Error(ErrorKind::usage, fmt::format("plugin new: {}: {}", what, right));
}

void check_name(const std::string& name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  const bool starts_with_letter = !name.empty() && name[0] >= 'a' && name[0] <= 'z';
  const std::string shown = fmt::format("the name \"{}\"", printable(name));
  if (!letters || !starts_with_letter || name.size() > longest_name) {
    refuse(shown, fmt::format("must be a letter, then letters, digits or _, all lower "
                              "case, at most {}",
                              longest_name));
  }
  for (const Entry* entry : controllers()) {
    if (entry->name == name) refuse(shown, "is that of a built-in controller");
  }
  if (std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved))
    refuse(shown, "is taken by CMake");
}

std::string with_name(std::string_view text, const std::string& name) {
  std::string result;
  for (std::size_t at = 0;;) {
    const std::size_t next = text.find(name_in_templates, at);
    result += text.substr(at, next - at);
    if (next == std::string_view::npos) return result;
    result += name;
    at = next + name_in_templates.size();
  }
}

[[noreturn]] void fail(const fs::path& path, int reason) {
  throw Error(ErrorKind::disk, fmt::format("{}: {}", printable(path.string(), 400),
                                           std::strerror(reason)));
}

// Not writable by others, whatever the umask: else it could not be loaded as a plugin.
void write_new_file(const fs::path& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) fail(path, errno != 0 ? errno : EIO);
  const bool program = text.starts_with("#!");
  fs::permissions(path, static_cast<fs::perms>(program ? 0755 : 0644));
}

// `folder` must not exist; where a file cannot be written, nothing stays.
void write_template(const fs::path& folder, const std::string& language,
                    const std::string& name) {
  std::error_code failure;
  if (!folder.parent_path().empty())
    fs::create_directories(folder.parent_path(), failure);
  if (failure) fail(folder.parent_path(), failure.value());
  const bool made = fs::create_directory(folder, failure);
  if (failure && failure != std::errc::file_exists) fail(folder, failure.value());
  if (!made) refuse(printable(folder.string(), 400), "exists; choose another name");
  try {
    fs::permissions(folder, static_cast<fs::perms>(0755));
    for (const TemplateFile& file : template_files) {
      const fs::path path(file.path);
      const bool wanted = !path.has_parent_path() || path.parent_path() == language;
      if (wanted) write_new_file(folder / path.filename(), with_name(file.text, name));
    }
  } catch (...) {
    fs::remove_all(folder, failure);
    throw;
  }
}

void print_next_steps(const fs::path& folder, bool python, const std::string& name) {
  const std::string in = printable(folder.string(), 400);
  std::string plugin = in + "/controller.py";
  fmt::print("{}/controller.{} is a controller that works. Next:\n\n", in,
             python ? "py" : "cpp");
  if (!python) {
    plugin = fmt::format("{}/build/{}.so", in, name);
    fmt::print("  cmake -G Ninja -S {0} -B {0}/build && cmake --build {0}/build\n", in);
  }
  fmt::print(
      "  batchlab plugin check {0}\n  batchlab run {1}/compare.toml --plugin {0}\n",
      plugin, in);
}

int run_new(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()(
      "language",
      po::value<std::string>()->value_name("c++|python")->default_value("c++"),
      "what it is written in")(
      "out", po::value<std::string>()->value_name("DIR")->default_value("."),
      "where the folder NAME is made");
  po::positional_options_description positional;
  positional.add("name", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (!values->count("name")) {
    throw Error(ErrorKind::usage,
                "plugin new: a name is needed: batchlab plugin new mine");
  }
  const std::string name = (*values)["name"].as<std::vector<std::string>>().front();
  const std::string language = (*values)["language"].as<std::string>();
  check_name(name);
  if (language != "c++" && language != "python") {
    refuse("--language",
           fmt::format("must be c++ or python, got \"{}\"", printable(language)));
  }
  const bool python = language == "python";
  const fs::path folder =
      (fs::path((*values)["out"].as<std::string>()) / name).lexically_normal();
  write_template(folder, python ? "python" : "cpp", name);
  print_next_steps(folder, python, name);
  return 0;
}

}  // namespace

const Command plugin_new_command{
    "plugin new", "NAME", "write a controller to start from",
    "Makes the folder NAME with a controller that works: a rule of one option and one "
    "measured\n"
    "quantity, a test with a number by hand, and a specification that runs it beside "
    "four "
    "rules of\n"
    "batchlab. In C++ with a CMakeLists.txt that finds batchlab where it is installed "
    "or "
    "built, or\n"
    "in Python with nothing but its standard library.\n\n"
    "  batchlab plugin new mine\n"
    "  batchlab plugin new mine --language python --out ~/rules",
    run_new};

}  // namespace batchlab
