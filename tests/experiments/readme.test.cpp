// SPDX-License-Identifier: MIT
//
// What the READMEs list is what there is.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sstream>

#include "controllers/coupling.hpp"
#include "experiments/recipes.hpp"
#include "experiments/specification_options.hpp"
#include "nn/network.hpp"
#include "nn/optimizer.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test::readme_test {

using testing::HasSubstr;
using testing::IsEmpty;

std::string readme(const std::string& folder) {
  const auto path = std::filesystem::path(BATCHLAB_SOURCE) / folder / "README.md";
  const std::string text = file_text(path);
  EXPECT_FALSE(text.empty()) << path;
  return text;
}

// The tables of a Markdown text by their first lines.
std::map<std::string, std::string> tables(const std::string& text) {
  std::map<std::string, std::string> tables;
  std::stringstream lines(text);
  std::string head;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('|')) {
      head.clear();
      continue;
    }
    if (head.empty()) head = line;
    tables[head] += line + '\n';
  }
  return tables;
}

TEST(Readme, OfControllersHasTheTablesThatTheCommandPrints) {
  const Output output = run_program({"controllers", "--markdown"});
  ASSERT_EQ(output.code, 0) << output.err;
  const auto printed = tables(output.out);
  ASSERT_EQ(printed.size(), 2U);
  auto written = tables(readme("controllers"));
  for (const auto& [head, table] : printed) {
    EXPECT_EQ(written[head], table)
        << "controllers/README.md is not up to date: run `batchlab controllers "
           "--markdown` and put what it prints in the place of the tables there";
  }
}

TEST(ControllersCommand, TheMarkdownHasARowForEachRuleAndCoupling) {
  const std::string text = run_program({"controllers", "--markdown"}).out;
  for (const Entry* entry : controllers()) {
    EXPECT_THAT(text, HasSubstr(fmt::format("\n| `{}` | {} | {} |\n", entry->name,
                                            entry->summary, entry->source)));
  }
  for (const Coupling& coupling : couplings()) {
    EXPECT_FALSE(coupling.formula.empty()) << coupling.name;
    EXPECT_THAT(text, HasSubstr(fmt::format("\n| `{}` | {} | ", coupling.name,
                                            coupling.formula)));
  }
  EXPECT_EQ(run_program({"controllers", "goodput", "--markdown"}).code, 2);
  EXPECT_EQ(run_program({"controllers", "--json", "--markdown"}).code, 2);
}

template <class Names>
std::vector<std::string> missing(const std::string& text, const Names& names) {
  std::vector<std::string> missing;
  for (const auto& name : names) {
    if (text.find(name) == std::string::npos) missing.emplace_back(name);
  }
  return missing;
}

TEST(Readme, OfExperimentsNamesEveryRecipeAndSection) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes())
    names.push_back(fmt::format("`{}`", recipe.name));
  for (const Option& option : top_options()) names.push_back(option.name);
  EXPECT_THAT(missing(readme("experiments"), names), IsEmpty());
}

TEST(Readme, OfNnNamesEveryOptimizerAndLayer) {
  EXPECT_THAT(missing(readme("nn"), optimizer_names()), IsEmpty());
  EXPECT_THAT(missing(readme("nn"), layer_types()), IsEmpty());
}

}  // namespace batchlab::test::readme_test
