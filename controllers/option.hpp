// SPDX-License-Identifier: MIT
//
// An option: name, default, range, unit, help. From these tables come the checking of
// specifications, the help of `batchlab controllers` and the tables of the READMEs.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace batchlab {

struct Option {
  enum class Kind {
    integer,
    number,
    boolean,
    choice,
    text,
    integer_list,
    number_list,
    text_list,
    table,
    table_list,
    name_list  // each a text or a table
  };

  std::string name;
  Kind kind = Kind::number;
  nlohmann::json default_value;  // null: not set; then the option may be left out
  // Inclusive range of a number, an integer, or each member of a list of them.
  double minimum = -1e300;
  double maximum = 1e300;
  std::vector<std::string> choices;  // of a choice
  std::string unit;                  // "examples", "steps", "" for a pure number
  std::string help;                  // one sentence; the paper's symbol in parentheses
  // Has a meaning only where `choice`, an option further up, has one of `values`.
  // Several rows of one name may differ in this, and so in their default.
  struct Condition {
    std::string choice;  // empty: always
    std::vector<std::string> values;
  } only_for = {};
  // Where it is unset, the time of a step of the run, a + b B seconds for B examples,
  // is measured before the run, and this is its value.
  std::function<double(double a_seconds, double b_seconds)> from_step_time = {};
};

// `option`, a number without default, so measured.
[[nodiscard]] Option measured_where_unset(double (*from_step_time)(double, double),
                                          Option option);

// `option` with that condition.
[[nodiscard]] Option only_for(std::string choice, std::vector<std::string> values,
                              Option option);

// `given` (a table) complete with defaults: every option that has a meaning is present,
// null where unset. Throws Error(usage) for an unknown name (names the closest), an
// option without meaning for the choice made, a wrong type, a value outside its range
// or not finite: `norm_test: tolerance must be in [0.001, 10], got -1`. `owner` opens
// the message. An integer given as 3.0 is accepted as 3; 3.5 is not. Integer lists and
// table lists must not be empty when given; what is inside a table is the caller's to
// check.
[[nodiscard]] nlohmann::json checked_options(const std::string& owner,
                                             std::span<const Option> options,
                                             const nlohmann::json& given);

}  // namespace batchlab
