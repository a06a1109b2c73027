// SPDX-License-Identifier: MIT
//
// Its pipes do not block on this side: while an answer is waited for, whatever it
// writes is read, and the clock is looked at. Its end is seen even if a child of its
// own holds the pipes open, for its supervisor tells.

#include "experiments/plugins/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "controllers/error.hpp"
#include "experiments/plugins/documents.hpp"
#include "experiments/plugins/supervisor.hpp"

namespace batchlab {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t most_words = 2048;  // kept, bytes
constexpr std::size_t most_shown = 400;   // of them, bytes
constexpr milliseconds patience{500};     // with its end
constexpr milliseconds patience_with_supervisor{5000};

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::plugin, what);
}

// Reads what there is, at most some 64 KB, to the end of `into`. Closes at the end.
void read_some(Descriptor& from, std::string& into) {
  std::array<char, 65536> bytes;
  if (!from.open()) return;
  const ssize_t count = ::read(from.get(), bytes.data(), bytes.size());
  if (count > 0) {
    into.append(bytes.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    from.close();
  }
}

// A write to a program that is gone is no reason to die: its signal is taken back.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipe() {
    const timespec at_once{};
    if (sigismember(&before_, SIGPIPE) == 0) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;

 private:
  sigset_t pipe_, before_;
};

// Lines become one; the first of them goes if it was cut.
std::string on_one_line(std::string words) {
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) {
    words.pop_back();
  }
  if (words.size() > most_shown) {
    words.erase(0, words.size() - most_shown);
    words.erase(0, words.find('\n') + 1);  // nothing where there is none
  }
  std::string line;
  for (std::size_t at = 0; at <= words.size();) {
    const std::size_t end = std::min(words.find('\n', at), words.size());
    line += (line.empty() ? "" : " / ") +
            printable(std::string_view(words).substr(at, end - at), most_shown);
    at = end + 1;
  }
  return line;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command,
                           std::int64_t memory_bytes)
    : process_(start_process(command, memory_bytes)), memory_bytes_(memory_bytes) {}

ChildProcess::~ChildProcess() {
  process_.input.close();
  ends_before(steady_clock::now() + patience);
  ::kill(process_.supervisor, end_supervisor);
  const Time end = steady_clock::now() + patience_with_supervisor;
  while (::waitpid(process_.supervisor, nullptr, WNOHANG) == 0) {
    // Continued, where the program stops it; killed, where it waits for one that cannot
    // be killed.
    const bool late = steady_clock::now() > end;
    ::kill(process_.supervisor, late ? SIGKILL : SIGCONT);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

std::string ChildProcess::ask(std::string_view line, double seconds) {
  read_output();
  if (!unread_.empty()) fail("wrote what nobody asked for: " + printable(unread_));
  const Time end = after(seconds);
  const std::string request = std::string(line) + '\n';
  std::string_view unwritten = request;
  while (true) {
    write_some(unwritten);
    const bool over = ended();  // looked at first: then all it wrote is there
    read_output();
    read_errors();
    if (auto answer = whole_line()) return *answer;
    if (over) fail(how_it_ended());
    if (!process_.output.open()) fail_without_output();
    if (steady_clock::now() >= end) fail_late(seconds);
    wait_for_something(!unwritten.empty(), end);
  }
}

void ChildProcess::finish(double seconds) {
  process_.input.close();
  if (!ends_before(after(seconds))) {
    fail(fmt::format("did not end within {:g} s", seconds));
  }
  if (exit_code_ != 0) fail(how_it_ended());
}

ChildProcess::Time ChildProcess::after(double seconds) {
  return steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(
                                   std::chrono::duration<double>(seconds));
}

// A program that does not read any more may still answer.
void ChildProcess::write_some(std::string_view& unwritten) {
  if (unwritten.empty() || !process_.input.open()) return;
  const NoBrokenPipe guard;
  const ssize_t count =
      ::write(process_.input.get(), unwritten.data(), unwritten.size());
  if (count > 0) {
    unwritten.remove_prefix(static_cast<std::size_t>(count));
  } else if (errno != EAGAIN && errno != EINTR) {
    process_.input.close();
    unwritten = {};
  }
}

void ChildProcess::wait_for_something(bool writing, Time end) const {
  const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
  const auto wait = std::max(left, milliseconds(0));
  std::array<pollfd, 4> files{{{process_.output.get(), POLLIN, 0},
                               {process_.errors.get(), POLLIN, 0},
                               {process_.end.get(), POLLIN, 0},
                               {writing ? process_.input.get() : -1, POLLOUT, 0}}};
  ::poll(files.data(), files.size(), static_cast<int>(wait.count()));
}

// As far as its line may go.
void ChildProcess::read_output() {
  for (std::size_t before = unread_.size() + 1;
       before != unread_.size() && unread_.size() <= longest_line;) {
    before = unread_.size();
    read_some(process_.output, unread_);
  }
}

void ChildProcess::read_errors() {
  read_some(process_.errors, words_);
  if (words_.size() > most_words) words_.erase(0, words_.size() - most_words);
}

std::optional<std::string> ChildProcess::whole_line() {
  const std::size_t end = unread_.find('\n');
  if (std::min(end, unread_.size()) > longest_line) {
    fail(fmt::format("answered more than {} bytes in one line", longest_line));
  }
  if (end == unread_.npos) return std::nullopt;
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  if (!unread_.empty()) {
    fail("answered more than one line: " + printable(unread_));
  }
  return line;
}

bool ChildProcess::ended() {
  ProgramEnd end;
  if (over_) return true;
  const ssize_t count = ::read(process_.end.get(), &end, sizeof end);
  if (count < 0) return false;
  over_ = true;
  if (count != sizeof end) return true;  // its supervisor is gone
  (end.exited ? exit_code_ : signal_) = end.status;
  used_bytes_ = end.most_resident_bytes;
  return true;
}

// Reads on, so that it is not held by what it writes.
bool ChildProcess::ends_before(Time end) {
  while (!ended()) {
    if (steady_clock::now() >= end) return false;
    unread_.clear();
    read_output();
    read_errors();
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

std::string ChildProcess::how_it_ended() const {
  // What was reserved and never written to, or the block that was refused, is not in
  // it.
  const bool at_limit = memory_bytes_ > 0 && used_bytes_ > memory_bytes_ / 4 * 3;
  const std::string memory =
      at_limit ? fmt::format(", at its memory limit (used {} of {} MB),",
                             used_bytes_ >> 20, memory_bytes_ >> 20)
               : "";
  if (signal_) {
    return fmt::format("ended by signal {} ({}){}", *signal_, ::strsignal(*signal_),
                       memory);
  }
  return exit_code_ ? fmt::format("exited with code {}{}", *exit_code_, memory)
                    : "ended";
}

void ChildProcess::fail_without_output() {
  if (ends_before(steady_clock::now() + patience)) fail(how_it_ended());
  fail("closed its standard output");
}

void ChildProcess::fail_late(double seconds) const {
  if (unread_.empty()) fail(fmt::format("did not answer within {:g} s", seconds));
  fail(fmt::format("answered half a line within {:g} s: {}", seconds,
                   printable(unread_)));
}

std::string ChildProcess::last_words() {
  for (int i = 0; i < 16; ++i) read_errors();  // what a pipe holds, and a little more
  return on_one_line(words_);
}

}  // namespace batchlab
