// SPDX-License-Identifier: MIT
//
// Shadows: rules that are asked at every step of a run, and not followed.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "controllers/limited_controller.hpp"
#include "experiments/plan.hpp"
#include "tests/experiments/shadows.hpp"

namespace batchlab::test::shadow_test {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string validation = "data.validation_fraction=0.1";

// Rows of `table` under the columns of `names`, without the times.
std::vector<std::vector<std::string>> columns(const Table& table,
                                              const std::vector<std::string>& names) {
  std::vector<std::vector<std::string>> rows(table.rows.size());
  for (const std::string& name : names) {
    if (name == "training_seconds") continue;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].push_back(table.rows[i][table.column(name).value()]);
    }
  }
  return rows;
}

TEST(Shadow, ChangesNoBitOfTheRun) {
  for (const char* rule : {"constant", "radadamp", "noise_scale", "plateau", "cabs"}) {
    const Experiment bare(tiny_text(fmt::format("[[controllers]]\nname=\"{}\"", rule)));
    const Experiment shadowed(file_text(bare.specification()));
    ASSERT_EQ(bare.run({"--quiet", "--set", validation}).code, 0);
    const Output output = shadowed.run(
        {"--quiet", "--set", validation, "--set", "shadow=" + every_rule()});
    ASSERT_EQ(output.code, 0) << output.err;
    const auto one = bare.run_folder(fmt::format("{}-seed0", rule));
    const auto other = shadowed.run_folder(fmt::format("{}-seed0", rule));
    for (const char* file : {"steps.csv", "evaluations.csv"}) {
      const Table before = read_csv(one / file);
      EXPECT_EQ(columns(read_csv(other / file), before.columns),
                columns(before, before.columns))
          << rule << ' ' << file;
    }
    const std::vector<std::string> decided{
        "step",       "examples_seen", "wanted_batch_size", "batch_size",
        "limited_by", "learning_rate", "moments",           "reason"};
    EXPECT_EQ(columns(read_csv(other / "decisions.csv"), decided),
              columns(read_csv(one / "decisions.csv"), decided));
    EXPECT_TRUE(file_text(other / "checkpoint.safetensors") ==
                file_text(one / "checkpoint.safetensors"))
        << rule;
    EXPECT_FALSE(std::filesystem::exists(one / "shadows.csv"));
    EXPECT_GT(read_csv(other / "shadows.csv").rows.size(), controllers().size());
  }
}

TEST(Shadow, OfTheRunsOwnRuleDecidesAsTheRunDoes) {
  for (const char* rule : {"noise_scale", "adadamp", "radadamp"}) {
    const Recording recording =
        train({fmt::format("controllers.0={{name=\"{}\"}}", rule),
               fmt::format("shadow=[\"{}\"]", rule)})
            .recording;
    const auto& shadow = recording.shadows.at(rule);
    ASSERT_EQ(shadow.used.size(), recording.used.size());
    for (std::size_t i = 0; i < shadow.used.size(); ++i) {
      EXPECT_EQ(shadow.wanted[i].batch_size, recording.wanted[i].batch_size);
      EXPECT_EQ(shadow.used[i].batch_size, recording.used[i].batch_size);
      EXPECT_EQ(shadow.wanted[i].reason, recording.wanted[i].reason);
    }
  }
}

// The rule wants ever more; were it told its own wishes, the variance would be divided
// by them.
TEST(Shadow, SeesTheBatchSizeOfTheRunAndIsInsideItsOwnLimits) {
  const Trained trained =
      train({"shadow=[{name=\"norm_test\", tolerance=0.1, limits={maximum=100}}]",
             "data.tail=drop"});
  const auto& shadow = trained.recording.shadows.at("norm_test");
  const json limits =
      checked_options("limits", limits_options(), json{{"maximum", 100}});
  LimitedController rival("norm_test", {{"tolerance", 0.1}}, limits, {600});
  Statistics told;
  told.training_set_size = 600;
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < shadow.used.size(); ++i) {
    if (i > 0) told = trained.recording.steps[i - 1];
    rival.decide(told);
    EXPECT_EQ(shadow.used[i].batch_size, rival.used().batch_size) << i;
    EXPECT_EQ(told.batch_size, i > 0 ? 32 : 0);
    largest = std::max(largest, shadow.used[i].batch_size);
  }
  EXPECT_EQ(largest, 100);
  EXPECT_THAT(trained.recording.batch_sizes(), Each(32));
}

TEST(Shadow, WhatItNeedsIsMeasuredAndNothingElse) {
  const RunConfiguration radadamp = tiny_run({"shadow=[\"radadamp\"]"});
  const TrainingRun run(radadamp, tiny_source(), 1);
  EXPECT_EQ(run.measured(), Needs{&Statistics::gradient_norm_squared});
  const TrainingRun open_loop(tiny_run({"shadow=[\"geodamp\"]"}), tiny_source(), 1);
  EXPECT_EQ(open_loop.measured(), Needs{});
}

TEST(Shadow, IsToldOfEachEvaluationOnce) {
  const Trained trained = train({"shadow=[{name=\"plateau\", patience=1}]", validation,
                                 "optimizer.learning_rate=1e-12", "budget={epochs=4}"});
  std::vector<std::int64_t> sizes;
  for (const LimitedDecision& used : trained.recording.shadows.at("plateau").used) {
    if (sizes.empty() || used.batch_size != sizes.back()) {
      sizes.push_back(used.batch_size);
    }
  }
  EXPECT_THAT(sizes, ElementsAre(32, 64, 128));
}

TEST(Shadow, WhoseNeedsCannotBeMetIsRefusedByItsName) {
  const auto refusal = [](const std::string& shadow) {
    const RunConfiguration run = tiny_run({"shadow=[" + shadow + "]"});
    return std::string(error_of([&] { TrainingRun(run, tiny_source(), 1); }).what());
  };
  EXPECT_THAT(refusal("{name=\"plateau\", label=\"patient\"}"),
              AllOf(HasSubstr("shadow patient: needs a validation split"),
                    HasSubstr("data.validation_fraction")));
  EXPECT_THAT(refusal("{name=\"norm_test\", batch_size=601}"),
              AllOf(HasSubstr("shadow norm_test: "), HasSubstr("[1, 600]")));
  EXPECT_THAT(
      refusal("{name=\"norm_test\", limits={minimum=601}}"),
      AllOf(HasSubstr("shadow norm_test: "), HasSubstr("limits"), HasSubstr("600")));
  const Experiment experiment;
  const Output output = experiment.run({"--set", "shadow=[\"plateau\"]"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr("shadow plateau: needs a validation split"));
  EXPECT_FALSE(std::filesystem::exists(experiment.out()));
}

// Were its ten milliseconds counted, the budget would be spent after six steps.
TEST(Shadow, IsAskedOutsideTheTrainingClock) {
  TrainingRun run(tiny_run({"budget={seconds=0.06, steps=12}", "shadow=[\"geodamp\"]"}),
                  tiny_source(), 1);
  Recording recording;
  recording.after_decision = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  };
  EXPECT_EQ(run.train(recording, std::atomic<int>(0)).last.step, 12);
}

TEST(Shadow, ChangesNoPlan) {
  const Plan plan = make_plan(tiny_run({"shadow=[\"norm_test\"]"}), tiny_source());
  EXPECT_EQ(plan.reason, "");
  EXPECT_EQ(plan.most_steps, 38);
}

TEST(Shadow, IsPartOfWhatARunIs) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run({"--quiet"}).code, 0);
  const std::vector<std::string> shadowed{"--set", "shadow=[\"geodamp\"]"};
  const Output output = experiment.run(shadowed);
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr("controller.shadow"));
  std::filesystem::remove_all(experiment.out());
  ASSERT_EQ(experiment.run(shadowed).code, 0);
  EXPECT_THAT(experiment.run(shadowed).err, HasSubstr("0 to do"));
  const auto rows = experiment.run_folder("constant-seed0") / "shadows.csv";
  std::filesystem::remove(rows);
  EXPECT_THAT(experiment.run(shadowed).err, HasSubstr("1 to do"));
  EXPECT_TRUE(std::filesystem::exists(rows));
}

}  // namespace batchlab::test::shadow_test
