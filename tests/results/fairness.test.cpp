// SPDX-License-Identifier: MIT
#include "results/fairness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/results/support.hpp"

namespace batchlab::fairness_test {

using test::finished_run;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Three seeds of each of two controllers, alike in all else.
class Fairness : public testing::Test {
 protected:
  Fairness() {
    for (const char* label : {"phases", "constant"}) {
      for (const std::int64_t seed : {0, 1, 2}) {
        runs_.push_back(finished_run(label, seed, 0.8));
        runs_.back().configuration["optimizer"] = {{"learning_rate", 0.1}};
        runs_.back().record["threads"] = 1;
        runs_.back().record["data_checksum"] = "abc";
        runs_.back().record["environment"] = {{"version", "1"}, {"processor", "x"}};
      }
    }
  }

  // `change` is made to the runs of "constant".
  template <class Change>
  std::vector<std::string> after(Change change) {
    for (std::size_t i = 3; i < 6; ++i) change(runs_[i]);
    return sentences();
  }

  std::vector<std::string> sentences() {
    std::vector<const batchlab::Run*> all;
    for (const batchlab::Run& run : runs_) all.push_back(&run);
    return fairness(all);
  }

  std::vector<batchlab::Run> runs_;
};

TEST_F(Fairness, HasNothingToSayOfRunsThatDifferInTheirControllers) {
  EXPECT_THAT(after([](auto& run) {
                run.configuration["controller"]["options"] = {{"batch_size", 64}};
                run.configuration["controller"]["coupling"] = "sqrt";
              }),
              IsEmpty());
  EXPECT_THAT(fairness({}), IsEmpty());
}

TEST_F(Fairness, NamesBudgetsWithTheirValues) {
  EXPECT_THAT(after([](auto& run) { run.configuration["budget"]["epochs"] = 2; }),
              ElementsAre("not like for like: budgets differ: budget.epochs is 1 "
                          "(phases) and 2 (constant)"));
}

TEST_F(Fairness, NamesLearningRatesOfOptimizerScheduleAndController) {
  EXPECT_THAT(
      after([](auto& run) {
        run.configuration["optimizer"]["learning_rate"] = 0.2;
        run.configuration["schedule"] = {{"name", "cosine"}};
        run.configuration["controller"]["learning_rate"] = 0.3;
      }),
      ElementsAre("not like for like: learning rates differ: "
                  "controller.learning_rate is not set (phases) and 0.3 "
                  "(constant); optimizer.learning_rate is 0.1 (phases) and 0.2 "
                  "(constant); schedule.name is not set (phases) and \"cosine\" "
                  "(constant)"));
}

TEST_F(Fairness, NamesSeedsThatAreNotThoseOfTheOthers) {
  runs_.pop_back();
  EXPECT_THAT(sentences(), ElementsAre("not like for like: seeds differ: phases has 0, "
                                       "1, 2; constant has 0, 1"));
}

TEST_F(Fairness, NamesDataBySettingAndByChecksum) {
  EXPECT_THAT(after([](auto& run) {
                run.configuration["data"]["examples"] = 100;
                run.record["data_checksum"] = "def";
              }),
              ElementsAre("not like for like: data differ: data.examples is not set "
                          "(phases) and 100 (constant); data_checksum is \"abc\" "
                          "(phases) and \"def\" (constant)"));
}

TEST_F(Fairness, NamesTargetCodeAndOtherSettings) {
  EXPECT_THAT(after([](auto& run) {
                run.configuration["target"] = {{"value", 0.5}};
                run.configuration["model"] = {{"units", 10}};
                run.record["environment"]["version"] = "2";
              }),
              ElementsAre(StartsWith("not like for like: targets differ"),
                          "not like for like: code versions differ: version is \"1\" "
                          "(phases) and \"2\" (constant)",
                          "not like for like: settings differ: model.units is not set "
                          "(phases) and 10 (constant)"));
}

TEST_F(Fairness, NamesMachineThreadsAndJobsAsOfTheirSecondsLast) {
  EXPECT_THAT(
      after([](auto& run) {
        run.record["threads"] = 2;
        run.record["environment"]["processor"] = "y";
        run.configuration["budget"]["epochs"] = 2;
      }),
      ElementsAre(StartsWith("not like for like: budgets differ"),
                  "not like for like in seconds: environment.processor is \"x\" "
                  "(phases) and \"y\" (constant); threads is 1 (phases) and 2 "
                  "(constant)"));
}

TEST_F(Fairness, NamesSeedsWhereOneControllersRunsDiffer) {
  runs_[1].configuration["budget"]["epochs"] = 2;
  EXPECT_THAT(sentences(),
              ElementsAre("not like for like: budgets differ: budget.epochs is 1 "
                          "(phases seed 0, phases seed 2, constant) and 2 (phases seed "
                          "1)"));
}

TEST_F(Fairness, BearsFilesThatAreNotAsExpected) {
  EXPECT_THAT(after([](auto& run) {
                run.configuration["controller"] = 3;
                run.record["environment"] = "none";
                run.record["threads"] = "\xff\x1b[31m" + std::string(1000, 'x');
              }),
              SizeIs(2));
}

}  // namespace batchlab::fairness_test
