// SPDX-License-Identifier: MIT
//
// Runs whose rule is not built in and fails, in this process or in its own: what stays
// on disk, and what the others do.
#include <cstdlib>
#include <functional>

#include "experiments/sweep.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::failing_run_test {

using nlohmann::json;
using testing::HasSubstr;

// In a process of its own, for the registry keeps what is added. Returns its exit code.
int in_a_process(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::setpgid(0, 0);
    int code = -1;
    try {
      code = body();
    } catch (const Error& error) {
      code = static_cast<int>(error.kind());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int sweep(const Experiment& experiment, std::vector<Entry> entries) {
  return in_a_process([&] {
    add_controllers(std::move(entries));
    SweepOptions options;
    options.out = experiment.out();
    options.threads = 1;
    options.quiet = true;
    const std::string text = file_text(experiment.specification());
    return run_sweep(expand(parse_toml(text, "tiny")), options);
  });
}

std::string controllers_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += "[[controllers]]\nname = \"" + name + "\"\n";
  }
  return text;
}

// Made three times (when the specification is checked, and for its run), it answers
// until step 5, then does as `body` says.
std::string until_step_five(const std::string& body) {
  return after_creation(
      "for step in 1 2 3 4 5; do\n"
      "  echo '{\"batch_size\": 8, \"reason\": \"as ever\"}'; read line || exit 0\n"
      "done\n" +
      body);
}

TEST(FailingRun, OfAProgramIsRecordedAndItsRowsAreWhole) {
  const Experiment experiment("log_every = 1000\n" +
                              tiny_text(controllers_text({"rude"})));
  const Script script(until_step_five("kill -SEGV $$"));
  EXPECT_EQ(sweep(experiment, script.entries()), 6);
  const json record = experiment.record("rude-seed0");
  EXPECT_EQ(record.at("status"), "failed");
  EXPECT_THAT(record.at("reason").get<std::string>(),
              HasSubstr("ended by signal 11 (Segmentation fault) while deciding at "
                        "step 5"));
  const auto folder = experiment.run_folder("rude-seed0");
  const auto steps = rows_without_seconds(folder / "steps.csv");
  ASSERT_EQ(steps.size(), 1U) << "the last, however thinned";
  EXPECT_EQ(steps.back().front(), "5");
  EXPECT_EQ(rows_without_seconds(folder / "decisions.csv").size(), 1U);
  EXPECT_THAT(read_run(folder).notes, testing::IsEmpty());
}

TEST(FailingRun, OfAProgramLeavesTheOthersAlone) {
  const Experiment experiment(tiny_text(controllers_text({"rude", "constant"})));
  const Script script(until_step_five("sleep 1000"));
  EXPECT_EQ(sweep(experiment, script.entries(3)), 8);
  EXPECT_THAT(experiment.record("rude-seed0").at("reason").get<std::string>(),
              HasSubstr("did not answer within 3 s while deciding at step 5"));
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
}

// A rule with an option that is measured, asked for it and made in shell.
std::string measuring(const std::string& measured, const std::string& made) {
  return "#!/bin/sh\nread line; echo '{\"protocol\": 1, \"controllers\": [{\"name\": "
         "\"rude\", \"summary\": \"-\", \"source\": \"-\", \"needs\": [], "
         "\"options\": [{\"name\": \"gain\", \"kind\": \"number\", \"help\": "
         "\"-\", \"measured_where_unset\": true}]}]}'\n"
         "while read line; do\n"
         "  case $line in\n"
         "    *from_step_time*) " +
         measured + ";;\n    *create*) " + made +
         ";;\n"
         "    *save*) echo '{\"state\": null}';;\n"
         "    *) echo '{\"batch_size\": 8, \"reason\": \"as ever\"}';;\n"
         "  esac\ndone\n";
}

Output run_with(const Experiment& experiment, const Script& script) {
  return experiment.run(
      {"--plugin=" + script.path().string(), "--allow-writable-plugins"});
}

TEST(FailingRun, ForLackOfAMeasuredOptionIsMadeOnceThePluginCanTell) {
  const Experiment experiment(tiny_text(controllers_text({"rude", "constant"})));
  const Script script(measuring(
      "[ -e \"${0%/*}/well\" ] || exit 3; echo '{\"value\": 7}'", "echo '{}'"));
  const auto gain = [&] {
    return read_json(experiment.run_folder("rude-seed0") / "config.json")
        .at("controller")
        .at("options")
        .at("gain");
  };
  EXPECT_EQ(run_with(experiment, script).code, 8);
  EXPECT_THAT(experiment.record("rude-seed0").at("reason").get<std::string>(),
              HasSubstr("exited with code 3 while asked for gain"));
  EXPECT_EQ(gain(), json());
  write_file(script.folder() / "well", "");
  const Output well = run_with(experiment, script);
  EXPECT_EQ(well.code, 0) << well.err;
  EXPECT_EQ(experiment.record("rude-seed0").at("status"), "finished");
  EXPECT_EQ(gain(), 7);
  // What it made is kept, even where it cannot tell any more.
  std::filesystem::remove(script.folder() / "well");
  const Output kept = run_with(experiment, script);
  EXPECT_EQ(kept.code, 0) << kept.err;
  EXPECT_THAT(kept.err, HasSubstr("2 runs, 0 to do"));
}

// As a library that crashes while it is loaded, once its names are known.
TEST(FailingRun, OfAProgramThatStartsOnlyOnceIsItsOwn) {
  const Experiment experiment(tiny_text(controllers_text({"rude", "constant"})));
  std::string text = until_step_five("");
  text.insert(text.find('\n') + 1,
              "[ -e \"${0%/*}/mark\" ] && exit 9\n: > \"${0%/*}/mark\"\n");
  const Script script(text);
  const Output output = run_with(experiment, script);
  EXPECT_EQ(output.code, 8) << output.err;
  EXPECT_THAT(experiment.record("rude-seed0").at("reason").get<std::string>(),
              HasSubstr("exited with code 9 while saying hello"));
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
}

// Steps are timed with the rule of another entry.
TEST(FailingRun, OfARuleThatCannotBeMadeLeavesTheMeasuringToOthers) {
  const Experiment experiment(tiny_text(controllers_text({"rude", "goodput"})));
  const Script script(measuring("echo '{\"value\": 7}'", "exit 5"));
  const Output output = run_with(experiment, script);
  EXPECT_EQ(output.code, 8) << output.err;
  EXPECT_THAT(output.err, HasSubstr("batchlab: goodput: cost_ratio = "));
  EXPECT_THAT(experiment.record("rude-seed0").at("reason").get<std::string>(),
              HasSubstr("exited with code 5 while being made"));
  EXPECT_EQ(experiment.record("goodput-seed0").at("status"), "finished");
}

// The program of the README, which at step 5 does `what` in the place of an answer.
std::string python_until_step_five(const std::string& what) {
  std::string program = block_of_readme("```python");
  program.replace(program.find("doubling"), 8, "rude");
  const std::string answer = "    print(json.dumps(";
  return program.insert(program.find(answer),
                        "    if json.loads(line).get('decide', {}).get('step') == 5:\n"
                        "        " +
                            what + "; continue\n");
}

TEST(FailingRun, OfAPythonProgramSaysWhatItDidInsteadOfAnswering) {
  const std::pair<const char*, const char*> cases[] = {
      {"raise SystemError('oh')", "exited with code 1 while deciding at step 5; its"},
      {"print('nonsense', flush=True)", "answered what is not JSON: nonsense"},
      {"print('{\"batch', end='', flush=True)", "answered half a line within 2 s: {"},
      {"pass", "did not answer within 2 s while deciding at step 5"}};
  for (const auto& [what, reason] : cases) {
    const Experiment experiment(tiny_text(controllers_text({"rude", "constant"})));
    const Script script(python_until_step_five(what));
    EXPECT_EQ(sweep(experiment, script.entries(2)), 8) << what;
    const json record = experiment.record("rude-seed0");
    EXPECT_EQ(record.at("status"), "failed");
    EXPECT_THAT(record.at("reason").get<std::string>(), HasSubstr(reason));
    EXPECT_EQ(rows_without_seconds(experiment.run_folder("rude-seed0") / "steps.csv")
                  .back()
                  .front(),
              "5");
    EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
  }
}

class Ending final : public Controller {
 public:
  explicit Ending(std::function<void()> end) : end_(std::move(end)) {}
  Decision decide(const Statistics& statistics) override {
    if (statistics.step == 5) end_();
    Decision decision{8, "as ever"};
    decision.branching = branching;
    return decision;
  }
  Branching branching{};

 private:
  std::function<void()> end_;
};

// A rule in this process.
Entry ending(const std::function<void()>& end, const Branching& branching = {}) {
  Entry entry;
  entry.name = "ending";
  entry.limits = json::object();
  entry.plugin = "/a/file";
  entry.make = [=](const json&, const Setting&) {
    auto rule = std::make_unique<Ending>(end);
    rule->branching = branching;
    return rule;
  };
  return entry;
}

TEST(FailingRun, OfARuleThatKillsItsProcessIsRecordedWithTheSignal) {
  const Experiment one(tiny_text(controllers_text({"ending"})));
  const Experiment two(tiny_text(controllers_text({"ending", "constant"})));
  const Entry entry = ending([] { std::raise(SIGKILL); });
  EXPECT_EQ(sweep(one, {entry}), 1);
  EXPECT_EQ(sweep(two, {entry}), 8);
  for (const Experiment* experiment : {&one, &two}) {
    const json record = experiment->record("ending-seed0");
    EXPECT_EQ(record.at("status"), "failed");
    EXPECT_EQ(record.at("reason"), "process ended by signal 9 (Killed)");
    EXPECT_THAT(read_run(experiment->run_folder("ending-seed0")).notes,
                testing::IsEmpty());
  }
  EXPECT_EQ(two.record("constant-seed0").at("status"), "finished");
}

TEST(FailingRun, OfARuleThatExitsIsNoSuccess) {
  for (const int code : {0, 3}) {
    const Experiment experiment(tiny_text(controllers_text({"ending"})));
    EXPECT_EQ(sweep(experiment, {ending([=] { std::_Exit(code); })}),
              code == 0 ? 1 : 3);
    const json record = experiment.record("ending-seed0");
    EXPECT_EQ(record.at("status"), "failed");
    EXPECT_EQ(record.at("reason"),
              fmt::format("process exited with code {} in mid-run", code));
  }
}

TEST(FailingRun, OfARuleThatBranchesWhereItCannotIsRecorded) {
  const auto reason = [](const Branching& branching, bool branches) {
    const Experiment experiment(tiny_text(controllers_text({"ending"})));
    Entry entry = ending([] {}, branching);
    entry.branches = branches;
    EXPECT_EQ(sweep(experiment, {entry}), 6);
    return experiment.record("ending-seed0").at("reason").get<std::string>();
  };
  EXPECT_EQ(reason({1, {}, false}, false),
            "ending: branches, and its entry does not say so");
  EXPECT_EQ(reason({{}, 1, false}, true),
            "ending: goes back to state 1, which is not kept");
  EXPECT_EQ(reason({{}, {}, true}, true),
            "ending: tries a step without a state to go back to");
}

// Control-C at a terminal goes to a whole process group.
TEST(FailingRun, IsNoneWhereAnInterruptComesAndTheProgramIsAskedForItsState) {
  std::string text = tiny_text(controllers_text({"of_readme"}));
  text.replace(text.find("{ epochs = 2 }"), 14, "{ steps = 1000000 }");
  const Experiment experiment(text);
  std::string program = block_of_readme("```python");  // whose name others may have
  program.replace(program.find("doubling"), 8, "of_readme");
  const Script script(program);
  const int code = in_a_process([&] {
    const pid_t group = ::getpgrp();
    if (::fork() == 0) {
      const auto rows = experiment.run_folder("of_readme-seed0") / "decisions.csv";
      (void)eventually([&] { return std::filesystem::exists(rows); });
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      std::signal(SIGINT, SIG_IGN);
      ::kill(-group, SIGINT);
      ::_exit(0);
    }
    add_controllers(script.entries());
    SweepOptions options;
    options.out = experiment.out();
    options.threads = 1;
    options.quiet = true;
    return run_sweep(expand(parse_toml(text, "tiny")), options);
  });
  EXPECT_EQ(code, 128 + SIGINT);
  const json record = experiment.record("of_readme-seed0");
  EXPECT_EQ(record.at("status"), "interrupted");
  EXPECT_GT(record.at("controller_seconds"), 0);
  EXPECT_TRUE(std::filesystem::exists(experiment.run_folder("of_readme-seed0") /
                                      "checkpoint.safetensors"));
}

}  // namespace batchlab::test::failing_run_test
