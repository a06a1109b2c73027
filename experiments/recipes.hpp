// SPDX-License-Identifier: MIT
//
// The recipes: specifications that are part of the program, from recipes/*.toml.
#pragma once

#include <span>
#include <string_view>

namespace batchlab {

struct Recipe {
  std::string_view name;
  std::string_view text;  // TOML
  // The first line of the text, a comment, without its mark.
  [[nodiscard]] std::string_view summary() const;
};

[[nodiscard]] std::span<const Recipe> recipes();

// Throws Error(usage) naming the closest.
[[nodiscard]] const Recipe& find_recipe(std::string_view name);

}  // namespace batchlab
