// SPDX-License-Identifier: MIT
//
// JSON as TOML, by hand: what is written is read again and compared.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "controllers/error.hpp"
#include "experiments/toml_file.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

bool is_table_list(const json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(),
                     [](const json& member) { return member.is_object(); });
}

// Numbers and texts are alike in both, where nothing but ASCII is written.
std::string inline_value(const json& value) {
  std::vector<std::string> members;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (member.is_null()) continue;
      members.push_back(fmt::format("{} = {}", key, inline_value(member)));
    }
    return fmt::format("{{ {} }}", fmt::join(members, ", "));
  }
  if (!value.is_array()) return value.dump(-1, ' ', true);
  for (const json& member : value) members.push_back(inline_value(member));
  const bool lines = is_table_list(value) || value.size() > 8;
  return lines ? fmt::format("[\n  {},\n]", fmt::join(members, ",\n  "))
               : fmt::format("[{}]", fmt::join(members, ", "));
}

std::string lines_of(const json& table) {
  std::string text;
  for (const auto& [key, value] : table.items()) {
    if (!value.is_null()) text += fmt::format("{} = {}\n", key, inline_value(value));
  }
  return text;
}

}  // namespace

std::string to_toml(const json& document) {
  std::string values, tables;
  for (const auto& [key, value] : document.items()) {
    if (value.is_object()) {
      tables += fmt::format("\n[{}]\n{}", key, lines_of(value));
    } else if (is_table_list(value)) {
      for (const json& member : value) {
        tables += fmt::format("\n[[{}]]\n{}", key, lines_of(member));
      }
    } else if (!value.is_null()) {
      values += fmt::format("{} = {}\n", key, inline_value(value));
    }
  }
  const std::string text = values + tables;
  if (parse_toml(text, "a specification as written") == document) return text;
  throw Error(ErrorKind::failed, "a specification cannot be written as TOML");
}

}  // namespace batchlab
