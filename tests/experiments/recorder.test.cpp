// SPDX-License-Identifier: MIT
#include "experiments/recorder.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/experiments/support.hpp"

namespace batchlab::test::recorder_test {

using testing::ElementsAre;

Statistics at_step(std::int64_t step) {
  Statistics statistics;
  statistics.step = step;
  statistics.examples_seen = 10 * step;
  statistics.epochs_completed = step / 2;
  statistics.batch_size = 10;
  statistics.learning_rate = 0.25;
  statistics.batch_loss = 1.5;
  return statistics;
}

std::vector<std::string> column(const std::filesystem::path& path, const char* name) {
  const Table table = read_csv(path);
  std::vector<std::string> cells;
  for (const auto& row : table.rows) cells.push_back(row[table.column(name).value()]);
  return cells;
}

TEST(Recorder, WritesTheColumnsOfTheRunStore) {
  const TemporaryFolder folder;
  { Recorder recorder(folder.path(), {}, 1); }
  EXPECT_EQ(file_text(folder / "steps.csv"),
            "step,epoch,examples_seen,epochs_completed,batch_size,learning_rate,"
            "batch_loss,training_seconds\n");
  EXPECT_EQ(file_text(folder / "evaluations.csv"),
            "step,epoch,examples_seen,epochs_completed,training_seconds,split,loss,"
            "accuracy,training_loss\n");
  EXPECT_EQ(file_text(folder / "decisions.csv"),
            "step,examples_seen,wanted_batch_size,batch_size,limited_by,learning_rate,"
            "noise_scale,batch_size_per_noise_scale,moments,reason\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "shadows.csv"));
}

TEST(Recorder, MeasuredStatisticsHaveAColumnAndAbsentOnesAnEmptyCell) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(),
                    {&Statistics::noise_scale, &Statistics::gradient_norm_squared,
                     &Statistics::validation_loss},
                    1);
  Statistics first = at_step(1), second = at_step(2);
  first.gradient_norm_squared = 0.5;
  second.noise_scale = 40;
  second.gradient_variance_trace = 3;  // measured by nobody
  recorder.on_step(first, 0.5);
  recorder.on_step(second, 1);
  recorder.finish();
  EXPECT_EQ(file_text(folder / "steps.csv"),
            "step,epoch,examples_seen,epochs_completed,batch_size,learning_rate,"
            "batch_loss,training_seconds,gradient_norm_squared,noise_scale\n"
            "1,1,10,0,10,0.25,1.5,0.500000,0.5,\n"
            "2,1,20,1,10,0.25,1.5,1.000000,,40\n");
}

TEST(Recorder, TheEpochIsTheOneInWhichAStepBegan) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1);
  for (std::int64_t step = 1; step <= 5; ++step) recorder.on_step(at_step(step), 0);
  recorder.finish();
  EXPECT_THAT(column(folder / "steps.csv", "epoch"),
              ElementsAre("1", "1", "2", "2", "3"));
}

TEST(Recorder, LogEveryThinsStepsButKeepsTheLast) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 3);
  for (std::int64_t step = 1; step <= 8; ++step) recorder.on_step(at_step(step), 0);
  recorder.finish();
  recorder.finish();
  EXPECT_THAT(column(folder / "steps.csv", "step"), ElementsAre("3", "6", "8"));
}

TEST(Recorder, ALastStepThatIsDueIsWrittenOnce) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 3);
  for (std::int64_t step = 1; step <= 6; ++step) recorder.on_step(at_step(step), 0);
  recorder.finish();
  EXPECT_THAT(column(folder / "steps.csv", "step"), ElementsAre("3", "6"));
}

TEST(Recorder, DecisionsAreWrittenWhenTheyChangeHoweverThinned) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1000);
  recorder.on_decision(at_step(0), {32, "first"}, {32, "", 1});
  recorder.on_decision(at_step(1), {32, "the same"}, {32, "", 1});
  recorder.on_decision(at_step(2), {64, "more, \"much\""}, {32, "growth", 1});
  recorder.on_decision(at_step(3), {64, "more"}, {64, "", 1});
  recorder.on_decision(at_step(4), {64, "=1+1"}, {64, "", 1});
  recorder.on_decision(at_step(5), {32, "=1+1"}, {32, "", 1});
  recorder.finish();
  const std::filesystem::path file = folder / "decisions.csv";
  EXPECT_THAT(column(file, "step"), ElementsAre("0", "2", "3", "5"));
  EXPECT_THAT(column(file, "wanted_batch_size"), ElementsAre("32", "64", "64", "32"));
  EXPECT_THAT(column(file, "batch_size"), ElementsAre("32", "32", "64", "32"));
  EXPECT_THAT(column(file, "limited_by"), ElementsAre("", "growth", "", ""));
  EXPECT_THAT(column(file, "reason"),
              ElementsAre("first", "more, \"much\"", "more", "'=1+1"));
}

// A decision is known before the rate of the step that follows it.
TEST(Recorder, ADecisionHasTheRateOfItsFirstStepAndItsShareOfTheNoiseScale) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1000);
  Statistics at = at_step(0);
  recorder.on_decision(at, {32, "first"}, {32, "", 1});
  recorder.on_step(at_step(1), 0);
  at = at_step(1);
  at.noise_scale = 80;
  recorder.on_decision(at, {20, "less"}, {20, "", 1});
  recorder.on_moments_reset();
  Statistics after = at_step(2);
  after.learning_rate = 0.125;
  recorder.on_step(after, 0);
  recorder.on_decision(at_step(2), {64, "never used"}, {64, "", 1});
  recorder.finish();
  const std::filesystem::path file = folder / "decisions.csv";
  EXPECT_THAT(column(file, "learning_rate"), ElementsAre("0.25", "0.125", ""));
  EXPECT_THAT(column(file, "noise_scale"), ElementsAre("", "80", ""));
  EXPECT_THAT(column(file, "batch_size_per_noise_scale"), ElementsAre("", "0.25", ""));
  EXPECT_THAT(column(file, "moments"), ElementsAre("kept", "reset", "kept"));
}

TEST(Recorder, ADecisionThatChangesTheRateOrTheSubsetAloneIsWritten) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1);
  recorder.on_decision(at_step(0), {32, "one"}, {32, "", 1});
  recorder.on_decision(at_step(1), {32, "two", 0.1}, {32, "", 1});
  recorder.on_decision(at_step(2), {32, "three", 0.1, 1, Subset{0, 9}}, {32, "", 1});
  recorder.on_decision(at_step(3), {32, "four", 0.1, 1, Subset{0, 9}}, {32, "", 0.5});
  recorder.on_decision(at_step(4), {32, "five", 0.1, 2, Subset{0, 9}}, {32, "", 0.5});
  recorder.finish();
  EXPECT_THAT(column(folder / "decisions.csv", "reason"),
              ElementsAre("one", "two", "three", "four", "five"));
}

TEST(Recorder, EachShadowHasARowWhereItsOwnDecisionChanges) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1000);
  recorder.on_shadow_decision(at_step(0), "a", {32, "first"}, {32, "", 1});
  recorder.on_shadow_decision(at_step(0), "b", {32, "first"}, {32, "", 1});
  recorder.on_shadow_decision(at_step(1), "a", {32, "again"}, {32, "", 1});
  recorder.on_shadow_decision(at_step(1), "b", {64.5, "b, at last"}, {48, "growth", 1});
  recorder.on_shadow_decision(at_step(2), "a", {32, "slower", 0.5}, {32, "", 1});
  recorder.finish();
  EXPECT_EQ(file_text(folder / "shadows.csv"),
            "step,examples_seen,shadow,wanted_batch_size,batch_size,limited_by,reason\n"
            "0,0,a,32,32,,first\n"
            "0,0,b,32,32,,first\n"
            "1,10,b,64.5,48,growth,\"b, at last\"\n"
            "2,20,a,32,32,,slower\n");
  EXPECT_TRUE(read_csv(folder / "decisions.csv").rows.empty());
}

TEST(Recorder, AnInterventionIsOnDiskAtOnceAndNoneIsLeftOfARunBefore) {
  const TemporaryFolder folder;
  {
    Recorder recorder(folder.path(), {}, 1);
    EXPECT_FALSE(std::filesystem::exists(folder / "interventions.csv"));
    recorder.on_intervention(
        at_step(3), {3, 48, {{"maximum", 64}, {"growth", 1.5}, {"overflow", "rate"}}});
    EXPECT_EQ(file_text(folder / "interventions.csv"),
              "step,examples_seen,batch_size,minimum,maximum,growth,multiple,"
              "first_wait,dwell,cooldown,hysteresis,overflow\n"
              "3,30,48,,64,1.5,,,,,,rate\n");
  }
  const Recorder anew(folder.path(), {}, 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "interventions.csv"));
}

TEST(Recorder, EvaluationsCarryTheEpochOfTheirStep) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1);
  recorder.on_step(at_step(1), 0.25);
  recorder.on_step(at_step(2), 0.5);
  Statistics evaluated = at_step(2);
  recorder.on_evaluation(evaluated, 0.5, "validation", {0.75, 0.5});
  evaluated.training_loss = 0.25;
  recorder.on_evaluation(evaluated, 0.5, "test", {std::nan(""), 0.125});
  recorder.finish();
  EXPECT_EQ(file_text(folder / "evaluations.csv"),
            "step,epoch,examples_seen,epochs_completed,training_seconds,split,loss,"
            "accuracy,training_loss\n"
            "2,1,20,1,0.500000,validation,0.75,0.5,\n"
            "2,1,20,1,0.500000,test,nan,0.125,0.25\n");
}

TEST(Recorder, NumbersReadBackAsTheyWere) {
  const TemporaryFolder folder;
  Recorder recorder(folder.path(), {}, 1);
  Statistics statistics = at_step(1);
  statistics.batch_loss = 0.1 + 0.2;
  statistics.learning_rate = 1e-12 / 3;
  recorder.on_step(statistics, 0);
  recorder.finish();
  EXPECT_EQ(std::stod(column(folder / "steps.csv", "batch_loss").at(0)), 0.1 + 0.2);
  EXPECT_EQ(std::stod(column(folder / "steps.csv", "learning_rate").at(0)), 1e-12 / 3);
}

TEST(Recorder, AFolderThatIsNoneIsADiskError) {
  const TemporaryFolder folder;
  const Error error = error_of([&] { Recorder(folder / "missing", {}, 1); });
  EXPECT_EQ(error.kind(), ErrorKind::disk);
}

}  // namespace batchlab::test::recorder_test
