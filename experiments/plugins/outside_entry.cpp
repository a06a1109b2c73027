// SPDX-License-Identifier: MIT
#include "experiments/plugins/outside_entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

#include "controllers/error.hpp"
#include "controllers/limits.hpp"
#include "experiments/specification_options.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t longest_name = 64, longest_text = 400;  // bytes

[[noreturn]] void refuse(const std::string& who, const std::string& what) {
  throw Error(ErrorKind::plugin, fmt::format("{}: {}", who, what));
}

// Names are keys of specifications, and of folders.
void check_word(const std::string& who, const char* what, const std::string& name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view others = "abcdefghijklmnopqrstuvwxyz0123456789_";
  const bool sound = !name.empty() && name.size() <= longest_name &&
                     letters.find(name.front()) != letters.npos &&
                     name.find_first_not_of(others) == name.npos;
  if (sound) return;
  refuse(who, fmt::format("{} must be a word of at most {} letters a to z, digits and "
                          "underscores, got \"{}\"",
                          what, longest_name, printable(name)));
}

void check_free(const std::string& who, const Option& option) {
  for (const Option& own : controller_entry_options()) {
    if (own.name != option.name) continue;
    refuse(who, fmt::format("option {} has the name of a key that every entry has",
                            option.name));
  }
}

// By itself: whether it has a meaning depends on the others.
void check_default(const std::string& who, Option option) {
  if (option.kind == Option::Kind::choice && option.choices.empty()) {
    refuse(who, fmt::format("option {} has no choices", option.name));
  }
  for (const std::string& choice : option.choices) {
    if (choice == printable(choice)) continue;
    refuse(who, fmt::format("option {}: choice \"{}\" cannot be printed", option.name,
                            printable(choice)));
  }
  if (!(option.minimum <= option.maximum)) {
    refuse(who, fmt::format("option {}: minimum {} is above maximum {}", option.name,
                            option.minimum, option.maximum));
  }
  const bool numberless =
      option.kind != Option::Kind::number || !option.default_value.is_null();
  if (option.from_step_time && numberless) {
    refuse(who, fmt::format("option {}: what is measured where unset must be a number "
                            "without a default",
                            option.name));
  }
  if (option.default_value.is_null()) return;
  option.only_for = {};
  const json alone = json::object();
  (void)checked_options(who + ": default", {&option, 1}, alone);
}

// Conditions name a choice further up, and some of its values.
void check_condition(const std::string& who, const Option& option,
                     std::span<const Option> before) {
  const auto& [choice, values] = option.only_for;
  if (choice.empty()) return;
  for (const Option& other : before) {
    if (other.name != choice || other.kind != Option::Kind::choice) continue;
    const auto known = [&](const std::string& value) {
      return std::find(other.choices.begin(), other.choices.end(), value) !=
             other.choices.end();
    };
    if (!values.empty() && std::all_of(values.begin(), values.end(), known)) return;
  }
  refuse(who, fmt::format("option {}: only_for must name a choice further up and some "
                          "of its values",
                          option.name));
}

void check_options(const std::string& who, std::span<const Option> options) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const Option& option = options[i];
    check_word(who, "an option's name", option.name);
    check_free(who, option);
    check_condition(who, option, options.first(i));
    check_default(who, option);
    const bool again = !seen.insert(option.name).second;
    if (again && option.only_for.choice.empty()) {
      refuse(who, fmt::format("option {} is there twice", option.name));
    }
  }
}

void make_printable(std::string& text) { text = printable(text, longest_text); }

}  // namespace

Entry checked(Entry entry, const std::string& who) {
  check_word(who, "a controller's name", entry.name);
  const std::string here = fmt::format("{}: controller {}", who, entry.name);
  try {
    check_options(here, entry.options);
    (void)checked_options(here + ": limits", limits_options(),
                          entry.limits.is_null() ? json::object() : entry.limits);
  } catch (const Error& error) {  // also where a default is refused: not by the user
    throw Error(ErrorKind::plugin, error.what());
  }
  make_printable(entry.summary);
  make_printable(entry.source);
  for (Option& option : entry.options) {
    make_printable(option.help);
    make_printable(option.unit);
  }
  return entry;
}

}  // namespace batchlab
