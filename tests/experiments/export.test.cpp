// SPDX-License-Identifier: MIT
//
// batchlab export: event files, read by a decoder that shares nothing with the writer.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <bit>
#include <charconv>
#include <cstdio>
#include <sstream>

#include "tests/experiments/program.hpp"

namespace batchlab::test::export_test {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> decoded(const fs::path& file) {
  const std::string command =
      fmt::format("python3 '{}/tests/experiments/decode_events.py' '{}' 2>&1",
                  BATCHLAB_SOURCE, file.string());
  std::FILE* output = ::popen(command.c_str(), "r");
  std::string text;
  for (int c = 0; (c = std::fgetc(output)) != EOF;)
    text.push_back(static_cast<char>(c));
  EXPECT_EQ(::pclose(output), 0) << text;
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The only file in a folder.
fs::path file_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry);
  EXPECT_EQ(files.size(), 1U) << folder;
  return files.empty() ? fs::path() : files.front();
}

double number(const std::string& text) {
  double value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string bits(double value) {
  return fmt::format("{:08x}", std::bit_cast<std::uint32_t>(static_cast<float>(value)));
}

// As the decoder prints it.
std::string line(double started, double seconds, const std::string& step,
                 const std::string& tag, double value) {
  return fmt::format("{:.6f} {} {} {}", started + seconds, step, tag, bits(value));
}

// What a decoder should find of a run's two files, in the order of steps.
std::vector<std::string> expected(const fs::path& run, double started,
                                  const char* step_column) {
  const Table steps = read_csv(run / "steps.csv");
  const Table evaluations = read_csv(run / "evaluations.csv");
  const auto cell = [](const Table& table, std::size_t row, const char* name) {
    return table.rows[row][table.column(name).value()];
  };
  std::vector<std::string> lines;
  std::size_t next = 0;
  for (std::size_t row = 0; row < steps.rows.size(); ++row) {
    const double seconds = number(cell(steps, row, "training_seconds"));
    const std::string step = cell(steps, row, step_column);
    for (const char* tag :
         {"batch_size", "learning_rate", "batch_loss", "gradient_norm_squared"}) {
      lines.push_back(line(started, seconds, step, tag, number(cell(steps, row, tag))));
    }
    for (; next < evaluations.rows.size() &&
           cell(evaluations, next, "step") == cell(steps, row, "step");
         ++next) {
      for (const char* figure : {"loss", "accuracy"}) {
        lines.push_back(line(started,
                             number(cell(evaluations, next, "training_seconds")), step,
                             cell(evaluations, next, "split") + '/' + figure,
                             number(cell(evaluations, next, figure))));
      }
    }
  }
  EXPECT_EQ(next, evaluations.rows.size());
  return lines;
}

double started(const fs::path& run) {
  std::tm parts{};
  const std::string text = read_json(run / "run.json").at("started_at");
  EXPECT_NE(::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts), nullptr);
  return static_cast<double>(::timegm(&parts));
}

TEST(Export, HoldsEveryFigureOfARun) {
  const Experiment experiment;
  ASSERT_EQ(experiment
                .run({"--quiet", "--set", "data.validation_fraction=0.1", "--set",
                      "statistics.measure=[\"gradient_norm_squared\"]"})
                .code,
            0);
  const fs::path run = experiment.run_folder("constant-seed0");
  const std::map<std::string, const char*> axes{{"updates", "step"},
                                                {"examples", "examples_seen"}};
  for (const auto& [axis, column] : axes) {
    const fs::path out = experiment.folder / axis;
    const Output output = run_program({"export", "--tensorboard", out.string(),
                                       experiment.out().string(), "--x", axis});
    ASSERT_EQ(output.code, 0) << output.err;
    const fs::path file = file_in(out / "tiny" / "constant-seed0");
    EXPECT_EQ(output.out, file.string() + '\n');
    EXPECT_EQ(file.filename(),
              fmt::format("events.out.tfevents.{:.0f}.batchlab", started(run)));
    std::vector<std::string> lines = decoded(file);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.front(), fmt::format("{:.6f} brain.Event:2", started(run)));
    lines.erase(lines.begin());
    EXPECT_EQ(lines.size(), 34U * 4 + 2 * 2 * 2);  // 2 epochs of ceil(540 / 32) steps
    EXPECT_THAT(lines, ElementsAreArray(expected(run, started(run), column)));
  }
}

// A run of one's own making. 1000000000 s: 2001-09-09 01:46:40.
struct MadeRun {
  explicit MadeRun(const std::string& specification = "made",
                   const std::string& start = "2001-09-09T01:46:40Z") {
    write_json_file("config.json", json::object());
    write_json_file("run.json", {{"status", "finished"},
                                 {"controller", "constant"},
                                 {"seed", 0},
                                 {"specification", specification},
                                 {"started_at", start}});
    write_file(run / "evaluations.csv",
               "step,epoch,examples_seen,training_seconds,split,loss,accuracy\n");
    write_file(run / "steps.csv",
               "step,epoch,examples_seen,batch_loss,training_seconds\n"
               "1,1,32,0.5,0.25\n");
  }
  void write_json_file(const char* name, const json& value) const {
    write_file(run / name, value.dump());
  }
  [[nodiscard]] Output exported() const {
    return run_program({"export", "--tensorboard", out.string(), run.string()});
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    return decoded(file_in(out / "made" / "constant-seed0"));
  }

  TemporaryFolder folder;
  fs::path run = folder / "runs" / "constant-seed0", out = folder / "events";
};

TEST(Export, WritesWhatIsNoNumberAndLeavesOutWhatIsMissing) {
  const MadeRun made;
  write_file(made.run / "steps.csv",
             "step,epoch,examples_seen,batch_loss,noise_scale,training_seconds\n"
             "1,1,32,nan,,0.25\n2,1,64,-inf,1e300,0.5\n3,1,96,0.5,");
  write_file(made.run / "evaluations.csv",
             "step,epoch,examples_seen,training_seconds,split,loss,accuracy\n"
             "2,1,64,0.5,test,inf,nan\n");
  const Output output = made.exported();
  ASSERT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("steps.csv: a torn last line was dropped"));
  EXPECT_THAT(made.lines(), ElementsAre("1000000000.000000 brain.Event:2",
                                        "1000000000.250000 1 batch_loss 7fc00000",
                                        "1000000000.500000 2 batch_loss ff800000",
                                        "1000000000.500000 2 noise_scale 7f800000",
                                        "1000000000.500000 2 test/loss 7f800000"));
}

TEST(Export, ReplacesWhatAnEarlierExportLeft) {
  const MadeRun made;
  const fs::path folder = made.out / "made" / "constant-seed0";
  write_file(folder / "events.out.tfevents.999.batchlab", "of a run made anew since");
  write_file(folder / "events.out.tfevents.1000000000.batchlab", "of this run");
  ASSERT_EQ(made.exported().code, 0);
  EXPECT_EQ(file_in(folder).filename(), "events.out.tfevents.1000000000.batchlab");
  EXPECT_EQ(made.lines().size(), 2U);
  write_file(folder / "events.out.tfevents.999.other", "of another program");
  ASSERT_EQ(made.exported().code, 0);
  EXPECT_TRUE(fs::exists(folder / "events.out.tfevents.999.other"));
}

TEST(Export, NamesARunThatIsDamagedAndGoesOn) {
  const MadeRun made;
  write_file(made.folder / "runs" / "torn-seed0" / "run.json", "{");
  const std::vector<std::string> words{"export", "--tensorboard", made.out.string(),
                                       (made.folder / "runs").string()};
  const Output output = run_program(words);
  EXPECT_EQ(output.code, 8);
  EXPECT_THAT(output.err, AllOf(HasSubstr("torn-seed0/run.json: is no JSON"),
                                HasSubstr("1 of 2 runs, 1 events")));
  EXPECT_EQ(made.lines().size(), 2U);
}

TEST(Export, SaysWhatIsWrongWithAFile) {
  const std::vector<std::pair<std::string, std::string>> damages{
      {"step,examples_seen,batch_loss,training_seconds\n1,32,x,0\n",
       "row 1: batch_loss is no number: \"x\""},
      {"step,examples_seen,batch_loss,training_seconds\n1.5,32,1,0\n",
       "row 1: step is no number: \"1.5\""},
      {"step,batch_loss,training_seconds\n1,32,0\n", "has no column \"examples_seen\""},
      {"step,examples_seen,a\xff,training_seconds\n1,32,1,0\n", "names no figure"}};
  for (const auto& [text, message] : damages) {
    const MadeRun made;
    write_file(made.run / "steps.csv", text);
    const Output output = made.exported();
    EXPECT_EQ(output.code, 4) << text;
    EXPECT_THAT(output.err,
                AllOf(HasSubstr("constant-seed0/steps.csv: "), HasSubstr(message)));
    EXPECT_FALSE(fs::exists(made.out / "made")) << text;
  }
  const MadeRun never("made", "2001-13-09T01:46:40Z");
  EXPECT_EQ(never.exported().code, 4);
  EXPECT_THAT(never.exported().err, HasSubstr("got \"2001-13-09T01:46:40Z\""));
}

TEST(Export, WritesNothingOutsideItsFolder) {
  for (const char* name : {"../outside", "..", ".", "", "/tmp/outside"}) {
    const MadeRun made(name);
    const auto before = snapshot(made.folder.path());
    const Output output = made.exported();
    EXPECT_EQ(output.code, 4) << name;
    EXPECT_THAT(output.err, HasSubstr("specification must be the name of a folder"));
    EXPECT_EQ(snapshot(made.folder.path()), before);
  }
}

TEST(Export, RefusesTwoRunsOfOneName) {
  const MadeRun made, other;
  const Output output =
      run_program({"export", "--tensorboard", made.out.string(), made.run.string(),
                   made.run.string() + "/", other.run.string()});
  EXPECT_EQ(output.code, 8);
  EXPECT_THAT(output.err, AllOf(HasSubstr("made/constant-seed0 is taken by"),
                                HasSubstr("1 of 2 runs")));
}

TEST(Export, RefusesWhatItCannotDo) {
  const MadeRun made;
  const std::string run = made.run.string(), out = made.out.string();
  const auto error = [](const std::vector<std::string>& words, int code) {
    const Output output = run_program(words);
    EXPECT_EQ(output.code, code) << output.err;
    EXPECT_THAT(output.out, IsEmpty());
    return output.err;
  };
  EXPECT_THAT(error({"export", run}, 2), HasSubstr("--tensorboard DIR is needed"));
  EXPECT_THAT(error({"export", "--tensorboard", out}, 2),
              HasSubstr("the folder of a run is needed"));
  EXPECT_THAT(error({"export", "--tensorboard", out, run, "--x", "epochs"}, 2),
              HasSubstr("updates or examples, got \"epochs\""));
  EXPECT_THAT(error({"export", "--tensorboard", out, run + "/none"}, 3),
              HasSubstr("is no folder"));
  fs::create_directories(made.folder / "empty");
  EXPECT_THAT(
      error({"export", "--tensorboard", out, (made.folder / "empty").string()}, 3),
      HasSubstr("no runs there"));
  write_file(made.out, "a file where the folder should be");
  EXPECT_THAT(error({"export", "--tensorboard", out, run}, 5),
              HasSubstr("cannot be made"));
}

}  // namespace batchlab::test::export_test
