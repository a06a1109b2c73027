// SPDX-License-Identifier: MIT
//
// What a rule may do within a step and to a run: extend its batch, go back.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <numbers>

#include "tests/experiments/program.hpp"
#include "tests/experiments/support.hpp"

namespace batchlab::test::branching_test {

// Every step that is not cut short by an epoch's end passes the rule's own test.
TEST(BigBatchRun, ExtendsTheBatchUntilItPassesOrIsAsLargeAsAllowed) {
  const Recording recording =
      train({"controllers.0={name=\"big_batch\", batch_size=2, delta=0.5, "
             "limits={maximum=64}}",
             "statistics.measure=[\"noise_scale\"]", "budget={epochs=2}"})
          .recording;
  bool extended = false;
  for (std::size_t i = 0; i < recording.steps.size(); ++i) {
    const Statistics& step = recording.steps[i];
    const auto wanted = recording.used[i].batch_size;
    extended = extended || step.batch_size > wanted;
    EXPECT_LE(step.batch_size, 64);
    if (step.batch_size < wanted || step.batch_size == 64) continue;  // an epoch's end
    const bool last_of_epoch = i + 1 < recording.steps.size() &&
                               recording.steps[i].epochs_completed >
                                   (i ? recording.steps[i - 1].epochs_completed : 0);
    if (last_of_epoch) continue;
    EXPECT_GT(
        step.gradient_norm_squared.value(),
        step.gradient_variance_trace.value() / static_cast<double>(step.batch_size))
        << "step " << step.step << " of " << step.batch_size;
  }
  EXPECT_TRUE(extended);
}

TEST(BigBatchRun, SeesEveryExampleOfAnEpochOnce) {
  for (const char* tail : {"keep", "carry", "drop"}) {
    const Recording recording =
        train({"controllers.0={name=\"big_batch\", batch_size=3, delta=1}",
               fmt::format("data.tail={}", tail), "budget={epochs=3}"})
            .recording;
    std::int64_t examples = 0;
    for (const Statistics& step : recording.steps) {
      examples += step.batch_size;
      EXPECT_EQ(step.examples_seen, examples);
    }
    if (std::string(tail) != "drop") {
      EXPECT_EQ(examples, 3 * tiny_training) << tail;
    }
  }
}

TEST(BigBatchRun, IsRefusedWhereItsStepCannotBeMeasured) {
  EXPECT_THAT(error_of([] {
                (void)train({"controllers.0={name=\"big_batch\"}",
                             "statistics.estimator=two_step"});
              }).what(),
              testing::HasSubstr("big_batch: extends its batch within the step"));
}

TEST(BigBatchRun, StaysWithinABudgetOfExamples) {
  const Recording recording =
      train({"controllers.0={name=\"big_batch\", batch_size=3, delta=1}",
             "budget={examples=1000}"})
          .recording;
  EXPECT_EQ(recording.steps.back().examples_seen, 1000);
}

const std::vector<std::string> branching{
    "controllers.0={name=\"critical_batch\", batch_size=10, every_examples=200, "
    "window_examples=100, doublings=2}"};

std::vector<std::string> with(std::vector<std::string> settings,
                              const std::vector<std::string>& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

// With a rate of (almost) nothing all branches have one loss on their last 80 examples:
// the batch doubles at each trial, and the branch of k = 2 is kept.
TEST(CriticalBatchRun, GoesOnFromTheBranchItKeepsAndCountsTheOthers) {
  const Trained trained =
      train(with(branching, {"controllers.0.window_examples=160",
                             "optimizer.learning_rate=1e-12", "budget={epochs=2}"}));
  const Recording& recording = trained.recording;
  std::vector<std::int64_t> sizes;
  std::int64_t examples = 0;
  for (const Statistics& step : recording.steps) {
    if (sizes.empty() || sizes.back() != step.batch_size)
      sizes.push_back(step.batch_size);
    examples += step.batch_size;
    EXPECT_EQ(step.examples_seen, examples) << "given up or not";
  }
  const std::vector<std::int64_t> first(sizes.begin(), sizes.begin() + 4);
  EXPECT_THAT(first, testing::ElementsAre(10, 20, 40, 20));
  EXPECT_EQ(examples, 2 * tiny_training) << "the budget counts what was given up";
  EXPECT_GT(trained.result.examples_given_up, 400);
}

// From the same state, with the same examples: the branch of k = 1 is what the run
// would have been, and a choice of k = 1 goes on from it.
TEST(CriticalBatchRun, AChoiceOfOneChangesNothingButTheCount) {
  const std::vector<std::string> never{"controllers.0.tolerance=0",
                                       "budget={examples=1200}"};
  auto settings = with(branching, never);
  // A branch above 10 is kept from its size, and so proves nothing.
  settings.push_back("controllers.0.limits={maximum=10}");
  for (const char* optimizer : {"{name=\"sgd\", momentum=0.9}", "{name=\"adam\"}",
                                "{name=\"adam\", reset_factor=1.5}"}) {
    const std::string choice = fmt::format("optimizer={}", optimizer);
    const Recording tried = train(with(settings, {choice})).recording;
    const Recording plain = train({"controllers.0={name=\"constant\", batch_size=10}",
                                   choice, "budget={examples=1200}"})
                                .recording;
    std::vector<double> losses;
    // Of each trial the steps of its first branch: 200 examples, 100, twice 100 more.
    for (std::size_t i = 0; i < tried.steps.size(); ++i) {
      const std::size_t within = i % 50;
      if (within < 30) losses.push_back(tried.steps[i].batch_loss);
    }
    const auto expected = plain.losses();
    ASSERT_LE(losses.size(), expected.size());
    EXPECT_EQ(losses,
              std::vector<double>(
                  expected.begin(),
                  expected.begin() + static_cast<std::ptrdiff_t>(losses.size())));
  }
}

TEST(CriticalBatchRun, ABranchThatDivergesDoesNotEndTheRun) {
  const Trained trained = train(
      {"controllers.0={name=\"critical_batch\", batch_size=1, every_examples=300, "
       "window_examples=600, doublings=6, rate_power=1}",
       "optimizer.learning_rate=0.5", "model.layers.0.activation=none",
       "budget={examples=2600}"});
  bool diverged = false;
  for (const Statistics& step : trained.recording.steps) {
    diverged = diverged || !std::isfinite(step.batch_loss);
  }
  if (trained.result.status == RunStatus::finished) {
    EXPECT_TRUE(std::isfinite(trained.recording.evaluations.back().result.loss));
  }
  EXPECT_TRUE(diverged) << "the test shows nothing";
  EXPECT_EQ(trained.result.status, RunStatus::finished) << trained.result.reason;
}

TEST(CriticalBatchRun, ATrialCutShortByTheBudgetIsGivenUp) {
  const Trained trained = train(with(branching, {"budget={examples=450}"}));
  EXPECT_EQ(trained.result.examples_given_up, 250);
  EXPECT_EQ(trained.recording.steps.back().examples_seen, 450);
}

// After a trial that chose k = 1 the moments go on as they were, not begun anew because
// the branches were larger.
TEST(CriticalBatchRun, GoingBackIsNoJumpOfTheBatchSize) {
  const auto given = with(branching, {"controllers.0.tolerance=0", "budget={epochs=2}",
                                      "optimizer={name=\"adam\", reset_factor=2}"});
  struct Resets final : RunObserver {
    std::vector<std::int64_t> sizes;  // of the steps that began anew
    bool reset = false;
    void on_decision(const Statistics&, const Decision&,
                     const LimitedDecision&) override {}
    void on_moments_reset() override { reset = true; }
    void on_step(const Statistics& after, double) override {
      if (std::exchange(reset, false)) sizes.push_back(after.batch_size);
    }
    void on_evaluation(const Statistics&, double, const std::string&,
                       const EvaluationResult&) override {}
  };
  TrainingRun training(tiny_run(given), tiny_source(), 1);
  Resets observer;
  (void)training.train(observer, std::atomic<int>{0});
  EXPECT_FALSE(observer.sizes.empty());
  EXPECT_THAT(observer.sizes, testing::Each(testing::Gt(10)));
}

// What is given up counts for the budget, and so for the schedule, from the end of the
// trial on.
TEST(CriticalBatchRun, ItsScheduleEndsWithTheBudget) {
  const Trained trained =
      train(with(branching, {"budget={examples=600}", "optimizer.learning_rate=1",
                             "optimizer.name=sgd", "controllers.0.tolerance=1e6",
                             "schedule.name=cosine", "controllers.0.rate_power=0"}));
  const std::vector<Statistics>& steps = trained.recording.steps;
  ASSERT_GT(trained.result.examples_given_up, 0);
  const Statistics& last = steps.back();
  const auto left = static_cast<double>(last.batch_size);
  EXPECT_DOUBLE_EQ(last.learning_rate,
                   (1 + std::cos(std::numbers::pi * (1 - left / 600))) / 2);
}

TEST(CriticalBatchRun, IsRefusedAsAShadow) {
  EXPECT_THAT(error_of([] { (void)tiny_run({"shadow=[\"critical_batch\"]"}); }).what(),
              testing::HasSubstr("critical_batch: tries several ways"));
}

// Every step of 40 after one of 10 begins the moments anew, as a run of its own would.
TEST(MomentsReset, HappensWhenTheBatchHasChangedByTheFactor) {
  struct Resets final : RunObserver {
    std::vector<std::int64_t> steps;
    std::int64_t step = 0;
    void on_decision(const Statistics&, const Decision&,
                     const LimitedDecision&) override {}
    void on_moments_reset() override { steps.push_back(step); }
    void on_step(const Statistics& after, double) override { step = after.step; }
    void on_evaluation(const Statistics&, double, const std::string&,
                       const EvaluationResult&) override {}
  };
  const auto resets = [](const std::string& factor) {
    const RunConfiguration run = tiny_run(
        {"controllers.0={name=\"phases\", phases=[{until={steps=2}, batch_size=10}, "
         "{until={steps=4}, batch_size=15}, {until={steps=6}, batch_size=40}, "
         "{batch_size=10}]}",
         "optimizer={name=\"adam\"}", "budget={steps=8}", factor});
    TrainingRun training(run, tiny_source(), 1);
    Resets observer;
    (void)training.train(observer, std::atomic<int>{0});
    return observer.steps;
  };
  EXPECT_THAT(resets("optimizer.reset_factor=4"), testing::ElementsAre(4, 6));
  EXPECT_THAT(resets("optimizer.reset_factor=1.5"), testing::ElementsAre(2, 4, 6));
  EXPECT_THAT(resets("seeds=[1]"), testing::IsEmpty());
}

TEST(WeightAverageRun, IsEvaluatedAndTrainsAsWithout) {
  const Trained plain = train({"budget={epochs=2}"});
  const Trained averaged = train({"budget={epochs=2}", "evaluation.average_decay=0.9"});
  EXPECT_EQ(plain.recording.losses(), averaged.recording.losses());
  EXPECT_NE(plain.recording.evaluations.back().result.loss,
            averaged.recording.evaluations.back().result.loss);
}

}  // namespace batchlab::test::branching_test
