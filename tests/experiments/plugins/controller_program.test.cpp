// SPDX-License-Identifier: MIT
//
// Programs that keep to the protocol: that of the README, and the built-in rules in a
// process of their own.
#include "experiments/plugins/controller_program.hpp"

#include <dirent.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "experiments/plugins/child_process.hpp"
#include "experiments/plugins/documents.hpp"
#include "results/sha256.hpp"
#include "tests/controllers/examples.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::controller_program_test {

using nlohmann::json;
using testing::HasSubstr;

Statistics after_epochs(std::int64_t epochs) {
  Statistics statistics;
  statistics.epochs_completed = epochs;
  return statistics;
}

TEST(ControllerProgram, TheExchangeInTheReadmeHappens) {
  const Script script(block_of_readme("```python"));
  ChildProcess program({script.path().string()}, 1 << 30);
  std::stringstream exchange(block_of_readme("```\n```"));
  std::string request, answer;
  int lines = 0;
  for (; std::getline(exchange, request) && std::getline(exchange, answer); ++lines) {
    ASSERT_EQ(request.substr(0, 2) + answer.substr(0, 2), "> < ");
    EXPECT_EQ(line_of(document_of(request.substr(2))), request.substr(2));
    EXPECT_EQ(program.ask(request.substr(2), 30), answer.substr(2));
    const json told = document_of(request.substr(2));
    if (!told.contains("decide")) continue;
    EXPECT_EQ(document(statistics_from(told.at("decide"))), told.at("decide"));
  }
  EXPECT_EQ(lines, 5);
}

TEST(ControllerProgram, ThatOfTheReadmeIsAController) {
  const Script script(block_of_readme("```python"));
  std::string version;
  const auto entries =
      controllers_of_program(script.path(), {{script.path().string()}, 30}, &version);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(version, "1.0");
  const Entry& entry = entries.front();
  EXPECT_EQ(entry.name, "doubling");
  EXPECT_EQ(entry.plugin, script.path());
  ASSERT_EQ(entry.options.size(), 1U);
  EXPECT_EQ(entry.options.front().default_value, 32);

  const auto one = entry.make({{"batch_size", 32}}, tiny_setting);
  const auto other = entry.make({{"batch_size", 50}}, tiny_setting);
  EXPECT_EQ(one->needs(), Needs{&Statistics::noise_scale});
  EXPECT_EQ(one->decide(after_epochs(0)).batch_size, 32);
  EXPECT_EQ(other->decide(after_epochs(3)).batch_size, 400);  // 50 * 2^3
  EXPECT_EQ(one->decide(after_epochs(1)).reason, "1 epochs are over");
  Statistics noisy = after_epochs(3);
  noisy.noise_scale = 40;
  EXPECT_EQ(one->decide(noisy).batch_size, 40) << "not 32 x 2^3";
  EXPECT_TRUE(one->save().is_null());
  one->load({});
}

// A rule whose needs are `in_hello` and `in_create`, as JSON after a comma.
std::unique_ptr<Controller> needing(const std::string& in_hello,
                                    const std::string& in_create) {
  const Script script(
      "#!/bin/sh\nread l; echo '{\"protocol\": 1, \"controllers\": [{\"name\": "
      "\"rude\", \"summary\": \"-\", \"source\": \"-\"" +
      in_hello + "}]}'\nread l; echo '" + in_create + "'; read l\n");
  return script.entries().front().make(json::object(), tiny_setting);
}

TEST(ControllerProgram, NeedsWhatItSaidInHelloUnlessItsOptionsChangeThat) {
  const std::string scale = R"("needs": ["noise_scale"])";
  const std::string norm = R"({"needs": ["gradient_norm_squared"]})";
  EXPECT_EQ(needing(", " + scale, "{}")->needs(), Needs{&Statistics::noise_scale});
  EXPECT_EQ(needing(", " + scale, norm)->needs(),
            Needs{&Statistics::gradient_norm_squared});
  EXPECT_EQ(needing("", norm)->needs(), Needs{&Statistics::gradient_norm_squared});
  EXPECT_EQ(needing(", " + scale, R"({"needs": []})")->needs(), Needs{});
}

TEST(ControllerProgram, ThatNowhereSaysWhatItNeedsIsRefused) {
  EXPECT_THAT(
      error_of([] { (void)needing("", "{}"); }).what(),
      HasSubstr("answer: needs is missing, and of the controller in hello too"));
  EXPECT_THAT(error_of([] { (void)needing(R"(, "needs": ["loss"])", "{}"); }).what(),
              HasSubstr("controller rude: unknown need \"loss\""));
  EXPECT_THAT(error_of([] { (void)needing(R"(, "needs": "loss")", "{}"); }).what(),
              HasSubstr("controller rude: needs must be a list"));
}

TEST(ControllerProgram, IsStartedAsLongAsItsFileIsTheOneThatWasLoaded) {
  const Script script(block_of_readme("```python"));
  ProgramOptions options{{script.path().string()}, 30};
  options.checksum = sha256_of_file(script.path().string());
  const Entry entry = controllers_of_program(script.path(), options).front();
  EXPECT_NO_THROW((void)entry.make({{"batch_size", 8}}, tiny_setting));
  std::ofstream(script.path(), std::ios::app) << "\n# another build\n";
  const std::string now = sha256_of_file(script.path().string());
  const auto refusal = [&] {
    const Error error = error_of([&] {
      (void)entry.make({{"batch_size", 8}}, tiny_setting);
    });
    EXPECT_EQ(error.kind(), ErrorKind::plugin);
    return std::string(error.what());
  };
  const std::string changed = fmt::format(
      "doubling ({}): changed since it was loaded (checksum {} then, {{}} now)",
      script.path().string(), options.checksum);
  EXPECT_EQ(refusal(), fmt::format(fmt::runtime(changed), now));
  std::filesystem::remove(script.path());
  EXPECT_EQ(refusal(), fmt::format(fmt::runtime(changed), "none"));
}

Entry served(const std::string& name) {
  const auto entries = controllers_of_program(
      BATCHLAB_PLUGIN_SERVER, {.command = {BATCHLAB_PLUGIN_SERVER},
                               .seconds_per_answer = 60,
                               .memory_bytes = 0});  // sanitizers reserve a lot
  for (const Entry& entry : entries) {
    if (entry.name == name) return entry;
  }
  ADD_FAILURE() << name;
  return {};
}

void expect_equal(const Decision& left, const Decision& right) {
  EXPECT_EQ(left.batch_size, right.batch_size);
  EXPECT_EQ(left.reason, right.reason);
  EXPECT_EQ(left.learning_rate, right.learning_rate);
  EXPECT_EQ(left.learning_rate_factor, right.learning_rate_factor);
  EXPECT_EQ(left.subset, right.subset);
  EXPECT_EQ(left.branching, right.branching);
}

// As long as it can be a batch size: a wish below 1 is refused from outside.
void expect_equal_at(Controller& here, Controller& there,
                     const Statistics& statistics) {
  EXPECT_EQ(here.extended_batch_size(statistics),
            there.extended_batch_size(statistics));
  const Decision decision = here.decide(statistics);
  if (decision.batch_size >= 1) return expect_equal(decision, there.decide(statistics));
  EXPECT_THROW((void)there.decide(statistics), Error);
}

class Isolated : public testing::TestWithParam<std::string> {};

TEST_P(Isolated, DecidesAsInThisProcessToTheLastBit) {
  const Entry& built_in = find_controller(GetParam());
  const Entry isolated = served(GetParam());
  for (const json& options : example_variants(GetParam())) {
    const json complete = checked_options("-", built_in.options, options);
    const auto here = built_in.make(complete, fashion_mnist);
    const auto there = isolated.make(complete, fashion_mnist);
    EXPECT_EQ(here->needs(), there->needs());
    for (int step = 0; step < 120; ++step) {
      Statistics statistics = statistics_at(step);
      if (step % 7 == 3) statistics.noise_scale_high = INFINITY;
      if (step % 11 == 5) statistics.batch_loss = NAN;
      expect_equal_at(*here, *there, statistics);
    }
    EXPECT_EQ(here->save(), there->save());
    const auto resumed = isolated.make(complete, fashion_mnist);
    resumed->load(here->save());
    for (int step = 120; step < 150; ++step) {
      expect_equal_at(*here, *resumed, statistics_at(step));
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Entry* entry : controllers()) names.push_back(entry->name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Registry, Isolated, testing::ValuesIn(names()),
                         [](const auto& instance) { return instance.param; });

const Option& measured_option(const Entry& entry) {
  return *std::ranges::find_if(entry.options, [](const Option& option) {
    return static_cast<bool>(option.from_step_time);
  });
}

// 60 us + 2 us B: a step without examples costs as much as 30 examples.
TEST(Serve, TheProcessIsAskedForWhatIsMeasured) {
  const Entry entry = served("goodput");
  const Option& option = measured_option(entry);
  EXPECT_EQ(option.name, "cost_ratio");
  EXPECT_DOUBLE_EQ(option.from_step_time(60e-6, 2e-6), 30);
}

TEST(Serve, AMeasuredOptionThatTheProgramCannotTellFailsWithWords) {
  const auto refusal_of = [](const std::string& answer) {
    const Script script(
        "#!/bin/sh\nread l; echo '{\"protocol\": 1, \"controllers\": [{\"name\": "
        "\"rude\", \"summary\": \"-\", \"source\": \"-\", \"options\": [{\"name\": "
        "\"gain\", \"kind\": \"number\", \"help\": \"-\", "
        "\"measured_where_unset\": true}]}]}'\nread l; " +
        answer + "\n");
    const Entry entry = script.entries().front();
    return std::string(
        error_of([&] { (void)entry.options.front().from_step_time(1, 2); }).what());
  };
  EXPECT_THAT(refusal_of("echo '{\"value\": null}'"),
              HasSubstr("value must be a number, got null (while asked for gain)"));
  EXPECT_THAT(refusal_of("echo '{\"error\": \"what?\"}'"),
              HasSubstr("): what? (while"));
  EXPECT_THAT(refusal_of("exit 3"),
              HasSubstr("exited with code 3 while asked for gain"));
}

TEST(Serve, WhatARuleWritesToStandardOutputDisturbsNothing) {
  const auto rule = served("writing").make(json::object(), tiny_setting);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rule->decide(after_epochs(0)).batch_size, 8);
}

TEST(Serve, NumbersAreReadAndWrittenWhateverRoundingARuleLeavesBehind) {
  const auto rule = served("rounding").make(json::object(), tiny_setting);
  for (const double loss : {0.1, 1.0 / 3, 1e-310, 123456789.123}) {
    Statistics statistics;
    statistics.batch_loss = loss;
    EXPECT_EQ(rule->decide(statistics).learning_rate, loss);
  }
}

TEST(Serve, WhateverARuleThrowsIsAnAnswer) {
  const Entry entry = served("throwing");
  const auto rule = entry.make(json::object(), tiny_setting);
  for (int i = 0; i < 2; ++i) {
    const Error error = error_of([&] { (void)rule->decide(after_epochs(0)); });
    EXPECT_EQ(error.kind(), ErrorKind::plugin);
    EXPECT_THAT(error.what(), HasSubstr("throwing (" BATCHLAB_PLUGIN_SERVER
                                        "): threw what is no std::exception (while "
                                        "deciding at step 0)"));
  }
}

TEST(Serve, ACrashIsToldWithItsSignalAndStep) {
  const auto rule = served("crashing").make(json::object(), tiny_setting);
  Statistics statistics;
  EXPECT_EQ(rule->decide(statistics).batch_size, 8);
  statistics.step = 3;
  const Error error = error_of([&] { (void)rule->decide(statistics); });
  EXPECT_THAT(error.what(), HasSubstr("ended by signal "));
  EXPECT_THAT(error.what(), HasSubstr(" while deciding at step 3"));
}

TEST(Serve, AnOptionThatARuleRefusesIsAUsageError) {
  const Entry entry = served("constant");
  const Error error = error_of([&] {
    (void)entry.make({{"batch_size", 700}}, tiny_setting);
  });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), HasSubstr("batch_size must be in [1, 600]"));
}

TEST(Serve, WhatCannotBeLoadedIsToldToWhoAsks) {
  const Error error = error_of([] {
    (void)controllers_of_program(
        "/a/file", {.command = {BATCHLAB_PLUGIN_SERVER, "x"}, .memory_bytes = 0});
  });
  EXPECT_EQ(error.kind(), ErrorKind::plugin);
  EXPECT_STREQ(error.what(), "/a/file: is no library (while saying hello)");
}

TEST(Serve, TellsItsVersion) {
  std::string version;
  (void)controllers_of_program(
      "/a/file", {.command = {BATCHLAB_PLUGIN_SERVER}, .memory_bytes = 0}, &version);
  EXPECT_EQ(version, "0.9");
}

TEST(Serve, AnswersWhatItDoesNotUnderstandWithAnError) {
  ChildProcess program({BATCHLAB_PLUGIN_SERVER}, 0);
  const auto answer = [&](const char* line) {
    return document_of(program.ask(line, 60)).at("error").get<std::string>();
  };
  EXPECT_THAT(answer("hi"), HasSubstr("what is not JSON: hi"));
  EXPECT_THAT(answer(R"({"hallo": 1})"), HasSubstr("did you mean \"hello\"?"));
  EXPECT_THAT(answer(R"({"hello": {"protocol": 2}})"),
              HasSubstr("protocol 1 is spoken here, got 2"));
  EXPECT_THAT(answer(R"({"save": true})"), HasSubstr("no controller has been made"));
  EXPECT_THAT(answer(R"({"create": {"controller": "constat", "options": {}, )"
                     R"("setting": {"training_set_size": 6}}})"),
              HasSubstr("did you mean \"constant\"?"));
}

}  // namespace batchlab::test::controller_program_test
