// SPDX-License-Identifier: MIT
//
// batchlab report, on runs that the program made.
#include <gmock/gmock.h>

#include "tests/experiments/program.hpp"

namespace batchlab::test::report_command_test {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> report_words(const Experiment& experiment,
                                      std::vector<std::string> more = {}) {
  std::vector<std::string> words{"report", experiment.out().string(), "--out",
                                 (experiment.folder / "a/page.html").string()};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(ReportCommand, WritesAPageFiguresAndTables) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run().code, 0);
  const auto file = [&](const char* name) {
    return (experiment.folder / name).string();
  };
  const Output output = run_program(
      report_words(experiment, {"--svg", file("svg"), "--markdown", file("t.md"),
                                "--csv", file("t.csv"), "--json", file("t.json")}));
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.out, EndsWith("a/page.html\n"));
  const std::string page = file_text(file("a/page.html"));
  EXPECT_THAT(page, AllOf(HasSubstr("<!doctype html>"), HasSubstr("tiny")));
  EXPECT_THAT(page, HasSubstr("batchlab report " + experiment.out().string()));
  EXPECT_THAT(file_text(file("svg/tiny-batch_size.svg")), HasSubstr("<svg"));
  EXPECT_THAT(
      file_text(file("t.md")),
      testing::StartsWith(
          run_program({"compare", experiment.out().string(), "--markdown"}).out +
          "\n## Verdicts: tiny\n"));
  EXPECT_EQ(file_text(file("t.csv")),
            run_program({"compare", experiment.out().string(), "--csv"}).out);
  EXPECT_EQ(file_text(file("t.json")),
            run_program({"compare", experiment.out().string(), "--json"}).out);
  EXPECT_THAT(file_text(file("t-step-times.csv")),
              HasSubstr("specification,of,controller,seed,batch_size,"));
}

// Nothing but what was asked for, and no temporary file, is left beside the page.
TEST(ReportCommand, LeavesOneFileAndTheRunsAsTheyWere) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run().code, 0);
  const auto before = snapshot(experiment.out());
  ASSERT_EQ(run_program(report_words(experiment)).code, 0);
  EXPECT_EQ(snapshot(experiment.out()), before);
  EXPECT_EQ(snapshot(experiment.folder / "a").size(), 1U);
}

TEST(ReportCommand, CountsARunOnceThatTwoFoldersHold) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run().code, 0);
  const Output once = run_program(report_words(experiment));
  const Output twice = run_program(
      report_words(experiment, {experiment.out().string() + "/../runs/tiny"}));
  EXPECT_EQ(once.err, twice.err);
}

TEST(ReportCommand, SaysWhatIsWrongAndWhatWouldBeRight) {
  const Experiment experiment;
  const Output missing = run_program({"report", (experiment.folder / "none").string()});
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("none is no folder"));
  std::filesystem::create_directories(experiment.out());
  const Output empty = run_program(report_words(experiment));
  EXPECT_EQ(empty.code, 3);
  EXPECT_THAT(empty.err, HasSubstr("no runs there"));
  ASSERT_EQ(experiment.run().code, 0);
  const Output folder =
      run_program(report_words(experiment, {"--markdown", experiment.out().string()}));
  EXPECT_EQ(folder.code, 2);
  EXPECT_THAT(folder.err, HasSubstr("is a folder, a file is needed"));
  const Output every = run_program(report_words(experiment, {"--watch", "--every=0"}));
  EXPECT_EQ(every.code, 2);
  EXPECT_THAT(every.err, HasSubstr("--every"));
}

TEST(ReportCommand, PutsNoControlCharacterOnTheTerminal) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run().code, 0);
  std::vector<std::string> words = report_words(experiment);
  words.back() = (experiment.folder / "\x1b[31m.html").string();
  const Output output = run_program(words);
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.out + output.err, Not(HasSubstr("\x1b")));
}

}  // namespace batchlab::test::report_command_test
