// SPDX-License-Identifier: MIT
//
// batchlab tune: how a rate is chosen, when rates are extended, what is on disk after.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "experiments/tuning.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test::tune_test {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Where 0.1 and 0.3 are by one ratio, 0.3 and 0.6 by another.
TEST(RateGrid, GoesOnByTheRatioOfEachSide) {
  const RateGrid grid = rate_grid({0.1, 0.3, 0.6}, 2);
  EXPECT_THAT(grid.rates, ElementsAre(0.01111, 0.03333, 0.1, 0.3, 0.6, 1.2, 2.4));
  EXPECT_EQ(grid.begin, 2U);
  EXPECT_EQ(grid.end, 5U);
  EXPECT_THAT(rate_grid({1e-12, 1e6}, 2).rates, ElementsAre(1e-12, 1e6));
}

// 0.02 times 0.1, 0.31623, 1, 3.1623, 10.
TEST(RateGrid, IsHalfPowersOfTenAroundARate) {
  EXPECT_THAT(rates_around(0.02), ElementsAre(0.002, 0.006325, 0.02, 0.06325, 0.2));
}

Trial reached(double examples, double loss) {
  return {.examples = examples, .loss = loss, .loss_split = "test"};
}
Trial never(double loss) { return {.loss = loss, .loss_split = "test"}; }

TEST(Choose, TakesTheFewestExamplesWhateverTheLoss) {
  const Choice choice =
      choose(4, std::vector<Trial>{reached(300, 0.1), reached(200, 0.9), never(0.01)});
  EXPECT_EQ(choice.best, 5U);
  EXPECT_FALSE(choice.by_loss);
  EXPECT_FALSE(choice.lowest());
  EXPECT_FALSE(choice.highest());
}

TEST(Choose, TakesTheLowestLossOfThoseThatTieOrNeverReach) {
  const Choice tie =
      choose(0, std::vector<Trial>{reached(200, 0.5), reached(200, 0.4), never(0.1)});
  EXPECT_EQ(tie.best, 1U);
  EXPECT_TRUE(tie.by_loss);
  const Choice lost =
      choose(0, std::vector<Trial>{{.diverged = true}, never(0.5), never(0.4)});
  EXPECT_EQ(lost.best, 2U);
  EXPECT_TRUE(lost.by_loss);
  EXPECT_EQ(lost.loss_split, "test");
  EXPECT_TRUE(lost.highest());
}

TEST(Choose, GoesDownWhereAllDiverge) {
  const Choice choice =
      choose(2, std::vector<Trial>{{.diverged = true}, {.diverged = true}});
  EXPECT_TRUE(choice.none);
  EXPECT_TRUE(choice.lowest());
}

TEST(ReadTrial, PrefersTheValidationLoss) {
  batchlab::Run run = finished_run("constant", 0, 0.8);  // a test loss of 0.2
  EXPECT_DOUBLE_EQ(read_trial(run).loss.value(), 0.2);
  EXPECT_FALSE(read_trial(run).examples);
  for (const double loss : {0.9, 0.7}) {
    run.evaluations.push_back(run.evaluations.front());
    run.evaluations.back().split = "validation";
    run.evaluations.back().loss = loss;
  }
  run.evaluations.push_back(run.evaluations.front());
  run.configuration["target"] = {{"metric", "test_accuracy"}, {"value", 0.8}};
  const Trial trial = read_trial(run);
  EXPECT_DOUBLE_EQ(trial.loss.value(), 0.7);
  EXPECT_EQ(trial.loss_split, "validation");
  EXPECT_EQ(trial.examples, 6400);
}

TEST(ToToml, IsReadBackAsItWas) {
  json document = tiny_document();
  document["data"]["folder"] = "a \"b\" \\ \n\t\u00e9";
  document["model"]["layers"] = json::array(
      {{{"type", "quadratic"}, {"eigenvalues", std::vector<double>(300, 0.25)}}});
  document["optimizer"]["learning_rate"] = 1e-05;
  document["nothing"] = json::array();
  EXPECT_EQ(parse_toml(to_toml(document), "again"), document);
  document["data"]["folder"] = "\U0001f600";  // JSON and TOML escape it differently
  EXPECT_EQ(error_of([&] { (void)to_toml(document); }).kind(), ErrorKind::usage);
}

struct Tuned : Experiment {
  explicit Tuned(const std::string& metric = "test_accuracy", double value = 0.7)
      : Experiment("target = { metric = \"" + metric +
                   fmt::format("\", value = {} }}\n", value) +
                   "evaluation = { every_examples = 100 }\n" + tiny_text()) {}
  [[nodiscard]] Output tune(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"tune",         specification(), "--out",
                                   out().string(), "--seed",        "0,1,2",
                                   "--threads=1"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words);
  }
  [[nodiscard]] std::vector<std::string> runs(const std::string& name) const {
    std::vector<std::string> names;
    if (!fs::exists(out() / name)) return names;
    for (const auto& run : find_runs(out() / name)) names.push_back(run.filename());
    return names;
  }
};

TEST(Tune, TrainsOtherSeedsWithTheRateThatNeedsTheFewestExamples) {
  const Tuned tuned;
  const std::vector<std::string> words{"--batch-sizes",
                                       "20,100",
                                       "--learning-rates",
                                       "0.003,0.1,3",
                                       "--quiet",
                                       "--extensions",
                                       "0",
                                       "--set",
                                       "budget.epochs=10"};
  const Output output = tuned.tune(words);
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(tuned.runs("tiny-tune").size(), 6U);
  EXPECT_THAT(tuned.runs("tiny-tuned"),
              ElementsAre("constant-100-seed1", "constant-100-seed2",
                          "constant-20-seed1", "constant-20-seed2"));
  for (const char* size : {"20", "100"}) {
    double best = 1e9;
    std::string rate;
    for (const char* other : {"0.003", "0.1", "3"}) {
      const Trial trial =
          read_trial(read_run(tuned.out() / "tiny-tune" /
                              fmt::format("constant-{}-rate-{}-seed0", size, other)));
      if (trial.examples.value_or(1e9) >= best) continue;
      best = *trial.examples;
      rate = other;
    }
    const batchlab::Run run =
        read_run(tuned.out() / "tiny-tuned" / fmt::format("constant-{}-seed1", size));
    EXPECT_EQ(
        fmt::format(
            "{}", run.configuration.at("controller").at("learning_rate").get<double>()),
        rate);
    EXPECT_EQ(run.configuration.at("target").at("stop"), true);
  }
  EXPECT_THAT(output.out, AllOf(HasSubstr("mean of seeds 1, 2 (seed 0 chose"),
                                HasSubstr("target.metric=validation_accuracy")));

  const auto before = snapshot(tuned.out());
  const Output again = tuned.tune(words);
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(again.out, output.out);
  EXPECT_EQ(snapshot(tuned.out()), before) << "it trained again";
}

TEST(Tune, WritesASpecificationThatMakesTheRunsAgain) {
  const Tuned tuned("validation_accuracy", 0.6);
  const Output output = tuned.tune(
      {"--batch-sizes=50", "--quiet", "--set", "data.validation_fraction=0.2"});
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.out, Not(HasSubstr("test split")));
  const fs::path made = tuned.out() / "tiny-tuned", other = tuned.folder / "again";
  const std::string written = (made / "specification.toml").string();
  const Output kept = run_program({"run", written, "--out", tuned.out().string()});
  EXPECT_EQ(kept.code, 0);
  EXPECT_THAT(kept.err, HasSubstr("tiny-tuned: 2 runs, 0 to do"));
  ASSERT_EQ(run_program({"run", written, "--out", other.string(), "--quiet"}).code, 0);
  expect_same_run(made / "constant-50-seed2", other / "tiny-tuned/constant-50-seed2");
}

// Rates far too small: the best is the highest, until it was raised twice.
TEST(Tune, ExtendsTheRatesWhereTheBestIsAtAnEdge) {
  const Tuned tuned("test_accuracy", 1);
  const std::vector<std::string> words{
      "--batch-sizes=100", "--learning-rates=1e-5,2e-5", "--quiet", "--extensions"};
  auto with = [&](const char* extensions) {
    auto all = words;
    all.push_back(extensions);
    return tuned.tune(all);
  };
  const Output output = with("2");
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(
      tuned.runs("tiny-tune"),
      ElementsAre("constant-100-rate-1e-05-seed0", "constant-100-rate-2e-05-seed0",
                  "constant-100-rate-4e-05-seed0", "constant-100-rate-8e-05-seed0"));
  EXPECT_THAT(output.out, AllOf(HasSubstr("highest"),
                                HasSubstr("no rate reached the target: the "
                                          "lowest last test loss chose"),
                                HasSubstr("may lie beyond those tried")));
}

TEST(Tune, ABatchSizeOfWhichAllRatesDivergeHasNone) {
  const Tuned tuned;
  const Output output = tuned.tune(
      {"--batch-sizes=20,600", "--learning-rates=0.1,1e5", "--quiet", "--extensions=0",
       "--set", "model.layers.0.activation=none", "--set", "optimizer.momentum=0.9"});
  EXPECT_THAT(output.out, HasSubstr("diverged"));
  const Output none =
      tuned.tune({"--batch-sizes=21", "--learning-rates=1e5,1e6", "--quiet",
                  "--extensions=0", "--set", "model.layers.0.activation=none"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no rate has a loss at any batch size"));
}

TEST(Tune, ADryRunTrainsNothing) {
  const Tuned tuned;
  const Output output = tuned.tune({"--batch-sizes=20,100", "--dry-run"});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_FALSE(fs::exists(tuned.out()));
  EXPECT_THAT(output.out, AllOf(HasSubstr("constant-20-rate-0.01-seed0"),
                                HasSubstr("constant-100-rate-0.3162-seed0"),
                                HasSubstr("4 runs of seeds 1, 2")));
}

TEST(Tune, RefusesWhatWouldBeUnfairOrMeaningless) {
  const Tuned tuned;
  const auto error = [&](const std::vector<std::string>& more) {
    const Output output = tuned.tune(more);
    EXPECT_EQ(output.code, 2) << output.err;
    EXPECT_THAT(output.out, IsEmpty());
    EXPECT_FALSE(fs::exists(tuned.out()));
    return output.err;
  };
  const std::string sizes = "--batch-sizes=20";
  EXPECT_THAT(error({}), HasSubstr("--batch-sizes is needed"));
  EXPECT_THAT(error({"--batch-sizes=20,0"}), HasSubstr("got \"0\""));
  EXPECT_THAT(error({"--batch-sizes=20,20"}), HasSubstr("20 is there twice"));
  EXPECT_THAT(error({"--batch-sizes=20,700"}), HasSubstr("[1, 600]"));
  EXPECT_THAT(error({sizes, "--learning-rates=0.1"}), HasSubstr("at least two"));
  EXPECT_THAT(error({sizes, "--learning-rates=0.1,x"}), HasSubstr("got \"x\""));
  EXPECT_THAT(error({sizes, "--learning-rates=0.1,nan"}), HasSubstr("got \"nan\""));
  EXPECT_THAT(error({sizes, "--set", "budget.steps=9"}), HasSubstr("budget.steps"));
  EXPECT_THAT(run_program({"tune", tuned.specification(), sizes}).err,
              HasSubstr("needs one beside 0"));  // seeds = [0]
  const Experiment aimless;
  EXPECT_THAT(run_program({"tune", aimless.specification(), sizes}).err,
              HasSubstr("a target is needed"));
}

}  // namespace batchlab::test::tune_test
