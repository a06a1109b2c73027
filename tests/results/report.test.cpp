// SPDX-License-Identifier: MIT
#include "results/report.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "results/bootstrap.hpp"
#include "results/report/frame.hpp"
#include "results/report/model.hpp"
#include "results/report_text.hpp"
#include "results/svg_chart.hpp"
#include "tests/results/support.hpp"

namespace batchlab::test::report_test {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

// With a log of two steps in `folder`.
Run reported_run(const std::filesystem::path& folder, const std::string& label,
                 std::int64_t seed, double accuracy) {
  write_file(folder / "steps.csv",
             "step,examples_seen,batch_size,learning_rate,training_seconds,new\n"
             "1,32,32,0.001,0.01,5\n2,64,32,0.001,0.02,6\n");
  Run run = finished_run(label, seed, accuracy);
  run.folder = folder;
  return run;
}

TEST(KeptRows, KeepsEveryExtremeWithinTheBound) {
  std::vector<double> wave(10000), spike(10000, 1);
  for (std::size_t i = 0; i < wave.size(); ++i) {
    wave[i] = std::sin(0.01 * static_cast<double>(i));
  }
  spike[6789] = 100;
  spike[1234] = -100;
  const auto kept = kept_rows({wave, spike}, wave.size(), 500);
  EXPECT_LE(kept.size(), 500U);
  EXPECT_GT(kept.size(), 250U);
  EXPECT_THAT(kept, testing::IsSupersetOf({0U, 1234U, 6789U, 9999U}));
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
}

TEST(KeptRows, KeepsAllOfAFew) {
  EXPECT_THAT(kept_rows({{1, 2, 3}}, 3, 500), ElementsAre(0, 1, 2));
  EXPECT_THAT(kept_rows({}, 0, 500), IsEmpty());
}

// A step's value changes at the first row that has it, so that a chart of steps is
// exact.
TEST(KeptRows, FindsWhereAStepIs) {
  std::vector<double> sizes(5000, 32);
  std::fill(sizes.begin() + 3217, sizes.end(), 64.0);
  EXPECT_THAT(kept_rows({sizes}, sizes.size(), 100), testing::Contains(3217));
}

TEST(KeptRows, TakesNoNoticeOfWhatIsNotANumber) {
  std::vector<double> values(1000, std::numeric_limits<double>::quiet_NaN());
  values[500] = 7;
  EXPECT_THAT(kept_rows({values}, values.size(), 50), testing::Contains(500));
}

TEST(RoundTicks, AreRoundAndInRange) {
  EXPECT_THAT(round_ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(round_ticks(-1, 1, 4), ElementsAre(-1, -0.5, 0, 0.5, 1));
  EXPECT_THAT(round_ticks(3, 3, 4), ElementsAre(3));
}

TEST(LogTicks, ArePowersOfTenAndBetweenThem) {
  EXPECT_THAT(log_ticks(1, 1e6, 6), AllOf(SizeIs(7), testing::Contains(1e6)));
  EXPECT_THAT(log_ticks(10, 100, 6), ElementsAre(10, 20, 50, 100));
  EXPECT_THAT(log_ticks(31, 42, 6), Each(AllOf(Ge(31), Le(42))));
}

TEST(Svg, IsTextWithoutMarkupOfItsLabels) {
  const Chart chart{.title = "<script>",
                    .x_label = "\"&",
                    .y_label = "'",
                    .lines = {{.label = "</svg>\x1b", .x = {1, 2}, .y = {1, 2}}}};
  const std::string svg = to_svg(chart, ChartUse::alone);
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
  EXPECT_THAT(svg, HasSubstr("&lt;/svg&gt;\\x1b"));
  EXPECT_EQ(svg.find("</svg>"), svg.size() - 7);
}

TEST(Svg, LeavesGapsWhereNothingCanBeDrawn) {
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  const Chart chart{.title = "",
                    .x_label = "",
                    .y_label = "",
                    .log_y = true,
                    .lines = {{.label = "a",
                               .x = {1, 2, 3, 4, 5, 6},
                               .y = {1, nan, infinite, 0, 10, 100}}}};
  const std::string svg = to_svg(chart, ChartUse::alone);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

// The x of the first text that ends with `words`, which must stand to its left.
double text_end(const std::string& svg, const std::string& words) {
  const std::size_t at = svg.find("text-anchor=\"end\">" + words);
  EXPECT_NE(at, svg.npos) << words;
  return std::stod(svg.substr(svg.rfind("x=\"", at) + 3));
}

// A letter of 12 px is about 6.8 wide; the name of the axis ends at 18.
TEST(Svg, HasRoomForTheLongestLabelOfTheAxis) {
  Chart chart{.title = "", .x_label = "", .y_label = "examples", .lines = {}};
  chart.lines = {{.label = "a", .x = {0, 1}, .y = {0, 2e6}}};
  EXPECT_GE(text_end(to_svg(chart, ChartUse::alone), "2,000,000<") - 9 * 6.8, 18);
  chart.lines = {{.label = "a", .x = {0, 1}, .y = {0, 2e12}}};
  EXPECT_GE(text_end(to_svg(chart, ChartUse::alone), "2,000,000,000,000<") - 17 * 6.8,
            18);
}

TEST(Svg, LeavesOutOfItsLegendWhatCannotBeDrawn) {
  const Chart chart{.title = "",
                    .x_label = "",
                    .y_label = "",
                    .log_y = true,
                    .lines = {{.label = "seen", .x = {1}, .y = {1}},
                              {.label = "empty", .x = {}, .y = {}},
                              {.label = "negative", .x = {1}, .y = {-1}}}};
  EXPECT_TRUE(drawable(chart));
  const std::string svg = to_svg(chart, ChartUse::alone);
  EXPECT_THAT(svg, AllOf(HasSubstr("seen"), Not(HasSubstr("empty")),
                         Not(HasSubstr("negative")), Not(HasSubstr("d=\"\""))));
}

TEST(Svg, NamesPointsAndMakesALongTitleSmaller) {
  const Chart chart{.title = std::string(88, 't'),
                    .x_label = "",
                    .y_label = "",
                    .lines = {{.label = "a",
                               .x = {1, 2, 3},
                               .y = {1, 2, 3},
                               .kind = ChartLine::Kind::points,
                               .names = {"first", "", "last"}}}};
  const std::string svg = to_svg(chart, ChartUse::alone);
  EXPECT_THAT(svg, HasSubstr("text-anchor=\"start\">first<"));
  EXPECT_THAT(svg, HasSubstr("text-anchor=\"end\">last<"));
  const std::size_t size = svg.find("font-size", svg.find("<text"));
  EXPECT_LT(std::stod(svg.substr(size + 11)), 13);
  EXPECT_THAT(drawings_html({{.name = "a",
                              .in_page = true,
                              .section = "A",
                              .words = "",
                              .chart = chart,
                              .below = "<table></table>"}}),
              HasSubstr("</details></div>\n<table></table>"));
}

TEST(Report, OfNoRunsSaysSo) {
  const Report report = make_report({}, {.title = "nothing"});
  EXPECT_THAT(report.page, HasSubstr("There are no runs yet."));
  EXPECT_THAT(report.figures, IsEmpty());
}

TEST(Report, AllowsOnlyWhatItCameWith) {
  const std::string page = make_report({}, {.title = "nothing"}).page;
  EXPECT_THAT(page, HasSubstr("default-src 'none'; script-src 'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("unsafe")));
  EXPECT_THAT(page, Not(HasSubstr("http-equiv=\"refresh\"")));
  EXPECT_THAT(page, Not(HasSubstr("sourceMappingURL")));
}

TEST(Report, HasEveryFigureOfEveryRunAndAFigureForPaper) {
  const TemporaryFolder folder;
  const std::vector<batchlab::Run> runs = {
      reported_run(folder / "0", "constant", 0, 0.875),
      reported_run(folder / "1", "constant", 1, 0.881)};
  const Report report =
      make_report(runs, {.title = "two", .command = "batchlab report x"});
  EXPECT_THAT(report.page, HasSubstr("0.875"));
  EXPECT_THAT(report.page, HasSubstr("0.881"));
  EXPECT_THAT(report.page, HasSubstr("<pre>batchlab report x</pre>"));
  std::vector<std::string> names;
  for (const auto& figure : report.figures) names.push_back(figure.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"s-accuracy", "s-batch_size", "s-loss"}));
}

// Eight seeds: at 100 s + 320 examples (fast) or twice that (slow) each run has its
// target; all signs of the eight differences alike, p = 2 / 2^8 = 0.0078.
std::vector<batchlab::Run> fast_and_slow(const TemporaryFolder& folder) {
  std::vector<batchlab::Run> runs;
  for (const std::int64_t seed : {0, 1, 2, 3, 4, 5, 6, 7}) {
    for (const std::int64_t factor : {2, 1}) {
      const std::string label = factor == 1 ? "fast" : "slow";
      batchlab::Run run = reported_run(folder / (label + std::to_string(seed)), label,
                                       seed, 0.9 + 1e-3 * static_cast<double>(seed));
      run.configuration["target"] = {
          {"metric", "test_accuracy"}, {"value", 0.8}, {"stop", false}};
      Evaluation& only = run.evaluations[0];
      only.step = factor * 10;
      only.examples_seen = factor * (320 + seed);
      only.training_seconds = static_cast<double>(factor * (100 + seed));
      runs.push_back(run);
    }
  }
  return runs;
}

// Means over seeds 0 to 7: 320 + 3.5 examples and 100 + 3.5 s, or twice that.
TEST(Report, SaysWhoIsFirstAndHowSureThatIs) {
  const TemporaryFolder folder;
  const Report report = make_report(fast_and_slow(folder), {.title = "two"});
  const std::string best = "<strong><bdi>fast</bdi></strong>, after ";
  const std::string sure =
      " on average (resolved against all others: more than "
      "chance)";
  EXPECT_THAT(report.page,
              HasSubstr("First in examples: " + best + "323.5 examples" + sure));
  EXPECT_THAT(report.page,
              HasSubstr("First in seconds: " + best + "103.5 s of training" + sure));
  EXPECT_THAT(report.page, HasSubstr("Best last test accuracy: <strong><bdi>fast</bdi> "
                                     "and <bdi>slow</bdi></strong>, 0.9035 on average "
                                     "(a tie)"));
  EXPECT_THAT(report.page, HasSubstr("<td>647<br><strong>resolved</strong>, "
                                     "p\u00a0=\u00a00.0078</td>"));
  EXPECT_THAT(report.page, HasSubstr("resolved: fast is better than slow by 323.5"));
  EXPECT_THAT(report.verdicts, AllOf(HasSubstr("**examples to the target**: best mean "
                                               "323.5, of fast; resolved against all"),
                                     HasSubstr("fast is better than slow by 103.5")));
  // Accuracy is the same in both.
  EXPECT_THAT(report.verdicts, HasSubstr("\n- not resolved: "));
}

// Slow misses the target with seed 7: of 640, 642, ..., 652 and never the median is
// (646 + 648) / 2.
TEST(Report, ShowsTheMedianWhereSomeRunNeverArrived) {
  const TemporaryFolder folder;
  std::vector<batchlab::Run> runs = fast_and_slow(folder);
  runs[14].evaluations[0].accuracy = 0.7;
  const std::string page = make_report(runs, {.title = "two"}).page;
  EXPECT_THAT(page, HasSubstr("<td>median 647<br>not ranked</td>"));
  EXPECT_THAT(page, HasSubstr("<bdi>slow</bdi> (1 of 8)"));
  EXPECT_THAT(page, HasSubstr("First in examples: <strong><bdi>fast</bdi>"));
}

TEST(Report, TellsOfANewerFormatBeforeTheAnswer) {
  const TemporaryFolder folder;
  std::vector<batchlab::Run> runs = fast_and_slow(folder);
  runs[3].record["format"] = 2;
  const std::string page = make_report(runs, {.title = "two"}).page;
  const std::size_t note = page.find("made by a newer batchlab");
  ASSERT_NE(note, page.npos);
  EXPECT_LT(note, page.find("The target is"));
  EXPECT_EQ(page.find("made by a newer batchlab", note + 1), page.npos);
}

// Nobody knows whether a run without the metric arrived.
TEST(Report, SaysWhatIsWrongWithSingleRunsAndNotThatTheyNeverArrived) {
  const TemporaryFolder folder;
  std::vector<batchlab::Run> runs = fast_and_slow(folder);
  runs[0].evaluations[0].split = "validation";
  runs[2].evaluations[0].loss = std::numeric_limits<double>::infinity();
  const std::string page = make_report(runs, {.title = "two"}).page;
  EXPECT_THAT(page, HasSubstr("slow, seed 0: no evaluation on test"));
  EXPECT_THAT(page, HasSubstr("slow, seed 1: last loss is inf, left out"));
  EXPECT_THAT(page, HasSubstr("nobody knows whether the target was reached, for its "
                              "metric was not measured: slow: 1 of 8"));
  EXPECT_THAT(page, Not(HasSubstr("runs that never did")));
}

TEST(Report, HasEachFigureUnderItsName) {
  const TemporaryFolder folder;
  std::vector<batchlab::Run> runs = fast_and_slow(folder);
  runs.erase(runs.begin() + 2, runs.end());      // seed 0 of both: slow, fast
  runs[0].record["controller_seconds"] = 0.005;  // of 100 steps: 50 microseconds
  const std::string page = make_report(runs, {.title = "two"}).page;
  const auto row_of = [&](const std::string& group) {
    const std::size_t at = page.find("scope=\"rowgroup\" colspan=\"9\">" + group);
    EXPECT_NE(at, page.npos) << group;
    const std::size_t row = page.find("<bdi>slow</bdi>", at);
    return page.substr(row, page.find("</tr>", row) - row);
  };
  // Of one run: the mean is its figure.
  for (const auto& [group, figure] :
       std::map<std::string, std::string>{{"test accuracy, last", "0.9"},
                                          {"test loss, last", "0.1"},
                                          {"examples to", "640"},
                                          {"updates to", "20"},
                                          {"seconds to", "200"},
                                          {"training seconds in all", "2"},
                                          {"cost per decision", "50"}}) {
    EXPECT_THAT(row_of(group), AllOf(HasSubstr("<td>0:\u00a0" + figure + "</td>"),
                                     HasSubstr("<td>1</td><td>" + figure + "</td>")))
        << group;
  }
}

TEST(Report, HasTheBootstrapBesideStudentsInterval) {
  const TemporaryFolder folder;
  std::vector<batchlab::Run> runs = fast_and_slow(folder);
  const std::string page = make_report(runs, {.title = "eight"}).page;
  std::vector<std::vector<double>> sample(1);  // of fast: 320 to 327 examples
  for (int seed = 0; seed < 8; ++seed) sample[0].push_back(320 + seed);
  const auto interval = bootstrap_interval(sample, PooledStatistic::mean).value();
  const Summary student = summarise(sample[0]);
  EXPECT_THAT(
      page, HasSubstr(fmt::format(
                "<td>{} to {}</td><td>{} to {}</td></tr>",
                figure_text(*student.interval_low), figure_text(*student.interval_high),
                figure_text(interval.low), figure_text(interval.high))));
  runs.resize(8);  // four seeds: too few
  EXPECT_THAT(make_report(runs, {.title = "four"}).page,
              testing::ContainsRegex("[0-9]+ to [0-9.]+</td><td>–</td></tr>"));
}

// A mark of the last row is a square, drawn as a path.
TEST(Report, DrawsMediansOverTheMarksOfRuns) {
  const TemporaryFolder folder;
  for (const auto& figure :
       make_report(fast_and_slow(folder), {.title = "two"}).figures) {
    if (figure.name != "s-examples-to-target") continue;
    const std::size_t bar = figure.svg.rfind("stroke-width=\"2\"");
    ASSERT_NE(bar, std::string::npos);
    EXPECT_GT(bar, figure.svg.rfind("<path d=\"M"));
    return;
  }
  FAIL() << "no figure of the examples to the target";
}

TEST(Report, HasNoFigureWithoutAPoint) {
  const TemporaryFolder folder;
  batchlab::Run run = reported_run(folder / "0", "constant", 0, std::nan(""));
  run.evaluations[0].loss = 1;
  std::vector<std::string> names;
  for (const auto& figure : make_report({&run, 1}, {.title = "loss"}).figures) {
    names.push_back(figure.name);
  }
  EXPECT_THAT(names,
              AllOf(testing::Contains("s-loss"), Not(testing::Contains("s-accuracy"))));
}

TEST(Report, ShowsColumnsThatItDoesNotKnow) {
  const TemporaryFolder folder;
  const std::vector<batchlab::Run> runs = {
      reported_run(folder / "0", "constant", 0, 0.875)};
  EXPECT_THAT(make_report(runs, {.title = "one"}).page, HasSubstr("[\"new\",[5,6]]"));
}

TEST(Report, NamesItsFiguresSoThatNoneLeavesItsFolder) {
  const TemporaryFolder folder;
  std::vector<batchlab::Run> runs = {reported_run(folder / "0", "constant", 0, 0.875)};
  runs[0].record["specification"] = "../../etc/\n";
  const Report report = make_report(runs, {.title = "one"});
  ASSERT_THAT(report.figures, Not(IsEmpty()));
  for (const auto& figure : report.figures) {
    EXPECT_THAT(figure.name, testing::MatchesRegex("[A-Za-z0-9_-]+"));
  }
}

}  // namespace batchlab::test::report_test
