// SPDX-License-Identifier: MIT
//
// The loop decides after each step but the last, and tells of an evaluation once: at
// the decision that follows it. Under data.tail = "drop" the next batch size may end an
// epoch, or the run, after a decision: then epochs_completed has grown since the step.
#include "experiments/logged_statistics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <limits>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;

constexpr Needs validation{&Statistics::validation_loss,
                           &Statistics::validation_accuracy};

Error corrupt(const fs::path& path, const std::string& what) {
  return Error(ErrorKind::corrupt, fmt::format("{}: {}", path.string(), what));
}

Error not_logged(const fs::path& path, const std::string& what) {
  return Error(ErrorKind::data, fmt::format("{}: {}", path.string(), what));
}

// A whole number of run.json.
std::int64_t count_of(const Run& run, const char* key, std::int64_t least,
                      std::int64_t most = std::numeric_limits<std::int64_t>::max()) {
  const fs::path path = run.folder / "run.json";
  const auto found = run.record.find(key);
  if (found == run.record.end()) throw not_logged(path, fmt::format("has no {}", key));
  const std::int64_t count =
      found->is_number_integer() ? found->get<std::int64_t>() : -1;
  if (count >= least && count <= most) return count;
  throw corrupt(path, fmt::format("{} must be a whole number in [{}, {}], is {}", key,
                                  least, most, printable(found->dump())));
}

// The rows of steps.csv.
class StepReader {
 public:
  StepReader(const Run& run, Needs needs)
      : path_(run.folder / "steps.csv"), table_(read_csv(path_)) {
    std::vector<std::string_view> missing;
    for (const Quantity& quantity : quantities) {
      if (!quantity.per_step || !needs.has(quantity.field)) continue;
      const auto place = table_.column(quantity.name);
      if (place) measured_.emplace_back(quantity.field, *place);
      if (!place) missing.push_back(quantity.name);
    }
    if (missing.empty()) return;
    throw not_logged(
        path_, fmt::format("has no column {0}, which the rule needs; "
                           "statistics.measure = [\"{1}\"] logs it",
                           fmt::join(missing, ", "), fmt::join(missing, "\", \"")));
  }

  // Step 0, then every row.
  std::vector<Statistics> read(const Statistics& start) {
    std::vector<Statistics> steps{start};
    for (row_ = 0; row_ < table_.rows.size(); ++row_) {
      steps.push_back(statistics());
      steps.back().training_set_size = start.training_set_size;
      check_order(steps[row_], steps[row_ + 1]);
    }
    return steps;
  }

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  [[nodiscard]] std::size_t column(const char* name) const {
    if (const auto found = table_.column(name)) return *found;
    throw not_logged(path_, fmt::format("has no column {}", name));
  }

  [[nodiscard]] Statistics statistics() const {
    Statistics at;
    at.step = number<std::int64_t>(step_);
    at.examples_seen = number<std::int64_t>(examples_seen_);
    at.epochs_completed = number<std::int64_t>(epochs_completed_);
    at.batch_size = number<std::int64_t>(batch_size_);
    at.learning_rate = number<double>(learning_rate_);
    at.batch_loss = number<double>(batch_loss_);
    for (const auto& [field, place] : measured_) {
      if (!table_.rows[row_][place].empty()) at.*field = number<double>(place);
    }
    return at;
  }

  // std::from_chars gives the bits that were written, and knows nan and inf.
  template <class Number>
  [[nodiscard]] Number number(std::size_t place) const {
    const std::string& text = table_.rows[row_][place];
    const char* end = text.data() + text.size();
    Number value{};
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (stop == end && problem == std::errc()) return value;
    throw damage(
        fmt::format("{} is no number: \"{}\"", table_.columns[place], printable(text)));
  }

  [[nodiscard]] Error damage(const std::string& what) const {
    return corrupt(path_, fmt::format("row {}: {}", row_ + 1, what));
  }

  void check_order(const Statistics& before, const Statistics& after) const {
    if (after.step != before.step + 1) {
      throw damage(fmt::format("step {} follows step {}: rows are missing", after.step,
                               before.step));
    }
    if (after.batch_size < 1 || after.batch_size > after.training_set_size ||
        after.examples_seen < after.batch_size ||
        after.examples_seen - after.batch_size != before.examples_seen) {
      throw damage(fmt::format("{} examples_seen after {} and a batch_size of {}",
                               after.examples_seen, before.examples_seen,
                               after.batch_size));
    }
    if (after.epochs_completed < before.epochs_completed ||
        after.epochs_completed > after.examples_seen) {
      throw damage(fmt::format("{} epochs_completed after {}", after.epochs_completed,
                               before.epochs_completed));
    }
  }

  fs::path path_;
  Table table_;
  std::size_t step_ = column("step"), examples_seen_ = column("examples_seen"),
              epochs_completed_ = column("epochs_completed"),
              batch_size_ = column("batch_size"),
              learning_rate_ = column("learning_rate"),
              batch_loss_ = column("batch_loss");
  std::vector<std::pair<std::optional<double> Statistics::*, std::size_t>> measured_;
  std::size_t row_ = 0;
};

void check_evaluations(const Run& run, Needs needs) {
  const fs::path path = run.folder / "evaluations.csv";
  if (!run.notes.empty()) throw corrupt(run.folder, run.notes.front());
  bool validated = false;
  for (const Evaluation& evaluation : run.evaluations) {
    validated = validated || evaluation.split == "validation";
    if (!evaluation.epochs_completed) {
      throw not_logged(path, "has no column epochs_completed");
    }
    if (!evaluation.training_loss && needs.has(&Statistics::training_loss)) {
      throw not_logged(path, "has no column training_loss, which the rule needs");
    }
  }
  for (const Quantity& quantity : quantities) {
    if (validated || !validation.has(quantity.field) || !needs.has(quantity.field)) {
      continue;
    }
    throw not_logged(path, fmt::format("has no {} (no row of split validation), which "
                                       "the rule needs; data.validation_fraction above "
                                       "0 logs it",
                                       quantity.name));
  }
}

// Each evaluation where the controller is told of it. `told`: step 0, then all steps.
void add_evaluations(const Run& run, std::vector<Statistics>& told) {
  const auto steps = static_cast<std::int64_t>(told.size()) - 1;
  for (const Evaluation& evaluation : run.evaluations) {
    if (evaluation.step < 1 || evaluation.step > steps) {
      throw corrupt(run.folder / "evaluations.csv",
                    fmt::format("step {} is none of the run", evaluation.step));
    }
    auto at = static_cast<std::size_t>(evaluation.step);
    if (evaluation.epochs_completed > told[at].epochs_completed) ++at;
    if (at == told.size()) continue;
    told[at].training_loss = evaluation.training_loss;
    if (evaluation.split != "validation") continue;
    told[at].validation_loss = evaluation.loss;
    told[at].validation_accuracy = evaluation.accuracy;
  }
}

void check_ended(const Run& run) {
  const std::string status = run.status();
  if (status == "finished" || status == "diverged" || status == "interrupted") return;
  throw not_logged(
      run.folder,
      fmt::format("the run has not ended (its status is \"{}\")", printable(status)));
}

void check_not_thinned(const Run& run) {
  const auto log_every = run.configuration.find("log_every");
  if (log_every == run.configuration.end() || *log_every == 1) return;
  throw not_logged(run.folder / "steps.csv",
                   fmt::format("was thinned (log_every = {}); all steps are needed",
                               printable(log_every->dump())));
}

bool needs_evaluations(Needs needs) {
  return needs.has(&Statistics::training_loss) ||
         needs.has(&Statistics::validation_loss) ||
         needs.has(&Statistics::validation_accuracy);
}

// Whether the controller was asked after the last step.
bool decided_after(const Run& run, const Statistics& last) {
  return run.status() == "interrupted" ||
         count_of(run, "epochs_completed", 0) > last.epochs_completed;
}

}  // namespace

std::int64_t training_set_size(const Run& run) {
  return count_of(run, "training_set_size", 1,
                  std::numeric_limits<std::uint32_t>::max());
}

std::vector<Statistics> logged_statistics(const Run& run, Needs needs) {
  check_ended(run);
  check_not_thinned(run);
  Statistics start;
  start.training_set_size = training_set_size(run);
  StepReader reader(run, needs);
  std::vector<Statistics> told = reader.read(start);
  const std::int64_t steps = count_of(run, "steps", 1);
  if (told.back().step != steps) {
    throw corrupt(reader.path(), fmt::format("ends at step {} of {}: rows are missing",
                                             told.back().step, steps));
  }
  const bool decided_last = decided_after(run, told.back());
  if (needs_evaluations(needs)) {
    check_evaluations(run, needs);
    add_evaluations(run, told);
  }
  if (!decided_last) told.pop_back();
  return told;
}

}  // namespace batchlab
