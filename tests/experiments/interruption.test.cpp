// SPDX-License-Identifier: MIT
//
// Runs that are stopped, killed, or started twice.
#include <gmock/gmock.h>

#include "tests/experiments/program.hpp"

namespace batchlab::test::interruption_test {

using testing::AllOf;
using testing::HasSubstr;

// About a second of steps, of which every hundredth is logged.
Experiment long_experiment() {
  std::string text = tiny_text();
  text.replace(text.find("{ epochs = 2 }"), 14, "{ steps = 40000 }");
  return Experiment("log_every = 100\n" + text +
                    "[[controllers]]\nname = \"cyclic\"\nsizes = [16, 48]\n"
                    "per = \"step\"\n[evaluation]\nevery_examples = 100000\n");
}

// Waits until the run of `name` is in the middle of training.
bool has_begun(const Experiment& experiment, const std::string& name) {
  const bool begun = eventually([&] {
    return std::filesystem::exists(experiment.run_folder(name) / "decisions.csv");
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return begun;
}

class Stopped : public testing::TestWithParam<int> {};

TEST_P(Stopped, EndsWithWholeFilesAndGoesOnToTheSameRows) {
  const Experiment experiment = long_experiment();
  Program program(experiment.words());
  ASSERT_TRUE(has_begun(experiment, "constant-seed0"));
  program.signal(GetParam());
  const Output output = program.wait();
  EXPECT_EQ(output.code, 128 + GetParam()) << output.err;
  const auto folder = experiment.run_folder("constant-seed0");
  const auto stopped = read_run(folder);
  EXPECT_EQ(stopped.status(), "interrupted");
  EXPECT_THAT(stopped.notes, testing::IsEmpty());
  EXPECT_LT(stopped.record.at("steps"), 40000);
  EXPECT_EQ(rows_without_seconds(folder / "steps.csv").back().front(),
            stopped.record.at("steps").dump());
  EXPECT_TRUE(std::filesystem::exists(folder / "checkpoint.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(experiment.run_folder("cyclic-seed0")));

  const Experiment whole = long_experiment();
  EXPECT_EQ(experiment.run().code, 0);
  EXPECT_EQ(whole.run().code, 0);
  for (const char* name : {"constant-seed0", "cyclic-seed0"}) {
    EXPECT_EQ(experiment.record(name).at("status"), "finished");
    expect_same_run(experiment.run_folder(name), whole.run_folder(name));
  }
}

INSTANTIATE_TEST_SUITE_P(Signals, Stopped, testing::Values(SIGINT, SIGTERM));

TEST(Interruption, ReachesAllJobs) {
  const Experiment experiment = long_experiment();
  Program program(experiment.words({"--jobs=2"}));
  ASSERT_TRUE(has_begun(experiment, "constant-seed0"));
  ASSERT_TRUE(has_begun(experiment, "cyclic-seed0"));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait().code, 143);
  for (const char* name : {"constant-seed0", "cyclic-seed0"}) {
    EXPECT_EQ(experiment.record(name).at("status"), "interrupted");
  }
}

// Many signals at many moments of the start: none may be lost. One that comes before
// they are caught ends the program at once.
TEST(Interruption, IsNeverLost) {
  for (int delay = 0; delay < 30; ++delay) {
    const Experiment experiment = long_experiment();
    Program program(experiment.words({"--quiet", "--set", "budget.steps=100000"}));
    const auto started = [&] {
      return std::filesystem::exists(experiment.out() / "tiny");
    };
    ASSERT_TRUE(eventually(started, std::chrono::microseconds(10)));
    std::this_thread::sleep_for(std::chrono::microseconds(50 * delay));
    program.signal(SIGTERM);
    EXPECT_THAT(program.wait().code, testing::AnyOf(143, 1000 + SIGTERM));
    if (!std::filesystem::exists(experiment.run_folder("constant-seed0"))) continue;
    EXPECT_NE(experiment.record("constant-seed0").at("status"), "finished") << delay;
  }
}

TEST(Interruption, AKilledRunFailsAndTheSweepGoesOn) {
  const Experiment experiment = long_experiment();
  Program program(experiment.words());
  ASSERT_TRUE(has_begun(experiment, "constant-seed0"));
  const pid_t child = program.child();
  ASSERT_GT(child, 0);
  ::kill(child, SIGKILL);
  const Output output = program.wait();
  EXPECT_EQ(output.code, 8) << output.err;
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("constant-seed0 failed"), HasSubstr("signal 9")));
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "failed");
  EXPECT_THAT(experiment.record("constant-seed0").at("reason").dump(),
              HasSubstr("Killed"));
  EXPECT_EQ(experiment.record("cyclic-seed0").at("status"), "finished");
  EXPECT_THAT(experiment.run().err, HasSubstr("2 runs, 1 to do"));
}

TEST(Interruption, ARunDoesNotOutliveAKilledSweep) {
  const Experiment experiment = long_experiment();
  pid_t child = 0;
  {
    const Program program(experiment.words({"--set", "budget.steps=10000000"}));
    ASSERT_TRUE(has_begun(experiment, "constant-seed0"));
    child = program.child();
    ASSERT_GT(child, 0);
  }  // SIGKILL
  EXPECT_TRUE(eventually([&] {
    return experiment.record("constant-seed0").at("status") == "interrupted";
  }));
}

TEST(Interruption, TwoProgramsOnOneRunAreNotMixed) {
  const Experiment experiment = long_experiment();
  Program first(experiment.words());
  ASSERT_TRUE(has_begun(experiment, "constant-seed0"));
  const Output refused = experiment.run({"--set", "controllers.0.batch_size=16"});
  EXPECT_EQ(refused.code, 2) << "another batch size: " << refused.err;
  const Output output = experiment.run({"--jobs=2"});
  EXPECT_NE(output.code, 0);
  EXPECT_THAT(output.err,
              HasSubstr("constant-seed0 is being written by another process"));
  (void)first.wait();
  const Experiment whole = long_experiment();
  EXPECT_EQ(whole.run().code, 0);
  EXPECT_EQ(experiment.run().code, 0);
  for (const char* name : {"constant-seed0", "cyclic-seed0"}) {
    EXPECT_EQ(experiment.record(name).at("status"), "finished");
    expect_same_run(experiment.run_folder(name), whole.run_folder(name));
  }
}

}  // namespace batchlab::test::interruption_test
