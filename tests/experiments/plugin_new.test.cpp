// SPDX-License-Identifier: MIT
//
// batchlab plugin new: what it writes, and what it refuses. tests/package builds it.
#include <gmock/gmock.h>

#include "tests/experiments/program.hpp"

namespace batchlab::test::plugin_new_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

Output plugin_new(const fs::path& out, std::vector<std::string> words) {
  words.insert(words.begin(), {"plugin", "new"});
  words.insert(words.end(), {"--out", out.string()});
  return run_program(words);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

TEST(PluginNew, TheNameIsInEveryFileAndTheTemplatesIsInNone) {
  const TemporaryFolder folder;
  for (const std::string language : {"c++", "python"}) {
    const fs::path out = folder / ("deep/" + language);
    const Output output = plugin_new(out, {"halving_2", "--language", language});
    EXPECT_EQ(output.code, 0) << output.err;
    EXPECT_THAT(output.out, HasSubstr("halving_2/compare.toml --plugin"));
    for (const auto& [path, text] : snapshot(out)) {
      EXPECT_THAT(text, Not(HasSubstr("my_rule"))) << path;
      if (fs::path(path).filename().string().starts_with("test.")) continue;
      EXPECT_THAT(text, HasSubstr("halving_2")) << path;
    }
  }
  EXPECT_THAT(names_in(folder / "deep/c++/halving_2"),
              UnorderedElementsAre("CMakeLists.txt", "README.md", "compare.toml",
                                   "controller.cpp", "test.cpp"));
  EXPECT_THAT(
      names_in(folder / "deep/python/halving_2"),
      UnorderedElementsAre("README.md", "compare.toml", "controller.py", "test.py"));
}

TEST(PluginNew, ThePythonControllerKeepsEveryPromise) {
  const TemporaryFolder folder;
  ASSERT_EQ(plugin_new(folder.path(), {"mine", "--language=python"}).code, 0);
  const std::string program = (folder / "mine/controller.py").string();
  EXPECT_EQ(fs::status(program).permissions(), static_cast<fs::perms>(0755));
  EXPECT_EQ(fs::status(folder / "mine/test.py").permissions(),
            static_cast<fs::perms>(0644))
      << "or it is a plugin where its folder is one of them";
  const Output output = run_program({"plugin", "check", program});
  EXPECT_EQ(output.code, 0) << output.out << output.err;
  EXPECT_THAT(output.out, HasSubstr("mine\n"));
  // The comparison takes it: five controllers, three seeds.
  const Output dry =
      run_program({"run", (folder / "mine/compare.toml").string(), "--dry-run",
                   "--plugin", program, "--out", (folder / "runs").string()});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("mine-seed2"), HasSubstr("plateau-seed0")));
}

TEST(PluginNew, WhatIsNoNameIsRefused) {
  const TemporaryFolder folder;
  for (const std::string name :
       {"", "Mine", "2fast", "_mine", "my-rule", "../mine", "a/b", "mine.so", "m\x1b",
        "noise_scale", "test", "edit_cache", "rebuild_cache", "nlohmann_json",
        "a123456789b123456789c123456789d1234567890"}) {
    const Output output = plugin_new(folder.path(), {name});
    EXPECT_EQ(output.code, 2) << name;
    EXPECT_THAT(output.err, HasSubstr("plugin new: ")) << name;
    EXPECT_THAT(output.err, Not(HasSubstr("\x1b"))) << name;
  }
  EXPECT_THAT(plugin_new(folder.path(), {"noise_scale"}).err, HasSubstr("built-in"));
  EXPECT_EQ(plugin_new(folder.path(), {}).code, 2);
  EXPECT_EQ(plugin_new(folder.path(), {"mine", "too"}).code, 2);
  const Output language = plugin_new(folder.path(), {"mine", "--language", "perl"});
  EXPECT_EQ(language.code, 2);
  EXPECT_THAT(language.err, HasSubstr("must be c++ or python, got \"perl\""));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(PluginNew, WhatExistsIsLeftAsItIs) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "mine");
  write_file(folder / "file", "text");
  fs::create_symlink("nowhere", folder / "link");
  for (const std::string name : {"mine", "file", "link"}) {
    const Output output = plugin_new(folder.path(), {name});
    EXPECT_EQ(output.code, 2) << name << output.err;
    EXPECT_THAT(output.err, HasSubstr("exists")) << name;
  }
  EXPECT_TRUE(fs::is_empty(folder / "mine"));
  EXPECT_EQ(file_text(folder / "file"), "text");
  EXPECT_EQ(plugin_new(folder / "file", {"mine"}).code, 5);
}

TEST(PluginNew, WhereTheDiskIsFullNothingStays) {
  const TemporaryFolder folder;
  const Output output =
      run_program({"plugin", "new", "mine", "--out", folder.path().string()}, [] {
        const rlimit limit{1000, 1000};  // bytes of a file
        ::setrlimit(RLIMIT_FSIZE, &limit);
      });
  EXPECT_EQ(output.code, 5) << output.err;
  EXPECT_THAT(output.err, HasSubstr("controller.cpp"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace batchlab::test::plugin_new_test
