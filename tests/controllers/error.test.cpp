// SPDX-License-Identifier: MIT
#include "controllers/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace batchlab::error_test {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> rules{"constant", "phases", "noise_scale"};

std::string message(const std::string& name) {
  return unknown_name("controller", name, rules).what();
}

TEST(UnknownName, NamesTheClosestAndAllThatAreKnown) {
  EXPECT_EQ(message("constnat"),
            "unknown controller \"constnat\"; did you mean \"constant\"? "
            "(known: constant, phases, noise_scale)");
  EXPECT_EQ(unknown_name("controller", "x", rules).kind(), ErrorKind::usage);
}

TEST(UnknownName, FindsTheClosestInSpiteOfCaseAndHyphen) {
  EXPECT_THAT(message("PHASES"), HasSubstr("mean \"phases\""));
  EXPECT_THAT(message("noise-scale"), HasSubstr("mean \"noise_scale\""));
}

TEST(UnknownName, AsksNothingWhenNothingIsClose) {
  EXPECT_EQ(message("adam"),
            "unknown controller \"adam\" (known: constant, phases, noise_scale)");
  EXPECT_THAT(message(""), Not(HasSubstr("did you mean")));
}

// "phases" has 6 letters: 2 wrong is a third, 3 are more.
TEST(UnknownName, ToleratesAThirdOfTheLetters) {
  EXPECT_THAT(message("phaxxs"), HasSubstr("did you mean"));
  EXPECT_THAT(message("phxxxs"), Not(HasSubstr("did you mean")));
}

// A swap of neighbours is one mistake, so one of three letters.
TEST(UnknownName, CountsASwapOnce) {
  const std::vector<std::string> known{"abc"};
  EXPECT_THAT(unknown_name("x", "acb", known).what(), HasSubstr("did you mean"));
}

TEST(UnknownName, CutsAndEscapesWhatWasGiven) {
  const std::string text = message("\x1b[2J" + std::string(1'000'000, 'a'));
  EXPECT_THAT(text, HasSubstr("\\x1b[2Jaaa"));
  EXPECT_LT(text.size(), 200U);
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\tb\n\x7f"), "a\\x09b\\x0a\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Printable, KeepsUtf8AndEscapesWhatIsNot) {
  EXPECT_EQ(printable("Grö\xc3\x9f"
                      "e"),
            "Grö\xc3\x9f"
            "e");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // U+009B starts a terminal command
  EXPECT_EQ(printable("a\u202e"), "a\\xe2\\x80\\xae");  // turns what follows around
  EXPECT_EQ(printable("\u2066\u200f"), "\\xe2\\x81\\xa6\\xe2\\x80\\x8f");
  EXPECT_EQ(printable("\u2026"), "\u2026");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");
}

TEST(Printable, CutsAtTheLimitBetweenCharacters) {
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abcde", 4), "abcd...");
  EXPECT_EQ(printable("abc\xc3\x9f", 4), "abc...");
  EXPECT_THAT(printable(std::string(100, 'a')), EndsWith("a..."));
}

}  // namespace batchlab::error_test
