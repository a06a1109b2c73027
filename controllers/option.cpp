// SPDX-License-Identifier: MIT
#include "controllers/option.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr double unbounded = 1e300;
constexpr double largest_exact_integer = 9007199254740992.0;  // 2^53

// Short where that loses nothing: 1e+12, 0.001.
std::string number_text(double value) {
  std::string text = fmt::format("{:g}", value);
  const bool exact = std::strtod(text.c_str(), nullptr) == value;
  return exact || !std::isfinite(value) ? text : fmt::format("{}", value);
}

// The value received, fit to be shown.
std::string shown(const json& value) {
  if (value.is_number_float()) return number_text(value.get<double>());
  if (value.is_string()) return '"' + printable(value.get<std::string>()) + '"';
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string bound_text(const Option& option, double bound) {
  if (option.kind == Option::Kind::number) return number_text(bound);
  return fmt::format("{:.0f}",
                     std::clamp(bound, -largest_exact_integer, largest_exact_integer));
}

// "in [1, 512] examples", "at least 1 examples", ...; empty without bounds.
std::string range_text(const Option& option) {
  const bool low = option.minimum > -unbounded, high = option.maximum < unbounded;
  std::string text;
  if (low && high) {
    text = fmt::format("in [{}, {}]", bound_text(option, option.minimum),
                       bound_text(option, option.maximum));
  } else if (low) {
    text = "at least " + bound_text(option, option.minimum);
  } else if (high) {
    text = "at most " + bound_text(option, option.maximum);
  }
  return text.empty() || option.unit.empty() ? text : text + ' ' + option.unit;
}

bool in_range(const Option& option, double value) {
  return value >= option.minimum && value <= option.maximum;
}

// The integer that `value` is, or nothing; 3.0 is one.
std::optional<std::int64_t> integer_in(const json& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (std::abs(number) > largest_exact_integer) return std::nullopt;  // also NaN, below
  if (std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// Checks one value; its methods return what is to be stored.
class Check {
 public:
  Check(const std::string& owner, const Option& option)
      : owner_(owner), option_(option) {}

  [[nodiscard]] json operator()(const json& value) const {
    switch (option_.kind) {
      case Option::Kind::integer:
        return integer(value, "");
      case Option::Kind::number:
        return number(value);
      case Option::Kind::boolean:
        if (!value.is_boolean()) refuse("true or false", value);
        return value;
      case Option::Kind::choice:
        return choice(value);
      case Option::Kind::integer_list:
        return integer_list(value);
      case Option::Kind::number_list:
        return number_list(value);
      case Option::Kind::table_list:
        return table_list(value);
      case Option::Kind::text:
        if (!value.is_string()) refuse("a text", value);
        return value;
      case Option::Kind::text_list:
        return text_list(value);
      case Option::Kind::name_list:
        return name_list(value);
      case Option::Kind::table:
        if (!value.is_object()) refuse("a table", value);
        return value;
    }
    return value;
  }

 private:
  [[noreturn]] void refuse(const std::string& right, const json& value,
                           const std::string& place = "") const {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {}{} must be {}, got {}", owner_, option_.name, place,
                            right, shown(value)));
  }

  [[nodiscard]] json integer(const json& value, const std::string& place) const {
    const std::string range = range_text(option_);
    const auto whole = integer_in(value);
    const bool too_large =
        value.is_number() && std::abs(value.get<double>()) > largest_exact_integer;
    if (!whole && !(too_large && !range.empty())) {
      refuse(range.empty() ? "an integer" : "an integer " + range, value, place);
    }
    if (!whole || !in_range(option_, static_cast<double>(*whole))) {
      refuse(range, value, place);
    }
    return *whole;
  }

  [[nodiscard]] json number(const json& value, const std::string& place = "") const {
    const std::string range = range_text(option_);
    if (!value.is_number()) {
      refuse(range.empty() ? "a number" : "a number " + range, value, place);
    }
    const double number = value.get<double>();
    if (!std::isfinite(number) || !in_range(option_, number)) {
      refuse(range.empty() ? "a finite number" : range, value, place);
    }
    return number;
  }

  [[nodiscard]] json choice(const json& value) const {
    const auto& choices = option_.choices;
    if (!value.is_string()) {
      refuse(fmt::format("one of {}", fmt::join(choices, ", ")), value);
    }
    const auto& name = value.get_ref<const std::string&>();
    if (std::find(choices.begin(), choices.end(), name) == choices.end()) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: {}", owner_,
                              unknown_name(option_.name, name, choices).what()));
    }
    return value;
  }

  [[nodiscard]] json integer_list(const json& value) const {
    if (!value.is_array() || value.empty()) {
      refuse("a list of at least one integer", value);
    }
    json result = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      result.push_back(integer(value[i], fmt::format("[{}]", i)));
    }
    return result;
  }

  [[nodiscard]] json number_list(const json& value) const {
    if (!value.is_array()) refuse("a list of numbers", value);
    json result = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      result.push_back(number(value[i], fmt::format("[{}]", i)));
    }
    return result;
  }

  [[nodiscard]] json text_list(const json& value) const {
    const auto is_text = [](const json& member) { return member.is_string(); };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
      refuse("a list of texts", value);
    }
    return value;
  }

  [[nodiscard]] json table_list(const json& value) const {
    const auto is_table = [](const json& member) { return member.is_object(); };
    if (!value.is_array() || value.empty() ||
        !std::all_of(value.begin(), value.end(), is_table)) {
      refuse("a list of at least one table", value);
    }
    return value;
  }

  [[nodiscard]] json name_list(const json& value) const {
    const auto names = [](const json& member) {
      return member.is_string() || member.is_object();
    };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), names)) {
      refuse("a list of names or tables", value);
    }
    return value;
  }

  const std::string& owner_;
  const Option& option_;
};

// Whether `option` has a meaning beside the choices in `complete`.
bool applies(const Option& option, const json& complete) {
  const auto& [choice, values] = option.only_for;
  if (choice.empty()) return true;
  const auto found = complete.find(choice);
  return found != complete.end() && found->is_string() &&
         std::find(values.begin(), values.end(), *found) != values.end();
}

void check_names(const std::string& owner, std::span<const Option> options,
                 const json& given) {
  std::vector<std::string> names;
  for (const Option& option : options) {
    if (names.empty() || names.back() != option.name) names.push_back(option.name);
  }
  for (const auto& [name, value] : given.items()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(ErrorKind::usage,
                  owner + ": " + unknown_name("option", name, names).what());
    }
  }
}

// Refuses what was given but has no meaning beside the choices made.
void check_meaning(const std::string& owner, std::span<const Option> options,
                   const json& given, const json& complete) {
  for (const Option& option : options) {
    const auto found = given.find(option.name);
    if (found == given.end() || found->is_null() || complete.contains(option.name))
      continue;
    const auto& [choice, values] = option.only_for;
    throw Error(ErrorKind::usage,
                fmt::format("{}: {} has no meaning for {} = {}, only for {}", owner,
                            option.name, choice, shown(complete.at(choice)),
                            fmt::join(values, ", ")));
  }
}

}  // namespace

Option measured_where_unset(double (*from_step_time)(double, double), Option option) {
  option.from_step_time = from_step_time;
  return option;
}

Option only_for(std::string choice, std::vector<std::string> values, Option option) {
  option.only_for = {std::move(choice), std::move(values)};
  return option;
}

json checked_options(const std::string& owner, std::span<const Option> options,
                     const json& given) {
  if (!given.is_object()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}: a table of options is expected, got {}", owner, shown(given)));
  }
  check_names(owner, options, given);
  json complete = json::object();
  for (const Option& option : options) {
    if (!applies(option, complete)) continue;
    const auto found = given.find(option.name);
    const json& value = found == given.end() ? option.default_value : *found;
    const bool unset = value.is_null() && option.default_value.is_null();
    complete[option.name] = unset ? json() : Check(owner, option)(value);
  }
  check_meaning(owner, options, given, complete);
  return complete;
}

}  // namespace batchlab
