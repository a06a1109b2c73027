// SPDX-License-Identifier: MIT
#include "tests/known_answers/measured.hpp"

#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "experiments/training.hpp"

namespace batchlab::known_answers {

namespace {

class Means final : public RunObserver {
 public:
  Means(const RunConfiguration& run, double true_noise_scale)
      : first_(*run.budget.steps / 2),
        spacing_(3 * run.noise_scale_horizon),
        true_noise_scale_(true_noise_scale) {}

  void on_decision(const Statistics& at, const Decision& wanted,
                   const LimitedDecision&) override {
    trial_ = wanted.branching.trial;
    if (at.step <= first_) return;
    sums_.wanted += wanted.batch_size;
    ++decisions_;
  }

  void on_step(const Statistics& step, double) override {
    const auto size = static_cast<double>(step.batch_size);
    if (step.step == 1) first_batch_size_ = size;
    if (size == first_batch_size_) {
      sums_.examples_before_growth = static_cast<double>(step.examples_seen);
    }
    if (!trial_) sums_.last_batch_size = size;
    count_interval(step);
    if (step.step <= first_) return;
    const auto add = [](double& sum, const std::optional<double>& value) {
      sum += value.value_or(std::numeric_limits<double>::quiet_NaN());
    };
    add(sums_.batch_size, size);
    add(sums_.loss, step.batch_loss);
    add(sums_.norm_squared, step.gradient_norm_squared);
    add(sums_.variance_trace, step.gradient_variance_trace);
    add(sums_.true_norm_squared, step.true_gradient_norm_squared);
    add(sums_.example_norm_squared, step.example_gradient_norm_squared_mean);
    add(sums_.inner_product_variance, step.inner_product_variance);
    add(sums_.orthogonal_variance, step.orthogonal_variance);
    add(sums_.half_cosine, step.half_batch_cosine);
    add(sums_.noise_scale, step.noise_scale);
    ++steps_;
  }

  void on_evaluation(const Statistics&, double, const std::string&,
                     const EvaluationResult&) override {}

  [[nodiscard]] Measured means() const {
    Measured means = sums_;
    means.wanted /= static_cast<double>(decisions_);
    for (double Measured::*mean :
         {&Measured::batch_size, &Measured::loss, &Measured::norm_squared,
          &Measured::variance_trace, &Measured::true_norm_squared,
          &Measured::example_norm_squared, &Measured::inner_product_variance,
          &Measured::orthogonal_variance, &Measured::half_cosine,
          &Measured::noise_scale}) {
      means.*mean /= static_cast<double>(steps_);
    }
    return means;
  }

 private:
  void count_interval(const Statistics& step) {
    const bool due =
        static_cast<double>(step.examples_seen) >= (sums_.intervals + 1) * spacing_;
    if (!due || !step.noise_scale_low) return;
    sums_.intervals += 1;
    const bool covers = *step.noise_scale_low <= true_noise_scale_ &&
                        true_noise_scale_ <= *step.noise_scale_high;
    if (covers) sums_.covering += 1;
  }

  std::int64_t first_, steps_ = 0, decisions_ = 0;
  double spacing_, true_noise_scale_;
  double first_batch_size_ = 0;
  bool trial_ = false;  // the next step
  Measured sums_;
};

Measured measure_run(const Problem& problem, const RunConfiguration& run) {
  Means means(run, problem.noise.noise_scale());
  const std::atomic<int> never{0};
  const RunResult result = TrainingRun(run, problem.source, 1).train(means, never);
  if (result.status != RunStatus::finished) {
    throw std::runtime_error(run.folder_name() + ": " + result.reason);
  }
  return means.means();
}

}  // namespace

std::vector<std::vector<Measured>> measure(const Problem& problem,
                                           const nlohmann::json& specification,
                                           std::size_t jobs) {
  const std::vector<RunConfiguration> runs = expand(specification);
  std::vector<Measured> results(runs.size());
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  const auto work = [&] {
    for (std::size_t i = next++; i < runs.size(); i = next++) {
      try {
        results[i] = measure_run(problem, runs[i]);
      } catch (...) {
        const std::scoped_lock lock(failing);
        failure = std::current_exception();
      }
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < jobs; ++i) threads.emplace_back(work);
  threads.clear();  // joins
  if (failure) std::rethrow_exception(failure);

  const std::size_t seeds = specification.at("seeds").size();
  std::vector<std::vector<Measured>> by_entry;
  for (auto first = results.begin(); first != results.end();
       first += static_cast<std::ptrdiff_t>(seeds)) {
    by_entry.emplace_back(first, first + static_cast<std::ptrdiff_t>(seeds));
  }
  return by_entry;
}

}  // namespace batchlab::known_answers
