// SPDX-License-Identifier: MIT
#include "experiments/plugins/controller_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "controllers/error.hpp"
#include "experiments/plugins/child_process.hpp"
#include "experiments/plugins/documents.hpp"
#include "experiments/plugins/outside_decision.hpp"
#include "experiments/plugins/outside_entry.hpp"
#include "results/sha256.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t most_of_a_text = 400;  // bytes

// `text`, opened by `who` where it does not name it: a library that is isolated does,
// or names the controller in it.
std::string naming(const std::string& who, const std::string& text) {
  const bool named = text.starts_with(who + ": ") ||
                     text.find(fmt::format("({}): ", who)) < text.find(": ");
  return named ? text : fmt::format("{}: {}", who, text);
}

// A program that has been started, as one that answers. `who` opens each message.
class Program {
 public:
  Program(std::string who, const std::filesystem::path& file,
          const ProgramOptions& options)
      : who_(std::move(who)),
        file_(file),
        checksum_(options.checksum),
        seconds_(options.seconds_per_answer),
        deadline_(options.deadline) {
    check_unchanged();
    try {
      child_.emplace(options.command, options.memory_bytes);
    } catch (const Error& error) {
      throw Error(ErrorKind::plugin, naming(who_, error.what()));
    }
  }

  [[nodiscard]] const std::string& who() const { return who_; }

  // Each process reads the file anew, and a user may have saved it in the meantime.
  void check_unchanged() const {
    if (checksum_.empty()) return;
    std::string now = "none";
    try {
      now = sha256_of_file(file_.string());
    } catch (const Error&) {  // it is gone
    }
    if (now == checksum_) return;
    throw Error(
        ErrorKind::plugin,
        fmt::format("{}: changed since it was loaded (checksum {} then, {} now)", who_,
                    checksum_, now));
  }

  void finish() {
    try {
      child_->finish(seconds());
    } catch (const Error& error) {
      fail(error, "after its last answer");
    }
  }

  // What `read` makes of the answer to `request`. `doing`: "deciding at step 17".
  // `refusal`: the kind of what the program itself says is an error.
  template <class Read>
  auto ask(const json& request, const std::string& doing, Read read,
           ErrorKind refusal = ErrorKind::plugin) {
    const json answer = answer_to(request, doing);
    try {
      if (answer.is_object() && answer.contains("error")) refuse(answer, refusal);
      return read(answer);
    } catch (const Error& error) {
      throw Error(error.kind(),
                  fmt::format("{} (while {})", naming(who_, error.what()), doing));
    }
  }

 private:
  json answer_to(const json& request, const std::string& doing) {
    std::string line;
    try {
      line = child_->ask(line_of(request), seconds());
    } catch (const Error& error) {
      fail(error, "while " + doing);
    }
    try {
      return document_of(line);
    } catch (const Error& error) {
      throw Error(ErrorKind::plugin,
                  fmt::format("{}: answered {} (while {})", who_, error.what(), doing));
    }
  }

  // For an answer.
  [[nodiscard]] double seconds() const {
    const std::chrono::duration<double> left =
        deadline_ - std::chrono::steady_clock::now();
    return std::clamp(left.count(), 0.0, seconds_);
  }

  [[noreturn]] void fail(const Error& error, const std::string& when) {
    const std::string words = child_->last_words();
    throw Error(ErrorKind::plugin,
                fmt::format("{}: {} {}{}{}", who_, error.what(), when,
                            words.empty() ? "" : "; its last words: ", words));
  }

  [[noreturn]] static void refuse(const json& answer, ErrorKind kind) {
    const Members members(answer, "answer", {"error", "usage"});
    const bool its_own = members.has("usage") && !members.boolean("usage");
    throw Error(its_own ? ErrorKind::plugin : kind,
                printable(members.text("error"), most_of_a_text));
  }

  std::string who_;
  std::filesystem::path file_;
  std::string checksum_;
  double seconds_;
  std::chrono::steady_clock::time_point deadline_;
  std::optional<ChildProcess> child_;
};

struct Introduction {
  std::string version;
  json controllers;
};

Introduction introduction_from(const json& answer) {
  const Members members(answer, "answer", {"protocol", "version", "controllers"});
  const std::int64_t protocol = members.integer("protocol");
  if (protocol != protocol_version) {
    throw Error(ErrorKind::plugin,
                fmt::format("speaks protocol {}, and this batchlab protocol {}; {}",
                            protocol, protocol_version,
                            protocol > protocol_version ? "a newer batchlab is needed"
                                                        : "it has to be brought up "
                                                          "to date"));
  }
  const std::string version = members.has("version") ? members.text("version") : "";
  return {printable(version), members.list("controllers")};
}

// By its answer an interpreter has read the file: looked at again.
Introduction introduce(Program& program) {
  Introduction introduction = program.ask({{"hello", {{"protocol", protocol_version}}}},
                                          "saying hello", introduction_from);
  program.check_unchanged();
  return introduction;
}

void expect_nothing(const json& answer) { Members(answer, "answer", {}); }

double extension_from(const json& answer) {
  return Members(answer, "answer", {"batch_size"}).number("batch_size");
}

// In the answer to create, or else as in hello.
Needs needs_of_instance(const json& answer, std::optional<Needs> of_every) {
  const Members members(answer, "answer", {"needs"});
  if (const auto own = needs_from(answer, "answer")) return *own;
  if (of_every) return *of_every;
  throw Error(ErrorKind::plugin,
              "answer: needs is missing, and of the controller in hello too");
}

class ProgramController final : public Controller {
 public:
  // `needs`: as in hello.
  ProgramController(std::unique_ptr<Program> program, const json& create,
                    std::optional<Needs> needs)
      : program_(std::move(program)) {
    (void)introduce(*program_);
    needs_ = program_->ask(
        {{"create", create}}, "being made",
        [&](const json& answer) { return needs_of_instance(answer, needs); },
        ErrorKind::usage);
  }

  [[nodiscard]] Needs needs() const override { return needs_; }

  [[nodiscard]] Decision decide(const Statistics& statistics) override {
    const std::string doing = fmt::format("deciding at step {}", statistics.step);
    return checked(
        program_->ask({{"decide", document(statistics)}}, doing, decision_from),
        fmt::format("{}, {}", program_->who(), doing));
  }

  [[nodiscard]] double extended_batch_size(const Statistics& statistics) override {
    const std::string doing =
        fmt::format("extending the batch after step {}", statistics.step);
    return checked_extension(
        program_->ask({{"extend", document(statistics)}}, doing, extension_from),
        fmt::format("{}, {}", program_->who(), doing));
  }

  [[nodiscard]] json save() const override {
    return program_->ask({{"save", true}}, "saving its state", [](const json& answer) {
      return Members(answer, "answer", {"state"}).at("state");
    });
  }

  void load(const json& state) override {
    program_->ask({{"load", state}}, "loading its state", expect_nothing);
  }

  void finish() override { program_->finish(); }

 private:
  std::unique_ptr<Program> program_;
  Needs needs_;
};

std::unique_ptr<Program> started(const std::string& name,
                                 const std::filesystem::path& path,
                                 const ProgramOptions& options) {
  const std::string file = printable(path.string(), most_of_a_text);
  return std::make_unique<Program>(fmt::format("{} ({})", name, file), path, options);
}

// Asks a process of its own each time: before the runs, some few times.
double measured(Program& program, const std::string& controller,
                const std::string& option, double a_seconds, double b_seconds) {
  (void)introduce(program);
  const json request = {{"controller", controller},
                        {"option", option},
                        {"a_seconds", a_seconds},
                        {"b_seconds", b_seconds}};
  const double value = program.ask(
      {{"from_step_time", request}}, "asked for " + option, [](const json& answer) {
        return Members(answer, "answer", {"value"}).number("value");
      });
  return checked_measured(value, option, program.who());
}

Entry entry_of(const json& document, const std::filesystem::path& path,
               const ProgramOptions& options) {
  const std::string file = printable(path.string(), most_of_a_text);
  Entry entry = checked(entry_from(document), file);
  entry.plugin = path.string();
  for (Option& option : entry.options) {
    if (!option.from_step_time) continue;
    option.from_step_time = [name = entry.name, option = option.name, path, options](
                                double a_seconds, double b_seconds) {
      return measured(*started(name, path, options), name, option, a_seconds,
                      b_seconds);
    };
  }
  entry.make = [name = entry.name,
                needs = needs_from(document, "controller " + entry.name), path,
                options](const json& given, const Setting& setting) {
    return std::make_unique<ProgramController>(
        started(name, path, options),
        json{{"controller", name},
             {"options", given},
             {"setting", {{"training_set_size", setting.training_set_size}}}},
        needs);
  };
  return entry;
}

}  // namespace

std::vector<Entry> controllers_of_program(const std::filesystem::path& path,
                                          const ProgramOptions& options,
                                          std::string* version) {
  const std::string file = printable(path.string(), most_of_a_text);
  Program program(file, path, options);
  const Introduction introduction = introduce(program);
  std::vector<Entry> entries;
  try {
    for (const json& document : introduction.controllers) {
      entries.push_back(entry_of(document, path, options));
    }
    if (entries.empty()) throw Error(ErrorKind::plugin, "has no controllers");
  } catch (const Error& error) {
    const std::string what = error.what();
    throw Error(ErrorKind::plugin,
                what.starts_with(file) ? what : fmt::format("{}: {}", file, what));
  }
  if (version != nullptr) *version = introduction.version;
  return entries;
}

}  // namespace batchlab
