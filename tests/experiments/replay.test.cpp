// SPDX-License-Identifier: MIT
//
// batchlab replay: what a rule would have chosen, from the files of a run.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sstream>

#include "experiments/run_execution.hpp"
#include "tests/experiments/shadows.hpp"

namespace batchlab::test::replay_test {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* header =
    "step,examples_seen,shadow,wanted_batch_size,batch_size,limited_by,reason\n";

// JSON as TOML: null is left out.
std::string toml(const json& value) {
  if (value.is_object()) {
    std::string text;
    for (const auto& [key, member] : value.items()) {
      if (member.is_null()) continue;
      text += (text.empty() ? "" : ", ") + key + " = " + toml(member);
    }
    return "{" + text + "}";
  }
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const json& member : value) text += (text.empty() ? "" : ", ") + toml(member);
  return "[" + text + "]";
}

Output replay(const fs::path& run, const std::string& controller,
              const std::vector<std::string>& settings = {},
              const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"replay", run.string(), "--controller", controller};
  for (const std::string& setting : settings) {
    words.insert(words.end(), {"--set", setting});
  }
  words.insert(words.end(), more.begin(), more.end());
  return run_program(words);
}

// Of a complete entry or shadow.
Output replay_entry(const fs::path& run, const json& entry) {
  std::vector<std::string> settings{"label=" + entry.at("label").get<std::string>(),
                                    "limits=" + toml(entry.at("limits"))};
  for (const auto& [key, value] : entry.at("options").items()) {
    if (!value.is_null()) settings.push_back(key + "=" + toml(value));
  }
  return replay(run, entry.at("name"), settings);
}

// The lines of `shadow`, below their header.
std::string rows_of(const fs::path& shadows, const std::string& shadow) {
  std::stringstream lines(file_text(shadows));
  std::string rows = header;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t second = line.find(',', line.find(',') + 1);
    if (line.compare(second + 1, shadow.size() + 1, shadow + ',') == 0) {
      rows += line + '\n';
    }
  }
  return rows;
}

// Every shadow of the run, asked again, says what it said.
void expect_replayed(const fs::path& run) {
  const json shadows = read_json(run / "config.json").at("controller").at("shadow");
  ASSERT_FALSE(shadows.empty());
  for (const json& shadow : shadows) {
    const std::string label = shadow.at("label");
    const std::string logged = rows_of(run / "shadows.csv", label);
    EXPECT_GT(logged.size(), std::string(header).size());
    const Output output = replay_entry(run, shadow);
    EXPECT_EQ(output.code, 0) << output.err;
    EXPECT_EQ(output.out, logged) << label;
  }
}

void expect_shadows_replayed(const std::vector<std::string>& settings) {
  const Experiment experiment(
      tiny_text("[[controllers]]\nname=\"cyclic\"\nsizes=[32, 64, 150]\nper=\"step\""));
  std::vector<std::string> words{"--quiet", "--set", "shadow=" + every_rule(), "--set",
                                 "data.validation_fraction=0.1"};
  for (const std::string& setting : settings) {
    words.insert(words.end(), {"--set", setting});
  }
  const Output output = experiment.run(words);
  ASSERT_EQ(output.code, 0) << output.err;
  expect_replayed(experiment.run_folder("cyclic-seed0"));
}

// Under "drop" the next batch size may end an epoch, and so be evaluated after it.
TEST(Replay, IsWhatAShadowLogged) {
  expect_shadows_replayed({"budget.epochs=3"});
  expect_shadows_replayed({"budget.epochs=6", "data.tail=drop",
                           "controllers.0.sizes=[200, 450]",
                           "optimizer.learning_rate=1e-12"});
  expect_shadows_replayed({"budget.epochs=3", "data.tail=carry"});
  expect_shadows_replayed({"budget.epochs=3", "evaluation.every_examples=150"});
  expect_shadows_replayed({"budget={examples=999}", "data.tail=drop"});
  expect_shadows_replayed({"budget={seconds=0.01}", "data.tail=drop"});
  expect_shadows_replayed({"budget={epochs=9}", "target={value=0.6, stop=true}",
                           "statistics.estimator=micro_batch"});
}

// 200 examples, then 450 wanted of the 340 that are left: the run ends after it
// decided.
TEST(Replay, KnowsTheDecisionThatEndedTheRun) {
  for (const char* every : {"540", "200"}) {
    const Experiment experiment(
        tiny_text("[[controllers]]\nname=\"cyclic\"\nsizes=[200, 450]\nper=\"step\""));
    const std::string evaluation = fmt::format("evaluation.every_examples={}", every);
    const Output output =
        experiment.run({"--quiet", "--set", "shadow=" + every_rule(), "--set",
                        "budget.epochs=1", "--set", "data.tail=drop", "--set",
                        "data.validation_fraction=0.1", "--set", evaluation});
    ASSERT_EQ(output.code, 0) << output.err;
    const fs::path run = experiment.run_folder("cyclic-seed0");
    ASSERT_EQ(read_csv(run / "decisions.csv").rows.size(), 2U);
    expect_replayed(run);
  }
}

TEST(Replay, OfADivergedRunIsWhatAShadowLogged) {
  const Experiment experiment;
  EXPECT_EQ(experiment
                .run({"--quiet", "--set", "optimizer.learning_rate=1e6", "--set",
                      "model.layers.0.activation=none", "--set",
                      "shadow=" + every_rule(), "--set", "data.validation_fraction=0.1",
                      "--set", "evaluation.every_examples=40"})
                .code,
            7);
  expect_replayed(experiment.run_folder("constant-seed0"));
}

TEST(Replay, OfAnInterruptedRunIsWhatAShadowLogged) {
  const TemporaryFolder folder;
  const RunConfiguration configuration =
      tiny_run({"shadow=[\"norm_test\", \"adadamp\"]"});
  EXPECT_EQ(execute_run(configuration, tiny_source(), folder.path(), {.quiet = true},
                        {}, std::atomic<int>(2)),
            130);
  EXPECT_EQ(read_csv(folder / "steps.csv").rows.size(), 1U);
  expect_replayed(folder.path());
}

TEST(Replay, OfTheRunsOwnRuleIsItsDecisions) {
  std::string entries = "[[controllers]]\n";
  for (const Entry* entry : controllers()) {
    if (entry->name != "phases") {
      entries += fmt::format("name=\"{}\"\n[[controllers]]\n", entry->name);
    }
  }
  entries +=
      "name=\"phases\"\nphases=[{until={epochs=1}, batch_size=32}, "
      "{until={steps=50}, batch_size=64, learning_rate=0.05, "
      "subset={first=0, count=100}}, {batch_size=100}]\n";
  const Experiment experiment(tiny_text(entries));
  const Output output =
      experiment.run({"--quiet", "--set", "data.validation_fraction=0.1", "--set",
                      "budget.epochs=3", "--set", "data.tail=drop"});
  ASSERT_EQ(output.code, 0) << output.err;
  for (const Entry* entry : controllers()) {
    const fs::path run = experiment.run_folder(entry->name + "-seed0");
    const json controller = read_json(run / "config.json").at("controller");
    if (entry->branches) {
      const Output refused = replay(run, "constant");
      EXPECT_EQ(refused.code, 2);
      EXPECT_THAT(refused.err, HasSubstr("cannot be replayed"));
      continue;
    }
    if (entry->name == "constant") {
      const Output refused =
          replay(run, "constant", {}, {"--out", (run / "steps.csv").string()});
      EXPECT_EQ(refused.code, 2);
      EXPECT_THAT(refused.err, HasSubstr("in the folder of a run"));
    }
    std::istringstream replayed(replay_entry(run, controller).out);
    const std::string replay_file = (experiment.folder / "replay.csv").string();
    write_file(replay_file, replayed.str());
    const Table rows = read_csv(replay_file),
                decisions = read_csv(run / "decisions.csv");
    ASSERT_EQ(rows.rows.size(), decisions.rows.size()) << entry->name;
    for (const char* name : {"step", "examples_seen", "wanted_batch_size", "batch_size",
                             "limited_by", "reason"}) {
      const std::size_t one = *rows.column(name), other = *decisions.column(name);
      for (std::size_t i = 0; i < rows.rows.size(); ++i) {
        EXPECT_EQ(rows.rows[i][one], decisions.rows[i][other]) << entry->name;
      }
    }
  }
}

// One run of the tiny data whose gradients were logged.
class OnARun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    experiment = new Experiment;
    ASSERT_EQ(experiment
                  ->run({"--quiet", "--set",
                         "statistics.measure=[\"gradient_norm_squared\", "
                         "\"gradient_variance_trace\"]",
                         "--set", "budget.epochs=2"})
                  .code,
              0);
  }
  static void TearDownTestSuite() { delete experiment; }
  static fs::path run() { return experiment->run_folder("constant-seed0"); }

  // A copy in which `from`, once, is `to`.
  fs::path altered(const char* file, const std::string& from, const std::string& to) {
    const fs::path copy = folder_ / fmt::format("copy{}", copies_++);
    fs::copy(run(), copy);
    std::string text = file_text(copy / file);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    write_file(copy / file, text.replace(at, from.size(), to));
    return copy;
  }
  static std::string line(const char* file, std::size_t number) {
    std::stringstream lines(file_text(run() / file));
    std::string line;
    for (std::size_t i = 0; i < number; ++i) std::getline(lines, line);
    return line + '\n';
  }
  static inline Experiment* experiment = nullptr;

 private:
  TemporaryFolder folder_;
  int copies_ = 0;
};

void expect_refused(const Output& output, int code, const std::string& message) {
  EXPECT_EQ(output.code, code) << output.err;
  EXPECT_THAT(output.err, AllOf(StartsWith("batchlab: "), HasSubstr(message)));
  EXPECT_THAT(output.out, IsEmpty());
}

TEST_F(OnARun, RowsGoToStandardOutputToAFileOrAsJson) {
  const Output output = replay(run(), "norm_test", {"label=mine"});
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.out, AllOf(StartsWith(header), HasSubstr("\n0,0,mine,32,32,,")));
  EXPECT_THAT(output.err, AllOf(StartsWith("batchlab: mine: 38 decisions, "),
                                HasSubstr("the run's mean 31.8\n")));
  const TemporaryFolder folder;
  const std::string file = (folder / "rows.csv").string();
  const Output to_file = replay(run(), "norm_test", {"label=mine"}, {"--out", file});
  EXPECT_EQ(to_file.code, 0);
  EXPECT_THAT(to_file.out, IsEmpty());
  EXPECT_EQ(file_text(file), output.out);
  const json rows =
      json::parse(replay(run(), "norm_test", {"label=mine"}, {"--json"}).out);
  EXPECT_EQ(rows.size(), read_csv(file).rows.size());
  EXPECT_EQ(rows.at(0).at("shadow"), "mine");
  EXPECT_EQ(rows.at(0).at("batch_size"), 32);
}

TEST_F(OnARun, LeavesTheRunAsItWas) {
  const auto before = snapshot(run());
  EXPECT_EQ(replay(run(), "norm_test").code, 0);
  EXPECT_EQ(snapshot(run()), before);
}

TEST_F(OnARun, WrongArgumentsAreRefused) {
  expect_refused(run_program({"replay"}), 2, "a run's folder is needed");
  expect_refused(run_program({"replay", run().string()}), 2, "--controller NAME");
  expect_refused(replay(run(), "norm_tst"), 2, "did you mean \"norm_test\"?");
  expect_refused(replay(run(), "norm_test", {"tolerence=1"}), 2,
                 "did you mean \"tolerance\"?");
  expect_refused(replay(run(), "norm_test", {"tolerance=-1"}), 2, "tolerance must be");
  expect_refused(replay(run(), "norm_test", {"tolerance"}), 2, "key=value");
  expect_refused(replay(run(), "norm_test", {"limits.growht=2"}), 2,
                 "did you mean \"growth\"?");
  expect_refused(replay(run(), "norm_test", {"limits=2"}), 2, "must be a table");
  expect_refused(replay(run(), "norm_test", {"batch_size=601"}), 2, "[1, 600]");
  expect_refused(replay(run(), "norm_test", {"label=a b"}), 2, "label: must be");
  expect_refused(replay(run(), "norm_test", {"name=cabs"}), 2, "--controller");
  expect_refused(replay(run(), "norm_test", {}, {"--json", "--out", "x"}), 2,
                 "one of --out and --json");
  expect_refused(replay(run(), "norm_test", {}, {"--out", "/nowhere/x"}), 5,
                 "/nowhere/x");
}

TEST_F(OnARun, WhatWasNotLoggedIsRefusedByItsName) {
  expect_refused(replay(run(), "noise_scale"), 3,
                 "steps.csv: has no column noise_scale");
  expect_refused(replay(run(), "plateau"), 3,
                 "evaluations.csv: has no validation_loss");
  expect_refused(replay(run(), "plateau", {"metric=validation_accuracy"}), 3,
                 "has no validation_accuracy");
  EXPECT_EQ(replay(run(), "plateau", {"metric=training_loss"}).code, 0);
  const auto older = [&](const char* file, const char* name) {
    return altered(file, name, "another");
  };
  expect_refused(replay(older("steps.csv", "epochs_completed"), "geodamp"), 3,
                 "has no column epochs_completed");
  expect_refused(replay(older("run.json", "training_set_size"), "geodamp"), 3,
                 "has no training_set_size");
  const auto on_training_loss = [&](const char* name) {
    return replay(older("evaluations.csv", name), "plateau", {"metric=training_loss"});
  };
  expect_refused(on_training_loss("training_loss"), 3, "has no column training_loss");
  expect_refused(on_training_loss("epochs_completed"), 3,
                 "has no column epochs_completed");
}

TEST_F(OnARun, FoldersWithoutAnEndedRunAreRefused) {
  expect_refused(replay("/nowhere", "geodamp"), 3, "/nowhere holds no run");
  expect_refused(replay(altered("run.json", "\"finished\"", "\"running\""), "geodamp"),
                 3, "has not ended (its status is \"running\")");
  const Experiment thinned;
  ASSERT_EQ(thinned.run({"--quiet", "--set", "log_every=2"}).code, 0);
  expect_refused(replay(thinned.run_folder("constant-seed0"), "geodamp"), 3,
                 "was thinned (log_every = 2)");
}

TEST_F(OnARun, DamageIsExitCodeFour) {
  const auto refused = [&](const char* file, const std::string& from,
                           const std::string& to, const std::string& message) {
    expect_refused(replay(altered(file, from, to), "plateau", {"metric=training_loss"}),
                   4, message);
  };
  refused("run.json", "{", "", "is no JSON");
  refused("config.json", "\"sgd\"", "\"sdg\"", "config.json: optimizer");
  refused("config.json", "\"optimizer\": {", "\"optimiser\": {", "config.json: ");
  refused("run.json", "\"training_set_size\": 600", "\"training_set_size\": 0",
          "training_set_size must be");
  refused("run.json", "\"steps\": 38", "\"steps\": \"38\"", "steps must be");
  refused("run.json", "\"steps\": 38", "\"steps\": 39", "ends at step 38 of 39");
  refused("steps.csv", line("steps.csv", 9), "", "row 8: step 9 follows step 7");
  refused("steps.csv", line("steps.csv", 39), "", "ends at step 37 of 38");
  const std::string last = line("steps.csv", 39);
  refused("steps.csv", last, last.substr(0, 20), "ends at step 37 of 38");
  refused("steps.csv", "\n5,", "\n5x,", "row 5: step is no number: \"5x\"");
  refused("steps.csv", "\n5,1,160,0,32,", "\n5,1,161,0,32,", "161 examples_seen after");
  refused("steps.csv", "\n5,1,160,0,32,", "\n5,1,160,0,-32,", "a batch_size of -32");
  refused("steps.csv", "\n5,1,160,0,", "\n5,1,160,-1,", "-1 epochs_completed after 0");
  refused("steps.csv", "\n5,1,", "\n5,1,1,", "line 6 has");
  refused("evaluations.csv", "\n19,", "\n99,", "step 99 is none of the run");
  refused("evaluations.csv", "\n38,", "\n38", "line 3");
  const std::string test = line("evaluations.csv", 3);
  refused("evaluations.csv", test, test.substr(0, 9), "torn last line");
}

TEST(Replay, OfARuleForPlainSgdRefusesOtherOptimizers) {
  const Experiment experiment;
  ASSERT_EQ(experiment
                .run({"--quiet", "--set", "optimizer={name=\"adam\"}", "--set",
                      "statistics.measure=[\"gradient_variance_trace\"]"})
                .code,
            0);
  expect_refused(replay(experiment.run_folder("constant-seed0"), "cabs"), 2,
                 "cabs: optimizer must be sgd without momentum, got adam");
}

}  // namespace batchlab::test::replay_test
