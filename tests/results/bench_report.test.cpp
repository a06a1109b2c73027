// SPDX-License-Identifier: MIT
#include "results/bench_report.hpp"

#include <gmock/gmock.h>

namespace batchlab::test::bench_report_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Steps of 100 us + 2 us x B with one thread, of twice that with two.
BenchedNetwork network(const std::string& name) {
  BenchedNetwork made{name, "dense 10; sgd; made", {}};
  for (const std::size_t threads : {1U, 2U}) {
    for (const std::int64_t size : {50, 450}) {
      const double seconds =
          static_cast<double>(threads) * (100e-6 + 2e-6 * static_cast<double>(size));
      made.rows.push_back({size, threads, seconds, 0.9 * seconds, 1.5 * seconds,
                           static_cast<double>(size) / seconds, 76'500'000});
    }
  }
  made.fits = fit_step_time(made.rows);
  return made;
}

BenchResult result(const std::string& name = "mine") {
  return {.networks = {network(name)},
          .environment = {{"blas_kernel", "SkylakeX"}, {"cores", 2}},
          .warm_up_steps = 5,
          .repeats = 7,
          .repeat_seconds = 0.5};
}

const ReportOptions options{.title = "Time of a training step: mine",
                            .command = "batchlab bench mine --report x.html",
                            .made_at = "2026-01-31T12:00:00Z",
                            .made_by = "batchlab 0.1.0"};

// 50 examples: 100 + 2 x 50 = 200 us, 250,000 examples/s; fastest 0.9, slowest 1.5
// times that. 450 examples: 1,000 us, 450,000 examples/s.
TEST(BenchReport, HasEveryFigureInItsColumn) {
  const std::string page = make_bench_report(result(), options).page;
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">1</th><td>50</td><td>200</td>"
                              "<td>180</td><td>300</td><td>250,000</td><td>76.5</td>"));
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">2</th><td>450</td><td>2,000</td>"
                              "<td>1,800</td><td>3,000</td><td>225,000</td>"));
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">1</th><td>100</td><td>2</td>"));
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">2</th><td>200</td><td>4</td>"));
  EXPECT_THAT(page, HasSubstr("450,000 examples per second at most, at batch size 450 "
                              "with 1 thread"));
  EXPECT_THAT(page, HasSubstr("2 threads: 200.0 us + 4.000 us x batch size"));
}

TEST(BenchReport, SaysHowAndOnWhatItWasMeasured) {
  BenchResult measured = result();
  measured.notes = {"OPENBLAS_CORETYPE=Haswell pins the BLAS kernel"};
  const std::string page = make_bench_report(measured, options).page;
  EXPECT_THAT(page, AllOf(HasSubstr("Before you believe it"), HasSubstr("Haswell")));
  EXPECT_THAT(page, HasSubstr("7 repeats of about 0.5 s"));
  EXPECT_THAT(page, HasSubstr("<bdi>SkylakeX</bdi>"));
  EXPECT_THAT(page, HasSubstr("<pre>batchlab bench mine --report x.html</pre>"));
}

TEST(BenchReport, RunsNoScriptAndLoadsNothing) {
  const std::string page = make_bench_report(result(), options).page;
  EXPECT_THAT(page, HasSubstr("default-src 'none'; script-src 'none'; style-src "
                              "'sha256-"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(BenchReport, KeepsTextText) {
  const std::string name = "</title><script>alert(1)</script>";
  BenchResult measured = result(name);
  measured.networks[0].description = measured.networks[0].others.emplace_back(name);
  measured.environment[name] = name;
  ReportOptions hostile = options;
  hostile.title = hostile.command = name;
  hostile.notes = {name};
  const Report report = make_bench_report(measured, hostile);
  EXPECT_THAT(report.page, Not(HasSubstr("<script")));
  for (const ReportFigure& figure : report.figures) {
    EXPECT_THAT(figure.svg, Not(HasSubstr("<script")));
    EXPECT_THAT(figure.name, testing::MatchesRegex("[A-Za-z0-9_-]+"));
  }
}

TEST(BenchReport, DrawsTimeAndThroughputOfEveryNetwork) {
  BenchResult measured = result();
  measured.networks.push_back(network("other"));
  const Report report = make_bench_report(measured, options);
  std::vector<std::string> names;
  for (const ReportFigure& figure : report.figures) names.push_back(figure.name);
  EXPECT_THAT(names, ElementsAre("mine-step-time", "other-step-time", "mine-throughput",
                                 "other-throughput"));
  EXPECT_THAT(report.figures[0].svg, HasSubstr("2 threads: a + b B"));
}

TEST(BenchReport, IsMarkdownToo) {
  const std::string text = to_markdown(result(), options);
  EXPECT_THAT(text, HasSubstr("\n| 1 | 50 | 200 | 180 | 300 | 250,000 | 76.5 |\n"));
  EXPECT_THAT(text, HasSubstr("\n| 2 | 200 | 4 |"));
  EXPECT_THAT(text, HasSubstr("| blas\\_kernel | SkylakeX |"));
}

TEST(BenchReport, IsJsonWithTheSpecificationOfEachRow) {
  BenchResult measured = result();
  measured.networks.push_back(network("other"));
  const nlohmann::json all = to_json(measured);
  ASSERT_EQ(all.at("rows").size(), 8U);
  EXPECT_EQ(all.at("rows")[3].at("specification"), "mine");
  EXPECT_EQ(all.at("rows")[4].at("specification"), "other");
  EXPECT_EQ(all.at("fits").size(), 4U);
  EXPECT_EQ(all.at("repeats"), 7);
}

}  // namespace batchlab::test::bench_report_test
