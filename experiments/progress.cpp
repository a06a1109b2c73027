// SPDX-License-Identifier: MIT
#include "experiments/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace batchlab {

namespace {

constexpr std::size_t full_columns = 125;  // that the full line takes

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
  return size.ws_col;
}

}  // namespace

Progress::Progress(const RunConfiguration& configuration, const SweepPosition& position,
                   bool rewrite)
    : configuration_(configuration), position_(position), rewrite_(rewrite) {}

Progress::~Progress() {
  if (rewrite_) say("\r\033[K");
}

void Progress::on_decision(const Statistics&, const Decision&,
                           const LimitedDecision& used) {
  batch_size_ = used.batch_size;
}

void Progress::on_intervention(const Statistics& at, const Intervention& intervention) {
  note(fmt::format("control from step {} on: {}", at.step + 1, to_text(intervention)));
}

void Progress::note(const std::string& text) {
  say(fmt::format("{}batchlab: {}: {}\n", rewrite_ ? "\r\033[K" : "",
                  configuration_.folder_name(), text));
}

void Progress::on_step(const Statistics& after, double training_seconds) {
  if (!rewrite_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < std::chrono::milliseconds(200)) return;
  shown_ = now;
  const std::size_t columns = terminal_columns();
  std::string text = line(after, training_seconds, columns < full_columns);
  text.resize(std::min(text.size(), columns - 1));  // a wrapped one would stay
  say("\r\033[K" + text);
}

void Progress::on_evaluation(const Statistics& at, double training_seconds,
                             const std::string& split, const EvaluationResult& result) {
  const bool has_accuracy = !std::isnan(result.accuracy);
  last_evaluation_ = has_accuracy
                         ? fmt::format("{} accuracy {:.4f}", split, result.accuracy)
                         : fmt::format("{} loss {:.4f}", split, result.loss);
  last_accuracy_ =
      has_accuracy ? fmt::format("{} {:.3f} ", split, result.accuracy) : "";
  if (!rewrite_ && split == "test") {
    say(line(at, training_seconds, false) + '\n');
  }
}

double Progress::fraction(const Statistics& at, double training_seconds) const {
  const Budget& budget = configuration_.budget;
  const auto share = [](double done, double all) { return std::min(1.0, done / all); };
  double most = 0;
  if (budget.epochs) {
    const double examples =
        static_cast<double>(*budget.epochs) * static_cast<double>(at.training_set_size);
    most = share(static_cast<double>(at.examples_seen), examples);
    if (at.epochs_completed >= *budget.epochs) most = 1;
  }
  if (budget.examples) {
    most = std::max(most, share(static_cast<double>(at.examples_seen),
                                static_cast<double>(*budget.examples)));
  }
  if (budget.steps) {
    most = std::max(
        most, share(static_cast<double>(at.step), static_cast<double>(*budget.steps)));
  }
  if (budget.seconds) most = std::max(most, share(training_seconds, *budget.seconds));
  return most;
}

std::string Progress::line(const Statistics& at, double training_seconds,
                           bool narrow) const {
  const double elapsed = std::chrono::duration<double>(
                             std::chrono::steady_clock::now() - position_.started)
                             .count();
  const double done =
      static_cast<double>(position_.finished) + fraction(at, training_seconds);
  const double left =
      done > 0 ? elapsed / done * static_cast<double>(position_.total) - elapsed : 0;
  const auto& epochs = configuration_.budget.epochs;
  const std::string of_epochs = epochs ? fmt::format("/{}", *epochs) : "";
  const double speed = training_seconds > 0
                           ? static_cast<double>(at.examples_seen) / training_seconds
                           : 0;
  const std::string time = duration_text(std::max(0.0, left));
  if (narrow) {  // what matters first: the end may be cut
    return fmt::format(
        "{}/{} epoch {}{} B={} loss {:.2f} {}{:.0f}k/s {} left {}-seed{}",
        position_.number, position_.total, at.epochs_completed, of_epochs, batch_size_,
        at.batch_loss, last_accuracy_, speed / 1000, time, configuration_.label,
        configuration_.seed);
  }
  return fmt::format(
      "run {} of {}  {} seed {}  epochs {}{}  batch {}  loss {:.4f}  {}{}{:.0f} "
      "examples/s  {} left",
      position_.number, position_.total, configuration_.label, configuration_.seed,
      at.epochs_completed, of_epochs, batch_size_, at.batch_loss, last_evaluation_,
      last_evaluation_.empty() ? "" : "  ", speed, time);
}

void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace batchlab
