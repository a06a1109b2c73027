// SPDX-License-Identifier: MIT
#include "experiments/tuning_search.hpp"

#include <fmt/format.h>

#include "experiments/progress.hpp"
#include "experiments/run_execution.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace fs = std::filesystem;

TuningSearch::TuningSearch(const Tuning& tuning, const SweepOptions& options)
    : tuning_(tuning),
      options_(options),
      runs_(expand(trials_document(tuning))),
      trials_(runs_.size()),
      choices_(tuning.batch_sizes.size()) {
  for (Choice& choice : choices_) {
    choice.begin = tuning.grid.begin;
    choice.end = tuning.grid.end;
  }
}

int TuningSearch::run() {
  do {
    std::vector<RunConfiguration> round;
    for (const std::size_t number : tried()) round.push_back(runs_[number]);
    const int code = run_sweep(round, options_);
    const bool ended = code == 0 || code == exit_diverged || code == exit_some_failed;
    if (!ended) return code;
    if (!read()) return options_.dry_run ? 0 : exit_some_failed;
  } while (extend());
  done_ = true;
  return 0;
}

const Trial& TuningSearch::trial(std::size_t size, std::size_t rate) const {
  return trials_[size * tuning_.grid.rates.size() + rate];
}

std::vector<std::optional<double>> TuningSearch::chosen() const {
  std::vector<std::optional<double>> rates;
  for (const Choice& choice : choices_) {
    rates.push_back(choice.none ? std::nullopt
                                : std::optional(tuning_.grid.rates[choice.best]));
  }
  return rates;
}

// Positions in the whole grid.
std::vector<std::size_t> TuningSearch::tried() const {
  std::vector<std::size_t> numbers;
  for (std::size_t size = 0; size < choices_.size(); ++size) {
    for (std::size_t i = choices_[size].begin; i < choices_[size].end; ++i) {
      numbers.push_back(size * tuning_.grid.rates.size() + i);
    }
  }
  return numbers;
}

// Whether all that were tried came to an end.
bool TuningSearch::read() {
  bool whole = true;
  for (const std::size_t number : tried()) {
    const fs::path folder =
        options_.out / runs_[number].specification / runs_[number].folder_name();
    std::error_code ignored;
    const bool there = fs::exists(folder / "run.json", ignored);
    const Run run = there ? read_run(folder) : Run{};
    const std::string status = there ? run.status() : "missing";
    if (status == "finished" || status == "diverged") {
      trials_[number] = read_trial(run);
      continue;
    }
    whole = false;
    if (options_.dry_run) continue;
    say(fmt::format("batchlab: {}: {}; no rate is chosen without it\n", folder.string(),
                    status));
  }
  return whole;
}

bool TuningSearch::extend() {
  bool extended = false;
  for (std::size_t size = 0; size < choices_.size(); ++size) {
    Choice& choice = choices_[size];
    choice =
        choose(choice.begin, {&trial(size, choice.begin), choice.end - choice.begin});
    const bool down = choice.lowest() && choice.begin > 0;
    const bool up = choice.highest() && choice.end < tuning_.grid.rates.size();
    if (down) --choice.begin;
    if (up) ++choice.end;
    extended = extended || down || up;
  }
  return extended;
}

}  // namespace batchlab
