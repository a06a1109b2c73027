// SPDX-License-Identifier: MIT
//
// A file that is edited while runs go on: whatever happens to it, they go on.
#include "experiments/control_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/experiments/program.hpp"

namespace batchlab::test::control_file_test {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const OwnLimits own{checked_options("limits", limits_options(), json::object()), {600}};

// A file that is looked at whenever asked.
struct Controlled {
  void write(const std::string& text) {
    // Under another name first: a version with the same times and size is another one.
    write_file(folder / "next", text);
    fs::rename(folder / "next", path);
  }
  // What has come into force, as text; empty where nothing has.
  std::string look() {
    const auto intervention = file.after(Statistics{});
    return intervention ? to_text(*intervention) : "";
  }
  std::string settled() {
    EXPECT_EQ(look(), "");
    return look();
  }

  TemporaryFolder folder;
  fs::path path = folder / "control.toml";
  std::vector<std::string> refusals;
  ControlFile file{path.string(), own,
                   [this](const std::string& why) { refusals.push_back(why); },
                   std::chrono::milliseconds(0)};
};

TEST(ControlFile, WhatIsThereAtTheStartIsInForceAtOnce) {
  Controlled control;
  control.write("batch_size = 64\n[limits]\nmaximum = 100\n");
  EXPECT_EQ(control.look(), "batch_size 64, limits {\"maximum\":100}");
  EXPECT_EQ(control.look(), "");
}

TEST(ControlFile, AVersionCountsOnceTwoLooksHaveFoundIt) {
  Controlled control;
  EXPECT_EQ(control.look(), "");
  for (const char* half : {"", "batch_si", "batch_size = 2", "batch_size = 25"}) {
    control.write(half);
    EXPECT_EQ(control.look(), "") << half;
  }
  control.write("batch_size = 256\n");
  EXPECT_EQ(control.settled(), "batch_size 256");
  fs::remove(control.path);  // as some editors do before they write
  EXPECT_EQ(control.look(), "");
  control.write("batch_size = 257\n");
  EXPECT_EQ(control.settled(), "batch_size 257");
  EXPECT_THAT(control.refusals, IsEmpty());
}

TEST(ControlFile, OneThatIsEmptyOrGoneLeavesAllToTheRule) {
  Controlled control;
  const auto force = [&] {
    control.write("batch_size = 64\n");
    return control.settled();
  };
  EXPECT_EQ(control.look(), "");
  for (const char* nothing : {"", "\n \n", "# batch_size = 64\n", "[limits]\n"}) {
    EXPECT_EQ(force(), "batch_size 64");
    control.write(nothing);
    EXPECT_EQ(control.settled(), "none") << nothing;
  }
  EXPECT_EQ(force(), "batch_size 64");
  fs::remove(control.path);
  EXPECT_EQ(control.settled(), "none");
  EXPECT_THAT(control.refusals, IsEmpty());
}

TEST(ControlFile, TheSameAgainIsNoIntervention) {
  Controlled control;
  control.write("batch_size = 64");
  EXPECT_EQ(control.look(), "batch_size 64");
  control.write("batch_size = 64  # still\n");
  EXPECT_EQ(control.settled(), "");
}

TEST(ControlFile, ABadVersionIsRefusedOnceAndTheLastGoodOneStays) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"batch_size = \n", "line 1"},
      {"batch_size = 64\n[limits\n", "line 2"},
      {"batch_size = 64\nbatch_size = 65\n", "line 2"},
      {"batch_size = 0\n", "[1, 600] (the training set), got 0"},
      {"batch_size = 601\n", "got 601"},
      {"batch_size = 1e400\n", "control.toml"},
      {"batch_size = \"64\"\n", "got \"64\""},
      {"bacth_size = 64\n", "did you mean \"batch_size\""},
      {"[limits]\nmaximun = 64\n", "did you mean \"maximum\""},
      {"[limits]\nminimum = 8\nmaximum = 4\n", "minimum must be at most maximum 4"},
      {"limits = 3\n", "limits must be a table"},
      {std::string("batch\0size = 1\n", 15), "byte 0x00"},
      {"\x1b[31m = 1\n", "byte 0x1b"},
      {std::string(65537, '#'), "65537 bytes; a control file has at most 65536"},
      {"a" + std::string(60000, '['), "line 1"}};
  for (const auto& [text, why] : bad) {
    Controlled control;
    control.write("batch_size = 48");
    EXPECT_EQ(control.look(), "batch_size 48");
    control.write(text);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(control.look(), "");
    ASSERT_EQ(control.refusals.size(), 1U) << text.substr(0, 40);
    EXPECT_THAT(control.refusals[0], AllOf(HasSubstr("control.toml: "), HasSubstr(why),
                                           HasSubstr("still in force: batch_size 48"),
                                           Not(HasSubstr("\x1b"))));
    control.write("batch_size = 49");
    EXPECT_EQ(control.settled(), "batch_size 49");
    control.write(text);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(control.look(), "");
    EXPECT_EQ(control.refusals.size(), 2U);
  }
}

TEST(ControlFile, WhatIsNoFileIsRefusedAndNeverWaitedFor) {
  Controlled control;
  control.write("batch_size = 48");
  EXPECT_EQ(control.look(), "batch_size 48");
  fs::remove(control.path);
  fs::create_directory(control.path);
  EXPECT_EQ(control.settled(), "");
  write_file(control.path / "inside", "");  // no other version
  EXPECT_EQ(control.settled(), "");
  EXPECT_THAT(control.refusals, ElementsAre(HasSubstr("not a regular file")));
  fs::remove_all(control.path);
  ASSERT_EQ(::mkfifo(control.path.c_str(), 0666), 0);
  EXPECT_EQ(control.settled(), "");
  EXPECT_EQ(control.refusals.size(), 2U);
  fs::remove(control.path);
  fs::create_symlink(control.path, control.path);  // to itself
  EXPECT_EQ(control.settled(), "");
  EXPECT_EQ(control.refusals.size(), 3U);
  fs::remove(control.path);
  fs::create_symlink(control.folder / "target", control.path);
  write_file(control.folder / "target", "batch_size = 50");
  EXPECT_EQ(control.settled(), "batch_size 50");
}

TEST(ControlFile, IsLookedAtNoMoreOftenThanSaid) {
  const TemporaryFolder folder;
  const auto path = folder / "control.toml";
  ControlFile file(
      path.string(), own, [](const std::string&) {}, std::chrono::hours(1));
  EXPECT_FALSE(file.after(Statistics{}));
  write_file(path, "batch_size = 64");
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(file.after(Statistics{}));
}

// Steps of 10 us or so, of which every fiftieth is logged.
struct Live : Experiment {
  explicit Live(const std::string& steps, const std::string& more = "")
      : Experiment("log_every = 50\n" + with_steps(steps) + more +
                   "[evaluation]\nevery_examples = 100000\n") {}
  static std::string with_steps(const std::string& steps) {
    std::string text = tiny_text();
    text.replace(text.find("{ epochs = 2 }"), 14, "{ steps = " + steps + " }");
    return text;
  }
  [[nodiscard]] std::string control() const {
    return (folder / "control.toml").string();
  }
  [[nodiscard]] std::vector<std::string> controlled() const {
    return words({"--control", control()});
  }
  [[nodiscard]] fs::path log() const {
    return run_folder("constant-seed0") / "interventions.csv";
  }
  [[nodiscard]] bool logs(std::size_t rows) const {
    return eventually(
        [&] { return fs::exists(log()) && read_csv(log()).rows.size() == rows; });
  }
  // Writes `text` into the control file, and waits for what comes of it.
  void intervene(const std::string& text, std::size_t rows) const {
    write_file(control(), text);
    EXPECT_TRUE(logs(rows)) << text;
  }
  void wait_for_steps(const std::string& run = "constant-seed0") const {
    EXPECT_TRUE(eventually([&] { return fs::exists(run_folder(run) / "steps.csv"); }));
  }
  // The words of a run with the log of a run of this one, to another folder.
  [[nodiscard]] std::vector<std::string> again(const std::string& out) const {
    return {"run",
            specification(),
            "--out",
            (folder / out).string(),
            "--threads=1",
            "--interventions",
            run_folder("constant-seed0").string()};
  }
};

TEST(Control, IsLoggedAndTheRunIsMadeAgainFromItsLogBitByBit) {
  const Live live("300000");
  Program program(live.controlled());
  live.wait_for_steps();
  live.intervene("batch_size = 48\n", 1);
  write_file(live.control(), "batch_size = 0\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  live.intervene("batch_size = 48\n[limits]\nmaximum = 20\ngrowth = 2\n", 2);
  live.intervene("[limits]\nmaximum = 20\n", 3);
  fs::remove(live.control());
  EXPECT_TRUE(live.logs(4));
  const Output output = program.wait();
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("no such file yet"),
                    HasSubstr("constant-seed0: control from step "),
                    HasSubstr("control.toml: batch_size must be in [1, 600]")));
  const fs::path made = live.run_folder("constant-seed0");
  EXPECT_EQ(live.record("constant-seed0").at("interventions"), 4);
  EXPECT_THAT(file_text(made / "decisions.csv"),
              AllOf(HasSubstr(",32,48,control,"), HasSubstr(",32,20,maximum,")));

  ASSERT_EQ(run_program(live.again("again")).code, 0);
  const fs::path again = live.folder / "again" / "tiny" / "constant-seed0";
  expect_same_run(made, again);
  for (const char* name : {"interventions.csv", "config.json", "decisions.csv"}) {
    EXPECT_EQ(file_text(made / name), file_text(again / name)) << name;
  }
  for (const char* key : {"identity", "interventions", "reproducible", "steps"}) {
    EXPECT_EQ(read_json(again / "run.json").at(key),
              live.record("constant-seed0").at(key));
  }
}

TEST(Control, MakesAnotherRunThanThatOfTheSpecification) {
  const Live live("150000");
  Program program(live.controlled());
  live.wait_for_steps();
  live.intervene("batch_size = 48\n", 1);
  ASSERT_EQ(program.wait().code, 0);
  const auto before = snapshot(live.run_folder("constant-seed0"));
  const Output plain = live.run();
  EXPECT_EQ(plain.code, 2);
  EXPECT_THAT(plain.err, AllOf(HasSubstr("interventions: "), HasSubstr("nothing here"),
                               HasSubstr("another --out")));
  EXPECT_THAT(run_program(live.controlled()).err, HasSubstr("0 to do"));
  EXPECT_THAT(
      live.run({"--interventions", live.run_folder("constant-seed0").string()}).err,
      HasSubstr("0 to do"));
  EXPECT_EQ(snapshot(live.run_folder("constant-seed0")), before);
  EXPECT_THAT(
      run_program({"compare", live.out().string()}).out,
      AllOf(HasSubstr("a person intervened"), HasSubstr("constant, seed 0 (1)")));
}

TEST(Control, ThatNobodyUsesChangesNothing) {
  const Experiment plain, controlled;
  ASSERT_EQ(plain.run().code, 0);
  const std::string none = (controlled.folder / "none.toml").string();
  ASSERT_EQ(controlled.run({"--control", none}).code, 0);
  expect_same_run(plain.run_folder("constant-seed0"),
                  controlled.run_folder("constant-seed0"));
  EXPECT_EQ(plain.record("constant-seed0").at("identity"),
            controlled.record("constant-seed0").at("identity"));
  EXPECT_EQ(controlled.record("constant-seed0").at("interventions"), 0);
  EXPECT_FALSE(
      fs::exists(controlled.run_folder("constant-seed0") / "interventions.csv"));
  EXPECT_THAT(controlled.run().err, HasSubstr("0 to do"));
}

TEST(Control, IsOfAllRunsInProgress) {
  const Live live("100000", "[[controllers]]\nname = \"geodamp\"\n");
  auto words = live.controlled();
  words.emplace_back("--jobs=2");
  Program program(words);
  live.wait_for_steps("constant-seed0");
  live.wait_for_steps("geodamp-seed0");
  live.intervene("batch_size = 48\n", 1);
  ASSERT_EQ(program.wait().code, 0);
  for (const char* run : {"constant-seed0", "geodamp-seed0"}) {
    EXPECT_EQ(live.record(run).at("interventions"), 1) << run;
  }
}

TEST(Control, ARunThatWasStoppedIsMadeAnewWithoutWhatWasLogged) {
  const Live live("10000000");
  Program program(live.controlled());
  live.wait_for_steps();
  live.intervene("batch_size = 48\n", 1);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait().code, 143);
  EXPECT_EQ(live.record("constant-seed0").at("interventions"), 1);
  EXPECT_EQ(live.run().code, 2) << "it is no run of the specification";
  fs::remove(live.control());
  Program second(live.controlled());
  EXPECT_TRUE(eventually([&] { return !fs::exists(live.log()); }));
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait().code, 143);
  EXPECT_EQ(live.record("constant-seed0").at("interventions"), 0);
  EXPECT_FALSE(read_json(live.run_folder("constant-seed0") / "config.json")
                   .contains("interventions"));
}

// At the start someone is there to read it.
TEST(Control, AFileThatIsWrongAtTheStartIsRefusedBeforeAnyRun) {
  const Live live("100");
  for (const char* text : {"batch_size = 601\n", "[limits\n", "bach_size = 1\n"}) {
    write_file(live.control(), text);
    for (const char* more : {"--quiet", "--dry-run"}) {
      auto words = live.controlled();
      words.emplace_back(more);
      const Output output = run_program(words);
      EXPECT_EQ(output.code, 2) << text;
      EXPECT_THAT(output.err, HasSubstr("control.toml: "));
    }
  }
  EXPECT_EQ(live.run({"--control", live.folder.path().string()}).code, 2);
  const Output nowhere = live.run({"--control", "/nowhere/control.toml"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("/nowhere/control.toml: it may come later"));
  const Output labelled =
      live.run({"--control", live.control(), "--set", "controllers.0.label=mine"});
  EXPECT_THAT(labelled.err, HasSubstr("mine: "));
  EXPECT_FALSE(fs::exists(live.out()));
}

TEST(Control, OptionsThatMakeNoSenseAreRefused) {
  const Experiment experiment;
  const auto refusal = [&](const std::vector<std::string>& more) {
    const Output output = experiment.run(more);
    EXPECT_THAT(output.code, testing::AnyOf(2, 3)) << output.err;
    return output.err;
  };
  EXPECT_THAT(refusal({"--control=x", "--interventions=y"}),
              HasSubstr("one at a time"));
  EXPECT_THAT(refusal({"--control", ""}), HasSubstr("must not be empty"));
  EXPECT_THAT(refusal({"--interventions", ""}), HasSubstr("must not be empty"));
  EXPECT_THAT(refusal({"--interventions=/nowhere"}), HasSubstr("holds no run"));
  EXPECT_FALSE(fs::exists(experiment.out()));
  ASSERT_EQ(experiment.run().code, 0);
  const std::string made = experiment.run_folder("constant-seed0").string();
  EXPECT_THAT(refusal({"--interventions", made}),
              HasSubstr("interventions.csv does not exist"));
  write_file(made + "/interventions.csv", "step,batch_size\n3,601\n");
  EXPECT_THAT(refusal({"--interventions", made, "--set", "name=again"}),
              AllOf(HasSubstr("step 3"), HasSubstr("[1, 600]")));
  EXPECT_THAT(refusal({"--interventions", made, "--seed=4"}),
              HasSubstr("controller constant, seed 0"));
  write_file(made + "/interventions.csv", "step,batch_size\n3,60\n");
  const Output other = experiment.run(
      {"--interventions", made, "--set", "name=again", "--set", "budget.epochs=1"});
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("note: " + made + " was made from another"));
}

}  // namespace batchlab::test::control_file_test
