// SPDX-License-Identifier: MIT
#include "experiments/training.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <set>
#include <thread>

#include "tests/experiments/support.hpp"

namespace batchlab::test::training_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string cyclic_steps =
    "controllers.0={name=\"cyclic\", sizes=[32, 64, 128], per=\"step\"}";

std::vector<std::int64_t> evaluated_at(const Recording& recording) {
  std::vector<std::int64_t> examples;
  for (const auto& row : recording.evaluations) {
    if (row.split == "test") examples.push_back(row.at.examples_seen);
  }
  return examples;
}

TEST(Training, TheBatchSizeMayChangeAtEveryStep) {
  const Trained trained = train({cyclic_steps, "budget={steps=7}"});
  EXPECT_THAT(trained.recording.batch_sizes(),
              ElementsAre(32, 64, 128, 32, 64, 128, 32));
}

// 32 + 64 + 128 + 32 + 64 + 128 + 32 + 64 = 544, then a short batch of 56.
TEST(Training, EveryEpochUsesEveryExampleOnceWhateverTheBatchSizes) {
  const Trained trained = train({cyclic_steps, "budget={epochs=3}"});
  std::int64_t in_epoch = 0;
  for (const Statistics& step : trained.recording.steps) {
    in_epoch += step.batch_size;
    ASSERT_LE(in_epoch, 600);
    if (in_epoch == 600) in_epoch = 0;
    EXPECT_EQ(step.epochs_completed, step.examples_seen / 600);
  }
  EXPECT_EQ(trained.recording.steps[8].batch_size, 56);
  EXPECT_EQ(trained.result.last.examples_seen, 1800);
  EXPECT_EQ(trained.result.last.epochs_completed, 3);
}

// At a rate of almost nothing the mean loss over an epoch is that over its examples:
// each is used once, or the sum would be another.
TEST(Training, AnEpochsLossIsThatOfItsExamplesEachOnce) {
  const auto epoch_loss = [](const std::string& controller) {
    const Trained trained = train({controller, "budget={epochs=2}", "seeds=[3]",
                                   "optimizer.learning_rate=1e-12"});
    std::vector<double> sums(2);
    for (const Statistics& step : trained.recording.steps) {
      sums[static_cast<std::size_t>((step.examples_seen - 1) / 600)] +=
          step.batch_loss * static_cast<double>(step.batch_size) / 600;
    }
    EXPECT_NEAR(sums[0], sums[1], 1e-5);
    return sums[0];
  };
  EXPECT_NEAR(epoch_loss(cyclic_steps), epoch_loss("controllers.0.batch_size=600"),
              1e-5);
}

TEST(Training, EndsWithTheBudgetThatIsSpentFirst) {
  EXPECT_EQ(train({"budget={epochs=3}"}).result.last.examples_seen, 1800);
  EXPECT_EQ(train({"budget={examples=1001}"}).result.last.examples_seen, 1001);
  EXPECT_EQ(train({"budget={steps=7}"}).result.last.step, 7);
  EXPECT_EQ(train({"budget={steps=7, epochs=1}"}).result.last.step, 7);
  EXPECT_EQ(train({"budget={steps=70, epochs=1}"}).result.last.step, 19);
  EXPECT_EQ(train({"budget={steps=70, examples=33}"}).result.last.step, 2);
}

TEST(Training, AnExampleBudgetCutsTheLastBatch) {
  const Trained trained = train({"budget={examples=100}"});
  EXPECT_THAT(trained.recording.batch_sizes(), ElementsAre(32, 32, 32, 4));
}

TEST(Training, AnEpochEndsBeforeAGrowingBatchWouldBeginTheNext) {
  const Trained trained =
      train({"data.tail=drop", "budget={epochs=1}",
             "controllers.0={name=\"cyclic\", sizes=[200, 450], per=\"step\"}"});
  EXPECT_THAT(trained.recording.batch_sizes(), ElementsAre(200));
  EXPECT_EQ(trained.recording.evaluations.size(), 1U);
}

TEST(Training, CarryingOverEndsWithTheLastEpochOfTheBudget) {
  const Trained trained = train({"data.tail=carry", "budget={epochs=2}",
                                 "controllers.0={name=\"constant\", batch_size=250}"});
  EXPECT_THAT(trained.recording.batch_sizes(), ElementsAre(250, 250, 250, 250, 200));
}

TEST(Training, ABudgetOfSecondsEndsTheRun) {
  const Trained trained = train({"budget={seconds=0.005, steps=1000000}"});
  EXPECT_GE(trained.result.training_seconds, 0.005);
  EXPECT_EQ(trained.recording.seconds.back(), trained.result.training_seconds);
  EXPECT_LT(trained.result.last.step, 1000000);
}

TEST(Training, SecondsOfTheControllerArePartOfThoseOfTheRun) {
  const RunResult result = train({"budget={steps=50}"}).result;
  EXPECT_GT(result.controller_seconds, 0);
  EXPECT_LT(result.controller_seconds, result.training_seconds);
}

// Were its ten milliseconds a step counted, the budget would be spent after six steps.
TEST(Training, SecondsCountTheStepsButNotTheObserver) {
  RunConfiguration configuration = tiny_run({"budget={seconds=0.06, steps=12}"});
  TrainingRun run(configuration, tiny_source(), 1);
  Recording recording;
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
  recording.after_step = [&](const Statistics&) { wait(); };
  recording.after_decision = wait;
  const RunResult result = run.train(recording, std::atomic<int>(0));
  EXPECT_EQ(result.last.step, 12);
}

// The budget may run out while the rule decides: then one more step is made.
TEST(Training, ARunOfSecondsAlwaysEvaluatesItsLastStep) {
  for (int run = 0; run < 150; ++run) {
    const Trained trained = train({"budget={seconds=0.001}"});
    ASSERT_FALSE(trained.recording.evaluations.empty());
    ASSERT_EQ(trained.recording.evaluations.back().at.step, trained.result.last.step);
  }
}

TEST(Training, EvaluatesAtEachEpochsEndAndAtTheLast) {
  EXPECT_THAT(evaluated_at(train({"budget={epochs=3}"}).recording),
              ElementsAre(600, 1200, 1800));
  EXPECT_THAT(evaluated_at(train({"budget={examples=700}"}).recording),
              ElementsAre(600, 700));
}

TEST(Training, EvaluatesAfterEverySoManyExamples) {
  const std::string every = "evaluation.every_examples=250";
  EXPECT_THAT(evaluated_at(train({every, "budget={epochs=1}"}).recording),
              ElementsAre(256, 512, 600));
  EXPECT_THAT(evaluated_at(train({every, "controllers.0.batch_size=600"}).recording),
              ElementsAre(600, 1200));
  EXPECT_THAT(evaluated_at(train({"evaluation.every_examples=1000000"}).recording),
              ElementsAre(1200));
}

TEST(Training, EvaluatesValidationAndTest) {
  const Trained trained = train({"data.validation_fraction=0.25", "budget={epochs=1}"});
  ASSERT_EQ(trained.recording.evaluations.size(), 2U);
  EXPECT_EQ(trained.recording.evaluations[0].split, "validation");
  EXPECT_EQ(trained.recording.evaluations[1].split, "test");
  EXPECT_EQ(trained.result.last.examples_seen, 450);
}

TEST(Training, LearnsTheTinyData) {
  const Trained trained = train({"budget={epochs=20}"});
  EXPECT_GT(trained.recording.evaluations.back().result.accuracy, 0.8);
}

TEST(Training, StopsAtTheTargetOnlyWhenAskedTo) {
  const std::vector<std::string> settings{"budget={epochs=30}", "target={value=0.6}"};
  const Trained kept = train(settings);
  ASSERT_TRUE(kept.result.target_reached);
  EXPECT_EQ(kept.result.last.epochs_completed, 30);
  const Trained stopped = train({settings[0], settings[1], "target.stop=true"});
  EXPECT_EQ(stopped.result.status, RunStatus::finished);
  EXPECT_EQ(stopped.result.last.step, kept.result.target_reached->step);
  EXPECT_LT(stopped.result.last.epochs_completed, 30);
  EXPECT_GE(stopped.recording.evaluations.back().result.accuracy, 0.6);
  for (std::size_t i = 0; i + 1 < stopped.recording.evaluations.size(); ++i) {
    EXPECT_LT(stopped.recording.evaluations[i].result.accuracy, 0.6);
  }
}

TEST(Training, DivergenceIsAStatusAndKeepsItsRows) {
  const Trained trained =
      train({"optimizer.learning_rate=1e6", "model.layers.0.activation=none"});
  EXPECT_EQ(trained.result.status, RunStatus::diverged);
  EXPECT_THAT(trained.result.reason,
              AllOf(HasSubstr("not finite"),
                    HasSubstr(fmt::format("step {}", trained.result.last.step))));
  EXPECT_EQ(trained.recording.steps.size(),
            static_cast<std::size_t>(trained.result.last.step));
  EXPECT_GT(trained.recording.steps.size(), 1U);
}

TEST(Training, EndsAfterTheStepThatAnInterruptionMeets) {
  const RunConfiguration configuration = tiny_run();
  TrainingRun run(configuration, tiny_source(), 1);
  std::atomic<int> interrupted{0};
  Recording recording;
  recording.after_step = [&](const Statistics& after) {
    if (after.step == 5) interrupted = 2;
  };
  const RunResult result = run.train(recording, interrupted);
  EXPECT_EQ(result.status, RunStatus::interrupted);
  EXPECT_EQ(result.last.step, 5);
  EXPECT_THAT(result.reason, HasSubstr("step 5"));
}

TEST(Training, AnInterruptionAtTheLastStepChangesNothing) {
  const RunConfiguration configuration = tiny_run({"budget={steps=5}"});
  TrainingRun run(configuration, tiny_source(), 1);
  std::atomic<int> interrupted{0};
  Recording recording;
  recording.after_step = [&](const Statistics& after) {
    if (after.step == 5) interrupted = 2;
  };
  EXPECT_EQ(run.train(recording, interrupted).status, RunStatus::finished);
  EXPECT_FALSE(recording.evaluations.empty());
}

// Stair of 0.5 each 100 examples, square root of B / 32, from a base of 0.1.
TEST(Training, TheLearningRateIsBaseTimesScheduleTimesCoupling) {
  const Trained trained = train(
      {"controllers.0={name=\"cyclic\", sizes=[32, 64, 128], per=\"step\", "
       "coupling=\"sqrt\"}",
       "schedule={name=\"step\", every_examples=100, factor=0.5}", "budget={steps=5}"});
  const double root = std::sqrt(2.0);
  // Examples before the step: 0, 32, 96, 224, 256; batch over 32: 1, 2, 4, 1, 2.
  const std::vector<double> expected{0.1, 0.1 * root, 0.2, 0.025, 0.025 * root};
  ASSERT_EQ(trained.recording.steps.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(trained.recording.steps[i].learning_rate, expected[i], 1e-15) << i;
  }
}

TEST(Training, OverflowGoesToTheRate) {
  const Trained trained =
      train({"controllers.0.batch_size=128", "budget={steps=1}",
             "controllers.0.limits={maximum=32, overflow=\"rate\"}"});
  EXPECT_EQ(trained.recording.steps.front().batch_size, 32);
  EXPECT_DOUBLE_EQ(trained.recording.steps.front().learning_rate, 0.025);
}

// Each epoch doubles the batch and halves the rate of 0.1, as these phases do; a
// schedule that halves once more, at the 600th example, multiplies it.
TEST(Training, ARulesFactorOnTheRateIsTrainedWith) {
  const std::string adabatch = "controllers.0={name=\"adabatch\", every_epochs=1}";
  const Trained trained = train({adabatch, "budget={epochs=3}"});
  const Trained phases =
      train({"controllers.0={name=\"phases\", phases=["
             "{until={epochs=1}, batch_size=32}, "
             "{until={epochs=2}, batch_size=64, learning_rate=0.05}, "
             "{batch_size=128, learning_rate=0.025}]}",
             "budget={epochs=3}"});
  EXPECT_EQ(trained.recording.steps.front().learning_rate, 0.1);
  EXPECT_EQ(trained.recording.steps.back().learning_rate, 0.025);
  EXPECT_EQ(trained.recording.losses(), phases.recording.losses());
  const Trained scheduled =
      train({adabatch, "schedule={name=\"step\", every_examples=600, factor=0.5}"});
  EXPECT_EQ(scheduled.recording.steps.back().learning_rate, 0.025);
}

TEST(Training, PhasesChangeBatchRateAndSubsetAtTheirStep) {
  const Trained trained =
      train({"controllers.0={name=\"phases\", phases=["
             "{until={steps=2}, batch_size=10, learning_rate=0.5, subset={first=0, "
             "count=30}}, "
             "{until={steps=4}, batch_size=30, subset={first=570, count=30}}, "
             "{batch_size=300}]}",
             "budget={steps=6}"});
  // The last phase is on all examples again.
  EXPECT_THAT(trained.recording.batch_sizes(), ElementsAre(10, 10, 30, 30, 300, 300));
  std::vector<double> rates;
  for (const Statistics& step : trained.recording.steps)
    rates.push_back(step.learning_rate);
  EXPECT_THAT(rates, ElementsAre(0.5, 0.5, 0.1, 0.1, 0.1, 0.1));
  EXPECT_EQ(trained.result.last.epochs_completed, 3);
}

// Phase 1 sees the first 100 examples: what they hold is the same as data of these
// alone.
TEST(Training, APhaseTrainsOnItsSubsetAlone) {
  const Trained subset =
      train({"controllers.0={name=\"phases\", phases=[{batch_size=20, "
             "subset={first=0, count=100}}]}",
             "budget={steps=10}"});
  const Trained alone =
      train({"controllers.0.batch_size=20", "data.examples=100", "budget={steps=10}"});
  EXPECT_EQ(subset.recording.losses(), alone.recording.losses());
}

TEST(Training, PlateauNeedsAValidationSplit) {
  const std::string plateau = "controllers.0={name=\"plateau\", patience=1}";
  const Error error =
      error_of([&] { TrainingRun(tiny_run({plateau}), tiny_source(), 1); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("plateau"), HasSubstr("validation_fraction")));
  EXPECT_NO_THROW(train({plateau, "data.validation_fraction=0.2"}));
  EXPECT_NO_THROW(
      train({"controllers.0={name=\"plateau\", metric=\"training_loss\"}"}));
}

TEST(Training, PlateauGrowsTheBatchWhereTheLossIsFlat) {
  const Trained trained =
      train({"controllers.0={name=\"plateau\", patience=1, batch_size=32}",
             "data.validation_fraction=0.2", "optimizer.learning_rate=1e-12",
             "budget={epochs=4}"});
  std::set<std::int64_t> sizes;
  for (const LimitedDecision& decision : trained.recording.used) {
    sizes.insert(decision.batch_size);
  }
  EXPECT_THAT(sizes, ElementsAre(32, 64, 128));
}

TEST(MakeSplit, HoldsOutAShareOfTheExamplesInUse) {
  const auto configuration =
      tiny_run({"data.first_example=100", "data.examples=200",
                "data.validation_fraction=0.25", "data.validation_part=last"});
  const Split split = make_split(configuration.data, tiny_source().training);
  ASSERT_EQ(split.training.size(), 150U);
  ASSERT_EQ(split.validation.size(), 50U);
  EXPECT_EQ(split.training.front(), 100U);
  EXPECT_EQ(split.training.back(), 249U);
  EXPECT_EQ(split.validation.front(), 250U);
  EXPECT_EQ(split.validation.back(), 299U);
}

}  // namespace batchlab::test::training_test
