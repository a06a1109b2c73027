// SPDX-License-Identifier: MIT
//
// JSON lines, and tables that someone else wrote.

#include <fmt/format.h>

#include <algorithm>
#include <cfenv>
#include <clocale>
#include <cmath>
#include <nlohmann/json.hpp>

#include "controllers/error.hpp"
#include "experiments/plugins/documents.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr int most_levels = 100;
constexpr double largest_exact_integer = 9007199254740992.0;  // 2^53

// Numbers as in the C locale, rounded to nearest, as long as it lives: nlohmann-json
// reads them with strtod(), which obeys both, and plugins may set both.
class PlainNumbers {
 public:
  PlainNumbers() : locale_(::newlocale(LC_ALL_MASK, "C", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
    std::fegetenv(&environment_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~PlainNumbers() {
    std::fesetenv(&environment_);
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }
  PlainNumbers(const PlainNumbers&) = delete;
  PlainNumbers& operator=(const PlainNumbers&) = delete;

 private:
  locale_t locale_, before_ = nullptr;
  std::fenv_t environment_{};
};

// Deeper ones would be no use, and some code that takes them goes as deep.
bool check_depth(int depth, json::parse_event_t, json&) {
  if (depth <= most_levels) return true;
  throw Error(ErrorKind::plugin,
              fmt::format("is nested deeper than {} levels", most_levels));
}

std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

std::string line_of(const json& document) {
  const PlainNumbers plain;
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json document_of(std::string_view line, const std::string& what) {
  const PlainNumbers plain;
  try {
    return json::parse(line, check_depth);
  } catch (const json::exception&) {
    throw Error(ErrorKind::plugin, what + " is not JSON: " + printable(line));
  } catch (const Error& error) {
    throw Error(ErrorKind::plugin, fmt::format("{} {}", what, error.what()));
  }
}

Members::Members(const json& document, std::string place,
                 std::vector<std::string> known)
    : document_(document), place_(std::move(place)) {
  if (!document.is_object()) {
    throw Error(ErrorKind::plugin, fmt::format("{} must be a table ({{...}}), got {}",
                                               place_, shown(document)));
  }
  for (const auto& [name, value] : document.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(ErrorKind::plugin,
                fmt::format("{}: {}", place_, unknown_name("key", name, known).what()));
  }
}

bool Members::has(const char* name) const { return document_.contains(name); }

const json& Members::at(const char* name) const {
  const auto found = document_.find(name);
  if (found != document_.end()) return *found;
  throw Error(ErrorKind::plugin, fmt::format("{}: {} is missing", place_, name));
}

void Members::refuse(const char* name, const char* right) const {
  throw Error(ErrorKind::plugin, fmt::format("{}: {} must be {}, got {}", place_, name,
                                             right, shown(at(name))));
}

double Members::number(const char* name) const {
  if (!at(name).is_number()) refuse(name, "a number");
  return at(name).get<double>();
}

std::int64_t Members::integer(const char* name) const {
  const double value = at(name).is_number() ? at(name).get<double>() : 0.5;
  if (std::trunc(value) != value || std::abs(value) > largest_exact_integer) {
    refuse(name, "an integer within 2^53");
  }
  return at(name).get<std::int64_t>();
}

bool Members::boolean(const char* name) const {
  if (!at(name).is_boolean()) refuse(name, "true or false");
  return at(name).get<bool>();
}

const std::string& Members::text(const char* name) const {
  if (!at(name).is_string()) refuse(name, "a text");
  return at(name).get_ref<const std::string&>();
}

std::vector<std::string> Members::texts(const char* name) const {
  std::vector<std::string> all;
  for (const json& member : list(name)) {
    if (!member.is_string()) refuse(name, "a list of texts");
    all.push_back(member.get<std::string>());
  }
  return all;
}

const json& Members::list(const char* name) const {
  if (!at(name).is_array()) refuse(name, "a list");
  return at(name);
}

const json& Members::table(const char* name) const {
  if (!at(name).is_object()) refuse(name, "a table ({...})");
  return at(name);
}

}  // namespace batchlab
