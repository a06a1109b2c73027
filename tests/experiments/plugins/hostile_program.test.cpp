// SPDX-License-Identifier: MIT
//
// Programs that do everything but answer: each ends as an error that says what it did,
// and nothing of it stays.
#include <sys/wait.h>

#include <iterator>

#include "experiments/plugins/child_process.hpp"
#include "experiments/plugins/controller_program.hpp"
#include "tests/experiments/plugins/programs.hpp"

namespace batchlab::test::hostile_program_test {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::ptrdiff_t open_files() {
  namespace fs = std::filesystem;
  return std::distance(fs::directory_iterator("/proc/self/fd"), {});
}

// Each test leaves as many open files as it found, and no child.
class HostileProgram : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(open_files(), before_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  }

  static std::string refusal_of_hello(const std::string& text, double seconds = 30) {
    const Script script(text);
    const Error error = error_of([&] { (void)script.entries(seconds); });
    EXPECT_EQ(error.kind(), ErrorKind::plugin) << error.what();
    EXPECT_THAT(error.what(), StartsWith(script.path().string() + ": "));
    return error.what();
  }

  // What is said of the decision at step 17 of a program that got so far.
  static std::string refusal_of_decision(const std::string& text, double seconds = 30) {
    const Script script(text);
    const auto rule = script.entries(seconds).front().make({}, tiny_setting);
    const Error error = error_of([&] {
      for (const std::int64_t step : {17, 18, 19}) {
        Statistics statistics;
        statistics.step = step;
        (void)rule->decide(statistics);
      }
    });
    EXPECT_EQ(error.kind(), ErrorKind::plugin) << error.what();
    EXPECT_THAT(error.what(), StartsWith("rude (" + script.path().string() + ")"));
    return error.what();
  }

 private:
  std::ptrdiff_t before_ = open_files();
};

const std::string decision = R"(echo '{"batch_size": 8, "reason": "-"}')";

TEST_F(HostileProgram, ThatIsNoProgramIsNotStarted) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& path) {
    return std::string(error_of([&] {
                         (void)controllers_of_program(path, {{path}, 30});
                       }).what());
  };
  EXPECT_THAT(refusal(folder / "none"),
              HasSubstr("none: cannot be started: No such file or directory"));
  EXPECT_THAT(refusal(folder.path()),
              HasSubstr("cannot be started: Permission denied"));
  write_file(folder / "text", "#!/bin/sh\n");
  EXPECT_THAT(refusal(folder / "text"),
              HasSubstr("cannot be started: Permission denied"));
  EXPECT_THAT(refusal_of_hello("print('hello')\n"),
              HasSubstr("cannot be started: Exec format error (the first line of a "
                        "script names its interpreter"));
}

TEST_F(HostileProgram, ThatEndsAtOnceIsToldWithItsCodeAndLastWords) {
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\necho oh >&2; echo no >&2; exit 3\n"),
              HasSubstr("exited with code 3 while saying hello; its last words: oh / "
                        "no"));
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\n"), HasSubstr("exited with code 0"));
  EXPECT_THAT(refusal_of_hello(python("raise SystemError('oh')\n")),
              AllOf(HasSubstr("exited with code 1"), HasSubstr("SystemError: oh")));
}

TEST_F(HostileProgram, ThatDiesInMidRunIsToldWithItsSignalAndTheStep) {
  EXPECT_THAT(
      refusal_of_decision(after_creation("kill -SEGV $$")),
      HasSubstr("ended by signal 11 (Segmentation fault) while deciding at step "
                "17"));
  EXPECT_THAT(refusal_of_decision(after_creation(decision + "; read line; exit 4")),
              HasSubstr("exited with code 4 while deciding at step 18"));
  EXPECT_THAT(refusal_of_decision(after_creation(decision)),
              HasSubstr("exited with code 0 while deciding at step 18"));
}

TEST_F(HostileProgram, IsToldWithItsCodeAlsoWhereNobodyIsToldOfChildren) {
  std::signal(SIGCHLD, SIG_IGN);
  const std::string refusal = refusal_of_hello("#!/bin/sh\nexit 3\n");
  std::signal(SIGCHLD, SIG_DFL);
  EXPECT_THAT(refusal, HasSubstr(": exited with code 3 while saying hello"));
}

TEST_F(HostileProgram, ThatKillsOrStopsWhoWatchesItEndsToo) {
  EXPECT_THAT(refusal_of_decision(after_creation("kill -KILL $PPID; exec sleep 1000")),
              HasSubstr("): ended while deciding at step 17"));
  EXPECT_THAT(refusal_of_decision(after_creation("kill -STOP $PPID; exit 3"), 2),
              HasSubstr("closed its standard output while deciding at step 17"));
  EXPECT_THAT(refusal_of_decision(after_creation("kill -TERM $PPID; exit 3")),
              HasSubstr("exited with code 3 while deciding at step 17"));
}

TEST_F(HostileProgram, ThatSaysNothingIsGivenItsTimeAndNoMore) {
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\nsleep 1000\n", 0.3),
              HasSubstr("did not answer within 0.3 s while saying hello"));
  EXPECT_THAT(refusal_of_decision(after_creation("exec sleep 1000"), 2),
              HasSubstr("did not answer within 2 s while deciding at step 17"));
}

TEST_F(HostileProgram, ThatSaysHalfALineIsToldSo) {
  EXPECT_THAT(
      refusal_of_hello("#!/bin/sh\nread line; printf '{\"proto'; sleep 1000\n", 0.3),
      HasSubstr("answered half a line within 0.3 s: {\"proto"));
}

TEST_F(HostileProgram, ThatIgnoresSignalsAndTheEndOfItsInputIsKilled) {
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\ntrap '' INT TERM HUP PIPE\n"
                               "while true; do sleep 0.05; done\n",
                               0.3),
              HasSubstr("did not answer within 0.3 s"));
}

TEST_F(HostileProgram, ThatSpeaksSomethingElseIsShown) {
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\nread line; echo 'garbage \033[2J'\n"),
              HasSubstr("answered what is not JSON: garbage \\x1b[2J (while saying "
                        "hello)"));
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\nexec cat\n"),
              HasSubstr("answer: unknown key \"hello\""));
  EXPECT_THAT(refusal_of_decision(after_creation("echo")),
              HasSubstr("answered what is not JSON:  (while deciding at step 17)"));
  EXPECT_THAT(refusal_of_decision(after_creation("head -c 100 /dev/zero; echo")),
              HasSubstr("what is not JSON: \\x00"));
}

TEST_F(HostileProgram, ThatSpeaksANewerProtocolIsRefusedWithASentence) {
  EXPECT_THAT(
      refusal_of_hello(
          "#!/bin/sh\nread line; echo '{\"protocol\": 2, \"controllers\": []}'\n"),
      HasSubstr("speaks protocol 2, and this batchlab protocol 1; a newer batchlab is "
                "needed"));
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\nread line; echo '{\"protocol\": 1}'\n"),
              HasSubstr("answer: controllers is missing"));
  EXPECT_THAT(
      refusal_of_hello(
          "#!/bin/sh\nread line; echo '{\"protocol\": 1, \"controllers\": []}'\n"),
      HasSubstr("has no controllers"));
}

TEST_F(HostileProgram, ThatDecidesWhatCannotBeIsRefused) {
  const auto refusal = [](const std::string& answer) {
    return refusal_of_decision(after_creation("echo '" + answer + "'; read line"));
  };
  EXPECT_THAT(refusal(R"({"reason": "-"})"),
              HasSubstr("answer: batch_size is missing (while deciding at step 17)"));
  EXPECT_THAT(refusal(R"({"batch_size": NaN, "reason": "-"})"),
              HasSubstr("answered what is not JSON: {\"batch_size\": NaN"));
  EXPECT_THAT(
      refusal(R"({"batch_size": -1, "reason": "-"})"),
      HasSubstr("deciding at step 17: batch size must be in [1, 1e15], got -1"));
  EXPECT_THAT(refusal(R"({"error": "no idea"})"),
              HasSubstr("no idea (while deciding at step 17)"));
  EXPECT_THAT(refusal(R"({"error": 3})"), HasSubstr("error must be a text, got 3"));
  EXPECT_THAT(refusal(R"({"error": "no idea", "batch_size": 3})"),
              HasSubstr("answer: unknown key \"batch_size\""));
}

TEST_F(HostileProgram, ThatAnswersTwiceIsFoundOut) {
  EXPECT_THAT(
      refusal_of_decision(after_creation("printf '{}\\n{\"a\": 1}\\n'; read l")),
      HasSubstr("answered more than one line: {\"a\": 1}"));
  // Later than the answer: found at the next question, or as the answer to it.
  EXPECT_THAT(refusal_of_decision(
                  after_creation(decision + "; sleep 0.2; echo more; read a; read b")),
              AllOf(HasSubstr("more"), HasSubstr("deciding at step 18")));
}

TEST_F(HostileProgram, ThatAnswersWithoutEndIsCutShort) {
  EXPECT_THAT(
      refusal_of_decision(after_creation("head -c 10000000 /dev/zero; sleep 9")),
      HasSubstr("answered more than 1048576 bytes in one line"));
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\nexec cat /dev/zero\n"),
              AnyOf(HasSubstr("answered more than 1048576 bytes in one line"),
                    HasSubstr("wrote what nobody asked for")));
}

TEST_F(HostileProgram, ThatClosesItsOutputButLivesIsNotWaitedFor) {
  EXPECT_THAT(refusal_of_decision(after_creation("exec >&-; sleep 1000")),
              HasSubstr("closed its standard output while deciding at step 17"));
}

TEST_F(HostileProgram, ThatReadsNothingFailsAndKillsNobody) {
  EXPECT_THAT(
      refusal_of_decision(after_creation("exec <&-; " + decision + "; sleep 1000"), 2),
      HasSubstr("did not answer within 2 s while deciding at step 18"));
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\nexec <&-; sleep 1000\n", 0.3),
              HasSubstr("did not answer within 0.3 s"));
}

TEST_F(HostileProgram, ThatFloodsStandardErrorIsHeardOutAndItsLastWordsAreKept) {
  const std::string flood = "head -c 3000000 /dev/zero | tr '\\0' x >&2; ";
  EXPECT_THAT(
      refusal_of_decision(after_creation(flood + decision + "; echo >&2\n" + flood +
                                         "echo >&2; echo the last >&2; exit 5")),
      HasSubstr("exited with code 5 while deciding at step 18; its last words: the "
                "last"));
  EXPECT_THAT(refusal_of_hello("#!/bin/sh\ncat /dev/zero >&2\n", 0.3),
              HasSubstr("did not answer within 0.3 s"));
}

TEST_F(HostileProgram, ThatAllocatesWithoutEndMeetsItsLimit) {
  EXPECT_THAT(refusal_of_hello(
                  python("blocks = [bytearray(1 << 28) for _ in range(100000)]\n")),
              AllOf(HasSubstr("exited with code 1"), HasSubstr("MemoryError")));
}

// A child that holds the pipes open hides the end of its parent from who reads them.
TEST_F(HostileProgram, ThatLeavesAChildBehindIsSeenToEnd) {
  EXPECT_THAT(refusal_of_decision(after_creation("sleep 1000 & exit 6")),
              HasSubstr("exited with code 6 while deciding at step 17"));
}

bool alive(const std::string& process) {
  const std::string state = file_text("/proc/" + process + "/stat");
  return !state.empty() && state.find(") Z ") == state.npos;
}

// What starts a process that writes its number to `child` beside the script, sleeps,
// and is in the group, then in a session of its own, then also nobody's child.
const std::string sleeper = "sh -c 'echo $$ > \"$0\"; exec sleep 1000' \"$child\"";
const std::string ways_to_leave[] = {sleeper + " &", "setsid " + sleeper + " &",
                                     "(setsid " + sleeper + " &)"};

// Asked for a decision, it goes on once that has left.
std::string leaving(const std::string& way, const std::string& then) {
  return after_creation("[ \"$line\" ] || exit 0; child=\"${0%/*}/child\"; " + way +
                        "\nuntil [ -s \"$child\" ]; do sleep 0.01; done\n" + then);
}

TEST_F(HostileProgram, LeavesNothingAliveHoweverItWasDetached) {
  for (const std::string& way : ways_to_leave) {
    SCOPED_TRACE(way);
    const Script script(leaving(way, decision + "; read line"));
    std::string child;
    {
      const auto rule = script.entries().front().make({}, tiny_setting);
      (void)rule->decide({});
      child = std::to_string(std::stoi(file_text(script.folder() / "child")));
      EXPECT_TRUE(alive(child));
    }
    EXPECT_FALSE(alive(child));
  }
}

TEST_F(HostileProgram, ThatCrashesLeavesNothingAliveEither) {
  const Script script(leaving(ways_to_leave[2], "kill -SEGV $$"));
  const auto rule = script.entries().front().make({}, tiny_setting);
  EXPECT_THAT(error_of([&] { (void)rule->decide({}); }).what(),
              HasSubstr("ended by signal 11"));
  const int child = std::stoi(file_text(script.folder() / "child"));
  EXPECT_FALSE(alive(std::to_string(child)));
}

// Each of these processes starts the next in a session of its own, and ends.
TEST_F(HostileProgram, ThatRunsAwayIsCaught) {
  const Script script(
      "#!/bin/sh\nif [ \"$1\" ]; then setsid \"$0\" on & exit; fi\n"
      "read line; \"$0\" on; echo running; read line\n");
  const auto runs = [&] {
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
      const std::string words = file_text(process.path() / "cmdline");
      if (words.find(script.path().string()) != words.npos) return true;
    }
    return false;
  };
  {
    ChildProcess program({script.path().string()}, 0);
    EXPECT_EQ(program.ask("go", 30), "running");
    EXPECT_TRUE(runs());
  }
  for (int look = 0; look < 10; ++look) EXPECT_FALSE(runs());
}

// After its last answer, where its input ends.
TEST_F(HostileProgram, ThatDoesNotEndInOrderIsToldWithWhatItDid) {
  const auto refusal = [](const std::string& end, double seconds) {
    const Script script(after_creation(decision + "; read line\n" + end));
    const auto rule = script.entries(seconds).front().make({}, tiny_setting);
    (void)rule->decide({});
    return std::string(error_of([&] { rule->finish(); }).what());
  };
  EXPECT_THAT(refusal("echo oh >&2; exit 3", 30),
              HasSubstr("): exited with code 3 after its last answer; its last words: "
                        "oh"));
  EXPECT_THAT(refusal("kill -SEGV $$", 30),
              HasSubstr("ended by signal 11 (Segmentation fault) after its last"));
  EXPECT_THAT(refusal("exec sleep 1000", 2),
              HasSubstr("): did not end within 2 s after its last answer"));
  const Script sound(after_creation(decision + "; read line; echo bye; exit 0"));
  const auto rule = sound.entries().front().make({}, tiny_setting);
  (void)rule->decide({});
  EXPECT_NO_THROW(rule->finish());
}

TEST_F(HostileProgram, IsOfASessionOfItsOwnSoThatNoInterruptReachesIt) {
  const Script script("#!/bin/sh\nread line; echo $$; read line\n");
  ChildProcess program({script.path().string()}, 0);
  const pid_t number = std::stoi(program.ask("number", 30));
  EXPECT_EQ(::getpgid(number), number);
  EXPECT_EQ(::getsid(number), number);
}

TEST_F(HostileProgram, DoesNotOutliveWhoStartedItNorDoesWhatItDetached) {
  const Script script("#!/bin/sh\ntrap '' HUP\nread line; child=\"${0%/*}/child\"\n" +
                      ways_to_leave[2] +
                      "\nuntil [ -s \"$child\" ]; do sleep 0.01; done\n"
                      "echo $$; exec sleep 1000\n");
  const pid_t middle = ::fork();
  if (middle == 0) {
    ChildProcess program({script.path().string()}, 0);
    write_file(script.folder() / "number", program.ask("number", 30));
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(middle, nullptr, 0);
  for (const char* name : {"number", "child"}) {
    const int number = std::stoi(file_text(script.folder() / name));
    EXPECT_TRUE(eventually([&] { return !alive(std::to_string(number)); })) << name;
  }
}

TEST_F(HostileProgram, GetsNoOtherFilesAndUsualSignals) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without close-on-exec
  const auto before = std::signal(SIGUSR1, SIG_IGN);
  const Script script(
      "#!/bin/sh\nread line; echo $(ls -l /proc/$$/fd | grep -c /dev/null) "
      "$(grep SigIgn /proc/$$/status | tail -c 17)\nread line\n");
  ChildProcess program({script.path().string()}, 0);
  EXPECT_THAT(program.ask("files", 30), testing::MatchesRegex("0 0*"));
  std::signal(SIGUSR1, before);
  ::close(leaked);
}

}  // namespace batchlab::test::hostile_program_test
