// SPDX-License-Identifier: MIT
#include "controllers/batch_size_option.hpp"

#include <fmt/format.h>

#include <utility>

#include "controllers/error.hpp"

namespace batchlab {

Option count_option(const std::string& name, nlohmann::json default_value,
                    const std::string& unit, const std::string& help, double minimum) {
  return {name,
          Option::Kind::integer,
          std::move(default_value),
          minimum,
          most_counted,
          {},
          unit,
          help};
}

Option number_option(const std::string& name, nlohmann::json default_value,
                     double minimum, double maximum, const std::string& unit,
                     const std::string& help) {
  return {
      name, Option::Kind::number, std::move(default_value), minimum, maximum, {}, unit,
      help};
}

Option choice_option(const std::string& name, const std::vector<std::string>& choices,
                     const std::string& help) {
  return {name, Option::Kind::choice, choices.front(), 0, 0, choices, "", help};
}

std::int64_t checked_batch_size(const std::string& option, std::int64_t batch_size,
                                std::int64_t most, const std::string& data) {
  if (batch_size < 1 || batch_size > most) {
    throw Error(ErrorKind::usage, fmt::format("{} must be in [1, {}] ({}), got {}",
                                              option, most, data, batch_size));
  }
  return batch_size;
}

}  // namespace batchlab
