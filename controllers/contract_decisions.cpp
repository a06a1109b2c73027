// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "controllers/contract_checks.hpp"
#include "controllers/error.hpp"

namespace batchlab::promise {

namespace {

using nlohmann::json;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::string shown(const Decision& decision) {
  std::string text = fmt::format("batch size {}", decision.batch_size);
  if (decision.learning_rate)
    text += fmt::format(", learning rate {}", *decision.learning_rate);
  if (decision.learning_rate_factor != 1)
    text += fmt::format(", rate x {}", decision.learning_rate_factor);
  if (decision.subset) {
    text += fmt::format(", examples {} to {}", decision.subset->first,
                        decision.subset->first + decision.subset->count);
  }
  if (decision.branching != Branching{}) text += ", branching";
  return text + fmt::format(" (\"{}\")", printable(decision.reason, 200));
}

// But for the reason.
bool same_choice(const Decision& left, const Decision& right) {
  return left.batch_size == right.batch_size &&
         left.learning_rate == right.learning_rate &&
         left.learning_rate_factor == right.learning_rate_factor &&
         left.subset == right.subset && left.branching == right.branching;
}

// One table of options: makes rules of it, and says where something happened.
class Trial {
 public:
  Trial(const Entry& entry, const json& options) : entry_(entry), options_(options) {}

  [[nodiscard]] std::unique_ptr<Controller> make() const {
    return made(entry_, options_);
  }

  // Whether `shows` is true of a trial with one option changed. What fails shows
  // nothing: those options are not in question.
  template <class Shows>
  [[nodiscard]] bool a_neighbour(Shows shows) const {
    for (const json& options : neighbours(entry_, options_)) {
      try {
        if (shows(Trial(entry_, options))) return true;
      } catch (const Error&) {
      }
    }
    return false;
  }

  [[nodiscard]] std::string at(const Statistics& told, const std::string& what) const {
    return fmt::format("with {} at step {}: {}", options_.dump(), told.step, what);
  }

  [[noreturn]] void broken(const Statistics& told, const std::string& what) const {
    throw Broken{at(told, what)};
  }

  void expect_sound(const Statistics& at, const Decision& decision) const {
    const auto positive = [](double value) {
      return std::isfinite(value) && value > 0;
    };
    if (!positive(decision.batch_size) || !positive(decision.learning_rate_factor) ||
        !positive(decision.learning_rate.value_or(1))) {
      broken(at, "not finite and positive: " + shown(decision));
    }
    const Subset subset = decision.subset.value_or(Subset{0, 1});
    if (subset.first < 0 || subset.count < 1 ||
        subset.count > at.training_set_size - subset.first) {
      broken(at,
             fmt::format("of {} examples: {}", at.training_set_size, shown(decision)));
    }
    if (decision.reason.empty()) broken(at, "no reason for " + shown(decision));
  }

  // `other`: who decided otherwise, in words.
  void expect_same(const Statistics& at, const Decision& left, const Decision& right,
                   const char* other) const {
    if (same_choice(left, right) && left.reason == right.reason) return;
    broken(at, fmt::format("{}; {}: {}", shown(left), other, shown(right)));
  }

 private:
  const Entry& entry_;
  const json& options_;
};

template <class Action>
void for_each_trial(const Subject& subject, Action action) {
  for (const json& options : subject.variants) action(Trial(subject.entry, options));
}

// The runs of the trials, but for batches of another size now and then.
Statistics with_short_batches(int step) {
  Statistics statistics = statistics_at(step);
  if (step % 7 == 0) statistics.batch_size = 24;
  return statistics;
}

// Whether decisions are others once `field` has `value` (where it had one).
bool matters(const Trial& trial, std::optional<double> Statistics::*field,
             std::optional<double> value, bool extends) {
  const auto with = trial.make(), without = trial.make();
  for (int step = 0; step < steps_tried; ++step) {
    const Statistics told = with_short_batches(step);
    Statistics changed = told;
    if (changed.*field) changed.*field = value;
    if (extends && step > 0 &&
        with->extended_batch_size(told) != without->extended_batch_size(changed)) {
      return true;
    }
    if (!same_choice(with->decide(told), without->decide(changed))) return true;
  }
  return false;
}

// Whether `field` matters at all. It may do so only where it is absent, or beyond a
// threshold.
bool is_read(const Trial& trial, std::optional<double> Statistics::*field,
             bool extends) {
  return matters(trial, field, std::nullopt, extends) ||
         matters(trial, field, 0, extends) || matters(trial, field, 1e6, extends);
}

// What was not seen breaks a promise where the options tried would have shown it.
Broken unseen(const Subject& subject, const std::string& what) {
  if (subject.exhaustive || subject.entry.options.empty()) return {what};
  return {what + "; other options than the defaults, and the ends of their ranges, may",
          true};
}

struct Seen {
  bool extends = false, branches = false;
};

// What a rule does in a run. A program need not answer what it is never asked.
void see(const Trial& trial, const Entry& entry, Seen& seen) {
  const bool asked = entry.extends_batches || entry.plugin.empty();
  const auto rule = trial.make();
  for (int step = 0; step < steps_tried; ++step) {
    const Statistics told = statistics_at(step);
    seen.extends = seen.extends || (asked && rule->extended_batch_size(told) != 0);
    seen.branches = seen.branches || rule->decide(told).branching != Branching{};
  }
}

// A run that diverges: losses and statistics of `value`, batches of one or of all.
Statistics diverged(int step, double value) {
  Statistics statistics = statistics_at(step);
  statistics.batch_loss = value;
  statistics.batch_size = step % 2 == 0 ? 1 : statistics.training_set_size;
  if (step % 3 == 1) {
    for (const Quantity& quantity : quantities) statistics.*quantity.field = value;
  }
  return statistics;
}

}  // namespace

void sound(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    const auto rule = trial.make();
    for (int step = 0; step < steps_tried; ++step) {
      const Statistics told = statistics_at(step);
      trial.expect_sound(told, rule->decide(told));
    }
  });
}

void sound_however_long(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    for (const std::int64_t count : {1'000LL, 1'000'000LL, 1'000'000'000'000'000LL}) {
      Statistics told = statistics_at(steps_tried - 1);
      told.step = count;
      told.examples_seen = count;
      told.epochs_completed = count;
      trial.expect_sound(told, trial.make()->decide(told));
    }
  });
}

void repeatable(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    const auto one = trial.make(), other = trial.make();
    for (int step = 0; step < steps_tried; ++step) {
      const Statistics told = statistics_at(step);
      trial.expect_same(told, one->decide(told), other->decide(told),
                        "another one, told the same");
    }
  });
}

void reads_only_what_it_declares(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    const auto all = trial.make(), declared = trial.make();
    for (int step = 0; step < steps_tried; ++step) {
      const Statistics told = statistics_at(step);
      trial.expect_same(told, all->decide(told),
                        declared->decide(only(told, declared->needs())),
                        "told only what it declares");
    }
  });
}

void reads_what_it_declares(const Subject& subject) {
  const bool extends = subject.entry.extends_batches;
  for_each_trial(subject, [&](const Trial& trial) {
    const Needs needs = trial.make()->needs();
    for (const auto& [name, field, per_step] : quantities) {
      if (!needs.has(field) || is_read(trial, field, extends)) continue;
      const bool elsewhere = !subject.exhaustive &&
                             trial.a_neighbour([&, field = field](const Trial& other) {
                               return is_read(other, field, extends);
                             });
      if (elsewhere) continue;
      throw unseen(subject,
                   trial.at({}, fmt::format("{} is declared, but absent, 0 or 1e6 it "
                                            "changes none of {} decisions",
                                            name, steps_tried)));
    }
  });
}

// Such a rule can be planned before the run.
void open_loop_reads_counts(const Subject& subject) {
  if (!subject.entry.open_loop) return;
  for_each_trial(subject, [](const Trial& trial) {
    const auto rule = trial.make(), other = trial.make();
    if (rule->needs() != Needs{}) trial.broken({}, "it declares statistics");
    for (int step = 0; step < steps_tried; ++step) {
      const Statistics told = statistics_at(step);
      Statistics changed = told;
      changed.batch_loss = 7;
      changed.learning_rate = 0.3;
      trial.expect_same(told, rule->decide(told), other->decide(changed),
                        "with a batch loss of 7 and a learning rate of 0.3");
    }
  });
}

void extends_and_branches_as_said(const Subject& subject) {
  const Entry& entry = subject.entry;
  Seen seen;
  for_each_trial(subject, [&](const Trial& trial) { see(trial, entry, seen); });
  const auto says_what_it_does = [&](const Seen& does) {
    return entry.extends_batches == does.extends && entry.branches == does.branches;
  };
  if (!subject.exhaustive && !says_what_it_does(seen)) {
    for_each_trial(subject, [&](const Trial& trial) {
      (void)trial.a_neighbour([&](const Trial& other) {
        see(other, entry, seen);
        return says_what_it_does(seen);
      });
    });
  }
  const auto check = [&](const char* what, bool says, bool does) {
    if (says == does) return;
    const std::string found =
        fmt::format("its entry says {} = {}, but in {} steps it does{}", what, says,
                    steps_tried, does ? "" : " not");
    if (does) throw Broken{found};
    throw unseen(subject, found);
  };
  check("extends_batches", entry.extends_batches, seen.extends);
  check("branches", entry.branches, seen.branches);
}

void survives_divergence(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    for (const double value :
         {std::nan(""), infinity, -infinity, 0.0, -1.0, 1e300, 5e-324}) {
      const auto rule = trial.make();
      for (int step = 0; step < 60; ++step) {
        const Statistics told = diverged(step, value);
        try {
          trial.expect_sound(told, rule->decide(told));
        } catch (const Broken& broken) {
          throw Broken{
              fmt::format("where loss and statistics are {}, {}", value, broken.what)};
        }
      }
    }
  });
}

void goes_on_from_its_state(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    for (const int stop : {0, 1, 33, 60, 101}) {
      const auto whole = trial.make();
      for (int step = 0; step < stop; ++step) (void)whole->decide(statistics_at(step));
      const auto resumed = trial.make();
      resumed->load(json::parse(whole->save().dump()));
      const std::string other = fmt::format("restored after {} decisions", stop);
      for (int step = stop; step < steps_tried; ++step) {
        const Statistics told = statistics_at(step);
        trial.expect_same(told, whole->decide(told), resumed->decide(told),
                          other.c_str());
      }
    }
  });
}

void ends_in_order(const Subject& subject) {
  for_each_trial(subject, [](const Trial& trial) {
    const auto rule = trial.make();
    for (int step = 0; step < 10; ++step) (void)rule->decide(statistics_at(step));
    rule->finish();
  });
}

}  // namespace batchlab::promise
