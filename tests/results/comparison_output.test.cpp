// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "results/bootstrap.hpp"
#include "tests/results/support.hpp"

namespace batchlab::comparison_output_test {

using test::finished_run;
using Runs = std::vector<Run>;  // inside a TEST, Run is a member of its class
using test::run_with_status;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Two seeds of one controller, with a target that the second reaches; one diverged run.
std::vector<Comparison> example(const std::string& label = "phases") {
  Runs runs = {finished_run(label, 0, 0.86), finished_run(label, 1, 0.88),
               run_with_status(label, 2, "diverged", "loss is nan")};
  for (auto& run : runs) {
    run.record["examples_seen"] = 1234567;
    run.configuration["target"] = {{"metric", "test_accuracy"}, {"value", 0.87}};
  }
  return compare(runs);
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

std::size_t characters(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// s of 0.86, 0.88 is 0.014142; t(0.975, 1) = 12.7062, half = 12.7062 * 0.01 = 0.1271.
TEST(ToText, ShowsTheFiguresOfARow) {
  EXPECT_THAT(to_text(example()[0]),
              AllOf(HasSubstr("2 of 3"), HasSubstr("0.8700 ± 0.0141"),
                    HasSubstr("0.7429 to 0.9971"), HasSubstr("0.1300"),
                    HasSubstr("1,234,567"), HasSubstr("617,284"), HasSubstr("2.00")));
}

TEST(ToText, ShowsTheTargetTroublesAndNotes) {
  EXPECT_THAT(
      to_text(example()[0]),
      AllOf(HasSubstr("to the target test_accuracy >= 0.87"), HasSubstr("1 of 2"),
            HasSubstr("- phases, seed 2: diverged: loss is nan"),
            HasSubstr("may not be resolved")));
}

TEST(ToText, MarksAbsentFiguresWithADash) {
  const auto comparisons = compare(Runs{run_with_status("phases", 0, "failed", "")});
  const std::string row = lines(to_text(comparisons[0])).at(3);
  EXPECT_THAT(row, HasSubstr("phases"));
  EXPECT_EQ(std::count(row.begin(), row.end(), '-'), 4);
}

TEST(ToText, HasAColumnForTheCostOfDecisionsWhereThereIsOne) {
  Runs runs{finished_run("phases", 0, 0.5), finished_run("mine", 0, 0.5)};
  EXPECT_THAT(to_text(compare(runs)[0]), Not(HasSubstr("decision")));
  runs[1].record["controller_seconds"] = 0.0025;  // of 100 steps
  const std::string text = to_markdown(compare(runs)[0]);
  EXPECT_THAT(text, HasSubstr("| examples/s | µs/decision |"));
  EXPECT_THAT(text, HasSubstr("| 3,200 | 25 |"));
  EXPECT_THAT(text, HasSubstr("| 3,200 | - |"));
  runs[1].record["controller_seconds"] = 0.25;
  EXPECT_THAT(to_markdown(compare(runs)[0]), HasSubstr("| 3,200 | 2,500 |"));
}

TEST(ToText, AlignsItsColumnsWithinTheTerminal) {
  Runs runs;
  for (const std::string& label :
       {std::string("é"), std::string(90, 'l'), std::string(400, 'm')}) {
    runs.push_back(finished_run(label, 0, 0.5));
    runs.push_back(finished_run(label, 1, 0.6));
    runs.push_back(run_with_status(label, 2, "failed", std::string(300, 'r')));
  }
  const auto all = lines(to_text(compare(runs)[0]));
  std::size_t figures = 0;
  for (const auto& line : all) {
    EXPECT_LE(characters(line), 120u) << line;
    if (line.find("2 of 3") == std::string::npos) continue;
    ++figures;
    EXPECT_EQ(characters(line), characters(all[2]));  // the header
  }
  EXPECT_EQ(figures, 3u);
}

TEST(ToText, LetsNoEscapeSequenceThrough) {
  const auto comparisons = example("a\x1b[31mb\x07\xc2\x9b");
  for (const std::string& text :
       {to_text(comparisons[0]), to_markdown(comparisons[0]), to_csv(comparisons)}) {
    EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")),
                            Not(HasSubstr("\xc2\x9b"))));
  }
  EXPECT_THAT(to_text(comparisons[0]), HasSubstr("a\\x1b[31mb\\x07"));
}

TEST(ToMarkdown, EscapesWhatWouldBreakATable) {
  const std::string text = to_markdown(example("a|b\\c\nd")[0]);
  EXPECT_THAT(text, HasSubstr("| a\\|b\\\\c d | 2 of 3 |"));
}

TEST(ToMarkdown, HasTheSameContentAsTheText) {
  EXPECT_THAT(to_markdown(example()[0]),
              AllOf(HasSubstr("| controller | runs | accuracy |"),
                    HasSubstr("|---|---:|"), HasSubstr("0.8700 ± 0.0141"),
                    HasSubstr("To the target test_accuracy >= 0.87"),
                    HasSubstr("| phases | 1 of 2 |"),
                    HasSubstr("- phases, seed 2: diverged: loss is nan")));
}

TEST(ToCsv, IsReadBackCellByCell) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "a.csv", to_csv(example("=a,b")));
  const Table table = read_csv(folder / "a.csv");
  ASSERT_EQ(table.rows.size(), 1u);
  const auto cell = [&](const char* name) {
    return table.rows[0].at(table.column(name).value());
  };
  EXPECT_EQ(cell("specification"), "s");
  EXPECT_EQ(cell("controller"), "'=a,b");
  EXPECT_EQ(cell("runs"), "3");
  EXPECT_EQ(cell("finished"), "2");
  EXPECT_EQ(cell("reached"), "1");
  EXPECT_EQ(cell("accuracy_mean"), "0.87");
  EXPECT_EQ(cell("accuracy_median"), "0.87");
  EXPECT_EQ(cell("accuracy_interquartile_mean"), "0.87");
  EXPECT_EQ(cell("examples_standard_deviation"), "0");
  EXPECT_EQ(cell("seconds_to_target_mean"), "2");
  EXPECT_EQ(cell("seconds_to_target_median"), "inf");  // one of three reached
  EXPECT_EQ(cell("seconds_to_target_interval_low"), "");
  EXPECT_EQ(cell("troubles"), "seed 2: diverged: loss is nan");
}

// Of five runs, the fewest that the bootstrap takes.
TEST(ToCsv, HasTheIntervalOfTheBootstrap) {
  const std::vector<std::vector<double>> sample = {{0.80, 0.81, 0.83, 0.84, 0.90}};
  const auto interval = bootstrap_interval(sample, PooledStatistic::mean).value();
  Runs runs;
  for (const double accuracy : sample[0]) {
    runs.push_back(finished_run("phases", std::int64_t(runs.size()), accuracy));
  }
  const test::TemporaryFolder folder;
  const auto cell = [&](const char* name) {
    test::write_file(folder / "a.csv", to_csv(compare(runs)));
    const Table table = read_csv(folder / "a.csv");
    return table.rows[0].at(table.column(name).value());
  };
  EXPECT_EQ(cell("accuracy_bootstrap_low"), fmt::format("{}", interval.low));
  EXPECT_EQ(cell("accuracy_bootstrap_high"), fmt::format("{}", interval.high));
  EXPECT_EQ(to_json(compare(runs))[0]["rows"][0]["accuracy"]["bootstrap_low"],
            interval.low);
  runs.pop_back();
  EXPECT_EQ(cell("accuracy_bootstrap_low"), "");
}

TEST(ToCsv, HasThePartsOfTheTimeWhereTheyWereRecorded) {
  Runs runs = {finished_run("phases", 0, 0.5), finished_run("phases", 1, 0.5)};
  EXPECT_TRUE(to_json(compare(runs))[0]["rows"][0]["data_seconds"]["mean"].is_null());
  runs[0].record["data_seconds"] = 0.25;
  runs[1].record["data_seconds"] = 0.75;
  runs[1].record["statistics_seconds"] = 0;
  const auto row = to_json(compare(runs))[0]["rows"][0];
  EXPECT_EQ(row["data_seconds"]["mean"], 0.5);
  EXPECT_EQ(row["statistics_seconds"]["count"], 1);
  EXPECT_THAT(to_csv(compare(runs)), HasSubstr(",data_seconds_mean,"));
}

TEST(ToJson, HasTheTradeOffOfASweep) {
  Runs runs;
  for (const int size : {16, 32, 64}) {
    runs.push_back(finished_run("constant", size, 0.9));
    runs.back().configuration["controller"]["options"] = {{"batch_size", size}};
    runs.back().configuration["target"] = {{"metric", "test_accuracy"}, {"value", 0.8}};
    runs.back().evaluations[0].step = 100 + 6400 / size;  // Smin 100, Emin 6400
  }
  const nlohmann::json law = to_json(compare(runs))[0]["trade_off"];
  EXPECT_NEAR(law["critical_batch_size"]["value"].get<double>(), 64, 1e-3);
  EXPECT_NEAR(law["overhead_20_batch_size"]["value"].get<double>(), 12.8, 1e-3);
  EXPECT_TRUE(to_json(example())[0]["trade_off"].is_null());
}

// Six seeds each of .1 or .11, and .4 or .41: 2/64, and intervals far apart.
TEST(Verdicts, AreInCsvAndJsonWithTheirFigures) {
  Runs runs;
  for (const double accuracy : {0.4, 0.1}) {
    for (int seed = 0; seed < 6; ++seed) {
      runs.push_back(finished_run(accuracy > 0.3 ? "phases" : "constant", seed,
                                  accuracy + 0.01 * (seed % 2)));
    }
  }
  const auto one = to_json(compare(runs))[0];
  EXPECT_EQ(one["differences_of"], "test accuracy");
  const auto& difference = one["differences"].at(0);
  EXPECT_EQ(difference["controller"], "constant");
  EXPECT_EQ(difference["against"], "phases");
  EXPECT_EQ(difference["resolved"], true);
  EXPECT_EQ(difference["obstacle"], "");
  EXPECT_LT(difference["interval"][1], difference["against_interval"][0]);
  EXPECT_EQ(difference["corrected_p"], 2.0 / 64);
  EXPECT_THAT(to_csv(compare(runs)), AllOf(HasSubstr(",test accuracy: best mean\n"),
                                           HasSubstr("test accuracy: resolved: phases "
                                                     "is better than constant by ")));
  for (auto& run : runs) run.evaluations[0].accuracy *= run.seed() < 3 ? 0.1 : 1;
  EXPECT_EQ(to_json(compare(runs))[0]["differences"][0]["obstacle"],
            "intervals overlap");
}

TEST(ToCsv, HasOneHeaderAndARowPerControllerAndSpecification) {
  auto comparisons = example();
  comparisons.push_back(comparisons[0]);
  EXPECT_EQ(lines(to_csv(comparisons)).size(), 3u);
  EXPECT_EQ(lines(to_csv({})).size(), 1u);
}

TEST(ToJson, NestsSummariesAndHasNullForWhatIsAbsent) {
  const auto json = nlohmann::json::parse(to_json(example()).dump());
  const auto& row = json.at(0).at("rows").at(0);
  EXPECT_EQ(json[0]["target"], "test_accuracy >= 0.87");
  EXPECT_EQ(row["controller"], "phases");
  EXPECT_NEAR(row["accuracy"]["mean"].get<double>(), 0.87, 1e-12);
  EXPECT_EQ(row["accuracy"]["count"], 2);
  EXPECT_TRUE(row["seconds_to_target"]["standard_deviation"].is_null());
  EXPECT_EQ(row["seconds_to_target"]["median"], "inf");
  EXPECT_EQ(row["troubles"][0], "seed 2: diverged: loss is nan");
  EXPECT_EQ(to_json({}).dump(), "[]");
}

}  // namespace batchlab::comparison_output_test
