// SPDX-License-Identifier: MIT
//
// Options that are measured where they are unset, and what is kept of that.
#include "experiments/measured_options.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "experiments/step_time.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test::measured_options_test {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string goodput = "controllers.0={name=\"goodput\"}";
const std::string as_shadow =
    "shadow=[\"goodput\", {name=\"goodput\", label=\"given\", cost_ratio=7}]";

RunConfiguration goodput_run(std::vector<std::string> settings = {}) {
  settings.insert(settings.begin(), goodput);
  return tiny_run(settings);
}

// As if the time of a step of `run` had been measured: 60 us + 2 us x batch size.
void write_measured(const fs::path& folder, const RunConfiguration& run,
                    const std::string& from = "", const std::string& to = "") {
  json sections;
  for (const char* name : {"data", "model", "optimizer", "statistics", "engine"}) {
    sections[name] = run.document.at(name);
  }
  const json one{{"for", sections},
                 {"threads", 1},
                 {"a_seconds", 60e-6},
                 {"b_seconds_per_example", 2e-6},
                 {"largest_residual", 0.01}};
  std::string text = json{{"measured", {one}}}.dump();
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  write_file(folder / "measured.json", text);
}

RunConfiguration kept(const fs::path& folder, const RunConfiguration& run) {
  std::vector<RunConfiguration> runs{run};
  set_kept(runs, folder);
  return runs.front();
}

TEST(MeasuredOptions, AreThoseThatTheRuleAndItsShadowsLeaveUnset) {
  EXPECT_THAT(unset_measured(goodput_run()), ElementsAre("goodput: cost_ratio"));
  EXPECT_THAT(unset_measured(tiny_run({as_shadow})),
              ElementsAre("goodput: cost_ratio"));
  EXPECT_THAT(unset_measured(goodput_run({as_shadow})),
              ElementsAre("goodput: cost_ratio"));
  EXPECT_THAT(unset_measured(goodput_run({"controllers.0.cost_ratio=3"})), IsEmpty());
  EXPECT_THAT(unset_measured(tiny_run()), IsEmpty());
}

// 60 us / 2 us = 30 examples.
TEST(MeasuredOptions, WhatIsKeptIsAsIfItWereGiven) {
  const TemporaryFolder folder;
  write_measured(folder.path(), goodput_run());
  const RunConfiguration run = kept(folder.path(), goodput_run());
  EXPECT_EQ(run.controller_options.at("cost_ratio"), 30);
  EXPECT_EQ(run.identity(), goodput_run({"controllers.0.cost_ratio=30"}).identity());
  const RunConfiguration shadowed = kept(folder.path(), tiny_run({as_shadow}));
  EXPECT_EQ(shadowed.shadows[0].controller_options.at("cost_ratio"), 30);
  EXPECT_EQ(shadowed.shadows[1].controller_options.at("cost_ratio"), 7);
  const json& shadows = shadowed.document.at("controller").at("shadow");
  EXPECT_EQ(shadows[0].at("options").at("cost_ratio"), 30);
  EXPECT_EQ(shadows[1].at("options").at("cost_ratio"), 7);
}

TEST(MeasuredOptions, AnotherNetworkOptimizerOrStatisticIsMeasuredAnew) {
  const TemporaryFolder folder;
  write_measured(folder.path(), goodput_run());
  for (const char* changed :
       {"model.layers.0.units=9", "optimizer.momentum=0.5", "engine.tile_height=16",
        "statistics.estimator=micro_batch", "data.examples=500"}) {
    EXPECT_FALSE(unset_measured(kept(folder.path(), goodput_run({changed}))).empty())
        << changed;
  }
  for (const char* same : {"budget.epochs=7", "seeds=[5]", "controllers.0.batch_size=8",
                           "controllers.0.coupling=sqrt", "target.value=0.5"}) {
    EXPECT_THAT(unset_measured(kept(folder.path(), goodput_run({same}))), IsEmpty())
        << same;
  }
}

TEST(MeasuredOptions, ACorruptFileIsNamed) {
  const TemporaryFolder folder;
  const auto expect_corrupt = [&] {
    const Error error = error_of([&] { (void)kept(folder.path(), goodput_run()); });
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_THAT(error.what(), HasSubstr((folder / "measured.json").string()));
  };
  for (const char* text : {"", "{", "[]", "{}", "{\"measured\": 3}",
                           "{\"measured\": {\"for\": 1}}", "{\"measured\": [3]}"}) {
    write_file(folder / "measured.json", text);
    expect_corrupt();
  }
  for (const auto& [from, to] :
       {std::pair("\"a_seconds\":6e-05", "\"a_seconds\":-1"),
        {"\"a_seconds\":6e-05", "\"a_seconds\":null"},
        {"\"a_seconds\":6e-05", "\"a_seconds\":1e9"},
        {"\"a_seconds\":6e-05", "\"a_seconds\":1e-300"},
        {"\"b_seconds_per_example\":", "\"c\":"},
        {"\"b_seconds_per_example\":2", "\"b_seconds_per_example\":0"}}) {
    write_measured(folder.path(), goodput_run(), from, to);
    expect_corrupt();
  }
  // Where nothing is read from it, it is no matter.
  EXPECT_NO_THROW((void)kept(folder.path(), tiny_run()));
}

// A rate at which every run diverges, and a schedule that ends with the budget.
TEST(StepTime, IsMeasuredOnceWhateverTheRate) {
  const TemporaryFolder folder;
  const RunConfiguration run =
      goodput_run({"optimizer.learning_rate=1e6", "model.layers.0.activation=none",
                   "schedule.name=cosine"});
  EXPECT_FALSE(kept_step_time(folder.path(), run));
  const StepTimeFit first = measure_step_time(folder.path(), run, tiny_source(), 1);
  EXPECT_GT(first.a_seconds, 0);
  EXPECT_LT(first.a_seconds, 1e-3);
  EXPECT_GT(first.b_seconds_per_example, 0);
  const std::string file = file_text(folder / "measured.json");
  const StepTimeFit again = measure_step_time(folder.path(), run, tiny_source(), 2);
  EXPECT_EQ(again.a_seconds, first.a_seconds);
  EXPECT_EQ(again.threads, 1U);
  EXPECT_EQ(file_text(folder / "measured.json"), file);
}

TEST(StepTime, CannotBeToldFromOneExample) {
  const TemporaryFolder folder;
  const Error error = error_of([&] {
    (void)measure_step_time(folder.path(),
                            tiny_run({"data.examples=1", "controllers.0.batch_size=1"}),
                            tiny_source(), 1);
  });
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_FALSE(fs::exists(folder / "measured.json"));
}

const std::string two_entries =
    "[[controllers]]\nname = \"goodput\"\n"
    "[[controllers]]\nname = \"constant\"\nshadow = [\"goodput\"]\n";

double cost_ratio(const json& rule) { return rule.at("options").at("cost_ratio"); }

TEST(MeasuredRuns, MeasureBeforeTheFirstAndThenNeverAgain) {
  const Experiment experiment(tiny_text(two_entries));
  const Output first = experiment.run({"--jobs=2", "--seed=0,1"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.err, AllOf(HasSubstr("measuring the time of a step"),
                               HasSubstr("goodput: cost_ratio = "),
                               HasSubstr(" us x batch size with 1 thread ")));
  const auto before = snapshot(experiment.out());
  const Output more = experiment.run({"--seed=0,1,2"});
  ASSERT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.err,
              AllOf(HasSubstr("6 runs, 2 to do"), Not(HasSubstr("measuring"))));
  auto after = snapshot(experiment.out());
  for (const auto& [path, text] : before) EXPECT_EQ(after[path], text) << path;

  std::set<double> ratios;
  for (const char* seed : {"0", "1", "2"}) {
    const auto controller = [&](const std::string& label) {
      return read_json(experiment.run_folder(label + "-seed" + seed) / "config.json")
          .at("controller");
    };
    ratios.insert(cost_ratio(controller("goodput")));
    ratios.insert(cost_ratio(controller("constant").at("shadow")[0]));
  }
  EXPECT_EQ(ratios.size(), 1U);
  EXPECT_THAT(first.err,
              HasSubstr(fmt::format("goodput: cost_ratio = {:g};", *ratios.begin())));

  // A network of another width is refused by its width, not by what it leaves unset.
  EXPECT_THAT(experiment.run({"--set", "model.layers.0.units=9"}).err,
              HasSubstr("model.layers.0.units: 8 there, 9 here"));
  fs::remove(experiment.out() / "tiny" / "measured.json");
  EXPECT_THAT(experiment.run().err, HasSubstr("controller.options.cost_ratio"));
}

TEST(MeasuredRuns, KeepTheValueOfASweepThatWasInterrupted) {
  const Experiment experiment(tiny_text(two_entries));
  const auto words = experiment.words({"--quiet", "--set=budget={steps=5000}"});
  const fs::path file = experiment.out() / "tiny" / "measured.json";
  {
    Program program(words);
    ASSERT_TRUE(eventually([&] { return fs::exists(file); }));
    program.signal(SIGINT);
    EXPECT_NE(program.wait().code, 0);
  }
  const std::string measured = file_text(file);
  const Output output = run_program(words);
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(file_text(file), measured);
  EXPECT_EQ(experiment.record("goodput-seed0").at("status"), "finished");
}

TEST(MeasuredRuns, OfTwoProcessesAtOnceHaveOneValue) {
  const Experiment experiment(tiny_text(two_entries));
  Program one(experiment.words({"--seed=0"})), other(experiment.words({"--seed=1"}));
  EXPECT_EQ(one.wait().code, 0);
  EXPECT_EQ(other.wait().code, 0);
  const fs::path folder = experiment.out() / "tiny";
  EXPECT_EQ(read_json(folder / "measured.json").at("measured").size(), 1U);
  EXPECT_THAT(experiment.run({"--seed=0,1"}).err, HasSubstr("4 runs, 0 to do"));
}

TEST(MeasuredRuns, AreOnlyAnnouncedBeforeTheyAreMade) {
  const Experiment experiment(tiny_text(two_entries));
  const char* announced = "measured before the first run";
  EXPECT_THAT(experiment.run({"--dry-run"}).out, HasSubstr(announced));
  const json runs = json::parse(experiment.run({"--dry-run", "--json"}).out);
  EXPECT_TRUE(runs[0].at("identity").is_null());
  EXPECT_EQ(runs[0].at("measured_before_the_first_run")[0], "goodput: cost_ratio");
  const auto plan = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"plan", experiment.specification()});
    return run_program(words).out;
  };
  EXPECT_THAT(plan({}), HasSubstr(announced));
  EXPECT_EQ(json::parse(plan({"--json"}))[1].at("measured_before_the_first_run")[0],
            "goodput: cost_ratio");
  EXPECT_FALSE(fs::exists(experiment.out()));
  EXPECT_THAT(run_program({"controllers", "goodput"}).out, HasSubstr(announced));
}

TEST(MeasuredRuns, WithAGivenValueMeasureNothing) {
  const Experiment experiment(
      tiny_text("[[controllers]]\nname = \"goodput\"\ncost_ratio = 12\n"));
  const Output output = experiment.run();
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.err, Not(HasSubstr("measuring")));
  EXPECT_FALSE(fs::exists(experiment.out() / "tiny" / "measured.json"));
}

TEST(MeasuredRuns, AReplayTakesTheValueOfItsRun) {
  const auto replay = [](const Experiment& experiment, const std::string& run) {
    return run_program({"replay", experiment.run_folder(run).string(), "--controller",
                        "goodput", "--set", "label=a"});
  };
  const Experiment experiment(
      tiny_text("[[controllers]]\nname = \"constant\"\n"
                "shadow = [{ name = \"goodput\", label = \"a\", cost_ratio = 0.01 }]\n"
                "[[controllers]]\nname = \"noise_scale\"\n"));
  ASSERT_EQ(experiment.run({"--quiet"}).code, 0);
  const Output shadow = replay(experiment, "constant-seed0");
  EXPECT_EQ(shadow.out,
            file_text(experiment.run_folder("constant-seed0") / "shadows.csv"));
  const Output none = replay(experiment, "noise_scale-seed0");
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("goodput: cost_ratio is unset"));
}

}  // namespace batchlab::test::measured_options_test
