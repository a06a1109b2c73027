// SPDX-License-Identifier: MIT
//
// The same specification gives the same bits, and the right ones.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "nn/safetensors.hpp"
#include "tests/experiments/support.hpp"
#include "tests/nn/naive_network.hpp"

namespace batchlab::test::reproducibility_test {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> with_dropout{
    "model.layers=[{type=\"dense\", units=8, activation=\"tanh\"}, "
    "{type=\"dropout\", rate=0.3}, {type=\"dense\", units=4}]",
    "controllers.0={name=\"cyclic\", sizes=[32, 200, 77], per=\"step\", "
    "coupling=\"sqrt\"}",
    "statistics.measure=[\"noise_scale\"]", "data.validation_fraction=0.2",
    "budget={epochs=3}"};

std::vector<std::string> with_dropout_and(std::vector<std::string> more) {
  more.insert(more.begin(), with_dropout.begin(), with_dropout.end());
  return more;
}

// Every number that a run tells, times excepted.
std::vector<std::optional<double>> told(const Recording& recording) {
  std::vector<std::optional<double>> numbers;
  for (const Statistics& step : recording.steps) {
    numbers.insert(numbers.end(),
                   {static_cast<double>(step.step), step.learning_rate,
                    static_cast<double>(step.batch_size), step.batch_loss});
    for (const Quantity& quantity : quantities) numbers.push_back(step.*quantity.field);
  }
  for (const auto& row : recording.evaluations) {
    numbers.insert(numbers.end(), {row.result.loss, row.result.accuracy});
  }
  for (const Decision& decision : recording.wanted)
    numbers.push_back(decision.batch_size);
  return numbers;
}

struct Outcome {
  std::vector<std::optional<double>> numbers;
  std::string checkpoint;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome(const std::vector<std::string>& settings, std::size_t threads = 1) {
  const TemporaryFolder folder;
  TrainingRun run(tiny_run(settings), tiny_source(), threads);
  Recording recording;
  (void)run.train(recording, std::atomic<int>(0));
  const auto path = folder / "checkpoint.safetensors";
  run.write_checkpoint(path.string());
  return {told(recording), file_text(path)};
}

TEST(Reproducibility, TheSameSeedGivesTheSameBits) {
  EXPECT_TRUE(outcome(with_dropout) == outcome(with_dropout));
}

TEST(Reproducibility, AnotherSeedGivesOthers) {
  const Outcome one = outcome(with_dropout),
                other = outcome(with_dropout_and({"seeds=[1]"}));
  EXPECT_FALSE(one.numbers == other.numbers);
  EXPECT_FALSE(one.checkpoint == other.checkpoint);
}

TEST(Reproducibility, ARuleThatReadsTheClockSaysThatItCannotBeRepeated) {
  const auto reproducible = [](const char* rule, const char* budget) {
    return TrainingRun(tiny_run({fmt::format("controllers.0={{{}}}", rule), budget}),
                       tiny_source(), 1)
        .reproducible();
  };
  const char *fixed = "name=\"goodput\", cost_ratio=20",
             *refitted = "name=\"goodput\", cost_ratio=20, refit=true";
  EXPECT_TRUE(reproducible(fixed, "budget={epochs=1}"));
  EXPECT_FALSE(reproducible(refitted, "budget={epochs=1}"));
  EXPECT_FALSE(reproducible(fixed, "budget={seconds=1}"));
}

TEST(Reproducibility, ThreadsChangeNoBit) {
  for (const char* optimizer :
       {"{name=\"sgd\"}", "{name=\"sgd\", momentum=0.9, nesterov=true}",
        "{name=\"adam\"}", "{name=\"adamw\"}", "{name=\"adagrad\"}"}) {
    for (const char* estimator : {"per_example", "micro_batch", "two_step"}) {
      const auto settings =
          with_dropout_and({fmt::format("optimizer={}", optimizer), "engine.lanes=5",
                            fmt::format("statistics.estimator={}", estimator)});
      const Outcome alone = outcome(settings, 1);
      for (const std::size_t threads : {2U, 3U, 8U}) {
        EXPECT_TRUE(outcome(settings, threads) == alone)
            << optimizer << ' ' << estimator << ' ' << threads;
      }
    }
  }
}

TEST(Reproducibility, ACheckpointAsInitialWeightsEvaluatesTheSame) {
  const TemporaryFolder folder;
  const auto path = (folder / "checkpoint.safetensors").string();
  TrainingRun run(tiny_run({"budget={epochs=5}"}), tiny_source(), 1);
  Recording recording;
  (void)run.train(recording, std::atomic<int>(0));
  run.write_checkpoint(path);
  // One step at a rate of nothing, then an evaluation.
  const Trained again = train({"initial_weights=" + path, "budget={steps=1}",
                               "seeds=[9]", "optimizer.learning_rate=1e-12"});
  const EvaluationResult before = recording.evaluations.back().result;
  const EvaluationResult after = again.recording.evaluations.back().result;
  EXPECT_EQ(after.accuracy, before.accuracy);
  EXPECT_NEAR(after.loss, before.loss, 1e-6);
  EXPECT_LT(after.loss, 1.0) << "these are not trained weights";
}

TEST(Reproducibility, ACheckpointHoldsTheSumOfAdagrad) {
  const TemporaryFolder folder;
  const auto path = (folder / "checkpoint.safetensors").string();
  TrainingRun run(tiny_run({"optimizer={name=\"adagrad\"}", "budget={steps=3}"}),
                  tiny_source(), 1);
  Recording recording;
  (void)run.train(recording, std::atomic<int>(0));
  run.write_checkpoint(path);
  const NamedTensor sum = read_safetensors(path).tensors.back();
  EXPECT_EQ(sum.name, "optimizer.squared_gradient_sum");
  EXPECT_GT(*std::max_element(sum.values.begin(), sum.values.end()), 0);
}

TEST(Reproducibility, ACheckpointHoldsWeightsOptimizerAndCounters) {
  const TemporaryFolder folder;
  const auto path = (folder / "checkpoint.safetensors").string();
  TrainingRun run(tiny_run({"optimizer={name=\"adam\"}"}), tiny_source(), 1);
  Recording recording;
  (void)run.train(recording, std::atomic<int>(0));
  run.write_checkpoint(path);
  const TensorFile file = read_safetensors(path);
  std::vector<std::string> names;
  for (const NamedTensor& tensor : file.tensors) names.push_back(tensor.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"layers.0.weight", "layers.0.bias",
                                            "layers.1.weight", "layers.1.bias",
                                            "optimizer.first_moment",
                                            "optimizer.second_moment"}));
  EXPECT_EQ(file.metadata.at("step"), "38");
  EXPECT_EQ(file.metadata.at("examples_seen"), "1200");
  EXPECT_EQ(file.metadata.at("epochs_completed"), "2");
}

std::string refused_weights(const TensorFile& file, ErrorKind kind) {
  const TemporaryFolder folder;
  const auto path = (folder / "w.safetensors").string();
  write_safetensors(path, file);
  const RunConfiguration run = tiny_run({"initial_weights=" + path});
  const Error error = error_of([&] { TrainingRun(run, tiny_source(), 1); });
  EXPECT_EQ(error.kind(), kind);
  return error.what();
}

TEST(InitialWeights, OfAnotherShapeOrWithOneMissingAreRefused) {
  TensorFile file;
  const auto add = [&](const char* name, std::vector<std::size_t> shape) {
    std::size_t size = 1;
    for (const std::size_t extent : shape) size *= extent;
    file.tensors.push_back({name, shape, std::vector<float>(size)});
  };
  add("layers.0.weight", {16, 8});
  add("layers.0.bias", {8});
  add("layers.1.weight", {8, 4});
  EXPECT_THAT(refused_weights(file, ErrorKind::usage), HasSubstr("layers.1.bias"));
  add("layers.1.bias", {5});
  EXPECT_THAT(refused_weights(file, ErrorKind::usage),
              AllOf(HasSubstr("layers.1.bias"), HasSubstr("[4]"), HasSubstr("[5]")));
  file.tensors[0].shape = {8, 16};
  EXPECT_THAT(refused_weights(file, ErrorKind::usage),
              AllOf(HasSubstr("[16, 8]"), HasSubstr("[8, 16]")));
}

TEST(InitialWeights, ThatAreNoSafetensorsAreCorrupt) {
  const TemporaryFolder folder;
  write_file(folder / "w", "not tensors");
  const RunConfiguration run = tiny_run({"initial_weights=" + (folder / "w").string()});
  const Error error = error_of([&] { TrainingRun(run, tiny_source(), 1); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
}

// The flat parameters of a checkpoint, in the network's order.
std::vector<double> parameters_of(const std::string& path) {
  std::vector<double> parameters;
  for (const NamedTensor& tensor : read_safetensors(path).tensors) {
    if (!tensor.name.starts_with("layers.")) continue;
    parameters.insert(parameters.end(), tensor.values.begin(), tensor.values.end());
  }
  return parameters;
}

// One step of SGD by plain loops in double; returns the mean loss before it.
double naive_step(const NaiveNetwork& network, std::vector<double>& parameters,
                  const Batch& batch, double learning_rate) {
  const auto size = static_cast<double>(batch.size());
  std::vector<double> gradient(parameters.size());
  double loss = 0;
  for (const std::uint32_t example : batch.examples) {
    const NaiveExample result =
        network.run(parameters, tiny_source().training, example, 1 / 255.0);
    loss += result.loss / size;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] += result.gradient[i] / size;
    }
  }
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    parameters[i] -= learning_rate * gradient[i];
  }
  return loss;
}

TEST(Training, IsWhatPlainLoopsInDoubleDo) {
  const TemporaryFolder folder;
  const auto path = (folder / "initial.safetensors").string();
  TrainingRun(tiny_run(), tiny_source(), 1)
      .write_checkpoint(path);  // nothing trained yet
  std::vector<double> parameters = parameters_of(path);

  const RunConfiguration configuration =
      tiny_run({"initial_weights=" + path, "seeds=[5]", "budget={steps=30}",
                "controllers.0={name=\"cyclic\", sizes=[32, 64, 7], per=\"step\", "
                "coupling=\"linear\"}"});
  const Trained trained = train_run(configuration, 2);
  const NaiveNetwork network(16, configuration.layers);
  const Split split = make_split(configuration.data, tiny_source().training);
  DataStream stream(split.training, true, EpochTail::keep, 5);
  ASSERT_EQ(trained.recording.steps.size(), 30U);
  const std::array sizes{32, 64, 7};
  for (std::size_t i = 0; i < 30; ++i) {
    const Batch& batch = stream.take(sizes[i % 3]);
    const double rate = 0.1 * static_cast<double>(batch.size()) / 32;
    EXPECT_EQ(trained.recording.steps[i].batch_size,
              static_cast<std::int64_t>(batch.size()));
    EXPECT_NEAR(trained.recording.steps[i].batch_loss,
                naive_step(network, parameters, batch, rate), 1e-5)
        << i;
  }
}

// Numbers of this program, not of theory: they change when the arithmetic does.
TEST(Training, GivesTheGoldenLosses) {
  struct Golden {
    std::vector<std::string> settings;
    double loss;
  };
  for (const Golden& golden : std::vector<Golden>{
           {{"budget={steps=60}"}, 0.98730},
           {{"budget={steps=60}", "optimizer={name=\"adam\", learning_rate=0.01}"},
            0.55737},
           {with_dropout_and({"optimizer={name=\"adamw\", learning_rate=0.01}"}),
            1.05493}}) {
    const Trained trained = train(golden.settings);
    EXPECT_NEAR(trained.recording.evaluations.back().result.loss, golden.loss, 1e-4);
  }
}

}  // namespace batchlab::test::reproducibility_test
