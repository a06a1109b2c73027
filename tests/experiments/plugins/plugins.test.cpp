// SPDX-License-Identifier: MIT
//
// Which files are taken for plugins, and which are not.
#include "experiments/plugins/plugins.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "experiments/plugins/trust.hpp"
#include "results/sha256.hpp"
#include "tests/experiments/plugins/example_files.hpp"

namespace batchlab::test::plugins_test {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The message of the Error(plugin) that `action` throws; "" if it throws none.
template <class Action>
std::string plugin_error(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::plugin) << error.what();
    return error.what();
  }
  return "";
}

std::string load_error(const fs::path& file, const PluginOptions& options = {}) {
  return plugin_error([&] { (void)load_plugin(file, options); });
}

std::string trust_error(const fs::path& file) {
  return plugin_error([&] { check_trusted(file); });
}

std::string folders_error(const std::string& folders) {
  return plugin_error([&] { (void)plugin_files({.files = {}, .folders = folders}); });
}

std::vector<std::string> names(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  return names;
}

TEST(Plugins, AProgramIsLoadedWithItsVersionAndChecksum) {
  const ExampleFiles files;
  const std::string file = files.program();
  const Plugin plugin = load_plugin(file, {});
  EXPECT_EQ(plugin.path, fs::canonical(file));
  EXPECT_EQ(plugin.version, "1.2");
  EXPECT_EQ(plugin.checksum, sha256_of_file(file));
  EXPECT_TRUE(plugin.isolated);
  EXPECT_THAT(names(plugin.entries),
              ElementsAre("doubling", "crashing", "hanging", "needy"));
  EXPECT_EQ(plugin.entries.front().plugin, plugin.path.string());
}

TEST(Plugins, ASharedLibraryIsKnownByItsNameEvenWhereThatIsALink) {
  const ExampleFiles files;
  const std::string file = files.library("example.so.1");
  fs::create_symlink(file, files.folder / "linked.so");
  const Plugin plugin = load_plugin(files.folder / "linked.so", {});
  EXPECT_EQ(plugin.version, "1.3");
  EXPECT_EQ(plugin.path, fs::canonical(file));
  EXPECT_FALSE(plugin.isolated);
}

TEST(Plugins, ABareNameIsRefused) {
  EXPECT_THAT(load_error("mine.so"), HasSubstr("write ./mine.so"));
}

TEST(Plugins, WhatIsNoFileOrNoProgramIsRefused) {
  const ExampleFiles files;
  EXPECT_THAT(load_error(files.folder / "none.so"),
              AllOf(HasSubstr("none.so"), HasSubstr("No such file")));
  EXPECT_THAT(load_error(files.folder.path()), HasSubstr("is no file"));
  write_file(files.folder / "text.py", "print()\n");
  ExampleFiles::mode(files.folder / "text.py", 0644);
  EXPECT_THAT(load_error(files.folder / "text.py"),
              AllOf(HasSubstr("is neither a shared library (*.so) nor a program"),
                    HasSubstr("chmod u+x")));
}

TEST(Plugins, AFileThatOthersCanWriteToIsRefused) {
  const ExampleFiles files;
  const std::string file = files.program();
  EXPECT_EQ(trust_error(file), "");
  for (const mode_t mode : {0775, 0757}) {
    ExampleFiles::mode(file, mode);
    EXPECT_THAT(load_error(file), AllOf(HasSubstr(fmt::format("(mode {:04o})", mode)),
                                        HasSubstr("chmod go-w " + file)));
    PluginOptions allowed;
    allowed.allow_writable = true;
    EXPECT_EQ(load_error(file, allowed), "");
  }
}

TEST(Plugins, AFolderThatOthersCanWriteToIsRefusedUnlessItIsSticky) {
  const ExampleFiles files;
  const auto inner = files.folder / "inner";
  fs::create_directories(inner / "most");
  const std::string file = (inner / "most" / "mine").string();
  fs::copy_file(files.program(), file);
  for (const auto& folder : {inner / "most", inner}) ExampleFiles::mode(folder, 0755);
  EXPECT_EQ(trust_error(file), "");
  ExampleFiles::mode(inner, 0777);
  EXPECT_THAT(trust_error(file),
              AllOf(HasSubstr("others can write to " + inner.string()),
                    HasSubstr("(mode 0777)")));
  ExampleFiles::mode(inner, 01777);  // as /tmp: the file is still nobody else's
  EXPECT_EQ(trust_error(file), "");
}

TEST(Plugins, ALinkInAFolderThatOthersCanWriteToIsRefused) {
  const ExampleFiles files, open;
  fs::create_symlink(files.program(), open.folder / "link");
  EXPECT_EQ(trust_error(open.folder / "link"), "");
  ExampleFiles::mode(open.folder.path(), 0777);
  EXPECT_THAT(trust_error(open.folder / "link"), HasSubstr("mode 0777"));
}

// good/first -> open/middle -> good/example, where anyone may change open/middle.
TEST(Plugins, ALinkOnTheWayInAFolderThatOthersCanWriteToIsRefused) {
  const ExampleFiles good, open;
  fs::create_symlink(good.program(), open.folder / "middle");
  fs::create_symlink(open.folder / "middle", good.folder / "first");
  fs::create_symlink(open.folder.path(), good.folder / "folder");
  EXPECT_EQ(trust_error(good.folder / "first"), "");
  ExampleFiles::mode(open.folder.path(), 0777);
  EXPECT_THAT(trust_error(good.folder / "first"),
              HasSubstr("others can write to " + open.folder.path().string()));
  EXPECT_THAT(trust_error(good.folder / "folder/middle"), HasSubstr("(mode 0777)"));
}

// ".." after a link is above the folder that it leads to, not above the link.
TEST(Plugins, TheFolderAboveIsThatOfTheTargetOfALink) {
  const ExampleFiles files, open;
  fs::create_directory(files.folder / "inner");
  ExampleFiles::mode(files.folder / "inner", 0755);
  (void)files.program();
  fs::create_directory_symlink(files.folder / "inner", files.folder / "link");
  fs::create_directory_symlink("link/../link", files.folder / "same");
  EXPECT_EQ(trust_error(files.folder / "link/../example"), "");
  EXPECT_EQ(trust_error(files.folder / "./same/..//example"), "");
  fs::create_directory_symlink(files.folder / "inner", open.folder / "link");
  EXPECT_EQ(trust_error(open.folder / "link/../example"), "");
  fs::create_symlink("round", files.folder / "round");
  EXPECT_THAT(trust_error(files.folder / "round"), HasSubstr("symbolic links"));
  EXPECT_THAT(trust_error(files.folder / "none"), HasSubstr("No such file"));
}

TEST(Plugins, AFileOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const ExampleFiles files;
  const std::string file = files.program();
  ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
  EXPECT_THAT(trust_error(file), HasSubstr("belongs to user 12345, neither root"));
}

TEST(Plugins, FoldersGiveLibrariesAndProgramsInSortedOrder) {
  const ExampleFiles one, two;
  (void)one.program("b");
  (void)one.library("a.so");
  write_file(one.folder / "README", "no plugin");
  ExampleFiles::mode(one.folder / "README", 0644);
  fs::create_directory(one.folder / "folder");
  (void)two.program("c");
  const auto files = plugin_files(
      {.files = {two.folder / "c"},
       .folders = one.folder.path().string() + ':' + two.folder.path().string()});
  EXPECT_THAT(files,
              ElementsAre(two.folder / "c", one.folder / "a.so", one.folder / "b"))
      << "those named first, and none twice";
  EXPECT_THAT(plugin_files({}), IsEmpty());
}

TEST(Plugins, AFolderThatIsNoneIsRefused) {
  const ExampleFiles files;
  const std::string folder = files.folder.path().string();
  EXPECT_THAT(folders_error(folder + "::" + folder), HasSubstr("\"\" is empty"));
  EXPECT_THAT(folders_error(folder + ":"), HasSubstr("\"\" is empty"));
  EXPECT_THAT(folders_error("plugins"), HasSubstr("\"plugins\" is no absolute path"));
  EXPECT_THAT(folders_error(folder + "/none"), HasSubstr("/none\" is no folder"));
}

TEST(Plugins, ABuiltInRuleIsOfNoPlugin) {
  EXPECT_TRUE(plugin_of("constant").is_null());
}

TEST(Plugins, WhatIsAddedIsKnownByTheNamesOfItsControllers) {
  const ExampleFiles files;
  const std::string file = files.program();
  PluginOptions options;
  options.files = {file};
  add_plugins(options);
  EXPECT_EQ(plugin_of("doubling"),
            (nlohmann::json{{"path", fs::canonical(file).string()},
                            {"checksum", sha256_of_file(file)},
                            {"version", "1.2"},
                            {"isolated", true}}));
  options.files = {files.program("other")};
  EXPECT_THAT(plugin_error([&] { add_plugins(options); }),
              AllOf(HasSubstr("controller doubling exists already"), HasSubstr(file)));
}

}  // namespace batchlab::test::plugins_test
