// SPDX-License-Identifier: MIT
//
// Controllers that break one promise each: every check of the contract can fail, and
// says what it saw.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controllers/batch_size_option.hpp"
#include "examples.hpp"

namespace batchlab::broken_promises_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// A rule of one function; it remembers nothing but a number of calls.
class Scripted : public Controller {
 public:
  using Script = std::function<Decision(const Statistics&, int call)>;
  Scripted(Script script, Needs needs) : script_(std::move(script)), needs_(needs) {}
  [[nodiscard]] Needs needs() const override { return needs_; }
  Decision decide(const Statistics& statistics) override {
    return script_(statistics, calls_++);
  }

 private:
  Script script_;
  Needs needs_;
  int calls_ = 0;
};

// A sound rule of two options, with `script` in the place of its decision.
Entry entry_of(const Scripted::Script& script, Needs needs = {}) {
  Entry entry;
  entry.name = "mine";
  entry.summary = "says 32";
  entry.source = "made up";
  entry.options = {count_option("size", 32, "examples", "the batch size"),
                   choice_option("form", {"plain", "other"}, "no matter")};
  entry.make = [=](const json&, const Setting&) -> std::unique_ptr<Controller> {
    return std::make_unique<Scripted>(script, needs);
  };
  return entry;
}

Decision plain(const Statistics&, int) { return {32, "always 32"}; }

const Promise& contract_promise(const std::string& name) {
  return *std::ranges::find(contract(), name, &Promise::name);
}

// What each promise finds in `entry`, but those that hold.
std::map<std::string, std::string> found(const Entry& entry) {
  std::map<std::string, std::string> found;
  for (const Promise& promise : contract()) {
    const std::string what = promise.check({entry, option_variants(entry)}).failure;
    if (!what.empty()) found[std::string(promise.name)] = what;
  }
  return found;
}

std::string found(const Entry& entry, const std::string& promise) {
  const auto all = found(entry);
  const auto one = all.find(promise);
  return one == all.end() ? "" : one->second;
}

TEST(BrokenPromises, ASoundRuleBreaksNone) {
  EXPECT_THAT(found(entry_of(plain)), IsEmpty());
  EXPECT_EQ(option_variants(entry_of(plain)).size(), 2U);
}

TEST(BrokenPromises, Described) {
  Entry entry = entry_of(plain);
  entry.options[1].help = "";
  EXPECT_THAT(found(entry), testing::ElementsAre(
                                testing::Pair("described", "option form has no help")));
  entry.summary = "";
  EXPECT_EQ(found(entry, "described"), "it has no summary");
  entry = entry_of(plain);
  entry.source = "";
  EXPECT_THAT(found(entry, "described"), HasSubstr("no source"));
}

TEST(BrokenPromises, DefaultLimits) {
  Entry entry = entry_of(plain);
  entry.limits = {{"minimum", 64}, {"maximum", 16}};
  EXPECT_THAT(found(entry, "default_limits"), AllOf(HasSubstr("64"), HasSubstr("16")));
}

TEST(BrokenPromises, Defaults) {
  Entry entry = entry_of(plain);
  const auto make = entry.make;
  entry.make = [make](const json& options, const Setting& setting) {
    if (options.at("size") == 32) throw Error(ErrorKind::usage, "mine: not 32");
    return make(options, setting);
  };
  EXPECT_THAT(
      found(entry, "defaults"),
      AllOf(HasSubstr("refused with \"mine: not 32\""), HasSubstr("for example")));
}

TEST(BrokenPromises, WhatIsMissingIsKnownByItsExample) {
  Entry entry = entry_of(plain);
  EXPECT_EQ(missing_options(entry), "");
  entry.make = [](const json& options, const Setting&) -> std::unique_ptr<Controller> {
    throw Error(ErrorKind::usage, options.at("form") == "plain"
                                      ? "mine: size is missing; for example size = 2"
                                      : "mine: form cannot be");
  };
  EXPECT_EQ(missing_options(entry), "mine: size is missing; for example size = 2");
  EXPECT_EQ(missing_options(entry, {{"form", "other"}}), "");
  EXPECT_EQ(found(entry, "defaults"), "");
}

TEST(BrokenPromises, UnknownOptions) {
  Entry entry = entry_of(plain);
  entry.options.push_back(count_option("size_", 1, "examples", "hides a slip"));
  EXPECT_THAT(found(entry, "unknown_options"), HasSubstr("option size_ is accepted"));
}

TEST(BrokenPromises, Ranges) {
  Entry entry = entry_of(plain);
  const auto make = entry.make;
  entry.make = [make](const json& options, const Setting& setting) {
    if (options.at("size") > 100)
      throw Error(ErrorKind::usage, "mine: size must be in [1, 100]");
    return make(options, setting);
  };
  EXPECT_THAT(found(entry, "ranges"),
              AllOf(HasSubstr("size = 1000000000000 is in its range"),
                    HasSubstr("\"mine: size must be in [1, 100]\"")));
}

TEST(BrokenPromises, ACrashOfTheRuleIsNoRefusal) {
  Entry entry = entry_of(plain);
  const auto make = entry.make;
  entry.make = [make](const json& options, const Setting& setting) {
    if (options.at("size") == 1) throw Error(ErrorKind::plugin, "ended by signal 11");
    return make(options, setting);
  };
  EXPECT_EQ(found(entry, "ranges"), "fails: ended by signal 11");
}

TEST(BrokenPromises, Sound) {
  const auto at_seven = [](double size, double factor, const std::string& reason) {
    return found(entry_of([=](const Statistics&, int call) {
                   if (call != 7) return plain({}, 0);
                   Decision decision{size, reason};
                   decision.learning_rate_factor = factor;
                   return decision;
                 }),
                 "sound");
  };
  EXPECT_THAT(at_seven(std::nan(""), 1, "x"),
              AllOf(HasSubstr("at step 7: "), HasSubstr("batch size nan (\"x\")")));
  EXPECT_THAT(at_seven(0, 1, "x"), HasSubstr("batch size 0 (\"x\")"));
  EXPECT_THAT(at_seven(32, -2, "x"), HasSubstr("batch size 32, rate x -2"));
  EXPECT_THAT(at_seven(32, 1, ""), HasSubstr("no reason for batch size 32"));
  EXPECT_EQ(at_seven(32, 2, "x"), "");
}

TEST(BrokenPromises, SoundWhereASubsetIsBeyondTheTrainingSet) {
  const auto with = [](const Subset& subset) {
    return found(entry_of([=](const Statistics&, int) {
                   Decision decision{32, "x"};
                   decision.subset = subset;
                   return decision;
                 }),
                 "sound");
  };
  EXPECT_EQ(with({53990, 10}), "");
  EXPECT_THAT(with({53991, 10}), HasSubstr("of 54000 examples: batch size 32, examples "
                                           "53991 to 54001"));
  EXPECT_THAT(with({-1, 10}), HasSubstr("of 54000 examples"));
  EXPECT_THAT(with({0, 0}), HasSubstr("of 54000 examples"));
}

TEST(BrokenPromises, SoundForEver) {
  const auto doubling = [](const Statistics& statistics, int) -> Decision {
    return {std::exp2(static_cast<double>(statistics.epochs_completed)), "doubles"};
  };
  const auto what = found(entry_of(doubling), "sound_for_ever");
  EXPECT_THAT(what, AllOf(HasSubstr("step 1000000:"), HasSubstr("batch size inf")));
}

TEST(BrokenPromises, Repeatable) {
  int calls = 0;
  const auto counting = [&calls](const Statistics&, int) -> Decision {
    return {static_cast<double>(++calls), "counts"};
  };
  EXPECT_THAT(found(entry_of(counting), "repeatable"),
              AllOf(HasSubstr("another one, told the same"), HasSubstr("step 0")));
}

Decision by_loss(const Statistics& statistics, int) {
  return {statistics.validation_loss.value_or(0) > 1 ? 64.0 : 32.0, "loss above 1"};
}

// The loss is first given at step 5: 2 - 5/10 = 1.5.
TEST(BrokenPromises, DeclaresAll) {
  EXPECT_THAT(found(entry_of(by_loss), "declares_all"),
              AllOf(HasSubstr("step 5: batch size 64"),
                    HasSubstr("told only what it declares: batch size 32")));
  EXPECT_EQ(found(entry_of(by_loss, {&Statistics::validation_loss}), "declares_all"),
            "");
}

TEST(BrokenPromises, ReadsAll) {
  const Needs both{&Statistics::validation_loss, &Statistics::step_seconds};
  EXPECT_THAT(found(entry_of(by_loss, both), "reads_all"),
              HasSubstr("step_seconds is declared, but absent, 0 or 1e6 it changes "
                        "none of 300 decisions"));
  EXPECT_EQ(found(entry_of(by_loss, {&Statistics::validation_loss}), "reads_all"), "");
}

// Made-up accuracies stay below 0.8: only one that is put there makes a difference.
TEST(BrokenPromises, AStatisticMayMatterBeyondAThresholdAlone) {
  const auto rare = [](const Statistics& statistics, int) -> Decision {
    return {statistics.validation_accuracy.value_or(0) > 0.99 ? 64.0 : 32.0, "rare"};
  };
  EXPECT_EQ(found(entry_of(rare, {&Statistics::validation_accuracy}), "reads_all"), "");
}

// With the defaults alone: the rule reads the statistic for sizes above 1000 only,
// which is seen at the upper end of the range.
TEST(BrokenPromises, WhatOtherOptionsShowIsLookedForAndElseUntried) {
  const auto verdict = [](Entry entry, double least_size) {
    entry.make = [=](const json& options, const Setting&) {
      const bool reads = options.at("size") > least_size;
      return std::make_unique<Scripted>(
          [=](const Statistics& told, int) -> Decision {
            return {reads ? told.step_seconds.value_or(1) + 1 : 32.0, "by time"};
          },
          Needs{&Statistics::step_seconds});
    };
    return contract_promise("reads_all").check({entry, option_variants(entry), false});
  };
  EXPECT_EQ(verdict(entry_of(plain), 1000).failure, "");
  const Verdict nowhere = verdict(entry_of(plain), 1e30);
  EXPECT_TRUE(nowhere.untried);
  EXPECT_THAT(nowhere.failure, AllOf(HasSubstr("step_seconds is declared"),
                                     HasSubstr("; other options than the defaults")));
}

TEST(BrokenPromises, WhatIsSeenOfBranchesIsBrokenAndWhatIsNotSeenUntried) {
  const auto verdict = [](bool says, bool does, bool options) {
    Entry entry = entry_of([=](const Statistics&, int) {
      Decision decision{32, "x"};
      if (does) decision.branching.keep_as = 1;
      return decision;
    });
    entry.branches = says;
    if (!options) entry.options.clear();
    return contract_promise("extensions").check({entry, option_variants(entry), false});
  };
  EXPECT_EQ(verdict(true, true, true).failure, "");
  EXPECT_FALSE(verdict(false, true, true).untried);
  EXPECT_NE(verdict(false, true, true).failure, "");
  EXPECT_TRUE(verdict(true, false, true).untried);
  EXPECT_FALSE(verdict(true, false, false).untried) << "there are no other options";
  EXPECT_NE(verdict(true, false, false).failure, "");
}

TEST(BrokenPromises, AnOptionThatIsMeasuredIsGivenAValue) {
  Entry entry = entry_of(plain);
  Option ratio = number_option("ratio", 1, 0, 1e6, "", "of costs");
  ratio.default_value = nullptr;  // 1e-4 / 1e-5 = 10
  ratio = measured_where_unset([](double a, double b) { return a / b; }, ratio);
  entry.options.push_back(ratio);
  std::vector<double> given;
  entry.make = [&given](const json& options, const Setting&) {
    given.push_back(options.at("ratio"));
    return std::make_unique<Scripted>(plain, Needs{});
  };
  EXPECT_EQ(contract_promise("sound").check({entry, {json::object()}}).failure, "");
  ASSERT_EQ(given.size(), 1U);
  EXPECT_DOUBLE_EQ(given.front(), 10);
}

TEST(BrokenPromises, EveryQuantityIsToldNowAndThen) {
  for (const Quantity& quantity : quantities) {
    const auto reads = [&](const Statistics& statistics, int) -> Decision {
      return {(statistics.*quantity.field).has_value() ? 64.0 : 32.0, "is there"};
    };
    EXPECT_EQ(found(entry_of(reads, Needs{quantity.field}), "reads_all"), "")
        << quantity.name;
  }
}

TEST(BrokenPromises, OpenLoop) {
  Entry entry = entry_of([](const Statistics& statistics, int) -> Decision {
    return {statistics.learning_rate > 0.2 ? 64.0 : 32.0, "by rate"};
  });
  EXPECT_EQ(found(entry, "open_loop"), "") << "it does not say that it is";
  entry.open_loop = true;
  EXPECT_THAT(found(entry, "open_loop"), HasSubstr("a learning rate of 0.3: batch"));
  entry = entry_of(plain, {&Statistics::step_seconds});
  entry.open_loop = true;
  EXPECT_THAT(found(entry, "open_loop"), HasSubstr("it declares statistics"));
}

TEST(BrokenPromises, Extensions) {
  Entry entry = entry_of(plain);
  entry.extends_batches = true;
  EXPECT_EQ(found(entry, "extensions"),
            "its entry says extends_batches = true, but in 300 steps it does not");
  entry = entry_of([](const Statistics&, int) {
    Decision decision{32, "keeps"};
    decision.branching.keep_as = 1;
    return decision;
  });
  EXPECT_EQ(found(entry, "extensions"),
            "its entry says branches = false, but in 300 steps it does");
}

class Extending final : public Scripted {
 public:
  Extending() : Scripted(plain, {}) {}
  double extended_batch_size(const Statistics&) override { return 64; }
};

TEST(BrokenPromises, ARuleOfAPluginIsNotAskedToExtendUnlessItSaysSo) {
  Entry entry = entry_of(plain);
  entry.make = [](const json&, const Setting&) -> std::unique_ptr<Controller> {
    return std::make_unique<Extending>();
  };
  EXPECT_EQ(found(entry, "extensions"),
            "its entry says extends_batches = false, but in 300 steps it does");
  entry.plugin = "/home/me/mine.py";
  EXPECT_EQ(found(entry, "extensions"), "");
}

TEST(BrokenPromises, Divergence) {
  const auto over_loss = [](const Statistics& statistics, int) -> Decision {
    return {32 + std::min(statistics.batch_loss, 100.0), "by the loss"};
  };
  EXPECT_THAT(found(entry_of(over_loss), "divergence"),
              AllOf(HasSubstr("where loss and statistics are nan"),
                    HasSubstr("batch size nan")));
}

// What is remembered without being saved begins anew.
TEST(BrokenPromises, State) {
  const auto forgetful = [](const Statistics&, int call) -> Decision {
    return {call < 50 ? 32.0 : 64.0, "after 50 calls"};
  };
  EXPECT_THAT(found(entry_of(forgetful), "state"),
              AllOf(HasSubstr("at step 50: batch size 64"),
                    HasSubstr("restored after 1 decisions: batch size 32")));
}

class Unending final : public Scripted {
 public:
  Unending() : Scripted(plain, {}) {}
  void finish() override { throw Error(ErrorKind::plugin, "ended by signal 6"); }
};

TEST(BrokenPromises, Ends) {
  Entry entry = entry_of(plain);
  entry.make = [](const json&, const Setting&) -> std::unique_ptr<Controller> {
    return std::make_unique<Unending>();
  };
  EXPECT_THAT(found(entry),
              testing::ElementsAre(testing::Pair("ends", "fails: ended by signal 6")));
}

}  // namespace batchlab::broken_promises_test
