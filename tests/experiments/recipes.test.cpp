// SPDX-License-Identifier: MIT
#include "experiments/recipes.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/experiments/program.hpp"

namespace batchlab::test::recipes_test {

using testing::HasSubstr;

class EveryRecipe : public testing::TestWithParam<Recipe> {};

TEST_P(EveryRecipe, BeginsWithASummary) {
  EXPECT_TRUE(GetParam().text.starts_with("# "));
  EXPECT_GT(GetParam().summary().size(), 20U);
  EXPECT_NE(GetParam().summary().front(), '#');
}

TEST_P(EveryRecipe, IsAFileOfItsName) {
  const auto document = parse_toml(GetParam().text, "recipe");
  EXPECT_EQ(document.at("name"), GetParam().name);
  const auto runs = expand(document);
  EXPECT_EQ(runs.size(),
            document.at("controllers").size() * document.at("seeds").size());
}

// The phases of both recipes that have some, an example in thirty.
std::vector<std::string> shortened(const std::string& name) {
  std::vector<std::string> words{
      "reproduce",          name,   "--quiet", "--seed", "0", "--set",
      "data.examples=2000", "--set"};
  if (name == "keras-multiple-fit") {
    words.push_back(
        "controllers.0.phases=[{until={epochs=1}, batch_size=32, "
        "subset={first=0, count=400}}, "
        "{batch_size=128, subset={first=400, count=1600}}]");
    words.insert(words.end(), {"--set", "budget.epochs=2"});
  } else if (name == "keras-generators") {
    words.push_back(
        "controllers.0.phases=[{until={steps=10}, batch_size=32}, "
        "{batch_size=128}]");
    words.insert(words.end(), {"--set", "budget.epochs=1"});
  } else {
    words.push_back("budget.epochs=1");
  }
  return words;
}

TEST_P(EveryRecipe, RunsShortenedOnTheRealData) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "the Debian package dataset-fashion-mnist is not installed";
  }
  const TemporaryFolder folder;
  auto words = shortened(std::string(GetParam().name));
  words.insert(words.end(), {"--out", folder.path().string()});
  const Output output = run_program(words);
  EXPECT_EQ(output.code, 0) << output.err;
  const auto runs = find_runs(folder.path());
  EXPECT_EQ(runs.size(),
            parse_toml(GetParam().text, "recipe").at("controllers").size());
  for (const auto& path : runs) {
    const auto run = read_run(path);
    EXPECT_EQ(run.status(), "finished") << path;
    const Evaluation& last = run.evaluations.back();
    // The noisy quadratic has no accuracy; its loss is some 65 before the first step.
    EXPECT_TRUE(last.accuracy > 0.3 || (std::isnan(last.accuracy) && last.loss < 50))
        << path << ": it learned nothing";
  }
}

std::string test_name(const testing::TestParamInfo<Recipe>& info) {
  std::string name(info.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Recipes, EveryRecipe, testing::ValuesIn(recipes()), test_name);

TEST(FindRecipe, NamesTheClosest) {
  EXPECT_EQ(find_recipe("four-families").name, "four-families");
  EXPECT_THAT(error_of([] { (void)find_recipe("four-family"); }).what(),
              HasSubstr("did you mean \"four-families\""));
}

}  // namespace batchlab::test::recipes_test
