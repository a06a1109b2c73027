// SPDX-License-Identifier: MIT
//
// Runs on the noisy quadratic, where the answer is known in closed form.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "nn/quadratic_noise.hpp"
#include "nn/safetensors.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test::noisy_quadratic_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t examples = 500;

// Starts at zero, which is half a unit from the mean in each dimension.
const std::string text =
    "name = \"tiny\"\nseeds = [0]\nbudget = { epochs = 2 }\n"
    "[data]\nset = \"noisy-quadratic\"\nexamples = 500\ndimensions = 4\n"
    "[model]\nlayers = [{ type = \"quadratic\", eigenvalues = [0.5, 1, 2, 4], seed = 3 "
    "}]\n"
    "[optimizer]\nname = \"sgd\"\nlearning_rate = 0.2\n"
    "[statistics]\nmeasure = [\"noise_scale\"]\n"
    "[[controllers]]\nname = \"constant\"\nbatch_size = 500\n";

RunConfiguration configured(const std::vector<std::string>& settings) {
  json document = parse_toml(text, "tiny");
  for (const auto& setting : settings) apply_setting(document, setting);
  return expand(document).front();
}

std::string refusal(const std::vector<std::string>& settings) {
  const Error error = error_of([&] {
    const RunConfiguration run = configured(settings);
    const DataSource source = load_data(run.data);
    const TrainingRun built(run, source, 1);
  });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  return error.what();
}

// A run with its data and the closed form at its start.
struct QuadraticRun {
  explicit QuadraticRun(const std::vector<std::string>& settings = {})
      : configuration(configured(settings)),
        source(load_data(configuration.data)),
        training(configuration, source, 1) {
    result = training.train(recording, never);
  }

  [[nodiscard]] QuadraticNoise closed_form() const {
    const std::vector<float> zero(4);
    return quadratic_noise(
        make_quadratic(4, configuration.layers[0].eigenvalues, 3), source.training,
        make_split(configuration.data, source.training).training, 1.0F / 255, zero);
  }
  [[nodiscard]] std::vector<float> position() {
    const TemporaryFolder folder;
    const std::string path = (folder / "checkpoint.safetensors").string();
    training.write_checkpoint(path);
    const TensorFile file = read_safetensors(path);
    EXPECT_EQ(file.tensors.at(0).name, "layers.0.position");
    return file.tensors.at(0).values;
  }

  RunConfiguration configuration;
  DataSource source;
  TrainingRun training;
  Recording recording;
  const std::atomic<int> never{0};
  RunResult result;
};

TEST(NoisyQuadraticRun, TheFirstStepOverAllExamplesMeasuresTheClosedForm) {
  const QuadraticRun run;
  const QuadraticNoise noise = run.closed_form();
  const Statistics& first = run.recording.steps.front();
  EXPECT_EQ(first.batch_size, examples);
  EXPECT_NEAR(*first.gradient_variance_trace, noise.gradient_variance_trace,
              1e-5 * noise.gradient_variance_trace);
  EXPECT_NEAR(*first.true_gradient_norm_squared, noise.true_gradient_norm_squared,
              1e-5 * noise.true_gradient_norm_squared);
  EXPECT_NEAR(*first.noise_scale, noise.noise_scale(), 1e-5 * noise.noise_scale());
}

// Its standard error is some 1 %: 50 epochs of 25 batches, but the last 20,000 examples
// count.
TEST(NoisyQuadraticRun, AtRestSmallBatchesMeasureTheNoiseScale) {
  for (const char* estimator : {"per_example", "micro_batch"}) {
    const QuadraticRun run({"optimizer.learning_rate=1e-9",
                            "controllers.0.batch_size=20", "budget.epochs=50",
                            std::string("statistics.estimator=") + estimator});
    const double expected = run.closed_form().noise_scale();
    EXPECT_NEAR(*run.result.last.noise_scale, expected, 0.05 * expected) << estimator;
  }
}

TEST(NoisyQuadraticRun, TheConstantRuleDescendsToTheMeanAndTheLeastLoss) {
  QuadraticRun run({"budget.epochs=200"});
  EXPECT_EQ(run.result.status, RunStatus::finished);
  const double least = run.closed_form().least_loss;
  EXPECT_NEAR(run.recording.steps.back().batch_loss, least, 1e-6 * least);
  const std::vector<float> position = run.position();
  ASSERT_EQ(position.size(), 4U);
  for (std::size_t j = 0; j < 4; ++j) {
    double mean = 0;
    for (std::size_t i = 0; i < examples; ++i) {
      mean += run.source.training.inputs(i, j) / 255.0 / examples;
    }
    EXPECT_NEAR(position[j], mean, 1e-5);
  }
}

TEST(NoisyQuadraticRun, HasNoAccuracyAndIsNoDivergence) {
  const QuadraticRun run;
  EXPECT_EQ(run.result.status, RunStatus::finished);
  ASSERT_EQ(run.recording.evaluations.size(), 2U);
  for (const auto& evaluation : run.recording.evaluations) {
    EXPECT_TRUE(std::isnan(evaluation.result.accuracy));
    EXPECT_TRUE(std::isfinite(evaluation.result.loss));
  }
}

TEST(NoisyQuadraticRun, DivergesWhereTheRateIsTooLarge) {
  const QuadraticRun run({"optimizer.learning_rate=100", "budget.epochs=100"});
  EXPECT_EQ(run.result.status, RunStatus::diverged);
}

TEST(NoisyQuadraticRun, HoldsOutExamplesForValidation) {
  const QuadraticRun run(
      {"data.validation_fraction=0.2", "controllers.0.batch_size=400"});
  EXPECT_EQ(run.recording.evaluations.front().split, "validation");
  EXPECT_NEAR(*run.recording.steps.front().noise_scale, run.closed_form().noise_scale(),
              1e-5 * run.closed_form().noise_scale());
}

TEST(NoisyQuadraticSpecification, AModelThatIsNotGivenIsTheQuadraticLayer) {
  const auto run = expand({{"data", {{"set", "noisy-quadratic"}}},
                           {"controllers", {{{"name", "constant"}}}}})
                       .front();
  ASSERT_EQ(run.layers.size(), 1U);
  EXPECT_EQ(run.layers[0].type, "quadratic");
  EXPECT_THAT(run.layers[0].eigenvalues, IsEmpty());
  EXPECT_EQ(run.data.generated.examples, 10000U);
  EXPECT_EQ(run.data.generated.dimensions, 100U);
  EXPECT_EQ(run.document.at("model").at("layers").at(0),
            json({{"type", "quadratic"}, {"eigenvalues", json::array()}, {"seed", 0}}));
}

TEST(NoisyQuadraticSpecification, TakesTheDataFromItsOptions) {
  const RunConfiguration run = configured({"data.seed=7", "data.examples=30"});
  const DataSource source = load_data(run.data);
  EXPECT_EQ(source.training.examples(), 30U);
  EXPECT_EQ(source.training.features(), 4U);
  EXPECT_EQ(source.checksum, load_data("noisy-quadratic", "", {30, 4, 7}).checksum);
}

TEST(NoisyQuadraticSpecification, RefusesWhatCannotBeAndSaysWhatCan) {
  EXPECT_EQ(refusal({"data.dimensions=0"}),
            "data: dimensions must be in [1, 1000], got 0");
  EXPECT_EQ(refusal({"data.examples=1"}),
            "data: examples must be in [2, 1000000] examples, got 1");
  EXPECT_THAT(refusal({"data.folder=/somewhere"}),
              HasSubstr("folder has no meaning for set = \"noisy-quadratic\", only for "
                        "fashion-mnist, idx"));
  EXPECT_EQ(refusal({"model.layers.0.eigenvalues=[1, 2, -3, 4]"}),
            "model.layers[0]: eigenvalues[2] must be in [0, 1000000], got -3");
  EXPECT_EQ(refusal({"model.layers.0.eigenvalues=[1, 2]"}),
            "model.layers[0]: eigenvalues must be 4, one for each input, got 2");
  EXPECT_EQ(refusal({"model.layers=[{type=\"dense\", units=10}]"}),
            "model.layers[0]: type must be quadratic for data.set = "
            "\"noisy-quadratic\", got \"dense\"");
  EXPECT_EQ(
      refusal({"model.layers=[{type=\"quadratic\"}, {type=\"quadratic\"}]"}),
      "model.layers: must be one layer for data.set = \"noisy-quadratic\", got 2");
  EXPECT_EQ(refusal({"target.metric=test_accuracy", "target.value=0.5"}),
            "target: metric must be test_loss or validation_loss for data.set = "
            "\"noisy-quadratic\", got test_accuracy");
  EXPECT_THAT(
      refusal({"controllers.0={name=\"plateau\", metric=\"validation_accuracy\"}",
               "data.validation_fraction=0.1"}),
      HasSubstr("plateau: needs an accuracy"));
}

TEST(NoisyQuadraticSpecification, TheQuadraticLayerIsForNoOtherSet) {
  for (const char* set : {"idx", "fashion-mnist"}) {
    const Error error = error_of([&] {
      (void)expand(tiny_document(
          {fmt::format("data.set={}", set), "model.layers=[{type=\"quadratic\"}]"}));
    });
    EXPECT_EQ(error.what(),
              fmt::format("model.layers[0]: type quadratic needs data.set "
                          "= \"noisy-quadratic\", got \"{}\"",
                          set));
  }
  const Error seed = error_of([] { (void)expand(tiny_document({"data.seed=1"})); });
  EXPECT_THAT(seed.what(), HasSubstr("only for noisy-quadratic"));
}

TEST(NoisyQuadraticProgram, RunsAndIsComparedListedAndShown) {
  const Experiment experiment(text);
  const Output output = experiment.run({"--seed=0,1"});
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err, AllOf(HasSubstr("test loss"), Not(HasSubstr("nan"))));
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"compare", experiment.out().string()},
           {"compare", experiment.out().string(), "--json"},
           {"compare", experiment.out().string(), "--csv"},
           {"list", experiment.out().string()},
           {"show", experiment.run_folder("constant-seed1").string()}}) {
    const Output shown = run_program(words);
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_THAT(shown.out, AllOf(HasSubstr("constant"), Not(HasSubstr("nan")),
                                 Not(HasSubstr("left out"))));
  }
}

TEST(NoisyQuadraticProgram, DataAndOptionsTellOfIt) {
  EXPECT_THAT(run_program({"data"}).out, HasSubstr("noisy-quadratic"));
  EXPECT_THAT(run_program({"data", "noisy-quadratic"}).out,
              AllOf(HasSubstr("generated"), HasSubstr("10000 examples"),
                    Not(HasSubstr("class"))));
  EXPECT_EQ(run_program({"data", "noisy-quadratic", "--folder", "/x"}).code, 2);
  EXPECT_THAT(run_program({"run", "--options"}).out,
              AllOf(HasSubstr("only for set = noisy-quadratic"),
                    HasSubstr("only for type = quadratic")));
}

}  // namespace batchlab::test::noisy_quadratic_test
