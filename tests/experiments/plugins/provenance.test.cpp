// SPDX-License-Identifier: MIT
//
// A run knows the build of the plugin that made it.
#include "experiments/plugins/provenance.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "results/sha256.hpp"
#include "tests/experiments/plugins/example_files.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::provenance_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::string by_doubling = "[[controllers]]\nname = \"doubling\"\n";

// A run by the program in `files`, in `experiment`.
struct Made {
  explicit Made(const std::string& controllers = by_doubling)
      : file(files.program()), experiment(tiny_text(controllers)) {
    const Output output = run();
    EXPECT_EQ(output.code, 0) << output.err;
  }
  [[nodiscard]] Output run(std::vector<std::string> more = {}) const {
    more.push_back("--plugin=" + file);
    return experiment.run(more);
  }

  ExampleFiles files;
  std::string file;
  Experiment experiment;
};

TEST(Provenance, ARunNamesTheFileThatMadeIt) {
  const Made made;
  const json record = made.experiment.record("doubling-seed0");
  EXPECT_EQ(record.at("plugins"), json::array({{{"path", made.file},
                                                {"checksum", sha256_of_file(made.file)},
                                                {"version", "1.2"},
                                                {"isolated", true}}}));
}

TEST(Provenance, ARunOfAShadowNamesItToo) {
  const Made made("[[controllers]]\nname = \"constant\"\nshadow = [\"doubling\"]\n");
  EXPECT_EQ(made.experiment.record("constant-seed0").at("plugins").size(), 1U);
}

TEST(Provenance, ARunOfBuiltInRulesNamesNone) {
  const Made made("[[controllers]]\nname = \"constant\"\n");
  EXPECT_FALSE(made.experiment.record("constant-seed0").contains("plugins"));
}

TEST(Provenance, ARunOfAnotherBuildIsRefusedUnlessAllowed) {
  const Made made;
  EXPECT_THAT(made.run().err, HasSubstr("1 runs, 0 to do"));
  const std::string before = sha256_of_file(made.file);
  ExampleFiles::build_anew(made.file);
  const auto kept = snapshot(made.experiment.out());
  const Output refused = made.run();
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("doubling-seed0 was made with another build of " +
                              made.file + " (checksum " + before + " there, " +
                              sha256_of_file(made.file) + " here)"),
                    HasSubstr("--allow-changed-plugin")));
  const Output allowed = made.run({"--allow-changed-plugin"});
  EXPECT_EQ(allowed.code, 0);
  EXPECT_THAT(allowed.err, AllOf(HasSubstr("note: "), HasSubstr("; kept"),
                                 HasSubstr("1 runs, 0 to do")));
  EXPECT_EQ(snapshot(made.experiment.out()), kept);
}

// By FNV-1a, as before: whether it is the same build cannot be told.
TEST(Provenance, ARunThatKnowsItsPluginByAnOlderKindOfChecksumIsRefusedUnlessAllowed) {
  const Made made;
  const auto file = made.experiment.run_folder("doubling-seed0") / "run.json";
  json record = read_json(file);
  record["plugins"][0]["checksum"] = "0123456789abcdef";
  write_json(file, record);
  const Output refused = made.run();
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("was made with a build of " + made.file +
                              " that is known by a checksum of an older kind only "
                              "(0123456789abcdef there, SHA-256 " +
                              sha256_of_file(made.file) + " here)"),
                    HasSubstr("--allow-changed-plugin")));
  EXPECT_EQ(made.run({"--allow-changed-plugin"}).code, 0);
}

// It is changed in mid-run, as by an editor: what ran before is what was loaded, and
// nothing runs after.
TEST(Provenance, ARunOfCodeThatChangedSinceItWasLoadedFails) {
  std::string program = block_of_readme("```python");
  program.insert(program.find("    print(json.dumps("),
                 "    if json.loads(line).get('decide', {}).get('step') == 5:\n"
                 "        open(__file__, 'a').write('# another build\\n')\n");
  const Script script(program);
  const std::string file = script.path().string(), before = sha256_of_file(file);
  const Experiment experiment(tiny_text(by_doubling));
  const Output output = experiment.run({"--set", "seeds=[0, 1]", "--plugin=" + file});
  EXPECT_EQ(output.code, 8) << output.err;
  const json first = experiment.record("doubling-seed0");
  EXPECT_EQ(first.at("status"), "finished");
  EXPECT_EQ(first.at("plugins").at(0).at("checksum"), before);
  const json second = experiment.record("doubling-seed1");
  EXPECT_EQ(second.at("status"), "failed");
  EXPECT_EQ(second.at("reason"),
            fmt::format("doubling ({}): changed since it was loaded (checksum {} then, "
                        "{} now)",
                        file, before, sha256_of_file(file)));
}

TEST(Provenance, TheSameBuildElsewhereIsTheSame) {
  Made made;
  made.file = made.files.program("elsewhere");
  EXPECT_THAT(made.run().err, HasSubstr("1 runs, 0 to do"));
}

TEST(Provenance, ARunThatIsNotWholeIsMadeAnewByTheBuildThatThereIs) {
  const Made made;
  ExampleFiles::build_anew(made.file);
  std::filesystem::remove(made.experiment.run_folder("doubling-seed0") / "steps.csv");
  const Output output = made.run();
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(made.experiment.record("doubling-seed0").at("plugins").at(0).at("checksum"),
            sha256_of_file(made.file));
}

TEST(Provenance, InterventionsOfARunOfAnotherBuildAreRefusedUnlessAllowed) {
  const Made made;
  const std::string run = made.experiment.run_folder("doubling-seed0").string();
  write_file(run + "/interventions.csv", intervention_columns() + '\n');
  const auto again = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", made.experiment.specification(), "--threads=1",
                               "--out", (made.experiment.folder / "again").string(),
                               "--interventions", run, "--plugin=" + made.file});
    return run_program(more);
  };
  EXPECT_EQ(again({"--dry-run"}).code, 0);
  ExampleFiles::build_anew(made.file);
  const Output refused = again({});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("made with another build of " + made.file));
  const Output allowed = again({"--allow-changed-plugin"});
  EXPECT_EQ(allowed.code, 0) << allowed.err;
  EXPECT_THAT(allowed.err, HasSubstr("note: --interventions"));
}

// The record of a run is a file, which anyone may have changed.
TEST(Provenance, ARecordOfAnyKindIsCompared) {
  const RunConfiguration built_in = tiny_run();
  EXPECT_EQ(plugin_difference(json::object(), built_in), "");
  EXPECT_EQ(plugin_difference({{"plugins", json::array()}}, built_in), "");
  EXPECT_EQ(plugin_difference({{"plugins", {{{"path", "/x.so"}, {"checksum", "12"}}}}},
                              built_in),
            "/x.so (checksum 12), which is not in use here");
  for (const json& odd : {json(7), json("text"), json::array({7}), json()}) {
    EXPECT_NO_THROW((void)plugin_difference({{"plugins", odd}}, built_in)) << odd;
  }
}

}  // namespace batchlab::test::provenance_test
