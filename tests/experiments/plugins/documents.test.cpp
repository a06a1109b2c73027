// SPDX-License-Identifier: MIT
#include "experiments/plugins/documents.hpp"

#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>

#include "experiments/plugins/outside_entry.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::documents_test {

using nlohmann::json;
using testing::HasSubstr;

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Action>
std::string refusal_of(Action action) {
  const Error error = error_of(action);
  EXPECT_EQ(error.kind(), ErrorKind::plugin);
  return error.what();
}

Statistics sent(const Statistics& statistics) {
  return statistics_from(document_of(line_of(document(statistics))));
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

TEST(Documents, NumbersKeepTheirBits) {
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    Statistics statistics;
    statistics.batch_loss = std::bit_cast<double>(state ^ (state >> 29));
    statistics.noise_scale = statistics.batch_loss;
    if (std::isnan(statistics.batch_loss)) continue;
    EXPECT_EQ(bits(sent(statistics).batch_loss), bits(statistics.batch_loss));
    EXPECT_EQ(bits(*sent(statistics).noise_scale), bits(*statistics.noise_scale));
  }
}

TEST(Documents, NumbersKeepTheirBitsWhateverTheRoundingMode) {
  Statistics statistics;
  statistics.batch_loss = 0.1;
  statistics.learning_rate = 1.0 / 3;
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    const Statistics arrived = sent(statistics);
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(after, mode) << "it is the plugin's";
    EXPECT_EQ(arrived.batch_loss, 0.1);
    EXPECT_EQ(arrived.learning_rate, 1.0 / 3);
  }
}

TEST(Documents, WhatIsNotFiniteIsNullAndNamed) {
  Statistics statistics;
  statistics.batch_loss = std::nan("");
  statistics.noise_scale = -infinity;
  statistics.noise_scale_high = infinity;
  const json told = document(statistics);
  EXPECT_TRUE(told.at("noise_scale_high").is_null());
  EXPECT_EQ(told.at("not_finite"), json({{"batch_loss", "nan"},
                                         {"noise_scale", "-inf"},
                                         {"noise_scale_high", "inf"}}));
  const Statistics arrived = sent(statistics);
  EXPECT_TRUE(std::isnan(arrived.batch_loss));
  EXPECT_EQ(arrived.noise_scale, -infinity);
  EXPECT_EQ(arrived.noise_scale_high, infinity);
  EXPECT_FALSE(arrived.noise_scale_low.has_value());
}

TEST(Documents, OnlyWhatIsMeasuredIsTold) {
  Statistics statistics;
  statistics.step = 3;
  statistics.learning_rate = 0.5;
  EXPECT_EQ(line_of(document(statistics)),
            R"({"batch_loss":0.0,"batch_size":0,"epochs_completed":0,)"
            R"("examples_seen":0,"learning_rate":0.5,"step":3,"training_set_size":0})");
}

TEST(Documents, ADecisionArrivesWhole) {
  Decision decision{0.1, "a \"reason\",\nof two lines"};
  decision.learning_rate = 1e-300;
  decision.learning_rate_factor = 1.0 / 3;
  decision.subset = Subset{5, 1'000'000'000'000};
  decision.branching = {1, 2, true};
  const std::string line = line_of(document(decision));
  EXPECT_EQ(line.find('\n'), line.npos);
  const Decision arrived = decision_from(document_of(line));
  EXPECT_EQ(arrived.batch_size, 0.1);
  EXPECT_EQ(arrived.reason, decision.reason);
  EXPECT_EQ(arrived.learning_rate, decision.learning_rate);
  EXPECT_EQ(arrived.learning_rate_factor, decision.learning_rate_factor);
  EXPECT_EQ(arrived.subset, decision.subset);
  EXPECT_EQ(arrived.branching, decision.branching);
}

TEST(Documents, ADecisionIsRefusedByTheKeyThatIsWrong) {
  const auto refusal = [](const char* answer) {
    return refusal_of([&] { (void)decision_from(document_of(answer)); });
  };
  EXPECT_EQ(refusal(R"({"reason": "-"})"), "answer: batch_size is missing");
  EXPECT_EQ(refusal(R"({"batch_size": 8})"), "answer: reason is missing");
  EXPECT_EQ(refusal(R"({"batch_size": "8", "reason": "-"})"),
            "answer: batch_size must be a number, got \"8\"");
  EXPECT_EQ(refusal(R"({"batch_size": null, "reason": "-"})"),
            "answer: batch_size must be a number, got null");
  EXPECT_THAT(refusal(R"({"batchsize": 8, "reason": "-"})"),
              HasSubstr("answer: unknown key \"batchsize\"; did you mean "
                        "\"batch_size\"?"));
  EXPECT_THAT(refusal(R"({"batch_size": 8, "reason": "-", "subset": {"first": 0.5,
                          "count": 3}})"),
              HasSubstr("answer, subset: first must be an integer"));
  EXPECT_THAT(refusal(R"({"batch_size": 8, "reason": "-", "branching": {"keep_as":
                          4294967296}})"),
              HasSubstr("keep_as must be a number of 32 bits"));
  EXPECT_EQ(refusal("[8]"), "answer must be a table ({...}), got [8]");
}

TEST(Documents, WhatIsNoJsonIsShownAsFarAsItCanBe) {
  const auto refusal = [](const std::string& line) {
    return refusal_of([&] { (void)document_of(line); });
  };
  EXPECT_EQ(refusal("hello\x1b[2J"), "what is not JSON: hello\\x1b[2J");
  EXPECT_LT(refusal(std::string(1000, 'x')).size(), 120U);
  EXPECT_THAT(refusal(""), HasSubstr("what is not JSON"));
  EXPECT_THAT(refusal(R"({"batch_size": NaN})"), HasSubstr("what is not JSON"));
  EXPECT_THAT(refusal(R"({"batch_size": 1e999})"), HasSubstr("what is not JSON"));
  EXPECT_THAT(refusal(std::string(500'000, '[')), HasSubstr("deeper than 100"));
  EXPECT_THAT(refusal(R"({"a": )" + std::string(500'000, '[')),
              HasSubstr("deeper than 100"));
}

TEST(Documents, NeedsAreRefusedByTheNameThatIsWrong) {
  const Needs needs{&Statistics::noise_scale, &Statistics::validation_loss};
  EXPECT_EQ(needs_from(document(needs), "answer"), needs);
  EXPECT_EQ(needs_from(json::object(), "answer"), std::nullopt);
  EXPECT_THAT(
      refusal_of([] {
        (void)needs_from({{"needs", {"noise_skale"}}}, "answer");
      }),
      HasSubstr("answer: unknown need \"noise_skale\"; did you mean \"noise_scale\"?"));
}

TEST(Documents, EveryEntryOfTheRegistryArrivesAsItIs) {
  for (const Entry* entry : controllers()) {
    const json told = document(*entry);
    const Entry arrived = checked(entry_from(document_of(line_of(told))), "/a/file");
    json again = document(arrived);
    if (!told.contains("limits")) again.erase("limits");
    EXPECT_EQ(again, told);
    EXPECT_EQ(arrived.options.size(), entry->options.size());
  }
}

std::string entry_refusal(const std::string& more) {
  const std::string text = R"({"name": "mine", "summary": "-", "source": "-", )" + more;
  return refusal_of(
      [&] { (void)checked(entry_from(document_of(text + '}')), "/a/file"); });
}

std::string option_refusal(const std::string& option) {
  return entry_refusal(R"("options": [{"help": "-", )" + option + "}]");
}

TEST(OutsideEntry, IsRefusedByWhatIsWrongWithIt) {
  EXPECT_THAT(entry_refusal(R"("name": "../mine")"),
              HasSubstr("/a/file: a controller's name must be a word"));
  EXPECT_THAT(entry_refusal(R"("limits": {"minimun": 3})"),
              HasSubstr("did you mean \"minimum\"?"));
  EXPECT_THAT(entry_refusal(R"("open_lop": true)"),
              HasSubstr("controller mine: unknown key \"open_lop\""));
  EXPECT_THAT(entry_refusal(R"("open_loop": 1)"),
              HasSubstr("open_loop must be true or false, got 1"));
}

TEST(OutsideEntry, AnOptionIsRefusedByWhatIsWrongWithIt) {
  EXPECT_THAT(option_refusal(R"("name": "gain", "kind": "real")"),
              HasSubstr("option gain: unknown kind of option \"real\""));
  EXPECT_THAT(option_refusal(R"("name": "gain")"),
              HasSubstr("option gain: kind is missing"));
  EXPECT_THAT(option_refusal(R"("name": "Gain", "kind": "number")"),
              HasSubstr("an option's name must be a word"));
  EXPECT_THAT(option_refusal(R"("name": "limits", "kind": "number")"),
              HasSubstr("option limits has the name of a key that every entry has"));
  EXPECT_THAT(option_refusal(R"("name": "gain", "kind": "number", "default": 3,
                                "maximum": 2)"),
              HasSubstr("gain must be at most 2, got 3"));
  EXPECT_THAT(option_refusal(R"("name": "gain", "kind": "number", "minimum": 3,
                                "maximum": 2)"),
              HasSubstr("option gain: minimum 3 is above maximum 2"));
  EXPECT_THAT(option_refusal(R"("name": "shape", "kind": "choice")"),
              HasSubstr("option shape has no choices"));
  EXPECT_THAT(option_refusal(R"("name": "gain", "kind": "number",
                                "only_for": {"choice": "shape", "values": ["a"]})"),
              HasSubstr("option gain: only_for must name a choice further up"));
  EXPECT_THAT(option_refusal(R"("name": "a", "kind": "text"},
                                {"help": "-", "name": "a", "kind": "text")"),
              HasSubstr("option a is there twice"));
}

}  // namespace batchlab::test::documents_test
