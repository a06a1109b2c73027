// SPDX-License-Identifier: MIT
#include "controllers/option.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controllers/batch_size_option.hpp"
#include "examples.hpp"

namespace batchlab::option_test {

using nlohmann::json;
using testing::HasSubstr;
using Kind = Option::Kind;

const std::vector<Option> options{
    {"half_period", Kind::number, 10, 1, 1e12, {}, "epochs", ""},
    {"batch_size", Kind::integer, 32, 1, 512, {}, "examples", ""},
    {"smooth", Kind::boolean, false, 0, 0, {}, "", ""},
    {"shape", Kind::choice, "list", 0, 0, {"list", "cosine"}, "", ""},
    {"sizes", Kind::integer_list, nullptr, 1, 64, {}, "examples", ""},
    {"weights", Kind::number_list, json::array(), 0, 2, {}, "", ""},
    {"phases", Kind::table_list, nullptr, 0, 0, {}, "", ""},
    {.name = "offset", .default_value = 0, .choices = {}, .unit = "", .help = ""},
};

json checked(const json& given) { return checked_options("cyclic", options, given); }
std::string refused(const json& given) {
  return error_of([&] { (void)checked(given); });
}

TEST(CheckedOptions, CompletesWithDefaultsAndNull) {
  const json complete = checked(json::object());
  EXPECT_EQ(complete.size(), options.size());
  EXPECT_EQ(complete["batch_size"], 32);
  EXPECT_TRUE(complete["sizes"].is_null());
  EXPECT_EQ(checked(complete), complete);
}

TEST(CheckedOptions, KeepsWhatWasGiven) {
  const json complete = checked(
      {{"half_period", 2}, {"smooth", true}, {"shape", "cosine"}, {"sizes", {8, 64}}});
  EXPECT_EQ(complete["half_period"], 2.0);
  EXPECT_EQ(complete["smooth"], true);
  EXPECT_EQ(complete["shape"], "cosine");
  EXPECT_EQ(complete["sizes"], (json{8, 64}));
}

TEST(CheckedOptions, TakesAWholeNumberAsInteger) {
  EXPECT_TRUE(checked({{"batch_size", 3.0}})["batch_size"].is_number_integer());
  EXPECT_EQ(refused({{"batch_size", 3.5}}),
            "cyclic: batch_size must be an integer in [1, 512] examples, got 3.5");
}

TEST(CheckedOptions, NamesOptionRangeUnitAndValue) {
  EXPECT_EQ(refused({{"half_period", 0}}),
            "cyclic: half_period must be in [1, 1e+12] epochs, got 0");
  EXPECT_EQ(refused({{"batch_size", 513}}),
            "cyclic: batch_size must be in [1, 512] examples, got 513");
  EXPECT_EQ(refused({{"half_period", 0.9999999}}),
            "cyclic: half_period must be in [1, 1e+12] epochs, got 0.9999999");
}

TEST(CheckedOptions, RefusesWhatIsNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(refused({{"half_period", std::nan("")}}), HasSubstr("got nan"));
  EXPECT_THAT(refused({{"half_period", infinity}}), HasSubstr("got inf"));
  EXPECT_THAT(refused({{"batch_size", std::nan("")}}), HasSubstr("got nan"));
  EXPECT_THAT(refused({{"batch_size", -infinity}}), HasSubstr("got -inf"));
  EXPECT_EQ(refused({{"offset", infinity}}),
            "cyclic: offset must be a finite number, got inf");
}

TEST(CheckedOptions, RefusesIntegersTooLargeToBeExact) {
  EXPECT_THAT(refused({{"batch_size", 18446744073709551615ULL}}),
              HasSubstr("in [1, 512]"));
  EXPECT_THAT(refused({{"batch_size", 1e300}}), HasSubstr("in [1, 512]"));
}

TEST(CheckedOptions, RefusesTheWrongType) {
  EXPECT_EQ(refused({{"batch_size", "32"}}),
            "cyclic: batch_size must be an integer in [1, 512] examples, got \"32\"");
  EXPECT_EQ(refused({{"half_period", json::array()}}),
            "cyclic: half_period must be a number in [1, 1e+12] epochs, got []");
  EXPECT_EQ(refused({{"smooth", 1}}), "cyclic: smooth must be true or false, got 1");
  EXPECT_EQ(refused({{"shape", 1}}),
            "cyclic: shape must be one of list, cosine, got 1");
  EXPECT_THAT(refused({{"half_period", nullptr}}), HasSubstr("got null"));
  EXPECT_THAT(refused({{"batch_size", true}}), HasSubstr("got true"));
}

TEST(CheckedOptions, NamesTheClosestOptionAndChoice) {
  EXPECT_THAT(
      refused({{"batchsize", 3}}),
      HasSubstr("cyclic: unknown option \"batchsize\"; did you mean \"batch_size\"?"));
  EXPECT_THAT(refused({{"shape", "cosin"}}),
              HasSubstr("cyclic: unknown shape \"cosin\"; did you mean \"cosine\"?"));
}

TEST(CheckedOptions, ChecksEveryMemberOfAList) {
  EXPECT_EQ(refused({{"sizes", {8, 65}}}),
            "cyclic: sizes[1] must be in [1, 64] examples, got 65");
  EXPECT_THAT(refused({{"sizes", json::array()}}),
              HasSubstr("at least one integer, got []"));
  EXPECT_THAT(refused({{"sizes", 8}}), HasSubstr("list"));
  EXPECT_THAT(refused({{"phases", json::array()}}),
              HasSubstr("at least one table, got []"));
  EXPECT_EQ(refused({{"weights", {0.5, -0.5}}}),
            "cyclic: weights[1] must be in [0, 2], got -0.5");
  EXPECT_THAT(refused({{"weights", {"1"}}}), HasSubstr("weights[0] must be a number"));
  EXPECT_THAT(refused({{"weights", 1}}), HasSubstr("a list of numbers, got 1"));
  EXPECT_EQ(checked({{"weights", {1, 0.5}}}).at("weights"), json({1.0, 0.5}));
  EXPECT_THAT(refused({{"phases", {1}}}), HasSubstr("at least one table, got [1]"));
}

TEST(CheckedOptions, ANameListHoldsTextsAndTables) {
  const std::vector<Option> rows{{.name = "shadow",
                                  .kind = Kind::name_list,
                                  .default_value = json::array(),
                                  .choices = {},
                                  .unit = "",
                                  .help = ""}};
  for (const json& given :
       {json::array(), json::array({"a", json::object({{"name", "b"}})})}) {
    EXPECT_EQ(checked_options("o", rows, {{"shadow", given}}).at("shadow"), given);
  }
  for (const json& given : {json("a"), json::object(), json::array({1}), json()}) {
    EXPECT_THROW((void)checked_options("o", rows, {{"shadow", given}}), Error) << given;
  }
}

TEST(CheckedOptions, ExpectsATable) {
  EXPECT_EQ(refused(3), "cyclic: a table of options is expected, got 3");
  EXPECT_THAT(refused(json::array({1})), HasSubstr("a table of options is expected"));
}

TEST(CheckedOptions, CutsAndEscapesLongValues) {
  const std::string text = refused({{"batch_size", "\x1b" + std::string(1000, 'a')}});
  EXPECT_THAT(text, HasSubstr("got \"\\x1baaa"));
  EXPECT_LT(text.size(), 170U);
}

TEST(CheckedOptions, RefusesWhatHasNoMeaningForTheChoiceMade) {
  const std::vector<Option> rows{
      choice_option("name", {"sgd", "adam"}, ""),
      only_for("name", {"sgd"}, number_option("rate", 0.01, 0, 1, "", "")),
      only_for("name", {"adam"}, number_option("rate", 0.001, 0, 1, "", "")),
      only_for("name", {"sgd"}, number_option("momentum", 0, 0, 1, "", ""))};
  EXPECT_EQ(checked_options("o", rows, json::object()),
            (json{{"name", "sgd"}, {"rate", 0.01}, {"momentum", 0.0}}));
  EXPECT_EQ(checked_options("o", rows, {{"name", "adam"}}),
            (json{{"name", "adam"}, {"rate", 0.001}}));
  try {
    (void)checked_options("o", rows, {{"name", "adam"}, {"momentum", 0.9}});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "o: momentum has no meaning for name = \"adam\", only for sgd");
  }
}

}  // namespace batchlab::option_test
