// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples.hpp"

namespace batchlab::phases_test {

using nlohmann::json;
using testing::HasSubstr;

json table(const std::string& phases) { return {{"phases", json::parse(phases)}}; }
std::string refused(const std::string& phases) {
  return refusal("phases", table(phases));
}

Decision at(Controller& rule, std::int64_t epochs, std::int64_t steps,
            std::int64_t examples) {
  Statistics statistics;
  statistics.epochs_completed = epochs;
  statistics.step = steps;
  statistics.examples_seen = examples;
  return rule.decide(statistics);
}

TEST(Phases, ChangesAtTheFirstStepAtOrAfterUntil) {
  const auto rule = make_controller("phases", table(R"([
      {"until": {"examples": 100}, "batch_size": 32},
      {"until": {"steps": 10}, "batch_size": 64},
      {"until": {"epochs": 2}, "batch_size": 96},
      {"batch_size": 128}])"),
                                    fashion_mnist);
  EXPECT_EQ(at(*rule, 0, 0, 0).batch_size, 32);
  EXPECT_EQ(at(*rule, 0, 3, 96).batch_size, 32);
  EXPECT_EQ(at(*rule, 0, 4, 128).batch_size, 64);
  EXPECT_EQ(at(*rule, 0, 9, 448).batch_size, 64);
  EXPECT_EQ(at(*rule, 1, 10, 512).batch_size, 96);
  EXPECT_EQ(at(*rule, 2, 15, 992).batch_size, 128);
}

TEST(Phases, SkipsAPhaseThatIsAlreadyOver) {
  const auto rule = make_controller("phases", table(R"([
      {"until": {"steps": 10}, "batch_size": 32},
      {"until": {"epochs": 1}, "batch_size": 64},
      {"batch_size": 128}])"),
                                    fashion_mnist);
  EXPECT_EQ(at(*rule, 1, 9, 0).batch_size, 32);
  EXPECT_EQ(at(*rule, 1, 10, 0).batch_size, 128);
}

TEST(Phases, TheLastLastsToTheEndEvenWithUntil) {
  const auto rule = make_controller(
      "phases", table(R"([{"until": {"epochs": 1}, "batch_size": 32}])"),
      fashion_mnist);
  EXPECT_EQ(at(*rule, 7, 1000, 1000).batch_size, 32);
}

TEST(Phases, CarriesLearningRateAndSubsetOfItsPhaseOnly) {
  const auto rule = make_controller("phases", table(R"([
      {"until": {"epochs": 1}, "batch_size": 32, "learning_rate": 0.5},
      {"until": {"epochs": 2}, "batch_size": 32, "subset": {"count": 64}},
      {"batch_size": 32}])"),
                                    fashion_mnist);
  EXPECT_EQ(at(*rule, 0, 0, 0).learning_rate, 0.5);
  EXPECT_EQ(at(*rule, 0, 0, 0).subset, std::nullopt);
  EXPECT_EQ(at(*rule, 1, 0, 0).learning_rate, std::nullopt);
  EXPECT_EQ(at(*rule, 1, 0, 0).subset, (Subset{0, 64}));
  EXPECT_EQ(at(*rule, 2, 0, 0).subset, std::nullopt);
}

TEST(Phases, NamesThePhaseAndWhereItEnds) {
  const auto rule = make_controller("phases", example_options("phases"), fashion_mnist);
  EXPECT_EQ(at(*rule, 0, 0, 0).reason, "phase 1 of 3, until 1 epochs");
  EXPECT_EQ(at(*rule, 1, 40, 0).reason, "phase 3 of 3");
}

TEST(Phases, RefusesAMissingOrEmptyList) {
  EXPECT_THAT(refusal("phases", json::object()),
              HasSubstr("for example phases = [{ until"));
  EXPECT_THAT(refused("[]"), HasSubstr("at least one table"));
}

TEST(Phases, RefusesUnknownKeysNamingTheClosest) {
  EXPECT_THAT(refused(R"([{"batchsize": 3}])"),
              HasSubstr("phases: phase 1: unknown option \"batchsize\"; did you mean "
                        "\"batch_size\"?"));
  EXPECT_THAT(
      refused(R"([{"batch_size": 3, "until": {"epoch": 3}}])"),
      HasSubstr("phases: phase 1: until: unknown option \"epoch\"; did you mean "
                "\"epochs\"?"));
  EXPECT_THAT(refused(R"([{"batch_size": 3, "subset": {"conut": 3}}])"),
              HasSubstr("did you mean \"count\"?"));
}

TEST(Phases, RefusesUntilWithoutExactlyOneUnit) {
  EXPECT_THAT(
      refused(R"([{"batch_size": 3, "until": {}}])"),
      HasSubstr("phase 1: until must have one of epochs, steps, examples, got {}"));
  EXPECT_THAT(refused(R"([{"batch_size": 3, "until": {"epochs": 1, "steps": 2}}])"),
              HasSubstr("until must have one of"));
  EXPECT_THAT(refused(R"([{"batch_size": 3, "until": 5}])"), HasSubstr("got 5"));
}

TEST(Phases, RefusesUntilThatIsNotAPositiveInteger) {
  EXPECT_EQ(
      refused(R"([{"batch_size": 3, "until": {"epochs": 0}}])"),
      "phases: phase 1: until: epochs must be in [1, 1000000000000] epochs, got 0");
  EXPECT_THAT(refused(R"([{"batch_size": 3, "until": {"epochs": 1.5}}])"),
              HasSubstr("an integer"));
}

TEST(Phases, RefusesPhasesOutOfOrder) {
  EXPECT_EQ(refused(R"([{"batch_size": 3, "until": {"steps": 9}},
                        {"batch_size": 3, "until": {"epochs": 1}},
                        {"batch_size": 3, "until": {"steps": 9}}])"),
            "phases: phase 3: until must be more than the 9 steps of an earlier phase, "
            "got 9");
  EXPECT_EQ(refused(R"([{"batch_size": 3}, {"batch_size": 3}])"),
            "phases: phase 1: until is missing; only the last may omit it");
}

TEST(Phases, RefusesValuesThatDoNotFit) {
  EXPECT_THAT(refused(R"([{"until": {"steps": 1}}])"),
              HasSubstr("batch_size is missing"));
  EXPECT_EQ(refused(R"([{"batch_size": 54001}])"),
            "phases: phase 1: batch_size must be in [1, 54000] (the training set), got "
            "54001");
  EXPECT_EQ(refused(R"([{"batch_size": 65, "subset": {"count": 64}}])"),
            "phases: phase 1: batch_size must be in [1, 64] (the subset), got 65");
  EXPECT_THAT(
      refused(R"([{"batch_size": 5, "subset": {"first": 53999, "count": 2}}])"),
      HasSubstr("subset must end in [1, 54000] (the training set), got 53999 + 2"));
  EXPECT_EQ(refused(R"([{"batch_size": 1, "subset": {"first": 53999, "count": 1}}])"),
            "");
  EXPECT_THAT(refused(R"([{"batch_size": 5, "subset": {}}])"),
              HasSubstr("needs count"));
  EXPECT_THAT(refused(R"([{"batch_size": 5, "learning_rate": 0}])"),
              HasSubstr("phase 1: learning_rate must be in [1e-12, 1e+06], got 0"));
}

}  // namespace batchlab::phases_test
