// SPDX-License-Identifier: MIT
//
// What every rule of the registry promises: the battery of controllers/contract.hpp.
#include "controllers/contract.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "examples.hpp"

namespace batchlab::contract_test {

using nlohmann::json;
using testing::HasSubstr;

TEST(Registry, IsNotEmptyAndItsNamesAreUnique) {
  std::set<std::string> names;
  for (const Entry* entry : controllers()) names.insert(entry->name);
  EXPECT_GE(names.size(), 5U);
  EXPECT_EQ(names.size(), controllers().size());
}

TEST(Registry, NamesTheClosestController) {
  EXPECT_THAT(refusal("cylic", json::object()),
              HasSubstr("unknown controller \"cylic\"; did you mean \"cyclic\"?"));
}

TEST(Registry, TheSchedulesAreOpenLoop) {
  std::vector<std::string> open_loop;
  for (const Entry* entry : controllers()) {
    if (entry->open_loop) open_loop.push_back(entry->name);
  }
  EXPECT_THAT(open_loop, testing::ElementsAre("constant", "phases", "cyclic", "ramp",
                                              "adabatch", "dont_decay", "seesaw",
                                              "late_switch", "geodamp", "padadamp"));
}

// A rule and the position of a promise.
class Contract : public testing::TestWithParam<std::tuple<std::string, std::size_t>> {};

TEST_P(Contract, Holds) {
  const auto& [name, number] = GetParam();
  const Promise& promise = contract()[number];
  EXPECT_EQ(promise.check({find_controller(name), example_variants(name)}).failure, "")
      << promise.claim;
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Entry* entry : controllers()) result.push_back(entry->name);
  return result;
}
std::string title(const testing::TestParamInfo<Contract::ParamType>& instance) {
  const auto& [name, number] = instance.param;
  return name + "_" + std::string(contract()[number].name);
}
INSTANTIATE_TEST_SUITE_P(Registry, Contract,
                         testing::Combine(testing::ValuesIn(names()),
                                          testing::Range(std::size_t{0},
                                                         contract().size())),
                         title);

TEST(OptionVariants, AreTheDefaultsAndEachChoice) {
  EXPECT_EQ(option_variants(find_controller("constant")),
            std::vector<json>{json::object()});
  EXPECT_THAT(option_variants(find_controller("plateau")),
              testing::Contains(json{{"metric", "validation_accuracy"}}));
}

}  // namespace batchlab::contract_test
