// SPDX-License-Identifier: MIT
//
// Plugins on the command line: options, checks, lists.
#include <gmock/gmock.h>

#include <cstdlib>

#include "controllers/contract.hpp"
#include "experiments/plugins/sanitized.hpp"
#include "tests/experiments/plugins/example_files.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::plugin_commands_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string doubling_text = "[[controllers]]\nname = \"doubling\"\n";
const std::string seconds_per_answer = sanitized ? "20" : "2";

std::function<void()> in_folder(const std::string& folders) {
  return [=] { ::setenv("BATCHLAB_PLUGIN_PATH", folders.c_str(), 1); };
}

// The names of the promises that a controller breaks, of `plugin check --json`.
std::map<std::string, std::string> broken(const json& report, const std::string& name) {
  std::map<std::string, std::string> broken;
  for (const json& controller : report.at("controllers")) {
    if (controller.at("name") != name) continue;
    EXPECT_EQ(controller.at("promises").size(), contract().size());
    for (const json& promise : controller.at("promises")) {
      if (promise.at("holds") == false)
        broken[promise.at("name")] = promise.at("failure");
    }
  }
  return broken;
}

TEST(PluginCheck, ACrashAndAHangBreakOnePromiseEach) {
  const ExampleFiles files;
  for (const std::string& file : {files.program(), files.library()}) {
    const Output output = run_program(
        {"plugin", "check", file, "--plugin-time-limit", seconds_per_answer, "--json"},
        leave_endings_alone);
    EXPECT_EQ(output.code, 6) << output.err;
    const json report = json::parse(output.out);
    EXPECT_EQ(report.at("broken"), 2);
    EXPECT_EQ(report.at("untried"), 10) << "all that needy would have to decide";
    EXPECT_THAT(broken(report, "needy"), testing::IsEmpty());
    EXPECT_THAT(broken(report, "doubling"), testing::IsEmpty());
    const auto crash = broken(report, "crashing"), hang = broken(report, "hanging");
    ASSERT_EQ(crash.size(), 1U) << json(crash);
    EXPECT_THAT(crash.at("divergence"), AllOf(HasSubstr(file), HasSubstr("9")));
    ASSERT_EQ(hang.size(), 1U) << json(hang);
    EXPECT_THAT(hang.at("sound_for_ever"), HasSubstr(seconds_per_answer + " s"));
  }
}

TEST(PluginCheck, PrintsEachPromise) {
  const ExampleFiles files;
  const Output output = run_program(
      {"plugin", "check", files.program(), "--plugin-time-limit", seconds_per_answer},
      leave_endings_alone);
  EXPECT_EQ(output.code, 6);
  for (const Promise& promise : contract())
    EXPECT_THAT(output.out, HasSubstr(std::string(promise.claim)));
  EXPECT_THAT(output.out,
              AllOf(HasSubstr(", version 1.2\ndoubling\n  holds   "),
                    HasSubstr("  BROKEN  divergence"),
                    HasSubstr("untried: 10 (other options than the defaults"),
                    HasSubstr("2 promises are broken\n")));
}

TEST(PluginCheck, WhatIsNoPluginIsExitCodeSix) {
  const ExampleFiles files;
  write_file(files.folder / "mine.so", "text");
  ExampleFiles::mode(files.folder / "mine.so", 0644);
  EXPECT_EQ(run_program({"plugin", "check", "mine.so"}).code, 6);
  const Output output =
      run_program({"plugin", "check", (files.folder / "mine.so").string()});
  EXPECT_EQ(output.code, 6);
  EXPECT_THAT(output.err, HasSubstr("mine.so"));
  EXPECT_EQ(run_program({"plugin", "check"}).code, 2);
  EXPECT_EQ(run_program({"plugin", "chekc"}).code, 2);
  EXPECT_EQ(run_program({"plugin"}).code, 2);
}

// Asked for anything but hello, it takes its time: each answer is early enough.
std::string slow_program(const ExampleFiles& files) {
  const std::string file = (files.folder / "slow").string();
  write_file(file,
             "#!/bin/sh\n"
             "while read line; do\n"
             "  case $line in\n"
             "    *hello*) echo '{\"protocol\": 1, \"controllers\": [{\"name\": "
             "\"slow\", \"summary\": \"-\", \"source\": \"-\", \"needs\": []}]}';;\n"
             "    *create*) echo '{}';;\n"
             "    *save*) echo '{\"state\": null}';;\n"
             "    *load*) echo '{}';;\n"
             "    *) sleep 0.2; echo '{\"batch_size\": 8, \"reason\": \"-\"}';;\n"
             "  esac\ndone\n");
  ExampleFiles::mode(file, 0755);
  return file;
}

TEST(PluginCheck, EndsWithWhatWasFoundOnceItsTimeIsOver) {
  const ExampleFiles files;
  const std::string file = slow_program(files);
  const auto start = std::chrono::steady_clock::now();
  const Output output =
      run_program({"plugin", "check", file, "--time-limit", "3", "--json"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_EQ(output.code, 6) << output.err;
  const json report = json::parse(output.out);
  EXPECT_EQ(report.at("out_of_time"), true);
  EXPECT_EQ(report.at("broken"), 0);
  EXPECT_GE(report.at("untried"), 5);
  const Output table = run_program({"plugin", "check", file, "--time-limit", "1"});
  EXPECT_EQ(table.code, 6);
  EXPECT_THAT(table.out, AllOf(HasSubstr("  holds   described"),
                               HasSubstr("          no time was left\n"),
                               HasSubstr("--time-limit gives more)\n")));
  EXPECT_EQ(run_program({"plugin", "check", file, "--time-limit", "0"}).code, 2);
}

TEST(PluginList, SaysWhatIsFoundAndWhatIsWrong) {
  const ExampleFiles files;
  const std::string file = files.program();
  write_file(files.folder / "wrong.so", "text");
  ExampleFiles::mode(files.folder / "wrong.so", 0644);
  const Output output =
      run_program({"plugin", "list"}, in_folder(files.folder.path().string()));
  EXPECT_EQ(output.code, 6) << output.err;
  EXPECT_THAT(output.out,
              AllOf(HasSubstr(file + "  program, version 1.2\n  doubling, crashing"),
                    HasSubstr("wrong.so  shared library\n  not usable: ")));
  const Output one = run_program({"plugin", "list", "--plugin", file, "--json"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(json::parse(one.out).at(0).at("controllers").size(), 4U);
  EXPECT_THAT(run_program({"plugin", "list"}).out, HasSubstr("no plugins"));
}

TEST(PluginOptions, ControllersSaysWhichComeFromAPlugin) {
  const ExampleFiles files;
  const std::string file = files.program();
  const std::string mark = "plugin " + file + ", version 1.2\n";
  EXPECT_THAT(run_program({"controllers"}).out, Not(HasSubstr("doubling")));
  EXPECT_THAT(run_program({"controllers", "--plugin", file}).out, HasSubstr(mark));
  EXPECT_THAT(run_program({"controllers"}, in_folder(files.folder.path().string())).out,
              HasSubstr(mark));
  EXPECT_THAT(run_program({"controllers", "doubling", "--plugin", file}).out,
              HasSubstr("plugin: " + file + ", version 1.2\n"));
  const json entry = json::parse(
      run_program({"controllers", "doubling", "--plugin=" + file, "--json"}).out);
  EXPECT_EQ(entry.at("plugin").at("path"), file);
  const auto markdown = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"controllers", "--markdown"});
    return run_program(more).out;
  };
  EXPECT_EQ(markdown({"--plugin", file}), markdown({}));
}

TEST(PluginOptions, EveryCommandThatNamesControllersTakesThem) {
  const ExampleFiles files;
  const std::string plugin = "--plugin=" + files.program();
  const Experiment experiment(tiny_text(doubling_text));
  EXPECT_EQ(experiment.run().code, 2) << "there is no such controller";
  const Output run = experiment.run({plugin});
  EXPECT_EQ(run.code, 0) << run.err;
  const std::string folder = experiment.run_folder("doubling-seed0").string();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"plan", experiment.specification()},
        {"replay", folder, "--controller", "doubling"},
        {"bench", experiment.specification(), "--batch-sizes=8", "--threads=1",
         "--repeats=1", "--repeat-milliseconds=1"}}) {
    EXPECT_EQ(run_program(words).code, 2) << words.front();
    std::vector<std::string> with = words;
    with.push_back(plugin);
    const Output output = run_program(with);
    EXPECT_EQ(output.code, 0) << words.front() << output.err;
  }
  EXPECT_EQ(run_program({"show", folder, plugin}).code, 2);
  EXPECT_EQ(run_program({"reproduce", "--list", plugin}).code, 0);
}

TEST(PluginOptions, TheHelpNamesThem) {
  for (const char* command :
       {"run", "reproduce", "plan", "replay", "controllers", "bench"}) {
    const std::string help = run_program({command, "--help"}).out;
    for (const char* option : {"--plugin FILE", "--isolate", "--allow-writable-plugins",
                               "--plugin-time-limit SECONDS", "--plugin-memory BYTES"})
      EXPECT_THAT(help, HasSubstr(option)) << command;
  }
  const Output plugin = run_program({"plugin", "--help"});
  EXPECT_EQ(plugin.code, 0);
  EXPECT_THAT(plugin.out, AllOf(HasSubstr("plugin check"), HasSubstr("plugin list"),
                                Not(HasSubstr("serve"))));
  EXPECT_EQ(run_program({"help", "plugin"}).out, plugin.out);
  EXPECT_EQ(run_program({"plugin", "check", "--help"}).code, 0);
}

TEST(PluginOptions, ATimeLimitOutOfRangeIsRefused) {
  for (const char* seconds : {"0", "0.009", "3601", "nan", "1s", ""}) {
    const Output output =
        run_program({"controllers", std::string("--plugin-time-limit=") + seconds});
    EXPECT_EQ(output.code, 2) << seconds;
    EXPECT_THAT(output.err, HasSubstr("plugin-time-limit")) << seconds;
  }
  EXPECT_EQ(run_program({"controllers", "--plugin-time-limit=0.01"}).code, 0);
}

TEST(PluginOptions, AMemoryLimitOutOfRangeIsRefused) {
  for (const char* bytes : {"0", "-1", "1G ", "2X", "2GB", "1.5G", "G", "15M",
                            "16777215", "1025G", "2T", "99999999999999999999T"}) {
    const Output output =
        run_program({"controllers", std::string("--plugin-memory=") + bytes});
    EXPECT_EQ(output.code, 2) << bytes;
    EXPECT_THAT(output.err, HasSubstr("--plugin-memory: must be in [16M, 1T]"))
        << bytes;
  }
  for (const char* bytes : {"16M", "16777216", "16384K", "1T", "1024G"}) {
    EXPECT_EQ(
        run_program({"controllers", std::string("--plugin-memory=") + bytes}).code, 0)
        << bytes;
  }
}

TEST(PluginOptions, AProgramGetsTheMemoryThatIsGiven) {
  if (sanitized) GTEST_SKIP() << "a build with sanitizers sets no limit";
  const ExampleFiles files;
  const std::string file = (files.folder / "large").string();
  write_file(file, "#!/usr/bin/env python3\nblock = bytearray(200 << 20)\n" +
                       block_of_readme("```python"));
  ExampleFiles::mode(file, 0755);
  const auto loaded_with = [&](const std::string& memory) {
    return run_program({"controllers", "--plugin=" + file, "--plugin-memory", memory});
  };
  EXPECT_EQ(loaded_with("300M").code, 0) << loaded_with("300M").err;
  const Output refused = loaded_with("150M");
  EXPECT_EQ(refused.code, 6);
  EXPECT_THAT(refused.err, HasSubstr("MemoryError"));
}

TEST(PluginOptions, AnIsolatedLibraryDoesWhatItDoesInThisProcess) {
  const ExampleFiles files;
  const std::string plugin = "--plugin=" + files.library();
  const Experiment inside(tiny_text(doubling_text)), outside(tiny_text(doubling_text));
  const Output one = inside.run({plugin}), other = outside.run({plugin, "--isolate"});
  ASSERT_EQ(one.code, 0) << one.err;
  ASSERT_EQ(other.code, 0) << other.err;
  expect_same_run(inside.run_folder("doubling-seed0"),
                  outside.run_folder("doubling-seed0"));
  const auto isolated = [](const Experiment& experiment) {
    return experiment.record("doubling-seed0").at("plugins").at(0).at("isolated");
  };
  EXPECT_FALSE(isolated(inside));
  EXPECT_TRUE(isolated(outside));
}

}  // namespace batchlab::test::plugin_commands_test
