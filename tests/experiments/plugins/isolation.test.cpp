// SPDX-License-Identifier: MIT
//
// The program runs each hostile library in a process of its own, beside a rule that is
// built in: whatever the library does, the run of the other is as it would be without.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "experiments/plugins/sanitized.hpp"
#include "results/run_store.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::isolation_test {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string folder_of_libraries = BATCHLAB_TEST_LIBRARIES "/hostile/";

std::string library(const std::string& kind) {
  return folder_of_libraries + kind + ".so";
}

const std::string both_rules =
    "[[controllers]]\nname = \"hostile\"\n"
    "[[controllers]]\nname = \"constant\"\nbatch_size = 32\n";

// Whether a process was left behind: its parent is no program of ours. Another test
// may run at the same time.
bool is_orphan(const fs::path& process) {
  const std::string state = file_text(process / "stat");  // "12 (name) S 7 ...": 7
  const std::size_t name_end = state.rfind(") ");
  if (name_end == state.npos) return false;
  const std::string parent =
      "/proc/" + std::to_string(std::stoi(state.substr(name_end + 4)));
  return file_text(parent + "/cmdline").find("batchlab") == std::string::npos;
}

// Processes left behind that serve `file`. Those that ended, and wait to be reaped,
// have no words.
int servers_of(const std::string& file) {
  int count = 0;
  for (const auto& process : fs::directory_iterator("/proc")) {
    const std::string words = file_text(process.path() / "cmdline");
    const bool serves = words.find(std::string("serve\0", 6) + file) != words.npos;
    count += serves && is_orphan(process.path()) ? 1 : 0;
  }
  return count;
}

// A run of the rule of `file` beside constant, isolated.
struct IsolatedRun {
  explicit IsolatedRun(const std::string& file, const std::string& seconds = "30")
      : experiment(tiny_text(both_rules)),
        output(run_program(experiment.words({"--plugin=" + file, "--isolate",
                                             "--allow-writable-plugins",
                                             "--plugin-time-limit=" + seconds}),
                           leave_endings_alone)) {
    EXPECT_EQ(servers_of(file), 0) << file;
  }

  [[nodiscard]] fs::path folder(const std::string& rule) const {
    return experiment.run_folder(rule + "-seed0");
  }

  // The files of a run are there, and no line is torn.
  void expect_whole(const std::string& rule) const {
    EXPECT_THAT(read_run(folder(rule)).notes, testing::IsEmpty());
    for (const char* name : {"steps.csv", "evaluations.csv", "decisions.csv"}) {
      EXPECT_FALSE(read_csv(folder(rule) / name).torn) << rule << name;
    }
  }

  Experiment experiment;
  Output output;
};

// The same run, the other rule in the place of the hostile one.
const IsolatedRun& sound_run() {
  static const IsolatedRun run(library("none"));
  return run;
}

int occurrences(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

void expect_failed(const std::string& kind, const std::string& what,
                   const std::string& seconds = "30") {
  SCOPED_TRACE(kind);
  const IsolatedRun run(library(kind), seconds);
  EXPECT_EQ(run.output.code, 8) << run.output.err;
  const json record = run.experiment.record("hostile-seed0");
  EXPECT_EQ(record.at("status"), "failed");
  const std::string reason = record.at("reason");
  EXPECT_THAT(reason, HasSubstr(what));
  EXPECT_EQ(occurrences(reason, "hostile (" + library(kind) + ")"), 1) << reason;
  EXPECT_EQ(occurrences(reason, library(kind)), 1) << reason;
  EXPECT_EQ(run.experiment.record("constant-seed0").at("status"), "finished");
  run.expect_whole("hostile");
  run.expect_whole("constant");
  expect_same_run(run.folder("constant"), sound_run().folder("constant"));
  EXPECT_THAT(run.output.out, AllOf(StartsWith("tiny: last test accuracy and loss"),
                                    HasSubstr("\nhostile     0 of 1  ")));
}

TEST(Isolation, ASoundLibraryRunsAsItDoesInThisProcess) {
  const IsolatedRun& isolated = sound_run();
  ASSERT_EQ(isolated.output.code, 0) << isolated.output.err;
  const Experiment inside(tiny_text(both_rules));
  const Output output =
      inside.run({"--plugin=" + library("none"), "--allow-writable-plugins"});
  ASSERT_EQ(output.code, 0) << output.err;
  expect_same_run(inside.run_folder("hostile-seed0"), isolated.folder("hostile"));
}

TEST(Isolation, WhatEndsTheProcessFailsOneRunWithTheSignalOrTheCode) {
  const std::string when = " while deciding at step 1";
  expect_failed("abort", "ended by signal 6 (Aborted)" + when);
  expect_failed("segfault", "ended by signal 11 (Segmentation fault)" + when);
  expect_failed("killed", "ended by signal 9 (Killed)" + when);
  expect_failed("exit", "exited with code 3" + when + "; its last words: its last wor");
  expect_failed("exit_success", "exited with code 0" + when);
}

TEST(Isolation, WhatNeverEndsIsGivenItsTime) {
  const std::string seconds = sanitized ? "5" : "0.5";
  expect_failed("endless",
                "did not answer within " + seconds + " s while deciding at step 1",
                seconds);
}

TEST(Isolation, WhatDoesNotEndInOrderFailsItsRun) {
  expect_failed("destroy_aborts", "ended by signal 6 (Aborted) after its last answer");
  const std::string seconds = sanitized ? "5" : "0.5";
  expect_failed("destroy_endless",
                "did not end within " + seconds + " s after its last answer", seconds);
}

// Nothing is refused: the others run, and its own fail with the reason.
void expect_failed_before_its_run(const std::string& kind, const std::string& what,
                                  const std::string& seconds) {
  SCOPED_TRACE(kind);
  const std::string who = "hostile (" + library(kind) + ")";
  const IsolatedRun run(library(kind), seconds);
  EXPECT_EQ(run.output.code, 8) << run.output.err;
  EXPECT_THAT(run.output.err, HasSubstr("batchlab: hostile-seed0 failed: " + who));
  const json record = run.experiment.record("hostile-seed0");
  EXPECT_EQ(record.at("status"), "failed");
  EXPECT_THAT(record.at("reason"), AllOf(StartsWith(who), HasSubstr(what)));
  expect_same_run(run.folder("constant"), sound_run().folder("constant"));
  // Once more: what was measured is kept, and so is the other run.
  const Output again = run.experiment.run({"--plugin=" + library(kind), "--isolate",
                                           "--allow-writable-plugins",
                                           "--plugin-time-limit=" + seconds});
  EXPECT_EQ(again.code, 8);
  EXPECT_THAT(again.err, AllOf(HasSubstr("note: " + who), HasSubstr("; its runs fail"),
                               HasSubstr("2 runs, 1 to do")));
  EXPECT_EQ(run.experiment.record("hostile-seed0").at("reason"), record.at("reason"));
}

TEST(Isolation, WhatCrashesOrHangsWhereItIsMadeFailsItsRunsAlone) {
  const std::string seconds = sanitized ? "5" : "2";
  expect_failed_before_its_run("create_aborts",
                               "): ended by signal 6 (Aborted) while being made", "10");
  expect_failed_before_its_run(
      "create_endless", "): did not answer within " + seconds + " s while being made",
      seconds);
}

TEST(Isolation, WhatCrashesOrHangsWhereAnOptionIsMeasuredFailsItsRunsAlone) {
  const std::string seconds = sanitized ? "5" : "2", asked = " while asked for pati";
  const std::pair<const char*, std::string> cases[] = {
      {"measure_aborts", "): ended by signal 6 (Aborted)" + asked},
      {"measure_exits", "): exited with code 0" + asked},
      {"measure_endless", "): did not answer within " + seconds + " s" + asked},
      {"measure_nan", "patience from the time of a step must be finite, got nan"},
      {"measure_throws", "threw an exception: no clock here (while asked for pati"}};
  for (const auto& [kind, what] : cases) {
    const bool hangs = std::string(kind) == "measure_endless";
    expect_failed_before_its_run(kind, what, hangs ? seconds : "10");
  }
}

TEST(Isolation, WhatAllocatesWithoutEndMeetsTheMemoryLimit) {
  if (sanitized) GTEST_SKIP() << "sanitizers need more address space than any limit";
  expect_failed("allocates", ", at its memory limit (used ");
}

TEST(Isolation, WhatItThrowsFailsOneRun) {
  expect_failed("throws", "threw an exception (while deciding at step 1)");
  expect_failed("throws_error", "threw an exception: out of luck");
}

TEST(Isolation, AnAbsurdAnswerFailsOneRunWithTheNumber) {
  const std::string batch_size = "batch size must be in [1, 1e15], got ";
  expect_failed("batch_zero", batch_size + "0");
  expect_failed("batch_negative", batch_size + "-1");
  expect_failed("batch_huge", batch_size + "9.22337e+18");
  expect_failed("batch_nan", batch_size + "nan");
  expect_failed("batch_infinite", batch_size + "inf");
  expect_failed("rate_nan", "learning rate must be finite and positive, got nan");
  expect_failed("factor_zero", "learning rate factor must be finite and positive, got");
  expect_failed("subset_negative", "must be in [0, 1e15], got -1");
  expect_failed("subset_beyond", "cannot select 10 examples from position 1000000 on");
  expect_failed("given_unknown", "gives what does not exist (bits 0x10000000000 of");
  expect_failed("saves_much", "must have at most 1000000 bytes, got 1000001");
  expect_failed("saves_deep", "state to save is nested deeper than 100 levels");
  expect_failed("branches", "its entry lacks the flag batchlab_branches");
}

TEST(Isolation, AnErrorOfAnyLengthFailsOneRun) {
  expect_failed("error_unterminated", ": 012 (while deciding at step 1)");
  expect_failed("error_huge", "xxx");
  expect_failed("error_lies", "xxx");
  expect_failed("error_absent", "failed (77) and did not say why");
}

TEST(Isolation, WhatItChangesAroundItChangesNoBitOfItsRun) {
  for (const char* kind :
       {"rounding", "flushes", "flushes_on_load", "locale", "prints"}) {
    SCOPED_TRACE(kind);
    const IsolatedRun run(library(kind));
    EXPECT_EQ(run.output.code, 0) << run.output.err;
    for (const char* rule : {"hostile", "constant"}) {
      run.expect_whole(rule);
      expect_same_run(run.folder(rule), sound_run().folder(rule));
    }
    EXPECT_THAT(run.output.out, AllOf(StartsWith("tiny: last test accuracy and loss"),
                                      Not(HasSubstr("batch_size\""))));
  }
}

// Of a run by the library that detaches a process from itself.
struct RunThatLeaves {
  explicit RunThatLeaves(const std::string& budget)
      : experiment(tiny_text(both_rules)),
        program(
            experiment.words({"--plugin=" + library("leaves"), "--isolate",
                              "--allow-writable-plugins", "--set=budget=" + budget}),
            [this] { ::setenv("BATCHLAB_TEST_CHILD", file().c_str(), 1); }) {}
  [[nodiscard]] std::string file() const { return experiment.folder / "child"; }
  [[nodiscard]] bool child_is_alive() const {
    return ::kill(std::stoi(file_text(file())), 0) == 0;
  }

  Experiment experiment;
  Program program;
};

TEST(Isolation, WhatItDetachedFromItselfGoesWithItsRun) {
  RunThatLeaves run("{epochs=2}");
  const Output output = run.program.wait();
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_FALSE(run.child_is_alive());
}

TEST(Isolation, WhatItDetachedFromItselfGoesWithTheRunThatIsKilled) {
  RunThatLeaves run("{steps=1000000}");
  ASSERT_TRUE(eventually([&] { return !file_text(run.file()).empty(); }));
  EXPECT_TRUE(run.child_is_alive());
  ::kill(run.program.child(), SIGKILL);
  run.program.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return !run.child_is_alive(); }));
}

// With a sentence, and nothing is written.
void expect_refused(const std::string& file, int code, const std::string& what) {
  SCOPED_TRACE(file);
  const IsolatedRun run(file);
  EXPECT_EQ(run.output.code, code) << run.output.err;
  EXPECT_THAT(run.output.err, HasSubstr(what));
  EXPECT_EQ(occurrences(run.output.err, file), 1) << run.output.err;
  EXPECT_EQ(run.output.out, "");
  EXPECT_FALSE(fs::exists(run.folder("constant")));
}

TEST(Isolation, WhatIsNoPluginIsRefusedBeforeAnyRun) {
  const std::pair<const char*, const char*> cases[] = {
      {"magic_wrong", "must begin with \"batchlab\", got \"Xatchlab\""},
      {"version_newer", "needs version 2 of the plugin interface"},
      {"version_older", "is for version 0 of the plugin interface"},
      {"symbol_missing", "it has no function batchlab_plugin"},
      {"size_wrong", "size of its batchlab_entry must be in ["},
      {"describes_nothing", "returned nothing"},
      {"entries_missing", "has no controllers"},
      {"name_missing", "controller 1 has no name"},
      {"name_odd", "got \"../mine\\x1b\""},
      {"names_twice", "has two controllers of the name hostile"},
      {"decide_missing", "has no function decide"},
      {"range_upside_down", "minimum 9 is above maximum 1"},
      {"default_no_json", "default of patience is not JSON: {["},
      {"default_outside", "patience must be in [1, 9] steps, got 10"},
      {"needs_unknown", "needs statistics that do not exist"},
      {"flags_unknown", "has flags that do not exist (bits 0x10000000000)"},
      {"limits_deep", "limits is nested deeper than 100 levels"},
      {"exits_on_load", "exited with code 0 while saying hello"}};
  for (const auto& [kind, what] : cases) expect_refused(library(kind), 6, what);
  expect_refused(library("create_fails"), 2, "the data are too small");
}

TEST(Isolation, WhatIsNoLibraryForThisMachineIsRefusedBeforeAnyRun) {
  const TemporaryFolder folder;
  const std::string file = folder / "mine.so";
  write_file(file, "text");
  expect_refused(file, 6, "is no shared library (an ELF file is expected)");
  std::string bytes = file_text(library("none"));
  bytes.at(18) = '\xb7';  // e_machine: AArch64
  write_file(file, bytes);
  expect_refused(file, 6, "is for another kind of machine");
}

TEST(Isolation, AnOptionThatIsMeasuredIsAskedForBeforeTheRun) {
  const Experiment experiment(
      tiny_text("[[controllers]]\nname = \"plugin_goodput\"\n"));
  const Output output = experiment.run({"--plugin=" BATCHLAB_TEST_LIBRARIES
                                        "/plugins/renamed_builtins.so",
                                        "--isolate", "--allow-writable-plugins"});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("plugin_goodput: cost_ratio = "));
  const json record = experiment.record("plugin_goodput-seed0");
  EXPECT_EQ(record.at("status"), "finished");
}

// Without it: exit() gives no code that could be taken for one of batchlab.
TEST(Isolation, ALibraryThatExitsWithoutItSaysWhoItWas) {
  const Output loading = run_program({"controllers", "--allow-writable-plugins",
                                      "--plugin=" + library("exits_on_load")});
  EXPECT_EQ(loading.code, 6);
  EXPECT_EQ(loading.err,
            "batchlab: " + library("exits_on_load") + ": called exit(0)\n");
  const Experiment experiment(tiny_text("[[controllers]]\nname = \"hostile\"\n"));
  const Output deciding =
      experiment.run({"--allow-writable-plugins", "--plugin=" + library("exit")});
  EXPECT_EQ(deciding.code, 6);
  EXPECT_THAT(deciding.err, HasSubstr("batchlab: hostile (" + library("exit") +
                                      "): called exit(3)\n"));
  EXPECT_EQ(experiment.record("hostile-seed0").at("reason"),
            "process exited with code 6 in mid-run");
}

// Either a table or, where it cannot be loaded, a sentence.
TEST(Isolation, CheckTellsOfEveryHostileLibraryAndOutlivesIt) {
  const std::set<std::string> mild{"none",    "older_structs", "reason_huge",
                                   "flushes", "locale",        "flushes_on_load",
                                   "prints",  "rounding",      "leaves"};
  int libraries = 0;
  for (const auto& file : fs::directory_iterator(folder_of_libraries)) {
    const std::string kind = file.path().stem();
    if (kind == "destroy_endless") continue;  // each of its processes takes its time
    SCOPED_TRACE(kind);
    const Output output =
        run_program({"plugin", "check", file.path(), "--allow-writable-plugins",
                     "--plugin-time-limit", sanitized ? "5" : "0.5"},
                    leave_endings_alone);
    EXPECT_EQ(output.code, mild.contains(kind) ? 0 : 6) << output.out << output.err;
    const bool table = output.out.find("  holds   described") != output.out.npos;
    EXPECT_NE(table, output.err.find(file.path()) != output.err.npos);
    EXPECT_EQ(table && output.out.find("  BROKEN  ") == output.out.npos,
              mild.contains(kind))
        << output.out;
    ++libraries;
  }
  EXPECT_GE(libraries, 62);
}

TEST(Isolation, CheckIsFairToCopiesOfTheBuiltInRulesAndTheProgramOfTheReadme) {
  if (!sanitized) {  // else it was not done in five minutes
    const Output copies = run_program(
        {"plugin", "check", BATCHLAB_TEST_LIBRARIES "/plugins/renamed_builtins.so",
         "--allow-writable-plugins"});
    EXPECT_EQ(copies.code, 0) << copies.out << copies.err;
  }
  const Script script(block_of_readme("```python"));
  const Output program =
      run_program({"plugin", "check", script.path(), "--allow-writable-plugins"});
  EXPECT_EQ(program.code, 0) << program.out << program.err;
  EXPECT_THAT(program.out, HasSubstr("\nall promises hold\n"));
}

}  // namespace batchlab::test::isolation_test
