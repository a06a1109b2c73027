// SPDX-License-Identifier: MIT
//
// What a user may do wrong: the exit code, a message that helps, and no harm done.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "experiments/plugins/sanitized.hpp"
#include "nn/product_kernel.hpp"
#include "tests/experiments/program.hpp"

namespace batchlab::test::bad_input_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

void expect_refused(const Output& output, int code, const std::string& message) {
  EXPECT_EQ(output.code, code) << output.err;
  EXPECT_THAT(output.err, AllOf(StartsWith("batchlab: "), HasSubstr(message)));
  EXPECT_THAT(output.out, IsEmpty());
}

TEST(BadInput, UnknownNamesNameTheClosest) {
  const Experiment experiment;
  const auto words = [&](std::vector<std::string> more) {
    return experiment.words(more);
  };
  expect_refused(run_program({"rnu"}), 2, "did you mean \"run\"");
  expect_refused(run_program({"--versoin"}), 2, "unknown command");
  expect_refused(run_program({"compare", "--jsn"}), 2, "did you mean \"--json\"");
  expect_refused(run_program({"compare", "-x"}), 2, "unknown");
  expect_refused(run_program({"reproduce", "four-familes"}), 2,
                 "did you mean \"four-families\"");
  expect_refused(run_program({"controllers", "plateu"}), 2, "did you mean \"plateau\"");
  expect_refused(run_program({"data", "fashion"}), 2, "fashion-mnist");
  expect_refused(run_program(words({"--set", "optimizer.name=adamm"})), 2,
                 "did you mean \"adam\"");
  expect_refused(run_program(words({"--set", "model.layers.0.type=dens"})), 2,
                 "did you mean \"dense\"");
  expect_refused(run_program(words({"--set", "controllers.0.name=constent"})), 2,
                 "did you mean \"constant\"");
}

TEST(BadInput, ThreadsAndJobsMustBeCounts) {
  const Experiment experiment;
  for (const char* option : {"--threads", "--jobs"}) {
    for (const char* value : {"0", "-1", "10000", "abc", "2x", "1.5", "+1", " 1"}) {
      const auto equal = fmt::format("{}={}", option, value);
      expect_refused(run_program({"run", experiment.specification(), equal}), 2,
                     "[1, 1024]");
    }
    EXPECT_EQ(run_program({"run", experiment.specification(), option, "-1"}).code, 2);
    EXPECT_EQ(run_program({"run", experiment.specification(), option}).code, 2);
    EXPECT_EQ(
        run_program({"run", experiment.specification(), fmt::format("{}=", option)})
            .code,
        2);
  }
  for (const char* seeds : {"", "-1", "a", "1,,2", "1,", "4294967296", "1,1"}) {
    EXPECT_EQ(experiment.run({fmt::format("--seed={}", seeds)}).code, 2) << seeds;
  }
  expect_refused(experiment.run({"--json"}), 2, "--json: needs --dry-run");
  EXPECT_FALSE(std::filesystem::exists(experiment.out()));
}

TEST(BadInput, AbbreviatedOptionsAreNotGuessed) {
  const Experiment experiment;
  expect_refused(run_program({"run", experiment.specification(), "--thr", "2"}), 2,
                 "--thr");
  expect_refused(run_program({"reproduce", "--lis"}), 2, "did you mean \"--list\"");
}

TEST(BadInput, MissingAndSuperfluousArgumentsAreRefused) {
  expect_refused(run_program({"run"}), 2, "a specification is needed");
  expect_refused(run_program({"reproduce"}), 2, "a recipe is needed");
  expect_refused(run_program({"show"}), 2, "a run's folder is needed");
  expect_refused(run_program({"list", "a", "b"}), 2, "too many arguments");
  expect_refused(run_program({"help", "nothing"}), 2, "unknown command");
}

TEST(BadInput, SpecificationsThatAreNoneAreRefused) {
  const Experiment experiment;
  expect_refused(run_program({"run", "/nowhere/x.toml"}), 2,
                 "/nowhere/x.toml: no such file");
  expect_refused(run_program({"run", experiment.folder.path().string()}), 2,
                 "not a regular");
  write_file(experiment.specification(), "");
  expect_refused(experiment.run(), 2, "empty");
  write_file(experiment.specification(), "name = \"x\"\n[budget\n");
  expect_refused(experiment.run(), 2, "line 2");
  write_file(experiment.specification(), "\x1b[31m = 1\n");
  const Output escape = experiment.run();
  expect_refused(escape, 2, "0x1b");
  EXPECT_EQ(escape.err.find('\x1b'), std::string::npos);
}

// A copy of the data in which `name` holds `text`.
struct AlteredData {
  AlteredData() { write_tiny_data(folder.path()); }
  Output run() const {
    return experiment.run({"--set", "data.folder=" + folder.path().string()});
  }
  std::string text(const char* name) const { return file_text(folder / name); }
  TemporaryFolder folder;
  Experiment experiment;
};

TEST(BadInput, MissingDataIsExitCodeThree) {
  const Experiment experiment;
  expect_refused(experiment.run({"--set", "data.folder=/nowhere"}), 3, "/nowhere");
  expect_refused(run_program({"data", "idx", "--folder", "/nowhere"}), 3, "/nowhere");
  expect_refused(run_program({"data", "idx"}), 2, "data.folder must be given");
}

TEST(BadInput, DamagedDataIsExitCodeThree) {
  const char* images = "train-images-idx3-ubyte";
  AlteredData data;
  const std::string whole = data.text(images);
  write_file(data.folder / images, whole.substr(0, whole.size() - 1));
  expect_refused(data.run(), 3, images);
  write_file(data.folder / images, whole + 'x');
  expect_refused(data.run(), 3, images);
  write_file(data.folder / images, "\1" + whole.substr(1));
  expect_refused(data.run(), 3, images);
  write_file(data.folder / images, "");
  expect_refused(data.run(), 3, images);
  EXPECT_FALSE(std::filesystem::exists(data.experiment.out()));
  write_file(data.folder / images, whole);
  EXPECT_EQ(data.run().code, 0);
}

TEST(BadInput, RunsMadeFromOtherDataAreRefused) {
  AlteredData data;
  EXPECT_EQ(data.run().code, 0);
  std::string images = data.text("train-images-idx3-ubyte");
  images.back() = static_cast<char>(images.back() ^ 1);
  write_file(data.folder / "train-images-idx3-ubyte", images);
  expect_refused(data.run(), 3, "was made from other data");
}

TEST(BadInput, OtherBytesThanThoseOfAKnownSetAreExitCodeThree) {
  const Output output =
      run_program({"data", "fashion-mnist", "--folder", tiny_folder().string()});
  expect_refused(output, 3, "was altered: CRC-32 expected");
}

TEST(BadInput, MoreClassesThanOutputsAreRefused) {
  AlteredData data;
  std::string labels = data.text("train-labels-idx1-ubyte");
  labels[20] = 9;
  write_file(data.folder / "train-labels-idx1-ubyte", labels);
  expect_refused(data.run(), 2, "4 units, the data 10 classes");
}

TEST(BadInput, ALabelOutOfRangeIsExitCodeThree) {
  AlteredData data;
  std::string labels = data.text("t10k-labels-idx1-ubyte");
  labels[20] = 10;
  write_file(data.folder / "t10k-labels-idx1-ubyte", labels);
  const Output output =
      run_program({"data", "fashion-mnist", "--folder", data.folder.path().string()});
  expect_refused(output, 3, "label 10 of example 12 is not below 10");
}

TEST(BadInput, FoldersWithoutRunsAreExitCodeThree) {
  const TemporaryFolder folder;
  for (const char* command : {"compare", "list", "show"}) {
    expect_refused(run_program({command, folder.path().string()}), 3, "run");
    expect_refused(run_program({command, "/nowhere"}), 3, "/nowhere");
  }
}

TEST(BadInput, ACorruptRunIsLeftOutOfTheComparison) {
  const Experiment experiment;
  ASSERT_EQ(experiment.run({"--seed=0,1,2", "--quiet"}).code, 0);
  const auto one = experiment.run_folder("constant-seed1");
  write_file(one / "run.json", "{ \"status\": ");
  write_file(experiment.run_folder("constant-seed2") / "evaluations.csv",
             "step,epoch\n1,2,3\n");
  for (const char* command : {"compare", "list"}) {
    const Output output = run_program({command, experiment.out().string()});
    EXPECT_EQ(output.code, 0);
    EXPECT_THAT(output.err, AllOf(HasSubstr("left out"), HasSubstr("constant-seed1"),
                                  HasSubstr("constant-seed2")));
    EXPECT_THAT(output.out, HasSubstr("constant"));
  }
  expect_refused(run_program({"show", one.string()}), 4, "run.json");
  expect_refused(experiment.run({"--seed=1"}), 4, "run.json");
}

// Below a regular file nothing can be made, not by root either.
TEST(BadInput, AFolderThatCannotBeWrittenIsExitCodeFive) {
  const Experiment experiment;
  write_file(experiment.folder / "file", "");
  const Output output = run_program({"run", experiment.specification(), "--out",
                                     (experiment.folder / "file" / "x").string()});
  expect_refused(output, 5, "file/x");
}

TEST(BadInput, AStandardOutputThatIsFullIsExitCodeFive) {
  const auto full = [] {
    const int file = ::open("/dev/full", O_WRONLY);
    ::dup2(file, STDOUT_FILENO);
    ::close(file);
  };
  EXPECT_EQ(run_program({"--version"}, full).code, 5);
  EXPECT_EQ(run_program({"controllers", "--json"}, full).code, 5);
}

std::function<void()> largest_file(rlim_t bytes) {
  return [bytes] {
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  };
}

TEST(BadInput, AFullDiskIsExitCodeFiveAndTearsNoFile) {
  for (const rlim_t bytes : {1000U, 4500U, 20000U}) {
    const Experiment experiment;
    const Output output =
        run_program(experiment.words({"--set", "budget.epochs=100", "--quiet"}),
                    largest_file(bytes));
    EXPECT_EQ(output.code, 5) << bytes << output.err;
    EXPECT_THAT(output.err, HasSubstr("File too large"));
    for (const auto& [path, text] : snapshot(experiment.out())) {
      EXPECT_LE(text.size(), bytes) << path;
      if (path.ends_with(".csv")) {
        EXPECT_FALSE(read_csv(path).torn) << path;
      }
      if (path.ends_with(".json")) {
        EXPECT_NO_THROW((void)read_json(path)) << path;
      }
      EXPECT_FALSE(path.ends_with(".tmp")) << path;
    }
    if (bytes > 4000) {
      EXPECT_EQ(experiment.record("constant-seed0").at("status"), "failed") << bytes;
    }
  }
}

TEST(BadInput, TooLittleMemoryIsExitCodeOne) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs terabytes of addresses";
  const auto little_memory = [] {
    const rlimit limit{1U << 30, 1U << 30};
    ::setrlimit(RLIMIT_AS, &limit);
  };
  const Experiment experiment;
  const Output output = run_program(
      experiment.words({"--set", "model.layers.0.units=1000000"}), little_memory);
  EXPECT_EQ(output.code, 1) << output.err;
  EXPECT_THAT(output.err, HasSubstr("memory"));
  EXPECT_FALSE(std::filesystem::exists(experiment.out()));
}

// A run on so many threads; OpenBLAS would start with as many, no more than cores, and
// refused memory ask for it for ever: then the time limit ends the run.
Output run_with_little(decltype(RLIMIT_AS) resource, rlim_t megabytes,
                       const char* threads) {
  const Experiment experiment;
  auto words = experiment.words();
  words.back() = std::string("--threads=") + threads;
  words.emplace_back("--set=controllers.0.batch_size=300");
  const Output output = run_program(words, [=] {
    const rlimit memory{megabytes << 20, megabytes << 20}, seconds{20, 20};
    const rlimit stack{8U << 20, 8U << 20};  // of each thread
    ::setenv("OPENBLAS_NUM_THREADS", threads, 1);
    ::setrlimit(RLIMIT_STACK, &stack);
    ::setrlimit(resource, &memory);
    ::setrlimit(RLIMIT_CPU, &seconds);
  });
  EXPECT_THAT(output.code, testing::AnyOf(0, 1)) << output.err;
  if (output.code == 1) {
    EXPECT_THAT(output.err, testing::AnyOf(HasSubstr("out of memory"),
                                           HasSubstr("cannot be started")));
  }
  return output;
}

TEST(BadInput, NoLimitOfAddressesMakesARunHang) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs terabytes of addresses";
  for (const char* threads : {"2", "4"}) {
    bool blas_lacked_memory = false;
    Output output;
    for (rlim_t megabytes = 100; megabytes <= 1300;
         megabytes += megabytes < 300 ? 10 : 50) {
      SCOPED_TRACE(fmt::format("{} threads, {} MB", threads, megabytes));
      output = run_with_little(RLIMIT_AS, megabytes, threads);
      if (HasFailure()) return;
      const auto at = output.err.find("out of memory: OpenBLAS on ");
      if (at != output.err.npos) blas_lacked_memory = true;
    }
    EXPECT_EQ(blas_lacked_memory, !kernel_is_fast());
    EXPECT_EQ(output.code, 0) << output.err;
  }
}

TEST(BadInput, NoLimitOfDataMakesARunHang) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs terabytes of addresses";
  for (rlim_t megabytes = 40; megabytes <= 300 && !HasFailure(); megabytes += 20) {
    SCOPED_TRACE(fmt::format("{} MB", megabytes));
    (void)run_with_little(RLIMIT_DATA, megabytes, "2");
  }
}

TEST(Notes, NameAVariableThatHasNoEffectOrCostsSpeed) {
  const Experiment experiment;
  const Output output = run_program(experiment.words(), [] {
    ::setenv("OPENBLAS_NUM_THREADS", "4", 1);
    ::setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  });
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("note: OPENBLAS_NUM_THREADS=4 has no effect"));
  EXPECT_THAT(output.err, HasSubstr("note: OPENBLAS_CORETYPE=Haswell pins"));
}

TEST(Notes, NameThreadsBeyondTheCores) {
  const Experiment experiment;
  auto words = experiment.words();
  words.back() = "--threads=1000";
  const Output output = run_program(words);
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_THAT(output.err, HasSubstr("note: 1000 threads on"));
}

TEST(BadInput, TileHeightsOutsideTheirRangeAreRefused) {
  const Experiment experiment;
  for (const char* height : {"0", "-1", "513", "1.5"}) {
    expect_refused(experiment.run({fmt::format("--set=engine.tile_height={}", height)}),
                   2, "tile_height");
  }
  // Above the batch is fine: a tile is then the batch, or half of it.
  EXPECT_EQ(experiment.run({"--set=engine.tile_height=512"}).code, 0);
}

TEST(BadInput, AFailedRunIsDoneAgain) {
  const Experiment experiment;
  EXPECT_EQ(run_program(experiment.words({"--set", "budget.epochs=100", "--quiet"}),
                        largest_file(20000))
                .code,
            5);
  EXPECT_EQ(experiment.run({"--set", "budget.epochs=100", "--quiet"}).code, 0);
  EXPECT_EQ(experiment.record("constant-seed0").at("status"), "finished");
  EXPECT_EQ(experiment.record("constant-seed0").at("reason"), "");
}

}  // namespace batchlab::test::bad_input_test
