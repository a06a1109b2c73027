// SPDX-License-Identifier: MIT
//
// Several runs: processes, exit codes, failures of one among others.
#include "experiments/sweep.hpp"

#include <gmock/gmock.h>

#include "tests/experiments/program.hpp"

namespace batchlab::test::sweep_test {

using testing::AllOf;
using testing::HasSubstr;

// Rates that let the second entry, or all, diverge; without an activation weights grow
// without bound.
const std::string diverging_first =
    "[[controllers]]\nname = \"constant\"\nlabel = \"wild\"\nlearning_rate = 1e6\n";
const std::string tame = "[[controllers]]\nname = \"constant\"\n";
const std::vector<std::string> linear{"--set", "model.layers.0.activation=none"};

TEST(Sweep, JobsAndThreadsChangeNoBit) {
  const std::string controllers =
      tame + "[[controllers]]\nname = \"noise_scale\"\ncoupling = \"sqrt\"\n";
  const Experiment one(tiny_text(controllers)), two(tiny_text(controllers));
  ASSERT_EQ(one.run({"--quiet", "--seed=0,1"}).code, 0);
  const Output output =
      run_program({"run", two.specification(), "--out", two.out().string(), "--jobs",
                   "2", "--threads", "3", "--seed", "0,1"});
  ASSERT_EQ(output.code, 0) << output.err;
  for (const char* run :
       {"constant-seed0", "constant-seed1", "noise_scale-seed0", "noise_scale-seed1"}) {
    expect_same_run(one.run_folder(run), two.run_folder(run));
  }
}

TEST(Sweep, RecordsWhereTheTimeOfTrainingWent) {
  const Experiment experiment(tiny_text(
      tame + "[[controllers]]\nname = \"noise_scale\"\ncoupling = \"sqrt\"\n"));
  ASSERT_EQ(experiment.run({"--quiet"}).code, 0);
  for (const std::string run : {"constant-seed0", "noise_scale-seed0"}) {
    const auto record = experiment.record(run);
    EXPECT_GT(record.at("data_seconds"), 0);
    EXPECT_EQ(record.at("statistics_seconds") > 0, run.starts_with("noise_scale"));
    EXPECT_LT(record.at("data_seconds"), record.at("training_seconds"));
  }
}

TEST(Sweep, ASingleDivergingRunIsExitCodeSeven) {
  const Experiment experiment(tiny_text(diverging_first));
  const Output output = experiment.run(linear);
  EXPECT_EQ(output.code, 7) << output.err;
  EXPECT_EQ(experiment.record("wild-seed0").at("status"), "diverged");
  EXPECT_FALSE(
      read_csv(experiment.run_folder("wild-seed0") / "steps.csv").rows.empty());
  EXPECT_EQ(experiment.run(linear).code, 7) << "kept, it still diverged";
}

TEST(Sweep, ADivergingRunAmongOthersIsExitCodeEightAndTheOthersFinish) {
  const Experiment experiment(tiny_text(diverging_first + tame));
  const Output output = experiment.run(linear);
  EXPECT_EQ(output.code, 8) << output.err;
  EXPECT_THAT(output.out, HasSubstr("diverged"));
  EXPECT_EQ(experiment.record("wild-seed0").at("status"), "diverged");
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
  EXPECT_EQ(experiment.run(linear).code, 8);
}

TEST(Sweep, DoesOnlyWhatIsMissing) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run({"--quiet"}).code, 0);
  const auto before = snapshot(experiment.out());
  const Output output = experiment.run({"--seed=0,1"});
  EXPECT_EQ(output.code, 0);
  EXPECT_THAT(output.err, HasSubstr("2 runs, 1 to do"));
  auto after = snapshot(experiment.out());
  EXPECT_GT(after.size(), before.size());
  for (const auto& [path, text] : before) EXPECT_EQ(after[path], text) << path;
}

TEST(Sweep, MakesARunAnewThatLostAFile) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run({"--quiet"}).code, 0);
  for (const char* name : {"steps.csv", "evaluations.csv", "checkpoint.safetensors"}) {
    const auto path = experiment.run_folder("constant-seed0") / name;
    ASSERT_TRUE(std::filesystem::remove(path));
    EXPECT_EQ(experiment.run({"--quiet"}).code, 0);
    EXPECT_TRUE(std::filesystem::exists(path)) << name;
  }
}

TEST(Sweep, MovingAnEntryInTheSpecificationKeepsItsRuns) {
  const Experiment experiment(tiny_text(tame));
  ASSERT_EQ(experiment.run({"--quiet"}).code, 0);
  write_file(experiment.specification(),
             tiny_text("[[controllers]]\nname = \"cyclic\"\n" + tame));
  EXPECT_THAT(experiment.run().err, HasSubstr("2 runs, 1 to do"));
}

TEST(Sweep, AnErrorOfTheDataNamesTheEntryByItsLabel) {
  const Experiment experiment(
      tiny_text(tame + "[[controllers]]\nname = \"constant\"\nlabel = \"large\"\n"
                       "batch_size = 700\n"));
  const Output output = experiment.run();
  EXPECT_EQ(output.code, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("large: "), HasSubstr("[1, 600]")));
  EXPECT_FALSE(std::filesystem::exists(experiment.out())) << "a run was started";
}

// Some programs ignore SIGCHLD, and so do then the programs that they start.
TEST(Sweep, EndsWhereItsCallerIgnoresSigchld) {
  const Experiment experiment;
  const Output output =
      run_program(experiment.words({"--quiet"}), [] { std::signal(SIGCHLD, SIG_IGN); });
  EXPECT_EQ(output.code, 0) << "it waited for ever";
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
}

TEST(Sweep, EndsQuietlyWhereNobodyListens) {
  const Experiment experiment;
  const auto to_nobody = [](int stream) {
    return [stream] {
      int ends[2];
      if (::pipe(ends) != 0) std::abort();
      ::dup2(ends[1], stream);
      ::close(ends[0]);
      ::close(ends[1]);
      std::signal(SIGPIPE, SIG_IGN);
    };
  };
  EXPECT_EQ(run_program(experiment.words(), to_nobody(STDERR_FILENO)).code, 0);
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
  EXPECT_EQ(run_program(experiment.words(), to_nobody(STDOUT_FILENO)).code, 5);
}

TEST(Sweep, NoMessageEntersAFileWhenStandardErrorIsClosed) {
  const Experiment one, two;
  EXPECT_EQ(one.run().code, 0);
  EXPECT_EQ(run_program(two.words(),
                        [] {
                          ::close(STDIN_FILENO);
                          ::close(STDOUT_FILENO);
                          ::close(STDERR_FILENO);
                        })
                .code,
            0);
  expect_same_run(one.run_folder("constant-seed0"), two.run_folder("constant-seed0"));
  EXPECT_EQ(file_text(two.run_folder("constant-seed0") / ".lock"), "");
}

}  // namespace batchlab::test::sweep_test
