// SPDX-License-Identifier: MIT
//
// What the two ends of the protocol tell each other, as JSON: README.md has it by
// example. Every number comes out as the bits that went in.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/registry.hpp"

namespace batchlab {

inline constexpr int protocol_version = 1;
inline constexpr std::size_t longest_line = 1 << 20;  // of an answer, bytes
// Of a library's state, bytes: less, so that it is an answer too where it is isolated.
inline constexpr std::size_t longest_state = 1'000'000;

// As one line, without its newline. A byte that is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string line_of(const nlohmann::json& document);

// Throws Error(plugin): `what is not JSON: hello...`, or is nested too deeply; `what`
// opens it. Not moved by a locale or rounding mode that a plugin has set, neither here
// nor above.
[[nodiscard]] nlohmann::json document_of(std::string_view line,
                                         const std::string& what = "what");

// The members of a table that someone else wrote. Reading one that is missing, or of
// another kind, throws Error(plugin): `answer: batch_size is missing`.
class Members {
 public:
  // `place`: of the table, for messages. Throws when `document` is no table, or has a
  // member that is none of `known`, naming the closest.
  Members(const nlohmann::json& document, std::string place,
          std::vector<std::string> known);

  [[nodiscard]] bool has(const char* name) const;
  [[nodiscard]] const nlohmann::json& at(const char* name) const;
  [[nodiscard]] double number(const char* name) const;
  [[nodiscard]] std::int64_t integer(const char* name) const;  // 3.0 is one
  [[nodiscard]] bool boolean(const char* name) const;
  [[nodiscard]] const std::string& text(const char* name) const;
  [[nodiscard]] std::vector<std::string> texts(const char* name) const;
  [[nodiscard]] const nlohmann::json& list(const char* name) const;
  [[nodiscard]] const nlohmann::json& table(const char* name) const;

 private:
  [[noreturn]] void refuse(const char* name, const char* right) const;

  const nlohmann::json& document_;
  std::string place_;
};

[[nodiscard]] nlohmann::json document(const Statistics& statistics);
[[nodiscard]] nlohmann::json document(const Decision& decision);
[[nodiscard]] nlohmann::json document(const Needs& needs);
[[nodiscard]] nlohmann::json document(const Entry& entry);

[[nodiscard]] Statistics statistics_from(const nlohmann::json& document);
[[nodiscard]] Decision decision_from(const nlohmann::json& document);
// The "needs" of a controller in hello or of the answer to create, called `place` in
// messages; absent where it has none.
[[nodiscard]] std::optional<Needs> needs_from(const nlohmann::json& document,
                                              const std::string& place);
// Without make(), needs, plugin and anyone to ask for what is measured, and not yet
// checked (outside_entry.hpp).
[[nodiscard]] Entry entry_from(const nlohmann::json& document);

}  // namespace batchlab
