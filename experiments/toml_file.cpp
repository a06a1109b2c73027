// SPDX-License-Identifier: MIT
#include "experiments/toml_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

// The library's own assertions would end the process on some malformed input. These
// macros act on its headers only, not on the shared library.
#define TOML_HEADER_ONLY 1
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

constexpr std::uintmax_t most_bytes = 1 << 20;
constexpr int most_levels = 32;
// A key a.b.c... makes a table a dot, and tables are destroyed recursively: this bounds
// the stack that a file can take.
constexpr int most_dots = 200;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::usage, what);
}

void check_bytes(std::string_view text, const std::string& origin) {
  std::size_t line = 1;
  int dots = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '.' && ++dots > most_dots) {
      refuse(fmt::format("{}: line {}: more than {} dots; keys may be {} levels deep",
                         origin, line, most_dots, most_levels));
    }
    if (c == '\n') {
      ++line;
      dots = 0;
    }
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte >= 0x7f) {
      refuse(
          fmt::format("{}: line {}: byte 0x{:02x} is not allowed; a specification is "
                      "plain ASCII TOML",
                      origin, line, byte));
    }
  }
}

nlohmann::json to_json(const toml::node& node, const std::string& origin, int level);

nlohmann::json table_to_json(const toml::table& table, const std::string& origin,
                             int level) {
  auto result = nlohmann::json::object();
  for (const auto& [key, value] : table) {
    result[std::string(key.str())] = to_json(value, origin, level + 1);
  }
  return result;
}

nlohmann::json array_to_json(const toml::array& array, const std::string& origin,
                             int level) {
  auto result = nlohmann::json::array();
  for (const auto& value : array) result.push_back(to_json(value, origin, level + 1));
  return result;
}

nlohmann::json to_json(const toml::node& node, const std::string& origin, int level) {
  if (level > most_levels) {
    refuse(fmt::format("{}: nested more than {} levels deep", origin, most_levels));
  }
  if (const auto* table = node.as_table()) return table_to_json(*table, origin, level);
  if (const auto* array = node.as_array()) return array_to_json(*array, origin, level);
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  refuse(fmt::format("{}: line {}: dates and times have no meaning here", origin,
                     node.source().begin.line));
}

// The member of `node` that `key` names, created in a table if absent.
nlohmann::json& member(nlohmann::json& node, const std::string& key,
                       const std::string& assignment) {
  if (node.is_null()) node = nlohmann::json::object();
  if (node.is_object()) return node[key];
  if (!node.is_array()) {
    refuse(fmt::format("--set {}: \"{}\" is below a value that is not a table",
                       assignment, printable(key)));
  }
  std::size_t position = 0;
  const auto [end, failure] =
      std::from_chars(key.data(), key.data() + key.size(), position);
  if (failure == std::errc() && end == key.data() + key.size() &&
      position < node.size()) {
    return node[position];
  }
  for (const char* name : {"label", "name"}) {
    for (nlohmann::json& entry : node) {
      if (entry.is_object() && entry.value(name, nlohmann::json()) == key) return entry;
    }
  }
  refuse(
      fmt::format("--set {}: no entry \"{}\" (there are {}: give a position from 0, a "
                  "label or a name)",
                  printable(assignment), printable(key), node.size()));
}

nlohmann::json parse_value(const std::string& text) {
  if (text.find('\n') != std::string::npos) return text;
  try {
    return parse_toml("value = " + text, "--set").at("value");
  } catch (const Error&) {
    return text;
  }
}

// JSON, and so config.json, holds nothing but UTF-8.
void check_utf8(const std::string& text, const std::string& assignment) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
  } catch (const nlohmann::json::type_error&) {
    refuse(fmt::format("--set {}: is not UTF-8", printable(assignment)));
  }
}

}  // namespace

nlohmann::json parse_toml(std::string_view text, const std::string& origin) {
  check_bytes(text, origin);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    refuse(fmt::format("{}: empty; a specification needs at least [[controllers]]",
                       origin));
  }
  try {
    return table_to_json(toml::parse(text), origin, 0);
  } catch (const toml::parse_error& error) {
    refuse(fmt::format("{}: line {}, column {}: {}", origin, error.source().begin.line,
                       error.source().begin.column,
                       printable(error.description(), 200)));
  }
}

std::string read_text_file(const std::string& path) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) {
    refuse(fmt::format("{}: no such file", printable(path, 400)));
  }
  if (!std::filesystem::is_regular_file(path, failure)) {
    refuse(fmt::format("{}: not a regular file", printable(path, 400)));
  }
  const std::uintmax_t bytes = std::filesystem::file_size(path, failure);
  if (bytes > most_bytes) {
    refuse(fmt::format("{}: {} bytes; a specification has at most {}", path, bytes,
                       most_bytes));
  }
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file) refuse(fmt::format("{}: cannot be read", path));
  return content.str();
}

void apply_setting(nlohmann::json& document, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    refuse(fmt::format("--set {}: must be key=value, e.g. budget.epochs=2",
                       printable(assignment)));
  }
  check_utf8(assignment, assignment);
  nlohmann::json* node = &document;
  std::stringstream path(assignment.substr(0, equals));
  int level = 0;
  for (std::string key; std::getline(path, key, '.');) {
    if (++level > most_levels) {
      refuse(fmt::format("--set {}: more than {} levels deep", printable(assignment),
                         most_levels));
    }
    node = &member(*node, key, printable(assignment));
  }
  *node = parse_value(assignment.substr(equals + 1));
}

}  // namespace batchlab
