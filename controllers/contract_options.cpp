// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "controllers/contract_checks.hpp"
#include "controllers/error.hpp"
#include "controllers/limits.hpp"

namespace batchlab::promise {

namespace {

using nlohmann::json;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unlimited = 1e300;  // of a range of numbers, as in option.hpp
// Of a step of some network, without its examples and for each.
constexpr double a_seconds_tried = 1e-4, b_seconds_tried = 1e-5;
constexpr double unlimited_count = 9e15;  // about 2^53: of integers

// The message when `options` are refused; "" when they are accepted. A crash is no
// refusal.
std::string refusal(const Entry& entry, const json& options,
                    const Setting& setting = setting_tried) {
  try {
    (void)made(entry, options, setting);
    return "";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    return error.what();
  }
}

bool has(std::string_view text, const std::string& part) {
  return text.find(part) != std::string_view::npos;
}

std::string accepted_or(const std::string& error) {
  return error.empty() ? "accepted" : "refused with \"" + error + '"';
}

bool is_number(const Option& option) {
  return option.kind == Option::Kind::number ||
         option.kind == Option::Kind::number_list;
}

bool is_numeric(const Option& option) {
  return is_number(option) || option.kind == Option::Kind::integer ||
         option.kind == Option::Kind::integer_list;
}

json value_of(const Option& option, double value) {
  const bool list = option.kind == Option::Kind::number_list ||
                    option.kind == Option::Kind::integer_list;
  return list ? json::array({value}) : json(value);
}

// Makes the choices in `options` for which `option` has a meaning.
void give_meaning(const Entry& entry, const Option& option, json& options) {
  if (option.only_for.choice.empty()) return;
  options[option.only_for.choice] = option.only_for.values.front();
  for (const Option& choice : entry.options) {
    if (choice.name == option.only_for.choice) give_meaning(entry, choice, options);
  }
}

// The training set is as large as a batch size may be, so that only ranges are in
// question.
std::string refusal_of(const Subject& subject, const Option& option, double value) {
  json options = subject.variants.front();
  give_meaning(subject.entry, option, options);
  options[option.name] = value_of(option, value);
  return refusal(subject.entry, options, Setting{1'000'000'000'000});
}

bool is_limited(const Option& option, double end) {
  return std::abs(end) < (is_number(option) ? unlimited : unlimited_count);
}

// One end of a range, and the value next to it outside.
void check_end(const Subject& subject, const Option& option, double end,
               double direction) {
  if (!is_limited(option, end)) return;
  const double outside =
      is_number(option) ? std::nextafter(end, direction * infinity) : end + direction;
  const std::string error = refusal_of(subject, option, outside);
  if (!has(error, subject.entry.name + ": " + option.name) ||
      !has(error, " must be in [")) {
    throw Broken{fmt::format("{} = {} is outside [{}, {}], yet {}", option.name,
                             outside, option.minimum, option.maximum,
                             accepted_or(error))};
  }
  // Another check may still object to the combination.
  const std::string at_end = refusal_of(subject, option, end);
  if (has(at_end, option.name + " must be in [")) {
    throw Broken{fmt::format("{} = {} is in its range [{}, {}], yet {}", option.name,
                             end, option.minimum, option.maximum, accepted_or(at_end))};
  }
}

}  // namespace

std::unique_ptr<Controller> made(const Entry& entry, const json& options,
                                 const Setting& setting) {
  json complete = checked_options(entry.name, entry.options, options);
  for (const Option& option : entry.options) {
    if (!option.from_step_time || !complete.contains(option.name)) continue;
    json& value = complete[option.name];
    if (!value.is_null()) continue;
    value = std::clamp(option.from_step_time(a_seconds_tried, b_seconds_tried),
                       option.minimum, option.maximum);
  }
  return entry.make(complete, setting);
}

std::vector<json> neighbours(const Entry& entry, const json& options) {
  std::vector<json> all;
  const auto add = [&](const Option& option, const json& value) {
    json changed = options;
    give_meaning(entry, option, changed);
    changed[option.name] = value;
    all.push_back(std::move(changed));
  };
  for (const Option& option : entry.options) {
    if (option.kind == Option::Kind::boolean) add(option, option.default_value != true);
    if (!is_numeric(option)) continue;
    for (const double end : {option.minimum, option.maximum}) {
      if (is_limited(option, end)) add(option, value_of(option, end));
    }
  }
  return all;
}

void describes_itself(const Subject& subject) {
  const Entry& entry = subject.entry;
  if (entry.summary.empty()) throw Broken{"it has no summary"};
  if (entry.source.empty()) throw Broken{"it has no source (a paper, code, a person)"};
  for (const Option& option : entry.options) {
    if (option.help.empty()) throw Broken{"option " + option.name + " has no help"};
  }
}

void limits_accepted(const Subject& subject) {
  try {
    const json& given = subject.entry.limits;
    const json options = checked_options("limits", limits_options(),
                                         given.is_null() ? json::object() : given);
    (void)limits_from(options, setting_tried);
  } catch (const Error& error) {
    throw Broken{
        fmt::format("{} are refused: {}", subject.entry.limits.dump(), error.what())};
  }
}

void defaults_work(const Subject& subject) {
  const std::string error = refusal(subject.entry, json::object());
  if (error.empty() || has(error, "for example")) return;
  throw Broken{"without options it is refused with \"" + error +
               "\", without an example (\"for example name = value\")"};
}

void unknown_options_refused(const Subject& subject) {
  for (const Option& option : subject.entry.options) {
    json options = subject.variants.front();
    options[option.name + "_"] = 1;
    const std::string error = refusal(subject.entry, options);
    if (has(error, "did you mean \"" + option.name + "\"?")) continue;
    throw Broken{fmt::format("option {}_ is {}, which does not ask \"did you mean {}\"",
                             option.name, accepted_or(error), option.name)};
  }
}

void ranges_hold(const Subject& subject) {
  for (const Option& option : subject.entry.options) {
    if (!is_numeric(option)) continue;
    check_end(subject, option, option.minimum, -1);
    check_end(subject, option, option.maximum, +1);
  }
}

}  // namespace batchlab::promise
