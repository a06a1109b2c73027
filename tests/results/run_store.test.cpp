// SPDX-License-Identifier: MIT
#include "results/run_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "tests/results/support.hpp"

namespace batchlab::run_store_test {

using test::error_of;
using test::file_text;
using test::TemporaryFolder;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Runs `body` in a child process, which inherits the files and may change its own
// limits; true when `body` returned true.
template <class Body>
bool holds_in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

constexpr const char* kEvaluations =
    "step,epoch,examples_seen,training_seconds,split,loss,accuracy\n"
    "100,0,3200,1.5,validation,0.5,0.8\n"
    "200,1,6400,3.25,test,nan,0.85\n";

void write_run(const std::filesystem::path& folder, std::string_view evaluations) {
  write_json(folder / "run.json", {{"status", "finished"},
                                   {"controller", "phases"},
                                   {"seed", 7},
                                   {"specification", "four"}});
  write_json(folder / "config.json", {{"name", "four"}});
  write_file(folder / "evaluations.csv", evaluations);
}

TEST(LineWriter, WritesHeaderAndWholeLines) {
  const TemporaryFolder folder;
  {
    LineWriter writer(folder / "a.csv", "x,y");
    writer.append("1,2");
    writer.append("3,4");
  }
  EXPECT_EQ(file_text(folder / "a.csv"), "x,y\n1,2\n3,4\n");
}

TEST(LineWriter, PutsTheHeaderOnDiskAtOnceAndLinesAtFlush) {
  const TemporaryFolder folder;
  LineWriter writer(folder / "a.csv", "x");
  writer.append("1");
  EXPECT_EQ(file_text(folder / "a.csv"), "x\n");
  writer.flush();
  EXPECT_EQ(file_text(folder / "a.csv"), "x\n1\n");
}

TEST(LineWriter, TruncatesWhatWasThere) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", "a much longer text of an earlier run\n");
  { LineWriter writer(folder / "a.csv", "x"); }
  EXPECT_EQ(file_text(folder / "a.csv"), "x\n");
}

TEST(LineWriter, LosesNothingOfManyLines) {
  const TemporaryFolder folder;
  std::string expected = "x\n";
  {
    LineWriter writer(folder / "a.csv", "x");
    for (int i = 0; i < 50000; ++i) {
      writer.append(std::to_string(i));
      expected += std::to_string(i) + '\n';
    }
  }
  EXPECT_EQ(file_text(folder / "a.csv"), expected);
}

TEST(LineWriter, NamesPathAndReasonWhenTheFolderIsMissing) {
  const Error error = error_of([] { LineWriter("/nowhere/at/all.csv", "x"); });
  EXPECT_EQ(error.kind(), ErrorKind::disk);
  EXPECT_THAT(error.what(), HasSubstr("/nowhere/at/all.csv"));
  EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
}

TEST(LineWriter, ReportsAFullDevice) {
  const Error error = error_of([] { LineWriter("/dev/full", "x"); });
  EXPECT_EQ(error.kind(), ErrorKind::disk);
  EXPECT_THAT(error.what(), HasSubstr("/dev/full: cannot write: No space left"));
}

// 100 bytes: the header and 9 lines of 10 bytes fill 92; the tenth line is torn.
TEST(LineWriter, CutsTheFileBackToWholeLinesWhenTheDiskIsFullAndGoesOnLater) {
  const TemporaryFolder folder;
  EXPECT_TRUE(holds_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &small);
    LineWriter writer(folder / "a.csv", "x");
    for (int i = 0; i < 12; ++i) writer.append("123456789");
    const Error error = error_of([&] { writer.flush(); });
    const bool whole = file_text(folder / "a.csv").size() == 92;
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &none);
    writer.flush();
    return whole && error.kind() == ErrorKind::disk;
  }));
  EXPECT_EQ(file_text(folder / "a.csv").size(), 122u);
  EXPECT_EQ(read_csv(folder / "a.csv").rows.size(), 12u);
}

TEST(LineWriter, DoesNotCutInsideAQuotedCellOfTwoLines) {
  const TemporaryFolder folder;
  EXPECT_TRUE(holds_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{12, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &small);
    LineWriter writer(folder / "a.csv", "x");
    writer.append("1234");
    writer.append("\"1\n23456789\"");
    error_of([&] { writer.flush(); });
    return file_text(folder / "a.csv") == "x\n1234\n";
  }));
}

TEST(LineWriter, IsRefusedByAReadOnlyFolder) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read |
                                                  std::filesystem::perms::owner_exec);
  const Error error = error_of([&] { LineWriter(folder / "a.csv", "x"); });
  EXPECT_EQ(error.kind(), ErrorKind::disk);
  EXPECT_THAT(error.what(), HasSubstr("Permission denied"));
}

TEST(CsvCell, LeavesPlainTextAndNumbersAlone) {
  for (const char* text : {"", "plateau", "3.5", "-3.5e-07", "+2", "-inf", "a = b"}) {
    EXPECT_EQ(csv_cell(text), text);
  }
}

TEST(CsvCell, QuotesWhatWouldEndTheCell) {
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"b\""), "\"say \"\"b\"\"\"");
  EXPECT_EQ(csv_cell("a\nb"), "\"a\nb\"");
}

TEST(CsvCell, DisarmsFormulas) {
  EXPECT_EQ(csv_cell("=1+2"), "\"'=1+2\"");
  EXPECT_EQ(csv_cell("@SUM(A1)"), "\"'@SUM(A1)\"");
  EXPECT_EQ(csv_cell("-2+3"), "\"'-2+3\"");
  EXPECT_EQ(csv_cell("+a"), "\"'+a\"");
  EXPECT_EQ(csv_cell("\tx"), "\"'\tx\"");
  EXPECT_EQ(csv_cell("  =1"), "\"'  =1\"");
  EXPECT_EQ(csv_cell("\uff1d1+1"), "\"'\uff1d1+1\"");
}

TEST(ReadCsv, ReturnsEveryCellThatCsvCellWrote) {
  const TemporaryFolder folder;
  const std::vector<std::string> cells = {"a,b", "say \"b\"", "two\nlines", "", "-1"};
  {
    LineWriter writer(folder / "a.csv", "1,2,3,4,5");
    std::string line;
    for (const auto& cell : cells) line += (line.empty() ? "" : ",") + csv_cell(cell);
    writer.append(line);
  }
  const Table table = read_csv(folder / "a.csv");
  EXPECT_THAT(table.rows, ElementsAre(cells));
  EXPECT_FALSE(table.torn);
  EXPECT_EQ(table.column("3"), 2u);
  EXPECT_EQ(table.column("6"), std::nullopt);
}

TEST(ReadCsv, DropsATornLastLine) {
  const TemporaryFolder folder;
  for (const char* torn : {"3,", "3,4", "3,\"a\nb", "3,4,5,6"}) {
    write_file(folder / "a.csv", std::string("x,y\n1,2\n") + torn);
    const Table table = read_csv(folder / "a.csv");
    EXPECT_TRUE(table.torn) << torn;
    EXPECT_EQ(table.rows.size(), 1u) << torn;
  }
}

TEST(ReadCsv, NamesTheLineWithAnotherNumberOfCells) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", "x,y\n\"1\n1\",2\n3\n5,6\n");
  const Error error = error_of([&] { return read_csv(folder / "a.csv"); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.what(), HasSubstr("a.csv: line 4 has 1 cells, the header has 2"));
}

TEST(ReadCsv, DoesNotTakeAnUnclosedQuoteForATornLine) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", "x,y\n1,\"2\n3,4\n5,6\n");
  const Error error = error_of([&] { return read_csv(folder / "a.csv"); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.what(), HasSubstr("line 2"));
}

TEST(ReadCsv, SaysThatAFileIsMissing) {
  const Error error = error_of([] { return read_csv("/nowhere/a.csv"); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
}

TEST(ReadCsv, SkipsNoHeaderInAnEmptyFile) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", "");
  EXPECT_THAT(read_csv(folder / "a.csv").columns, IsEmpty());
}

TEST(Json, ComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  const nlohmann::json value = {{"text", "é \"\n\x1b"},
                                {"number", 0.1},
                                {"large", std::uint64_t(-1)},
                                {"none", nullptr},
                                {"list", {1, 2}}};
  write_json(folder / "a.json", value);
  EXPECT_EQ(read_json(folder / "a.json"), value);
  EXPECT_TRUE(file_text(folder / "a.json").ends_with("}\n"));
}

TEST(Json, LeavesNoTemporaryFile) {
  const TemporaryFolder folder;
  write_json(folder / "a.json", {{"a", 1}});
  write_json(folder / "a.json", {{"a", 2}});
  std::filesystem::create_directories(folder / "taken" / "b");
  const Error error = error_of([&] { write_json(folder / "taken", {}); });
  EXPECT_EQ(error.kind(), ErrorKind::disk);
  const std::filesystem::directory_iterator entries(folder.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 2);
}

TEST(Json, IsWrittenEvenWithTextThatIsNoUtf8) {
  const TemporaryFolder folder;
  write_json(folder / "a.json", {{"text", "a\xff"}});
  EXPECT_EQ(read_json(folder / "a.json")["text"], "a\xef\xbf\xbd");
}

TEST(Json, IsCorruptUnlessAnObject) {
  const TemporaryFolder folder;
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  for (const std::string& text :
       {std::string(), std::string("[1]"), std::string("{\"a\""), std::string("3"),
        "{\"a\":" + deep + "}"}) {
    write_file(folder / "a.json", text);
    const Error error = error_of([&] { return read_json(folder / "a.json"); });
    EXPECT_EQ(error.kind(), ErrorKind::corrupt) << text;
    EXPECT_THAT(error.what(), HasSubstr("a.json"));
  }
}

TEST(RunLock, IsRefusedWhileAnotherProcessHoldsIt) {
  const TemporaryFolder folder;
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready) + ::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunLock lock(folder.path());
    char byte = 0;
    const bool told = ::write(ready[1], "x", 1) == 1 && ::read(done[0], &byte, 1) == 1;
    ::_exit(told ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const Error error = error_of([&] { RunLock lock(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_THAT(error.what(), HasSubstr("is being written by another process"));
  ASSERT_EQ(::write(done[1], "x", 1), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(RunLock(folder.path()));
  for (const int file : {ready[0], ready[1], done[0], done[1]}) ::close(file);
}

TEST(RunLock, NeedsAFolderItCanWrite) {
  const Error error = error_of([] { RunLock lock("/nowhere"); });
  EXPECT_EQ(error.kind(), ErrorKind::disk);
}

TEST(ReadRun, FindsWhatWasWritten) {
  const TemporaryFolder folder;
  write_run(folder.path(), kEvaluations);
  const auto run = read_run(folder.path());
  EXPECT_EQ(run.status(), "finished");
  EXPECT_EQ(run.controller(), "phases");
  EXPECT_EQ(run.specification(), "four");
  EXPECT_EQ(run.seed(), 7);
  EXPECT_THAT(run.notes, IsEmpty());
  ASSERT_EQ(run.evaluations.size(), 2u);
  EXPECT_EQ(run.evaluations[0].examples_seen, 3200);
  EXPECT_EQ(run.evaluations[1].training_seconds, 3.25);
  EXPECT_EQ(run.evaluations[1].split, "test");
  EXPECT_TRUE(std::isnan(run.evaluations[1].loss));
}

TEST(ReadRun, NotesATornLine) {
  const TemporaryFolder folder;
  write_run(folder.path(), std::string(kEvaluations) + "300,1,9600,4.0,te");
  const auto run = read_run(folder.path());
  EXPECT_EQ(run.evaluations.size(), 2u);
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("torn")));
}

TEST(ReadRun, NotesANewerFormat) {
  const TemporaryFolder folder;
  write_run(folder.path(), kEvaluations);
  nlohmann::json record = read_json(folder / "run.json");
  record["format"] = kRunFormat;
  write_json(folder / "run.json", record);
  EXPECT_THAT(read_run(folder.path()).notes, IsEmpty());
  record["format"] = kRunFormat + 1;
  write_json(folder / "run.json", record);
  EXPECT_THAT(read_run(folder.path()).notes,
              ElementsAre(HasSubstr("has format 2, and this batchlab knows 1")));
}

TEST(ReadRun, NotesMissingAndEmptyEvaluations) {
  const TemporaryFolder folder;
  write_run(folder.path(), "");
  EXPECT_THAT(read_run(folder.path()).notes, ElementsAre(HasSubstr("empty")));
  std::filesystem::remove(folder / "evaluations.csv");
  EXPECT_THAT(read_run(folder.path()).notes, ElementsAre(HasSubstr("missing")));
}

TEST(ReadRun, NamesTheCellThatIsNoNumber) {
  const TemporaryFolder folder;
  write_run(folder.path(), std::string(kEvaluations) + "x\x1b,1,9600,4.0,test,1,1\n");
  const Error error = error_of([&] { return read_run(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.what(), HasSubstr("row 3: step is no number: \"x\\x1b\""));
}

TEST(ReadRun, NamesTheMissingColumn) {
  const TemporaryFolder folder;
  write_run(folder.path(), "step,epoch\n1,0\n");
  const Error error = error_of([&] { return read_run(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_THAT(error.what(), HasSubstr("has no column \"examples_seen\""));
}

TEST(ReadRun, RefusesAFolderWithoutARunAndARecordWithoutAStatus) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { return read_run(folder.path()); }).kind(), ErrorKind::data);
  write_run(folder.path(), kEvaluations);
  write_json(folder / "run.json", {{"seed", 1}});
  EXPECT_EQ(error_of([&] { return read_run(folder.path()); }).kind(),
            ErrorKind::corrupt);
}

TEST(FindRuns, FindsRunsAtAnyDepthSortedWithoutFollowingLinks) {
  const TemporaryFolder folder;
  write_file(folder / "b" / "run.json", "{}");
  write_file(folder / "a" / "deep" / "run.json", "{}");
  write_file(folder / "c" / "config.json", "{}");
  std::filesystem::create_directory_symlink(folder.path(), folder / "a" / "loop");
  EXPECT_THAT(find_runs(folder.path()),
              ElementsAre(folder / "a" / "deep", folder / "b"));
  EXPECT_THAT(find_runs(folder / "b"), ElementsAre(folder / "b"));
}

TEST(FindRuns, SkipsAFolderThatMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  write_file(folder / "a" / "run.json", "{}");
  write_file(folder / "b" / "run.json", "{}");
  std::filesystem::permissions(folder / "a", std::filesystem::perms::none);
  EXPECT_THAT(find_runs(folder.path()), ElementsAre(folder / "b"));
  std::filesystem::permissions(folder / "a", std::filesystem::perms::owner_all);
}

TEST(FindRuns, SaysThatAFolderIsMissing) {
  EXPECT_EQ(error_of([] { return find_runs("/nowhere"); }).kind(), ErrorKind::data);
}

}  // namespace batchlab::run_store_test
