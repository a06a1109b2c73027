// SPDX-License-Identifier: MIT
#include "experiments/plan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "controllers/registry.hpp"
#include "tests/experiments/program.hpp"
#include "tests/experiments/support.hpp"

namespace batchlab::test::plan_test {

using testing::ElementsAre;
using testing::HasSubstr;

Plan plan(const std::vector<std::string>& settings) {
  return make_plan(tiny_run(settings), tiny_source());
}

std::vector<std::string> open_loop_rules() {
  std::vector<std::string> names;
  for (const Entry* entry : controllers()) {
    if (entry->open_loop) names.push_back(entry->name);
  }
  return names;
}

// Batch size in force and rate of each step, of the run and as planned.
void expect_planned(const std::vector<std::string>& settings) {
  const Plan planned = plan(settings);
  ASSERT_EQ(planned.reason, "");
  const Recording trained = train(settings).recording;
  std::int64_t step = 0, examples = 0;
  for (const PlanPhase& phase : planned.phases) {
    EXPECT_EQ(phase.first_step, step + 1);
    ASSERT_LE(step + phase.steps, static_cast<std::int64_t>(trained.steps.size()));
    const auto at = [&](std::int64_t i) { return static_cast<std::size_t>(i); };
    EXPECT_EQ(trained.steps[at(step)].learning_rate, phase.first_learning_rate);
    for (std::int64_t i = 0; i < phase.steps; ++i, ++step) {
      EXPECT_EQ(trained.used[at(step)].batch_size, phase.batch_size) << step;
      examples += trained.steps[at(step)].batch_size;
    }
    EXPECT_EQ(trained.steps[at(step - 1)].learning_rate, phase.last_learning_rate);
  }
  EXPECT_EQ(step, static_cast<std::int64_t>(trained.steps.size()));
  EXPECT_EQ(planned.least_steps, step);
  EXPECT_EQ(planned.most_steps, step);
  EXPECT_EQ(planned.most_examples, examples);
}

class OpenLoop : public testing::TestWithParam<std::string> {};

TEST_P(OpenLoop, ThePlanIsWhatTheRunThenDoes) {
  const std::string rule =
      GetParam() == "phases"
          ? "controllers.0={name=\"phases\", phases=[{until={epochs=2}, "
            "batch_size=32}, "
            "{until={steps=50}, batch_size=64, learning_rate=0.05}, {batch_size=100}]}"
          : "controllers.0={name=\"" + GetParam() + "\"}";
  for (const char* tail : {"keep", "drop", "carry"}) {
    expect_planned({rule, fmt::format("data.tail={}", tail), "budget={epochs=5}"});
  }
  expect_planned({rule, "budget={steps=41}", "controllers.0.coupling=sqrt",
                  "schedule={name=\"cosine\", total_examples=5000}"});
  expect_planned({rule, "budget={examples=2999}", "controllers.0.limits={maximum=48}"});
}

INSTANTIATE_TEST_SUITE_P(Rules, OpenLoop, testing::ValuesIn(open_loop_rules()));

// 600 examples, 3 epochs, doubling after each: 32 in 18 full steps and one of 24, ...
TEST(Plan, CountsStepsAndExamplesOfEachPhase) {
  const Plan planned =
      plan({"controllers.0={name=\"geodamp\", delay=1}", "budget={epochs=3}"});
  std::vector<std::int64_t> sizes, steps, examples;
  for (const PlanPhase& phase : planned.phases) {
    sizes.push_back(phase.batch_size);
    steps.push_back(phase.steps);
    examples.push_back(phase.examples);
  }
  EXPECT_THAT(sizes, ElementsAre(32, 64, 128));
  EXPECT_THAT(steps, ElementsAre(19, 10, 5));
  EXPECT_THAT(examples, ElementsAre(600, 600, 600));
}

// Two epochs of 600 at 20 to 100 examples: 2 x 6 to 2 x 30 steps.
TEST(Plan, BoundsARuleThatReadsWhatIsMeasured) {
  const std::string rule =
      "controllers.0={name=\"noise_scale\", limits={minimum=20, maximum=100}}";
  const Plan planned = plan({rule});
  EXPECT_THAT(planned.reason, HasSubstr("measured"));
  EXPECT_TRUE(planned.phases.empty());
  EXPECT_EQ(planned.least_steps, 12);
  EXPECT_EQ(planned.most_steps, 60);
  EXPECT_EQ(planned.least_examples, 1200);
  const auto trained = train({rule});
  EXPECT_GE(trained.recording.steps.size(), 12U);
  EXPECT_LE(trained.recording.steps.size(), 60U);
  const Plan steps = plan({rule, "budget={steps=7}"});
  EXPECT_EQ(steps.least_examples, 140);
  EXPECT_EQ(steps.most_examples, 700);
}

TEST(Plan, SaysWhyItIsNotExact) {
  EXPECT_THAT(plan({"controllers.0.coupling=adascale"}).reason, HasSubstr("adascale"));
  EXPECT_THAT(plan({"budget={seconds=1}"}).reason, HasSubstr("seconds"));
  EXPECT_THAT(plan({"controllers.0={name=\"adadamp\"}"}).reason, HasSubstr("measured"));
}

TEST(PlanCommand, PrintsATableOrJson) {
  const Experiment experiment;
  const Output table = run_program({"plan", experiment.specification()});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("constant"));
  const Output output = run_program({"plan", experiment.specification(), "--json"});
  const auto plans = nlohmann::json::parse(output.out);
  ASSERT_EQ(plans.size(), 1U);
  EXPECT_EQ(plans[0].at("exact"), true);
  EXPECT_EQ(plans[0].at("phases").size(), 1U);
  EXPECT_EQ(plans[0].at("phases")[0].at("steps"), 38);
  EXPECT_EQ(run_program({"plan"}).code, 2);
  EXPECT_EQ(run_program({"plan", "four-family"}).code, 2);
}

}  // namespace batchlab::test::plan_test
