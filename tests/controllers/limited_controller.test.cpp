// SPDX-License-Identifier: MIT
#include "controllers/limited_controller.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::limited_controller_test {

using nlohmann::json;
using testing::HasSubstr;

LimitedController controller(const std::string& name, const json& limits) {
  return {name, example_options(name),
          checked_options("limits", limits_options(), limits), fashion_mnist};
}

TEST(LimitedController, IsTheRuleThenItsLimits) {
  for (const Entry* entry : controllers()) {
    const json limits{{"growth", 1.5}, {"maximum", 300}};
    LimitedController whole = controller(entry->name, limits);
    const auto rule =
        make_controller(entry->name, example_options(entry->name), fashion_mnist);
    SafetyLayer layer(limits_from(checked_options("limits", limits_options(), limits),
                                  fashion_mnist));
    EXPECT_EQ(whole.needs(), rule->needs());
    for (int step = 0; step < 100; ++step) {
      whole.decide(statistics_at(step));
      const Decision wanted = rule->decide(statistics_at(step));
      EXPECT_EQ(whole.wanted().batch_size, wanted.batch_size) << entry->name;
      const LimitedDecision used = layer.apply(wanted, statistics_at(step));
      EXPECT_EQ(whole.used().batch_size, used.batch_size) << entry->name;
      EXPECT_EQ(whole.used().limited_by, used.limited_by) << entry->name;
    }
    EXPECT_EQ(whole.rule().save(), rule->save()) << entry->name;
  }
}

// What it wants, says and remembers does not depend on what is used.
TEST(LimitedController, AsksTheRuleAsBeforeWhereTheSizeIsForced) {
  for (const Entry* entry : controllers()) {
    LimitedController free = controller(entry->name, json::object());
    LimitedController forced = controller(entry->name, json::object());
    forced.force(17);
    for (int step = 0; step < 50; ++step) {
      free.decide(statistics_at(step));
      forced.decide(statistics_at(step));
      EXPECT_EQ(forced.wanted().batch_size, free.wanted().batch_size) << entry->name;
      EXPECT_EQ(forced.wanted().reason, free.wanted().reason) << entry->name;
      EXPECT_EQ(forced.used().batch_size, 17);
      EXPECT_EQ(forced.used().limited_by, "control");
    }
    EXPECT_EQ(forced.rule().save(), free.rule().save()) << entry->name;
  }
}

TEST(LimitedController, RefusesWhatTheRuleOrTheLimitsCannotBe) {
  EXPECT_THAT(error_of([] { controller("plateu", json::object()); }),
              HasSubstr("did you mean \"plateau\"?"));
  EXPECT_THAT(error_of([] {
                controller("constant", {{"minimum", 9}, {"maximum", 8}});
              }),
              HasSubstr("constant: limits: minimum"));
}

}  // namespace batchlab::limited_controller_test
