// SPDX-License-Identifier: MIT
//
// The table of known answers in small: fewer directions, examples, steps and seeds.
#include <gtest/gtest.h>

#include "experiments/toml_file.hpp"
#include "tests/known_answers/answers.hpp"
#include "tests/results/support.hpp"

namespace batchlab::known_answers {
namespace {

using nlohmann::json;

json specification(const std::string& name) {
  const std::string path = BATCHLAB_KNOWN_ANSWERS "/" + name + ".toml";
  return parse_toml(read_text_file(path), path);
}

Problem small_problem() {
  json at_rest = specification("listed"), descent = specification("descent"),
       slow_descent = specification("slow_descent");
  json& eigenvalues = at_rest["model"]["layers"][0]["eigenvalues"];
  eigenvalues.erase(eigenvalues.begin() + 40, eigenvalues.end());
  at_rest["data"]["dimensions"] = 40;
  at_rest["data"]["examples"] = 6000;
  at_rest["budget"]["steps"] = 400;  // an epoch of gradient_diversity takes 375
  at_rest["statistics"]["horizon_examples"] = 600;
  descent["budget"]["steps"] = 400;
  slow_descent["budget"]["steps"] = 7200;
  slow_descent["evaluation"]["every_examples"] = 6000;
  apply_setting(slow_descent, "controllers.critical_batch.every_examples=5000");
  apply_setting(slow_descent, "controllers.critical_batch.window_examples=40000");
  apply_setting(at_rest, "controllers.gradient_diversity.batch_size=16");
  apply_setting(at_rest, "controllers.big_batch_averaged.batch_size=16");
  apply_setting(at_rest, "controllers.big_batch_averaged.horizon_examples=4000");
  static const test::TemporaryFolder folder;  // the runs read the parameters there
  return make_problem(at_rest, {descent, slow_descent}, 20, folder.path());
}

const Problem& problem() {
  static const Problem small = small_problem();
  return small;
}

const Effort effort{.seeds = {0, 1, 2}, .intervals = 20, .jobs = 1};

void expect_held(const Answer& answer) {
  EXPECT_TRUE(answer.holds()) << answer.quantity << ": expected " << answer.expected
                              << ", measured " << answer.mean() << " +- "
                              << answer.standard_error();
}

TEST(KnownAnswers, EstimatorsAreUnbiasedAndTheirIntervalsCover) {
  const auto answers = estimator_answers(problem(), effort);
  EXPECT_EQ(answers.size(), 13U);
  for (Answer answer : answers) {
    // Of 60 intervals, 51 or fewer hold S in one of 500 cases.
    if (answer.expected == 0.95) answer.low = 0.86 / 0.95, answer.high = 1 / 0.95;
    expect_held(answer);
  }
}

TEST(KnownAnswers, RulesSettleWhereTheirEquationsSay) {
  const auto answers = rule_answers(problem(), effort);
  EXPECT_EQ(answers.size(), 23U);
  for (const Answer& answer : answers) {
    if (!answer.one_sided) expect_held(answer);
  }
}

TEST(KnownAnswers, WhatTheRulesCompareIsWhatTheClosedFormSays) {
  const auto answers = relation_answers(problem(), effort);
  EXPECT_EQ(answers.size(), 7U);
  for (const Answer& answer : answers) expect_held(answer);
}

}  // namespace
}  // namespace batchlab::known_answers
