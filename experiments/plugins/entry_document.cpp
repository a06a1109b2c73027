// SPDX-License-Identifier: MIT
//
// Entries of the registry as JSON, and back. That the value of an option is measured
// before the run is told; which value that is, has to be asked
// (controller_program.cpp).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "controllers/error.hpp"
#include "experiments/plugins/documents.hpp"

namespace batchlab {
namespace {

using nlohmann::json;
using Kind = Option::Kind;

constexpr std::array<std::pair<const char*, Kind>, 11> kinds{{
    {"integer", Kind::integer},
    {"number", Kind::number},
    {"boolean", Kind::boolean},
    {"choice", Kind::choice},
    {"text", Kind::text},
    {"integer_list", Kind::integer_list},
    {"number_list", Kind::number_list},
    {"text_list", Kind::text_list},
    {"table", Kind::table},
    {"table_list", Kind::table_list},
    {"name_list", Kind::name_list},
}};

const char* name_of(Kind kind) {
  const auto* const found = std::find_if(
      kinds.begin(), kinds.end(), [&](const auto& row) { return row.second == kind; });
  return found->first;
}

Kind kind_of(const std::string& name, const std::string& place) {
  std::vector<std::string> known;
  for (const auto& [known_name, kind] : kinds) {
    if (name == known_name) return kind;
    known.emplace_back(known_name);
  }
  throw Error(
      ErrorKind::plugin,
      fmt::format("{}: {}", place, unknown_name("kind of option", name, known).what()));
}

json option_document(const Option& option) {
  const Option usual;
  json document = {
      {"name", option.name}, {"kind", name_of(option.kind)}, {"help", option.help}};
  if (!option.default_value.is_null()) document["default"] = option.default_value;
  if (option.minimum != usual.minimum) document["minimum"] = option.minimum;
  if (option.maximum != usual.maximum) document["maximum"] = option.maximum;
  if (!option.choices.empty()) document["choices"] = option.choices;
  if (!option.unit.empty()) document["unit"] = option.unit;
  if (option.from_step_time) document["measured_where_unset"] = true;
  if (!option.only_for.choice.empty()) {
    document["only_for"] = {{"choice", option.only_for.choice},
                            {"values", option.only_for.values}};
  }
  return document;
}

std::string name_in(const json& document) {
  const bool named = document.is_object() && document.contains("name") &&
                     document.at("name").is_string();
  return named ? ' ' + printable(document.at("name").get_ref<const std::string&>())
               : "";
}

Option::Condition condition_from(const json& document, const std::string& place) {
  const Members members(document, place + ": only_for", {"choice", "values"});
  return {members.text("choice"), members.texts("values")};
}

double nobody_to_ask(double /*a_seconds*/, double /*b_seconds*/) {
  throw Error(ErrorKind::plugin, "nobody is there to ask for a measured option");
}

Option option_from(const json& document) {
  const std::string place = "option" + name_in(document);
  const Members members(document, place,
                        {"name", "kind", "default", "minimum", "maximum", "unit",
                         "help", "choices", "measured_where_unset", "only_for"});
  Option option;
  option.name = members.text("name");
  option.kind = kind_of(members.text("kind"), place);
  option.help = members.text("help");
  if (members.has("default")) option.default_value = members.at("default");
  if (members.has("minimum")) option.minimum = members.number("minimum");
  if (members.has("maximum")) option.maximum = members.number("maximum");
  if (members.has("choices")) option.choices = members.texts("choices");
  if (members.has("unit")) option.unit = members.text("unit");
  const bool measured =
      members.has("measured_where_unset") && members.boolean("measured_where_unset");
  if (measured) option.from_step_time = nobody_to_ask;
  if (members.has("only_for")) {
    option.only_for = condition_from(members.at("only_for"), place);
  }
  return option;
}

// Those that an answer gives only where they hold.
constexpr std::array<std::pair<const char*, bool Entry::*>, 4> traits{{
    {"open_loop", &Entry::open_loop},
    {"extends_batches", &Entry::extends_batches},
    {"branches", &Entry::branches},
    {"plain_sgd_only", &Entry::plain_sgd_only},
}};

}  // namespace

json document(const Entry& entry) {
  json document = {
      {"name", entry.name}, {"summary", entry.summary}, {"source", entry.source}};
  for (const Option& option : entry.options) {
    document["options"].push_back(option_document(option));
  }
  for (const auto& [name, trait] : traits) {
    if (entry.*trait) document[name] = true;
  }
  if (entry.limits.is_object()) document["limits"] = entry.limits;
  return document;
}

Entry entry_from(const json& document) {
  const Members members(document, "controller" + name_in(document),
                        {"name", "summary", "source", "options", "needs", "open_loop",
                         "extends_batches", "branches", "plain_sgd_only", "limits"});
  Entry entry;
  entry.name = members.text("name");
  entry.summary = members.text("summary");
  entry.source = members.text("source");
  if (members.has("options")) {
    for (const json& option : members.list("options")) {
      entry.options.push_back(option_from(option));
    }
  }
  for (const auto& [name, trait] : traits) {
    if (members.has(name)) entry.*trait = members.boolean(name);
  }
  entry.limits = members.has("limits") ? members.table("limits") : json::object();
  return entry;
}

}  // namespace batchlab
