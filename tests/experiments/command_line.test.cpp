// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sstream>

#include "tests/experiments/program.hpp"

namespace batchlab::test::command_line_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::vector<std::string> commands{"run",  "reproduce",   "compare", "list",
                                        "show", "controllers", "data",    "replay"};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

TEST(CommandLine, VersionAndOverviewGoToStandardOutput) {
  const Output version = run_program({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out,
              testing::MatchesRegex("batchlab [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"-h"}, {"help"}}) {
    const Output help = run_program(words);
    EXPECT_EQ(help.code, 0);
    for (const std::string& command : commands)
      EXPECT_THAT(help.out, HasSubstr(command));
    EXPECT_THAT(help.err, IsEmpty());
  }
}

TEST(CommandLine, NoCommandShowsTheOverviewAndFails) {
  const Output output = run_program({});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.out, HasSubstr("usage: batchlab"));
}

TEST(CommandLine, TheHelpOfEveryCommandNamesItsOptions) {
  const std::vector<std::string> of_run{"--set", "--seed",    "--threads", "--jobs",
                                        "--out", "--dry-run", "--json",    "--quiet"};
  std::map<std::string, std::vector<std::string>> options{
      {"run", of_run},
      {"reproduce", of_run},
      {"compare", {"--json", "--csv", "--markdown"}},
      {"show", {"--json", "--decisions"}},
      {"controllers", {"--json"}},
      {"data", {"--folder"}},
      {"replay", {"--controller", "--set", "--out", "--json"}}};
  options["reproduce"].insert(options["reproduce"].end(), {"--list", "--print"});
  for (const std::string& command : commands) {
    const Output help = run_program({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, StartsWith("usage: batchlab " + command));
    EXPECT_THAT(help.out, HasSubstr("--help"));
    for (const auto& option : options[command])
      EXPECT_THAT(help.out, HasSubstr(option));
    EXPECT_EQ(run_program({"help", command}).out, help.out);
  }
}

TEST(CommandLine, RunWritesAllFilesOfARun) {
  const Experiment experiment;
  const Output output = experiment.run();
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.out, AllOf(HasSubstr("constant"), HasSubstr("results: ")));
  const auto folder = experiment.run_folder("constant-seed0");
  for (const char* name : {"config.json", "run.json", "steps.csv", "evaluations.csv",
                           "decisions.csv", "checkpoint.safetensors"}) {
    EXPECT_TRUE(std::filesystem::is_regular_file(folder / name)) << name;
  }
  const auto run = read_run(folder);
  EXPECT_THAT(run.notes, IsEmpty());
  EXPECT_EQ(run.status(), "finished");
  EXPECT_EQ(run.configuration, tiny_run().document);
  EXPECT_EQ(run.record.at("steps"), 38);
  EXPECT_EQ(run.record.at("examples_seen"), 1200);
  EXPECT_EQ(run.record.at("identity"), tiny_run().identity());
  EXPECT_EQ(run.record.at("data_checksum"), tiny_source().checksum);
  EXPECT_EQ(run.record.at("threads"), 1);
  EXPECT_EQ(read_csv(folder / "steps.csv").rows.size(), 38U);
}

TEST(CommandLine, ASecondCallTrainsNothingAndPrintsTheSame) {
  const Experiment experiment;
  const Output first = experiment.run();
  const auto before = snapshot(experiment.out());
  const Output second = experiment.run();
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(second.out, first.out);
  EXPECT_THAT(second.err, HasSubstr("1 runs, 0 to do"));
  EXPECT_EQ(snapshot(experiment.out()), before);
}

TEST(CommandLine, AnotherConfigurationInTheSameFolderIsRefused) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run().code, 0);
  const auto before = snapshot(experiment.out());
  const Output output = experiment.run({"--set", "optimizer.momentum=0.5"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("optimizer.momentum: 0.0 there, 0.5 here"),
                                HasSubstr("constant-seed0")));
  EXPECT_EQ(snapshot(experiment.out()), before);
}

TEST(CommandLine, ADryRunTrainsNothing) {
  const Experiment experiment;
  const Output output = experiment.run({"--dry-run", "--seed", "3,4"});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out, fmt::format("to do    {}\nto do    {}\n",
                                    experiment.run_folder("constant-seed3").string(),
                                    experiment.run_folder("constant-seed4").string()));
  EXPECT_FALSE(std::filesystem::exists(experiment.out()));
  const Output as_json = experiment.run({"--dry-run", "--json"});
  EXPECT_EQ(json::parse(as_json.out).at(0).at("configuration"), tiny_run().document);
  ASSERT_EQ(experiment.run().code, 0);
  EXPECT_THAT(experiment.run({"--dry-run"}).out, StartsWith("kept "));
}

TEST(CommandLine, ADryRunRefusesWhatTheDataRefuse) {
  const Experiment experiment;
  const Output output =
      experiment.run({"--dry-run", "--set", "controllers.0.batch_size=601"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, HasSubstr("[1, 600]"));
}

TEST(CommandLine, SettingsSeedsAndFoldersAreFollowed) {
  const Experiment experiment;
  const auto out = experiment.folder / "elsewhere";
  const Output output =
      experiment.run({"--seed=7,9", "--set", "budget.epochs=1", "--set", "name=other",
                      "--out", out.string(), "--threads=3"});
  EXPECT_EQ(output.code, 2) << "--out twice: " << output.err;
  const Output once = run_program({"run", experiment.specification(), "--seed=7,9",
                                   "--set", "budget.epochs=1", "--set", "name=other",
                                   "--out", out.string(), "--threads", "3"});
  EXPECT_EQ(once.code, 0) << once.err;
  for (const char* name : {"constant-seed7", "constant-seed9"}) {
    const json record = read_json(out / "other" / name / "run.json");
    EXPECT_EQ(record.at("epochs_completed"), 1);
    EXPECT_EQ(record.at("threads"), 3);
  }
}

TEST(CommandLine, QuietMeansNothingButTheResult) {
  const Experiment loud, quiet;
  EXPECT_THAT(loud.run().err, AllOf(HasSubstr("run 1 of 1"), HasSubstr("epochs 2/2")));
  const Output output = quiet.run({"--quiet"});
  EXPECT_THAT(output.err, IsEmpty());
  EXPECT_THAT(output.out, HasSubstr("constant"));
}

// One sweep for all the commands that only read.
class Reading : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    experiment = new Experiment(
        tiny_text("[[controllers]]\nname = \"constant\"\n"
                  "[[controllers]]\nname = \"cyclic\"\nper = \"step\"\n"));
    ASSERT_EQ(experiment->run({"--quiet", "--seed=0,1"}).code, 0);
  }
  static void TearDownTestSuite() { delete experiment; }
  static Output on_runs(const std::string& command, const std::string& option = "") {
    std::vector<std::string> words{command, experiment->out().string()};
    if (!option.empty()) words.push_back(option);
    return run_program(words);
  }
  static inline Experiment* experiment = nullptr;
};

TEST_F(Reading, CompareGivesTextJsonCsvAndMarkdown) {
  const Output text = on_runs("compare");
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, AllOf(HasSubstr("constant"), HasSubstr("cyclic")));

  const json document = json::parse(on_runs("compare", "--json").out);
  ASSERT_TRUE(document.is_array());
  EXPECT_THAT(document.dump(), AllOf(HasSubstr("constant"), HasSubstr("cyclic")));

  const Output csv = on_runs("compare", "--csv");
  write_file(experiment->folder / "table.csv", csv.out);
  const Table table = read_csv(experiment->folder / "table.csv");
  EXPECT_EQ(table.rows.size(), 2U);

  const auto markdown = lines(on_runs("compare", "--markdown").out);
  EXPECT_EQ(std::count_if(
                markdown.begin(), markdown.end(),
                [](const std::string& line) { return line.starts_with("| c"); }) >= 2,
            true);
}

TEST_F(Reading, CompareTakesOneFormatAtATime) {
  const Output output =
      run_program({"compare", experiment->out().string(), "--json", "--csv"});
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.out, IsEmpty());
}

TEST_F(Reading, ListShowsEveryRun) {
  const auto rows = lines(on_runs("list").out);
  ASSERT_EQ(rows.size(), 5U);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_THAT(rows[i], AllOf(StartsWith("finished"), HasSubstr("-seed")));
  }
}

TEST_F(Reading, ShowPrintsARun) {
  const std::string run = experiment->run_folder("cyclic-seed1").string();
  const Output all = run_program({"show", run});
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.out, AllOf(HasSubstr("\"status\": \"finished\""), HasSubstr("test"),
                             HasSubstr("size 2 of 3")));
  const Output two = run_program({"show", run, "--decisions", "2"});
  EXPECT_THAT(two.out, AllOf(HasSubstr("size 2 of 3"), Not(HasSubstr("size 3 of 3")),
                             HasSubstr("more in decisions.csv")));
  const json document = json::parse(run_program({"show", run, "--json"}).out);
  EXPECT_EQ(document.at("record").at("controller"), "cyclic");
  EXPECT_EQ(document.at("configuration").at("seed"), 1);
}

TEST_F(Reading, ARunWithoutDecisionsCanBeShown) {
  const auto copy = experiment->folder / "copy";
  std::filesystem::copy(experiment->run_folder("constant-seed0"), copy);
  std::filesystem::remove(copy / "decisions.csv");
  EXPECT_EQ(run_program({"show", copy.string()}).code, 0);
}

TEST(CommandLine, ControllersListsAllAndTheOptionsOfOne) {
  const Output all = run_program({"controllers"});
  const json document = json::parse(run_program({"controllers", "--json"}).out);
  EXPECT_EQ(document.size(), controllers().size());
  for (const Entry* entry : controllers()) {
    EXPECT_THAT(all.out, HasSubstr(entry->name));
    const Output one = run_program({"controllers", entry->name});
    EXPECT_EQ(one.code, 0);
    for (const Option& option : entry->options)
      EXPECT_THAT(one.out, HasSubstr(option.name));
    EXPECT_THAT(one.out, AllOf(HasSubstr(entry->source), HasSubstr("hysteresis")));
    EXPECT_EQ(
        json::parse(run_program({"controllers", entry->name, "--json"}).out)["name"],
        entry->name);
  }
}

TEST(CommandLine, DataListsTheSetsAndReadsOne) {
  EXPECT_THAT(run_program({"data"}).out,
              AllOf(HasSubstr("fashion-mnist"), HasSubstr("idx")));
  const Output output =
      run_program({"data", "idx", "--folder", tiny_folder().string()});
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.out, AllOf(HasSubstr("shape 4 x 4, 4 classes"), HasSubstr("600"),
                                HasSubstr("200"), HasSubstr(tiny_source().checksum)));
}

TEST(CommandLine, ReproduceListsAndPrintsTheRecipes) {
  const auto rows = lines(run_program({"reproduce", "--list"}).out);
  EXPECT_GE(rows.size(), 4U);
  const Output printed = run_program({"reproduce", "four-families", "--print"});
  EXPECT_EQ(printed.code, 0);
  EXPECT_NO_THROW((void)expand(parse_toml(printed.out, "printed")));
}

}  // namespace batchlab::test::command_line_test
