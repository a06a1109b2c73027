// SPDX-License-Identifier: MIT
#include "experiments/toml_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>

#include "tests/experiments/support.hpp"

namespace batchlab::test::toml_file_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::string& text) {
  const Error error = error_of([&] { (void)parse_toml(text, "spec.toml"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage) << text.substr(0, 80);
  return error.what();
}

std::string refusal_of_setting(const std::string& assignment) {
  json document = tiny_document();
  const Error error = error_of([&] { apply_setting(document, assignment); });
  EXPECT_EQ(error.kind(), ErrorKind::usage) << assignment.substr(0, 80);
  return error.what();
}

json with(const std::string& assignment) {
  json document = tiny_document();
  apply_setting(document, assignment);
  return document;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(TomlFile, BecomesTheSameJson) {
  EXPECT_EQ(parse_toml("a = 1\nb = [1.5, \"x\", true]\n[c.d]\ne = { f = -2 }\n"
                       "[[g]]\nh = 1\n[[g]]\nh = 2\n",
                       "x"),
            json::parse(R"({"a": 1, "b": [1.5, "x", true], "c": {"d": {"e": {"f": -2}}},
                            "g": [{"h": 1}, {"h": 2}]})"));
}

TEST(TomlFile, RefusesNothingAndBlanks) {
  for (const char* text : {"", " ", "\n\n", " \t\r\n"}) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("spec.toml"), HasSubstr("empty")));
  }
}

TEST(TomlFile, RefusesEveryByteThatIsNotPlainText) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool plain =
        byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 32 && byte < 127);
    const std::string text =
        "a = 1\n# " + std::string(1, static_cast<char>(byte)) + "\n";
    if (plain) {
      // A carriage return alone is no line end of TOML.
      if (byte != '\r') {
        EXPECT_NO_THROW((void)parse_toml(text, "x")) << byte;
      }
      continue;
    }
    EXPECT_THAT(refusal(text),
                AllOf(HasSubstr("line 2"), HasSubstr(fmt::format("0x{:02x}", byte))));
  }
}

TEST(TomlFile, RefusesBinaryFiles) {
  const TemporaryFolder folder;
  write_file(folder / "elf", std::string("\x7f"
                                         "ELF\x02\x01\x01\0\0",
                                         9));
  const auto path = (folder / "elf").string();
  EXPECT_THAT(refusal(read_text_file(path)), HasSubstr("byte 0x7f"));
}

TEST(TomlFile, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(refusal("a = 1\nb = [1, 2\nc = 3\n"), HasSubstr("spec.toml: line 3"));
  EXPECT_THAT(refusal("a = 1\n\nb 2\n"), HasSubstr("spec.toml: line 3"));
  EXPECT_THAT(refusal("a = \"open\n"), HasSubstr("spec.toml: line 1"));
}

TEST(TomlFile, RefusesDuplicateKeys) {
  EXPECT_THAT(refusal("a = 1\nb = 2\na = 3\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("a")));
  EXPECT_THAT(refusal("[t]\na = 1\n[t]\nb = 1\n"), HasSubstr("line 3"));
}

TEST(TomlFile, RefusesDatesAndTimes) {
  for (const char* value : {"2024-01-31", "12:30:00", "2024-01-31T12:30:00Z"}) {
    EXPECT_THAT(refusal(fmt::format("a = 1\nb = [{}]\n", value)),
                AllOf(HasSubstr("line 2"), HasSubstr("dates and times")));
  }
}

TEST(TomlFile, RefusesNumbersThatDoNotFit) {
  EXPECT_THAT(refusal("a = 99999999999999999999\n"), HasSubstr("line 1"));
  EXPECT_THAT(refusal("a = 0x\n"), HasSubstr("line 1"));
}

TEST(TomlFile, RefusesNestingThatWouldOverflowTheStack) {
  for (const std::size_t levels : {33U, 10000U, 200000U}) {
    const std::string dotted = repeated("a.", levels) + "a";
    const std::vector<std::string> texts{
        "a = " + repeated("[", levels) + repeated("]", levels) + "\n",
        "a = " + repeated("{ a = ", levels) + "1" + repeated("}", levels) + "\n",
        "a = " + repeated("[{ a = ", levels) + "1" + repeated("}]", levels) + "\n",
        dotted + " = 1\n",
        "[" + dotted + "]\nb = 1\n",
        "[[" + dotted + "]]\nb = 1\n",
    };
    for (const std::string& text : texts) {
      EXPECT_THAT(refusal(text), HasSubstr("spec.toml"))
          << text.substr(0, 12) << levels;
    }
  }
}

TEST(TomlFile, RefusesDeepKeysSpreadOverLines) {
  const std::string level = repeated("x.", 190) + "x = [\n{";
  EXPECT_THAT(refusal(repeated(level, 14) + "a = 1" + repeated("}]", 14) + "\n"),
              HasSubstr("levels"));
}

TEST(TomlFile, AllowsThirtyLevels) {
  EXPECT_NO_THROW(
      (void)parse_toml("a = " + repeated("[", 30) + repeated("]", 30), "x"));
  EXPECT_NO_THROW((void)parse_toml(repeated("a.", 30) + "a = 1", "x"));
}

TEST(ReadTextFile, RefusesAHugeFileByItsSizeWithoutReadingIt) {
  const TemporaryFolder folder;
  const auto path = folder / "huge.toml";
  write_file(path, "a = 1\n");
  std::filesystem::resize_file(path, 100'000'000);
  const auto begin = std::chrono::steady_clock::now();
  const Error error = error_of([&] { (void)read_text_file(path.string()); });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("huge.toml"), HasSubstr("100000000 bytes")));
}

TEST(ReadTextFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  for (const auto& path : {folder / "missing", folder.path(), folder / "a" / "b"}) {
    const Error error = error_of([&] { (void)read_text_file(path.string()); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr(path.string()));
  }
  const Error device = error_of([] { (void)read_text_file("/dev/zero"); });
  EXPECT_THAT(device.what(), HasSubstr("not a regular file"));
}

TEST(ReadTextFile, GivesTheBytesOfTheFile) {
  const TemporaryFolder folder;
  write_file(folder / "x", "a = 1\r\nb = 2");
  write_file(folder / "empty", "");
  EXPECT_EQ(read_text_file((folder / "x").string()), "a = 1\r\nb = 2");
  EXPECT_EQ(read_text_file((folder / "empty").string()), "");
}

TEST(ApplySetting, TakesTomlValuesAndElseText) {
  EXPECT_EQ(with("budget.epochs=7").at("budget"), json({{"epochs", 7}}));
  EXPECT_EQ(with("optimizer.learning_rate=2.5").at("optimizer").at("learning_rate"),
            2.5);
  EXPECT_EQ(with("optimizer.name=adam").at("optimizer").at("name"), "adam");
  EXPECT_EQ(with("optimizer.name=\"adam\"").at("optimizer").at("name"), "adam");
  EXPECT_EQ(with("data.shuffle=false").at("data").at("shuffle"), false);
  EXPECT_EQ(with("seeds=[3, 4]").at("seeds"), json({3, 4}));
  EXPECT_EQ(with("target={value=0.5}").at("target"), json({{"value", 0.5}}));
  EXPECT_EQ(with("data.folder=/a=b").at("data").at("folder"), "/a=b");
  EXPECT_EQ(with("name=").at("name"), "");
}

TEST(ApplySetting, MakesTablesThatAreMissing) {
  EXPECT_EQ(with("evaluation.every_examples=5").at("evaluation"),
            json({{"every_examples", 5}}));
}

TEST(ApplySetting, FindsAnEntryByPositionLabelAndName) {
  const std::string entries =
      "[[controllers]]\nname = \"constant\"\n[[controllers]]\nname = \"constant\"\n"
      "label = \"second\"\n[[controllers]]\nname = \"cyclic\"\n";
  const auto changed = [&](const std::string& assignment) {
    json document = parse_toml(tiny_text(entries), "x");
    apply_setting(document, assignment);
    std::string which;
    for (const json& entry : document.at("controllers")) {
      which += entry.contains("x") ? "1" : "0";
    }
    return which;
  };
  EXPECT_EQ(changed("controllers.0.x=1"), "100");
  EXPECT_EQ(changed("controllers.2.x=1"), "001");
  EXPECT_EQ(changed("controllers.second.x=1"), "010");
  EXPECT_EQ(changed("controllers.constant.x=1"), "100");
  EXPECT_EQ(changed("controllers.cyclic.x=1"), "001");
}

TEST(ApplySetting, RefusesEntriesThatAreNotThere) {
  for (const char* which : {"1", "-1", "99999999999999999999", "0x0", "plateau", ""}) {
    EXPECT_THAT(refusal_of_setting(fmt::format("controllers.{}.batch_size=1", which)),
                AllOf(HasSubstr("no entry"), HasSubstr("there are 1")));
  }
}

TEST(ApplySetting, RefusesWhatIsNoAssignment) {
  for (const char* text : {"", "=", "=3", "budget.epochs", "budget.epochs 3"}) {
    EXPECT_THAT(refusal_of_setting(text), HasSubstr("must be key=value"));
  }
  EXPECT_THAT(refusal_of_setting("name.x=1"), HasSubstr("not a table"));
}

TEST(ApplySetting, RefusesDepthThatWouldOverflowTheStack) {
  EXPECT_THAT(refusal_of_setting("data." + repeated("a.", 100000) + "a=1"),
              HasSubstr("levels deep"));
}

TEST(ApplySetting, RefusesBytesThatJsonCannotHold) {
  EXPECT_THAT(refusal_of_setting("data.folder=/\xff"),
              AllOf(HasSubstr("UTF-8"), HasSubstr("\\xff")));
  EXPECT_THAT(refusal_of_setting("\xc3=1"), HasSubstr("UTF-8"));
  EXPECT_EQ(with("data.folder=/\xc3\xbc").at("data").at("folder"), "/\xc3\xbc");
}

// Cuts, doubles, exchanges or replaces bytes of `text`.
std::string mutated(std::string text, Noise& noise) {
  static const std::string interesting = "[]{}=.,\"'#\n\\-+eE_0x9 \x01\xff";
  for (std::uint32_t change = noise.below(4) + 1; change > 0; --change) {
    const auto at = noise.below(static_cast<std::uint32_t>(text.size()));
    const char byte =
        interesting[noise.below(static_cast<std::uint32_t>(interesting.size()))];
    switch (noise.below(5)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      case 2:
        text.erase(at, noise.below(12) + 1);
        break;
      case 3:
        text.insert(at, text.substr(at, noise.below(40)));
        break;
      default:
        text[at] = static_cast<char>(text[at] ^ (1 << noise.below(7)));
    }
    if (text.empty()) text = " ";
  }
  return text;
}

TEST(Specification, MutatedBytesGiveRunsOrAUsageErrorNeverACrash) {
  const std::string valid = tiny_text(
      "[[controllers]]\nname = \"phases\"\nphases = [{ until = { epochs = 1 }, "
      "batch_size = 32 }, { batch_size = 64, subset = { first = 1, count = 99 } }]\n"
      "[[controllers]]\nname = \"noise_scale\"\ncoupling = \"sqrt\"\n"
      "limits = { minimum = 16, maximum = 512, growth = 2.0 }\n");
  Noise noise(1);
  int accepted = 0, refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = mutated(valid, noise);
    try {
      EXPECT_FALSE(expand(parse_toml(text, "x")).empty());
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what() << '\n' << text;
      ++refused;
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 500);
}

}  // namespace batchlab::test::toml_file_test
