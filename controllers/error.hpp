// SPDX-License-Identifier: MIT
//
// The one exception type for what a user can cause. The only header that every folder
// includes. Its message names the thing, the value received and what would be right.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace batchlab {

// What went wrong; the value is the exit code of the command.
enum class ErrorKind {
  failed = 1,
  usage = 2,    // command line or configuration
  data = 3,     // data missing or altered
  corrupt = 4,  // checkpoint or log cannot be read
  disk = 5,     // disk full, permission denied
  plugin = 6,
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message)
      : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// `unknown <what> "<name>"; did you mean "<closest>"? (known: a, b, c)`, kind usage.
// The question is left out when nothing is close. Control characters of `name` are
// escaped and long ones are cut.
[[nodiscard]] Error unknown_name(std::string_view what, std::string_view name,
                                 std::span<const std::string> known);

// `text` fit to be printed on a terminal: control characters as \xNN, at most `limit`
// bytes, then "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 80);

}  // namespace batchlab
