// SPDX-License-Identifier: MIT
//
// Interventions: checked, logged, and repeated from the log bit by bit.
#include "experiments/intervention.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "experiments/recorder.hpp"
#include "tests/experiments/shadows.hpp"

namespace batchlab::test::intervention_test {

using testing::AllOf;
using testing::HasSubstr;

const json no_limits =
    checked_options("limits", limits_options(), json{{"maximum", 200}, {"dwell", 1}});

Intervention checked(const json& given) {
  return checked_intervention("control.toml", given, {no_limits, {600}});
}

std::string refusal(const json& given) {
  return error_of([&] { (void)checked(given); }).what();
}

TEST(Intervention, KeepsTheLimitsThatDifferFromTheRunsOwn) {
  const Intervention one =
      checked({{"batch_size", 600}, {"limits", {{"maximum", 200}, {"growth", 2}}}});
  EXPECT_EQ(one.batch_size, 600);
  EXPECT_EQ(one.limits, json({{"growth", 2.0}}));
  const Limits limits = limits_under(one, {no_limits, {600}});
  EXPECT_EQ(limits.maximum, 200);
  EXPECT_EQ(limits.growth, 2);
  EXPECT_EQ(limits.dwell, 1);
  EXPECT_TRUE(checked(json::object()).same_as(Intervention{}));
  EXPECT_TRUE(checked({{"limits", {{"dwell", 1}}}}).same_as(Intervention{}));
}

TEST(Intervention, WhatCannotBeIsRefusedByFileKeyValueAndWhatWouldBeRight) {
  EXPECT_THAT(refusal({{"batch_size", 601}}),
              AllOf(HasSubstr("control.toml: batch_size"),
                    HasSubstr("[1, 600] (the training set), got 601")));
  for (const json& size : {json(0), json(-1), json(1.5), json("64"), json(true)}) {
    EXPECT_THAT(refusal({{"batch_size", size}}),
                AllOf(HasSubstr("batch_size must be"), HasSubstr("[1, 600]"),
                      HasSubstr("got " + size.dump())));
  }
  EXPECT_THAT(refusal({{"batchsize", 64}}), HasSubstr("did you mean \"batch_size\"?"));
  EXPECT_THAT(refusal({{"limits", 64}}), HasSubstr("limits must be a table, got 64"));
  EXPECT_THAT(refusal({{"limits", {{"max", 64}}}}),
              AllOf(HasSubstr("control.toml: limits: unknown option \"max\""),
                    HasSubstr("maximum")));
  EXPECT_THAT(refusal({{"limits", {{"growth", 0.5}}}}),
              AllOf(HasSubstr("growth must be in"), HasSubstr("got 0.5")));
  EXPECT_THAT(refusal({{"limits", {{"minimum", 300}}}}),
              HasSubstr("control.toml: limits: minimum must be at most maximum 200"));
}

// What was given at each step, whoever asks.
class Scripted final : public InterventionSource {
 public:
  explicit Scripted(std::map<std::int64_t, Intervention> script)
      : script_(std::move(script)) {}
  std::optional<Intervention> after(const Statistics& step) override {
    const auto found = script_.find(step.step);
    if (found == script_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::map<std::int64_t, Intervention> script_;
};

std::map<std::int64_t, Intervention> script() {
  return {{3, {0, 48, json::object()}},
          {6, {0, {}, {{"maximum", 40}}}},
          {9, {0, 7, {{"maximum", 40}, {"growth", 1.25}}}},
          {12, {}}};
}

// The files of a run on the tiny data.
void record(const RunConfiguration& configuration, const TemporaryFolder& folder,
            bool scripted) {
  TrainingRun run(configuration, tiny_source(), 1);
  if (scripted) run.control(std::make_unique<Scripted>(script()));
  Recorder recorder(folder.path(), run.measured(), 1);
  (void)run.train(recorder, std::atomic<int>(0));
  recorder.finish();
  run.write_checkpoint((folder / "checkpoint.safetensors").string());
}

TEST(Intervention, OfEveryRuleIsRepeatedFromItsLogBitByBit) {
  std::size_t repeated = 0;
  for (const Entry* entry : controllers()) {
    const std::string rule = entry->name == "phases" ? phases_table
                             : entry->name == "goodput"
                                 ? std::string("name=\"goodput\", cost_ratio=30")
                                 : "name=\"" + entry->name + '"';
    RunConfiguration plain =
        tiny_run({"controllers.0={" + rule + "}", "data.validation_fraction=0.1",
                  "optimizer.momentum=0"});
    const TemporaryFolder live, again;
    record(plain, live, true);
    const auto log = read_interventions(live / "interventions.csv");
    ASSERT_EQ(log.size(), 4U) << entry->name;
    for (const Intervention& one : log) plain.intervene(one);
    record(plain, again, false);
    expect_same_run(live.path(), again.path());
    EXPECT_EQ(file_text(live / "interventions.csv"),
              file_text(again / "interventions.csv"));
    ++repeated;
  }
  EXPECT_GT(repeated, 15U);
}

TEST(Intervention, IsInForceFromTheNextDecisionOnAndTheRuleSeesTheTruth) {
  TrainingRun run(tiny_run(), tiny_source(), 1);
  run.control(std::make_unique<Scripted>(script()));
  Recording recording;
  (void)run.train(recording, std::atomic<int>(0));
  const auto sizes = recording.batch_sizes();
  EXPECT_EQ(
      std::vector<std::int64_t>(sizes.begin(), sizes.begin() + 13),
      (std::vector<std::int64_t>{32, 32, 32, 48, 48, 48, 32, 32, 32, 7, 7, 7, 32}));
  for (std::size_t i = 0; i < recording.used.size(); ++i) {
    const bool forced = (i >= 3 && i < 6) || (i >= 9 && i < 12);
    EXPECT_EQ(recording.used[i].limited_by, forced ? "control" : "") << i;
    EXPECT_EQ(recording.wanted[i].batch_size, 32);
    EXPECT_THAT(recording.wanted[i].reason, HasSubstr("constant"));
  }
}

// The learning rate was meant for the first batch size, which no one forces.
TEST(Intervention, TheLearningRateFollowsAForcedSizeAsTheCouplingSays) {
  TrainingRun run(tiny_run({"controllers.0.coupling=linear"}), tiny_source(), 1);
  run.control(std::make_unique<Scripted>(
      std::map<std::int64_t, Intervention>{{1, {0, 64, json::object()}}}));
  Recording recording;
  (void)run.train(recording, std::atomic<int>(0));
  EXPECT_DOUBLE_EQ(recording.steps[0].learning_rate, 0.1);
  EXPECT_DOUBLE_EQ(recording.steps[1].learning_rate, 0.2);
}

// Were its ten milliseconds counted, the budget would be spent after six steps.
TEST(Intervention, IsAskedForOutsideTheTrainingClock) {
  struct Slow final : InterventionSource {
    std::optional<Intervention> after(const Statistics&) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return std::nullopt;
    }
  };
  TrainingRun run(tiny_run({"budget={seconds=0.06, steps=12}"}), tiny_source(), 1);
  run.control(std::make_unique<Slow>());
  Recording recording;
  EXPECT_EQ(run.train(recording, std::atomic<int>(0)).last.step, 12);
}

TEST(Intervention, IsPartOfTheIdentityAndOfTheDocument) {
  RunConfiguration run = tiny_run();
  const std::string plain = run.identity();
  EXPECT_FALSE(run.document.contains("interventions"));
  run.intervene({5, 64, {{"growth", 2.0}}});
  EXPECT_NE(run.identity(), plain);
  EXPECT_EQ(run.document.at("interventions").dump(),
            "[{\"batch_size\":64,\"limits\":{\"growth\":2.0},\"step\":5}]");
}

TEST(Intervention, RowsReadBackAsTheyWere) {
  const TemporaryFolder folder;
  const std::vector<Intervention> all{
      {1, {}, {{"growth", 2.0}, {"hysteresis", 0.1 + 0.2}}},
      {5, 64, {{"overflow", "rate"}, {"cooldown", 100}}},
      {9, {}, json::object()}};
  std::string text = intervention_columns() + '\n';
  for (const Intervention& one : all) {
    Statistics at;
    at.step = one.step;
    text += intervention_row(at, one) + '\n';
  }
  write_file(folder / "interventions.csv", text);
  const auto read = read_interventions(folder / "interventions.csv");
  ASSERT_EQ(read.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(to_json(read[i]).dump(), to_json(all[i]).dump());
  }
}

TEST(Intervention, ALogThatCannotBeOneIsRefusedByItsRow) {
  const TemporaryFolder folder;
  const auto refusal_of = [&](const std::string& rows) {
    write_file(folder / "log.csv", "step,batch_size,maximum,overflow\n" + rows);
    const Error error = error_of([&] { (void)read_interventions(folder / "log.csv"); });
    EXPECT_EQ(error.kind(), ErrorKind::corrupt) << rows;
    return std::string(error.what());
  };
  EXPECT_THAT(refusal_of("1,64,,\n0,64,,\n"), HasSubstr("row 2: step must be a whole"));
  EXPECT_THAT(refusal_of(",64,,\n"), HasSubstr("row 1: step"));
  EXPECT_THAT(refusal_of("x,64,,\n"), HasSubstr("is \"x\""));
  EXPECT_THAT(refusal_of("99999999999999999999,64,,\n"), HasSubstr("row 1: step"));
  EXPECT_THAT(refusal_of("4,64,,\n4,32,,\n"), HasSubstr("step 4 follows step 4"));
  EXPECT_THAT(refusal_of("4,-64,,\n"), HasSubstr("batch_size must be a whole"));
  EXPECT_THAT(refusal_of("4,,many,\n"), HasSubstr("maximum must be an integer"));
  EXPECT_THAT(refusal_of("4,,,raet\n"), HasSubstr("did you mean \"rate\""));
  EXPECT_THAT(refusal_of("4,64,,\n9,6"), HasSubstr("may be torn"));
  write_file(folder / "log.csv", "step,maxmum\n1,2\n");
  EXPECT_THAT(error_of([&] { (void)read_interventions(folder / "log.csv"); }).what(),
              HasSubstr("did you mean \"maximum\""));
  const Error missing = error_of([&] { (void)read_interventions(folder / "none"); });
  EXPECT_EQ(missing.kind(), ErrorKind::data);
}

// What only the data can tell.
TEST(Intervention, AForcedSizeAboveTheTrainingSetIsRefusedBeforeTraining) {
  RunConfiguration run = tiny_run();
  run.intervene({5, 601, json::object()});
  const Error error = error_of([&] { TrainingRun(run, tiny_source(), 1); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("step 5"), HasSubstr("[1, 600]")));
}

}  // namespace batchlab::test::intervention_test
