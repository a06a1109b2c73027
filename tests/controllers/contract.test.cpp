// SPDX-License-Identifier: MIT
//
// What every rule of the registry promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "controllers/limits.hpp"
#include "examples.hpp"

namespace batchlab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr double infinity = std::numeric_limits<double>::infinity();

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

class Contract : public testing::TestWithParam<std::string> {
 protected:
  const Entry& entry() const { return find_controller(GetParam()); }
  std::vector<json> variants() const { return example_variants(entry().name); }
  std::unique_ptr<Controller> make(const json& options) const {
    return make_controller(entry().name, options, fashion_mnist);
  }
};

void expect_equal(const Decision& left, const Decision& right) {
  EXPECT_EQ(left.batch_size, right.batch_size);
  EXPECT_EQ(left.reason, right.reason);
  EXPECT_EQ(left.learning_rate, right.learning_rate);
  EXPECT_EQ(left.learning_rate_factor, right.learning_rate_factor);
  EXPECT_EQ(left.subset, right.subset);
  EXPECT_EQ(left.branching, right.branching);
}

void expect_sound(const Decision& decision) {
  EXPECT_TRUE(std::isfinite(decision.batch_size)) << decision.reason;
  EXPECT_GT(decision.batch_size, 0) << decision.reason;
  EXPECT_TRUE(std::isfinite(decision.learning_rate_factor)) << decision.reason;
  EXPECT_GT(decision.learning_rate_factor, 0) << decision.reason;
  EXPECT_FALSE(decision.reason.empty());
}

TEST_P(Contract, DescribesItselfAndItsOptions) {
  EXPECT_FALSE(entry().summary.empty());
  EXPECT_FALSE(entry().source.empty());
  for (const Option& option : entry().options) EXPECT_FALSE(option.help.empty());
}

TEST_P(Contract, ItsDefaultLimitsAreAccepted) {
  const json options = checked_options("limits", limits_options(), entry().limits);
  EXPECT_NO_THROW((void)limits_from(options, fashion_mnist));
}

TEST_P(Contract, DecisionsAreFinitePositiveAndReasoned) {
  for (const json& options : variants()) {
    const auto rule = make(options);
    for (int step = 0; step < 300; ++step)
      expect_sound(rule->decide(statistics_at(step)));
  }
}

TEST_P(Contract, DecisionsStaySoundHoweverLongTheRun) {
  for (const json& options : variants()) {
    for (const std::int64_t count : {1'000LL, 1'000'000LL, 1'000'000'000'000'000LL}) {
      Statistics statistics = statistics_at(299);
      statistics.step = count;
      statistics.examples_seen = count;
      statistics.epochs_completed = count;
      expect_sound(make(options)->decide(statistics));
    }
  }
}

TEST_P(Contract, SameStatisticsGiveTheSameDecisions) {
  for (const json& options : variants()) {
    const auto one = make(options), other = make(options);
    for (int step = 0; step < 300; ++step) {
      expect_equal(one->decide(statistics_at(step)),
                   other->decide(statistics_at(step)));
    }
  }
}

TEST_P(Contract, ReadsOnlyTheStatisticsItDeclares) {
  for (const json& options : variants()) {
    const auto all = make(options), declared = make(options);
    for (int step = 0; step < 300; ++step) {
      const Statistics statistics = statistics_at(step);
      expect_equal(all->decide(statistics),
                   declared->decide(only(statistics, declared->needs())));
    }
  }
}

// Such a rule can be planned before the run.
TEST_P(Contract, AnOpenLoopRuleReadsCountsAlone) {
  if (!entry().open_loop) return;
  for (const json& options : variants()) {
    const auto rule = make(options), other = make(options);
    EXPECT_EQ(rule->needs(), Needs{});
    for (int step = 0; step < 300; ++step) {
      Statistics statistics = statistics_at(step);
      const Decision decision = rule->decide(statistics);
      statistics.batch_loss = 7;
      statistics.learning_rate = 0.3;
      expect_equal(decision, other->decide(statistics));
    }
  }
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

TEST_P(Contract, ExtendsBatchesAndBranchesOnlyIfItsEntrySaysSo) {
  bool extends = false, branches = false;
  for (const json& options : variants()) {
    const auto rule = make(options);
    for (int step = 0; step < 300; ++step) {
      const Statistics statistics = statistics_at(step);
      extends = extends || rule->extended_batch_size(statistics) != 0;
      branches = branches || rule->decide(statistics).branching != Branching{};
    }
  }
  EXPECT_EQ(extends, entry().extends_batches);
  EXPECT_EQ(branches, entry().branches);
}

TEST_P(Contract, ReadsEachStatisticItDeclares) {
  for (const json& options : variants()) {
    for (const Quantity& quantity : quantities) {
      const auto all = make(options), without = make(options);
      if (!all->needs().has(quantity.field)) continue;
      bool differs = false;
      for (int step = 0; step < 300; ++step) {
        Statistics statistics = statistics_at(step);
        if (step % 7 == 0) statistics.batch_size = 24;
        const double with = all->decide(statistics).batch_size;
        (statistics.*quantity.field).reset();
        differs = differs || with != without->decide(statistics).batch_size;
      }
      EXPECT_TRUE(differs) << quantity.name;
    }
  }
}

TEST_P(Contract, SurvivesDivergenceAndDegenerateBatches) {
  for (const json& options : variants()) {
    for (const double value :
         {std::nan(""), infinity, -infinity, 0.0, -1.0, 1e300, 5e-324}) {
      const auto rule = make(options);
      for (int step = 0; step < 60; ++step) {
        Statistics statistics = statistics_at(step);
        statistics.batch_loss = value;
        statistics.batch_size = step % 2 == 0 ? 1 : statistics.training_set_size;
        if (step % 3 == 1) {
          for (const auto& quantity : quantities) statistics.*quantity.field = value;
        }
        expect_sound(rule->decide(statistics));
      }
    }
  }
}

TEST_P(Contract, StateSavedAndRestoredGivesTheSameFuture) {
  for (const json& options : variants()) {
    for (const int stop : {0, 1, 33, 60, 101}) {
      const auto whole = make(options);
      for (int step = 0; step < stop; ++step) (void)whole->decide(statistics_at(step));
      const auto resumed = make(options);
      resumed->load(json::parse(whole->save().dump()));
      for (int step = stop; step < 300; ++step) {
        expect_equal(whole->decide(statistics_at(step)),
                     resumed->decide(statistics_at(step)));
      }
    }
  }
}

TEST_P(Contract, DefaultOptionsWorkOrTheErrorShowsAnExample) {
  const std::string error = refusal(entry().name, json::object());
  if (!error.empty()) {
    EXPECT_THAT(error, HasSubstr("for example"));
  }
}

TEST_P(Contract, UnknownOptionIsRefusedNamingTheClosest) {
  for (const Option& option : entry().options) {
    json options = example_options(entry().name);
    options[option.name + "_"] = 1;
    EXPECT_THAT(refusal(entry().name, options),
                HasSubstr("did you mean \"" + option.name + "\"?"));
  }
}

// Makes the choices in `options` for which `option` has a meaning.
void give_meaning(const Entry& entry, const Option& option, json& options) {
  if (option.only_for.choice.empty()) return;
  options[option.only_for.choice] = option.only_for.values.front();
  for (const Option& choice : entry.options) {
    if (choice.name == option.only_for.choice) give_meaning(entry, choice, options);
  }
}

// The two values just outside the range, then the two ends.
std::vector<json> around(const Option& option) {
  const double low = option.minimum, high = option.maximum;
  if (option.kind == Option::Kind::number) {
    return {std::nextafter(low, -infinity), std::nextafter(high, infinity), low, high};
  }
  std::vector<json> values{low - 1, high + 1, low, high};
  if (option.kind == Option::Kind::integer_list) {
    for (json& value : values) value = json::array({value});
  }
  return values;
}

// The training set is as large as a batch size may be, so that only ranges are in
// question.
TEST_P(Contract, NumericOptionsAreRefusedJustOutsideTheirRange) {
  const Setting setting{1'000'000'000'000};
  for (const Option& option : entry().options) {
    if (option.kind != Option::Kind::integer && option.kind != Option::Kind::number &&
        option.kind != Option::Kind::integer_list) {
      continue;
    }
    const std::vector<json> values = around(option);
    for (std::size_t i = 0; i < values.size(); ++i) {
      json options = example_options(entry().name);
      give_meaning(entry(), option, options);
      options[option.name] = values[i];
      const std::string error = refusal(entry().name, options, setting);
      if (i < 2) {
        EXPECT_THAT(error, HasSubstr(entry().name + ": " + option.name)) << options;
        EXPECT_THAT(error, HasSubstr(" must be in [")) << options;
      } else {
        // Its own range holds; another check may still object to the combination.
        EXPECT_THAT(error, Not(HasSubstr(option.name + " must be in ["))) << options;
      }
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Entry* entry : controllers()) result.push_back(entry->name);
  return result;
}
INSTANTIATE_TEST_SUITE_P(Registry, Contract, testing::ValuesIn(names()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace batchlab
