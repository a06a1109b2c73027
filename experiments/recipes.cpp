// SPDX-License-Identifier: MIT
#include "experiments/recipes.hpp"

#include <string>
#include <vector>

#include "controllers/error.hpp"
#include "recipe_texts.hpp"  // generated from recipes/*.toml

namespace batchlab {

std::string_view Recipe::summary() const {
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t begin = line.find_first_not_of("# ");
  return begin == std::string_view::npos ? "" : line.substr(begin);
}

std::span<const Recipe> recipes() { return recipe_texts; }

const Recipe& find_recipe(std::string_view name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) {
    if (recipe.name == name) return recipe;
    names.emplace_back(recipe.name);
  }
  throw unknown_name("recipe", name, names);
}

}  // namespace batchlab
