// SPDX-License-Identifier: MIT
#include "results/report_text.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "results/sha256.hpp"
#include "tests/results/support.hpp"

namespace batchlab::report_text_test {

using testing::HasSubstr;
using testing::Not;

// FIPS 180-4's examples, and the digest of nothing, in base64.
TEST(Sha256, GivesThePublishedDigestsAsAPolicyWritesThem) {
  EXPECT_EQ(sha256_source(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_EQ(sha256_source("abc"),
            "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(sha256_source("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "sha256-JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=");
  EXPECT_EQ(sha256_source(std::string(1000000, 'a')),
            "sha256-zcduXJkU+5KBocfihNc+Z/GAmkiklyAOBG05zMcRLNA=");
}

TEST(Sha256, OfAFileIsWrittenAsSha256sumDoes) {
  const test::TemporaryFolder folder;
  const std::string file = folder / "file";
  test::write_file(file, "abc");
  EXPECT_EQ(sha256_of_file(file),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  test::write_file(file, std::string(1000000, 'a'));  // several blocks
  EXPECT_EQ(sha256_of_file(file),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  for (const std::string& wrong : {folder.path().string(), file + "-none"}) {
    const Error error = test::error_of([&] { (void)sha256_of_file(wrong); });
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_THAT(error.what(), HasSubstr(wrong));
  }
}

TEST(CleanText, ShowsControlCharactersAndReplacesWhatIsNotUtf8) {
  EXPECT_EQ(clean_text("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(clean_text("\xc2\x85"), "\\x85");  // U+0085, a control character
  EXPECT_EQ(clean_text("\xff\xc3"), "\ufffd\ufffd");
  EXPECT_EQ(clean_text("\xc0\xaf"), "\ufffd\ufffd");            // overlong slash
  EXPECT_EQ(clean_text("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");  // a surrogate
  EXPECT_EQ(clean_text("\xef\xbf\xbf"), "\ufffd");              // no character of XML
  EXPECT_EQ(clean_text("größe 漢字 😀"), "größe 漢字 😀");
}

TEST(CleanText, CutsAtAWholeCharacter) {
  EXPECT_EQ(clean_text("äöü", 3), "äö…");
  EXPECT_EQ(clean_text("abc", 3), "abc");
  EXPECT_LT(clean_text(std::string(1 << 20, 'x')).size(), 130U);
}

TEST(MarkupText, HoldsNoMarkup) {
  EXPECT_EQ(markup_text("<a b=\"c\" d='e'>&amp;"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;");
}

TEST(ScriptJson, CannotEndItsElement) {
  const std::string text = script_json("</script><!-- & \u2028 \xff");
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_THAT(text, Not(HasSubstr(">")));
  EXPECT_THAT(text, Not(HasSubstr("&")));
  EXPECT_THAT(text, HasSubstr("\\u2028"));
  EXPECT_EQ(nlohmann::json::parse(text), "</script><!-- & \u2028 \ufffd");
}

TEST(ChartNumber, HasFiveDigitsAndWholeNumbersInFull) {
  EXPECT_EQ(chart_number(123456789), "123456789");
  EXPECT_EQ(chart_number(0.123456), "0.12346");
  EXPECT_EQ(chart_number(-0.0), "0");
  EXPECT_EQ(chart_number(std::nan("")), "null");
  EXPECT_EQ(chart_number(-std::numeric_limits<double>::infinity()), "null");
}

TEST(FigureText, SeparatesThousands) {
  EXPECT_EQ(figure_text(1234567), "1,234,567");
  EXPECT_EQ(figure_text(-1234), "-1,234");
  EXPECT_EQ(figure_text(999.94), "999.9");
  EXPECT_EQ(figure_text(0.000012345), "1.234e-05");
  EXPECT_EQ(figure_text(0), "0");
}

}  // namespace batchlab::report_text_test
