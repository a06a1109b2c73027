// SPDX-License-Identifier: MIT
#include "experiments/recorder.hpp"

#include <fmt/format.h>

namespace batchlab {

namespace {

constexpr std::string_view step_columns =
    "step,epoch,examples_seen,epochs_completed,batch_size,learning_rate,batch_loss,"
    "training_seconds";
constexpr std::string_view evaluation_columns =
    "step,epoch,examples_seen,epochs_completed,training_seconds,split,loss,accuracy,"
    "training_loss";
constexpr std::string_view decision_columns =
    "step,examples_seen,wanted_batch_size,batch_size,limited_by,learning_rate,"
    "noise_scale,batch_size_per_noise_scale,moments,reason";

// Nothing where it is absent.
std::string cell(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

std::string step_header(Needs measured) {
  std::string header(step_columns);
  for (const Quantity& quantity : quantities) {
    if (quantity.per_step && measured.has(quantity.field)) {
      header += fmt::format(",{}", quantity.name);
    }
  }
  return header;
}

}  // namespace

Recorder::Recorder(const std::filesystem::path& folder, Needs measured,
                   std::int64_t log_every)
    : folder_(folder),
      measured_(measured),
      log_every_(log_every),
      steps_(folder / "steps.csv", step_header(measured)),
      evaluations_(folder / "evaluations.csv", evaluation_columns),
      decisions_(folder / "decisions.csv", decision_columns),
      flushed_(std::chrono::steady_clock::now()) {
  std::error_code ignored;  // of a run that was stopped, and is made anew
  std::filesystem::remove(folder / "interventions.csv", ignored);
}

void Recorder::on_decision(const Statistics& at, const Decision& wanted,
                           const LimitedDecision& used) {
  epochs_completed_ = at.epochs_completed;  // fewer, where the run goes back
  if (!changes_.add(wanted, used)) return;
  write_decision(std::nullopt);
  const std::optional<double> noise_scale = at.noise_scale;
  const double ratio = static_cast<double>(used.batch_size) / noise_scale.value_or(0);
  decision_ = {
      fmt::format("{},{},{}", at.step, at.examples_seen, decision_cells(wanted, used)),
      noise_scale ? fmt::format("{},{}", *noise_scale, ratio) : ",",
      csv_cell(wanted.reason)};
  moments_reset_ = false;
}

// The row of the last decision, which waits for the learning rate of its first step.
void Recorder::write_decision(std::optional<double> learning_rate) {
  if (!decision_) return;
  decisions_.append(fmt::format("{},{},{},{},{}", decision_->sizes,
                                learning_rate ? fmt::format("{}", *learning_rate) : "",
                                decision_->noise, moments_reset_ ? "reset" : "kept",
                                decision_->reason));
  decision_.reset();
}

void Recorder::on_shadow_decision(const Statistics& at, const std::string& label,
                                  const Decision& wanted, const LimitedDecision& used) {
  if (!shadows_) shadows_.emplace(folder_ / "shadows.csv", shadow_columns);
  if (!shadow_changes_[label].add(wanted, used)) return;
  shadows_->append(shadow_row(at, label, wanted, used));
}

// To disk at once: without its interventions, what is on disk cannot be repeated.
void Recorder::on_intervention(const Statistics& at, const Intervention& intervention) {
  if (!interventions_) {
    interventions_.emplace(folder_ / "interventions.csv", intervention_columns());
  }
  interventions_->append(intervention_row(at, intervention));
  flush();
}

void Recorder::on_step(const Statistics& after, double training_seconds) {
  epoch_ = epochs_completed_ + 1;
  epochs_completed_ = after.epochs_completed;
  write_decision(after.learning_rate);
  unlogged_step_ = step_row(after, training_seconds);
  if (after.step % log_every_ == 0) {
    steps_.append(unlogged_step_);
    unlogged_step_.clear();
  }
  if (std::chrono::steady_clock::now() - flushed_ > std::chrono::seconds(1)) flush();
}

void Recorder::on_evaluation(const Statistics& at, double training_seconds,
                             const std::string& split, const EvaluationResult& result) {
  evaluations_.append(fmt::format("{},{},{},{},{:.6f},{},{},{},{}", at.step, epoch_,
                                  at.examples_seen, at.epochs_completed,
                                  training_seconds, split, result.loss, result.accuracy,
                                  cell(at.training_loss)));
}

void Recorder::finish() {
  if (!unlogged_step_.empty()) steps_.append(unlogged_step_);
  unlogged_step_.clear();
  write_decision(std::nullopt);
  flush();
}

void Recorder::flush() {
  steps_.flush();
  evaluations_.flush();
  decisions_.flush();
  if (shadows_) shadows_->flush();
  if (interventions_) interventions_->flush();
  flushed_ = std::chrono::steady_clock::now();
}

std::string Recorder::step_row(const Statistics& after, double training_seconds) const {
  std::string row =
      fmt::format("{},{},{},{},{},{},{},{:.6f}", after.step, epoch_,
                  after.examples_seen, after.epochs_completed, after.batch_size,
                  after.learning_rate, after.batch_loss, training_seconds);
  for (const Quantity& quantity : quantities) {
    if (!quantity.per_step || !measured_.has(quantity.field)) continue;
    row += ',' + cell(after.*quantity.field);
  }
  return row;
}

}  // namespace batchlab
