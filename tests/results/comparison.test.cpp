// SPDX-License-Identifier: MIT
#include "results/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/results/support.hpp"

namespace batchlab::comparison_test {

using test::finished_run;
using Runs = std::vector<Run>;  // inside a TEST, Run is a member of its class
using test::run_with_status;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Runs seeds(const std::string& label, int count) {
  Runs runs;
  for (int seed = 0; seed < count; ++seed) {
    runs.push_back(finished_run(label, seed, 0.8 + 0.01 * seed));
  }
  return runs;
}

void set_target(Run& run, const std::string& metric, double value) {
  run.configuration["target"] = {{"metric", metric}, {"value", value}, {"stop", false}};
}

Comparison only(const Runs& runs) {
  const auto comparisons = compare(runs);
  EXPECT_EQ(comparisons.size(), 1u);
  return comparisons.at(0);
}

TEST(Compare, SummarisesTheTotalsAndLastEvaluations) {
  Runs runs = seeds("phases", 3);
  runs[1].evaluations.insert(runs[1].evaluations.begin(), Evaluation{.split = "test"});
  const Comparison comparison = only(runs);
  EXPECT_EQ(comparison.specification, "s");
  EXPECT_EQ(comparison.split, "test");
  ASSERT_EQ(comparison.rows.size(), 1u);
  const ComparisonRow& row = comparison.rows[0];
  EXPECT_EQ(row.runs, 3u);
  EXPECT_EQ(row.finished, 3u);
  EXPECT_NEAR(*row.accuracy.mean, 0.81, 1e-12);
  EXPECT_NEAR(*row.loss.mean, 0.19, 1e-12);
  EXPECT_EQ(row.updates.mean, 100);
  EXPECT_EQ(row.examples.mean, 6400);
  EXPECT_EQ(row.training_seconds.mean, 2);
  EXPECT_EQ(row.examples_per_second.mean, 3200);
  EXPECT_THAT(row.troubles, IsEmpty());
}

// Two runs of 100 steps: 0.001 s and 0.003 s in the rule, so 10 and 30 microseconds a
// decision; their mean is 20. The third does not say.
TEST(Compare, TellsTheCostOfADecisionWhereRunsSayIt) {
  Runs runs = seeds("phases", 3);
  EXPECT_FALSE(only(runs).rows[0].microseconds_per_decision.mean.has_value());
  runs[0].record["controller_seconds"] = 0.001;
  runs[1].record["controller_seconds"] = 0.003;
  const ComparisonRow row = only(runs).rows[0];
  EXPECT_EQ(row.microseconds_per_decision.count, 2U);
  EXPECT_NEAR(*row.microseconds_per_decision.mean, 20, 1e-12);
  EXPECT_THAT(row.troubles, IsEmpty()) << "it is no trouble of a run of before";
  runs[0].record["steps"] = 0;
  EXPECT_FALSE(microseconds_per_decision(runs[0]).has_value());
}

TEST(Compare, OrdersRowsByPositionThenLabel) {
  Runs runs;
  for (const auto& [label, position] :
       {std::pair("c", 2), std::pair("b", 0), std::pair("z", 1), std::pair("a", 2)}) {
    runs.push_back(finished_run(label, 0, 0.5));
    runs.back().configuration["controller"]["position"] = position;
  }
  std::vector<std::string> labels;
  for (const auto& row : only(runs).rows) labels.push_back(row.controller);
  EXPECT_THAT(labels, ElementsAre("b", "z", "a", "c"));
}

TEST(Compare, SeparatesSpecificationsInOrderOfAppearance) {
  Runs runs = seeds("phases", 3);
  runs[0].record["specification"] = "z";
  runs[2].record["specification"] = "z";
  const auto comparisons = compare(runs);
  ASSERT_EQ(comparisons.size(), 2u);
  EXPECT_EQ(comparisons[0].specification, "z");
  EXPECT_EQ(comparisons[0].rows[0].runs, 2u);
  EXPECT_EQ(comparisons[1].specification, "s");
}

TEST(Compare, MakesNothingOfNoRuns) { EXPECT_THAT(compare({}), IsEmpty()); }

TEST(Compare, ListsEveryRunThatIsNotFinishedAndKeepsItOutOfTheFigures) {
  Runs runs = seeds("phases", 1);
  runs.push_back(run_with_status("phases", 1, "diverged", "loss is nan at step 17"));
  runs.push_back(run_with_status("phases", 2, "running", ""));
  const ComparisonRow row = only(runs).rows.at(0);
  EXPECT_EQ(row.runs, 3u);
  EXPECT_EQ(row.finished, 1u);
  EXPECT_EQ(row.accuracy.count, 1u);
  EXPECT_EQ(row.updates.count, 1u);
  EXPECT_THAT(row.troubles, ElementsAre("seed 1: diverged: loss is nan at step 17",
                                        "seed 2: running"));
}

TEST(Compare, KeepsARowOfWhichNothingFinished) {
  const ComparisonRow row =
      only({run_with_status("phases", 0, "failed", "no disk")}).rows.at(0);
  EXPECT_EQ(row.runs, 1u);
  EXPECT_EQ(row.accuracy.count, 0u);
  EXPECT_FALSE(row.accuracy.mean);
}

TEST(Compare, FallsBackToTheValidationSplit) {
  Runs runs = seeds("phases", 2);
  for (auto& run : runs) run.evaluations[0].split = "validation";
  EXPECT_EQ(only(runs).split, "validation");
  EXPECT_EQ(only(runs).rows[0].accuracy.count, 2u);
  runs[0].evaluations[0].split = "test";
  const Comparison mixed = only(runs);
  EXPECT_EQ(mixed.split, "test");
  EXPECT_EQ(mixed.rows[0].accuracy.count, 1u);
  EXPECT_THAT(mixed.rows[0].troubles, ElementsAre("seed 1: no evaluation on test"));
}

TEST(Compare, LeavesOutAFigureThatIsNoNumberAndSaysSo) {
  Runs runs = seeds("phases", 2);
  runs[1].evaluations[0].loss = std::numeric_limits<double>::quiet_NaN();
  const ComparisonRow row = only(runs).rows.at(0);
  EXPECT_EQ(row.loss.count, 1u);
  EXPECT_EQ(row.accuracy.count, 2u);
  EXPECT_THAT(row.troubles, ElementsAre("seed 1: last loss is nan, left out"));
}

TEST(Compare, TakesAnAccuracyThatIsNoNumberForNone) {
  Runs runs = seeds("constant", 2);
  for (auto& run : runs) {
    run.evaluations[0].accuracy = std::numeric_limits<double>::quiet_NaN();
  }
  const ComparisonRow row = only(runs).rows.at(0);
  EXPECT_EQ(row.accuracy.count, 0u);
  EXPECT_EQ(row.loss.count, 2u);
  EXPECT_THAT(row.troubles, testing::IsEmpty());
}

TEST(Compare, ReportsMissingTotalsAndAnEvaluationBeforeTheEnd) {
  Runs runs = seeds("phases", 1);
  runs[0].record.erase("examples_seen");
  runs[0].record["steps"] = 120;
  EXPECT_THAT(only(runs).rows[0].troubles,
              ElementsAre("seed 0: run.json has no examples_seen",
                          "seed 0: last evaluation is of step 100 of 120"));
}

// Validation meets 0.85 first, but the target is of the test split.
TEST(Compare, FindsTheFirstEvaluationThatMeetsTheTarget) {
  auto run = finished_run("phases", 0, 0.9);
  set_target(run, "test_accuracy", 0.85);
  run.evaluations = {{10, 0, 640, 0.25, "validation", 0.5, 0.99},
                     {20, 0, 1280, 0.5, "test", 0.5, 0.84},
                     {30, 0, 1920, 0.75, "test", 0.5, 0.85},
                     {40, 0, 2560, 1.0, "test", 0.5, 0.80},
                     {100, 1, 6400, 2.0, "test", 0.5, 0.90}};
  const Comparison comparison = only({run});
  EXPECT_EQ(comparison.target, "test_accuracy >= 0.85");
  const ComparisonRow& row = comparison.rows[0];
  EXPECT_EQ(row.reached, 1u);
  EXPECT_EQ(row.updates_to_target.mean, 30);
  EXPECT_EQ(row.examples_to_target.mean, 1920);
  EXPECT_EQ(row.seconds_to_target.mean, 0.75);
}

TEST(Compare, ReachesATargetLossFromAbove) {
  auto run = finished_run("phases", 0, 0.9);
  set_target(run, "validation_loss", 0.4);
  run.evaluations = {{10, 0, 640, 0.25, "validation", 0.41, 0.9},
                     {20, 0, 1280, 0.5, "validation", 0.4, 0.9}};
  const Comparison comparison = only({run});
  EXPECT_EQ(comparison.target, "validation_loss <= 0.4");
  EXPECT_EQ(comparison.rows[0].updates_to_target.mean, 20);
}

TEST(Compare, CountsOnlyFinishedRunsAsReachingTheTarget) {
  Runs runs = seeds("phases", 2);  // accuracy 0.80 and 0.81
  runs.push_back(run_with_status("phases", 2, "interrupted", "signal"));
  runs.back().evaluations[0].accuracy = 0.99;
  for (auto& run : runs) set_target(run, "test_accuracy", 0.805);
  const Comparison comparison = only(runs);
  EXPECT_EQ(comparison.rows[0].reached, 1u);
  EXPECT_EQ(comparison.rows[0].updates_to_target.count, 1u);
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("never reached by phases: 1 of 2")));
}

// 0.80 and 0.81 never reach it, 0.82 does, and one that diverged never will: of those
// that reached 100 updates, half or more of all never.
TEST(Compare, CountsRunsThatNeverReachTheTargetIntoTheMedian) {
  Runs runs = seeds("phases", 5);
  for (auto& run : runs) set_target(run, "test_accuracy", 0.815);
  ComparisonRow row = only(runs).rows.at(0);
  EXPECT_EQ(row.updates_to_target.count, 3u);
  EXPECT_EQ(row.updates_to_target.mean, 100);
  EXPECT_EQ(row.updates_to_target.median, 100);
  runs[4].record["status"] = "diverged";
  runs[4].evaluations.clear();
  row = only(runs).rows.at(0);
  EXPECT_EQ(row.updates_to_target.mean, 100);
  EXPECT_EQ(row.updates_to_target.median, std::numeric_limits<double>::infinity());
}

// 0.80 at nan seconds is left out whole: 0.81 and 0.82 stay.
TEST(Compare, NamesAndLeavesOutARunThatMeetsItsTargetAtNoTime) {
  Runs runs = seeds("phases", 3);
  for (auto& run : runs) set_target(run, "test_accuracy", 0.7);
  runs[0].folder = "runs/broken";
  runs[0].evaluations[0].training_seconds = std::nan("");
  const Comparison comparison = only(runs);
  EXPECT_EQ(comparison.rows.at(0).runs, 2u);
  EXPECT_NEAR(comparison.rows[0].accuracy.mean.value(), 0.815, 1e-12);
  EXPECT_THAT(comparison.notes,
              Contains(AllOf(HasSubstr("left out: runs/broken"), HasSubstr("nan"))));
}

TEST(Compare, OfRunsThatAreAllLeftOutHasNotesAndNoRows) {
  Runs runs = seeds("phases", 1);
  set_target(runs[0], "test_accuracy", 0.7);
  runs[0].evaluations[0].training_seconds = std::nan("");
  const Comparison comparison = only(runs);
  EXPECT_THAT(comparison.rows, IsEmpty());
  for (const std::string& text : {to_text(comparison), to_markdown(comparison)}) {
    EXPECT_THAT(text, HasSubstr("left out"));
  }
}

TEST(Notes, BeginWithRunsOfANewerFormat) {
  Runs runs = seeds("phases", 2);
  runs[1].configuration["budget"] = {{"steps", 50}};
  runs[1].record["format"] = 2;
  const auto notes = only(runs).notes;
  EXPECT_THAT(notes.at(0), AllOf(HasSubstr("made by a newer batchlab than this one"),
                                 HasSubstr(": phases seed 1")));
  EXPECT_THAT(notes.at(1), HasSubstr("not like for like"));
}

TEST(Notes, NameABudgetAndDataThatDiffer) {
  Runs runs = seeds("phases", 2);
  runs[1].configuration["budget"] = {{"steps", 50}};
  runs[1].configuration["data"]["set"] = "mnist";
  const auto notes = only(runs).notes;
  EXPECT_THAT(notes, Contains(HasSubstr("not like for like: budgets differ: ")));
  EXPECT_THAT(notes, Contains(HasSubstr("not like for like: data differ: data.set")));
  EXPECT_THAT(notes, Not(Contains(HasSubstr("settings differ"))));
}

TEST(Notes, NameOtherSettingsThatDiffer) {
  Runs runs = seeds("phases", 2);
  runs[0].configuration["model"]["layers"] = {{{"units", 10}}, {{"units", 10}}};
  runs[1].configuration["model"]["layers"] = {{{"units", 10}}, {{"units", 20}}};
  EXPECT_THAT(only(runs).notes,
              Contains("not like for like: settings differ: model.layers.1.units is 10 "
                       "(phases seed 0) and 20 (phases seed 1)"));
}

TEST(Notes, SayNothingOfDifferingControllersAndSeeds) {
  Runs runs = seeds("phases", 5);
  for (auto& run : seeds("constant", 5)) {
    run.configuration["controller"]["batch_size"] = 64;
    runs.push_back(run);
  }
  EXPECT_THAT(only(runs).notes,
              ElementsAre("test accuracy: not resolved against constant, which has the "
                          "best mean: phases (too few pairs; p = 1, Holm)",
                          "fewer than 6 seeds cannot resolve a difference between the "
                          "best of 2 controllers and another",
                          "no target was set"));
}

// Seven pairs, each 0.1 apart: p = 2/128.
TEST(Notes, SayWhichControllerIsBetterWhereTheRunsCanTell) {
  Runs runs = seeds("phases", 7);
  for (auto& run : seeds("constant", 7)) {
    run.evaluations[0].accuracy += 0.1;
    runs.push_back(run);
  }
  const Comparison comparison = only(runs);
  ASSERT_EQ(comparison.differences.size(), 1u);
  EXPECT_DOUBLE_EQ(comparison.differences[0].p, 2.0 / 128);
  EXPECT_THAT(comparison.notes,
              Contains(HasSubstr("test accuracy: resolved: constant is better than "
                                 "phases by 0.1 (p = 0.016, Holm; ")));
  for (auto& run : runs) run.evaluations[0].accuracy = std::nan("");
  EXPECT_EQ(only(runs).differences_of, "test loss");
}

TEST(Notes, NameOptionsThatDifferUnderOneLabelAndSeedsCountedTwice) {
  Runs runs = seeds("phases", 2);
  runs[1].configuration["controller"]["coupling"] = "sqrt";
  runs[1].record["seed"] = 0;
  EXPECT_THAT(only(runs).notes,
              AllOf(Contains("phases: runs of this label differ in their controller: "
                             "coupling"),
                    Contains(HasSubstr("phases: 2 runs have seed 0"))));
}

TEST(Notes, NameControllersWhoseSecondsIncludeShadows) {
  Runs runs = seeds("phases", 2);
  runs[0].configuration["controller"]["shadow"] = nlohmann::json::array();
  EXPECT_THAT(only(runs).notes, Not(Contains(HasSubstr("shadows"))));
  runs[1].configuration["controller"]["shadow"] = {{{"name", "norm_test"}}};
  EXPECT_THAT(only(runs).notes,
              Contains("seconds include what shadows need to have measured: phases"));
}

TEST(Notes, NameRunsInWhichAPersonIntervened) {
  Runs runs = seeds("phases", 3);
  EXPECT_THAT(only(runs).notes, Not(Contains(HasSubstr("intervened"))));
  for (int run : {1, 2}) {
    runs[run].configuration["interventions"] = {
        {{"step", 7 + run}, {"batch_size", 64}, {"limits", nlohmann::json::object()}}};
  }
  EXPECT_THAT(only(runs).notes,
              AllOf(Contains(HasSubstr("intervened")),
                    Contains(HasSubstr("phases, seed 1 (1), phases, seed 2 (1)")),
                    Not(Contains(HasSubstr("differ beyond")))));
}

TEST(Notes, SayThatFewSeedsMayResolveNothing) {
  const auto small = HasSubstr("may not be resolved");
  EXPECT_THAT(only(seeds("phases", 4)).notes,
              Contains(AllOf(small, HasSubstr("phases: 4"))));
  EXPECT_THAT(only(seeds("phases", 5)).notes, Not(Contains(small)));
}

TEST(Notes, TellTargetsThatAreAbsentUnreadableDifferentOrEndTheRun) {
  Runs runs = seeds("phases", 2);
  EXPECT_THAT(only(runs).notes, Contains("no target was set"));
  for (auto& run : runs) set_target(run, "perplexity", 3);
  EXPECT_THAT(only(runs).notes, Contains(HasSubstr("target cannot be read")));
  set_target(runs[0], "test_accuracy", 0.5);
  set_target(runs[1], "test_accuracy", 0.6);
  runs[1].configuration["target"]["stop"] = true;
  EXPECT_THAT(only(runs).notes,
              AllOf(Contains(HasSubstr("targets differ (the first is used)")),
                    Contains(HasSubstr("runs stop at the target"))));
}

TEST(Notes, CarryWhatWasDroppedFromARun) {
  Runs runs = seeds("phases", 1);
  runs[0].notes = {"evaluations.csv: a torn last line was dropped"};
  EXPECT_THAT(
      only(runs).notes,
      Contains("phases, seed 0: evaluations.csv: a torn last line was dropped"));
}

}  // namespace batchlab::comparison_test
