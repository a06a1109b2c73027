// SPDX-License-Identifier: MIT
//
// Critical batch: tries larger batches from one and the same state, and doubles once
// more than a doubling does no harm.
//
//     k*  =  the largest k whose branch, and all smaller ones, end with a loss at most
//            `tolerance` above that of k = 1
//     k* > 2:   B <- 2 B,   rate <- 2^p rate
//
// A branch trains with k B and k^p times the rate (p = 1 for SGD, 1/2 for Adam) for a
// window of examples, the same for every branch; its loss is the mean over the batches
// of the window's second half. (The paper smooths the losses of much larger batches by
// an average with 0.5 a step.) The run goes on from the end of the branch with the
// batch size chosen; the examples of the others count as seen. Merrill, Arora,
// Groeneveld, Hajishirzi: Critical batch size revisited (2025), arXiv 2505.23971.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr double proves_nothing = std::numeric_limits<double>::max();  // as a loss
constexpr int start = 0;  // what is kept: the state before all branches
constexpr int end_of(std::size_t branch) { return static_cast<int>(branch) + 1; }

class CriticalBatch final : public Controller {
 public:
  CriticalBatch(const json& options, const Setting& setting)
      : batch_size_(static_cast<double>(checked_batch_size("critical_batch: batch_size",
                                                           options.at("batch_size"),
                                                           setting.training_set_size))),
        window_(options.at("window_examples")),
        every_(options.at("every_examples").is_null()
                   ? setting.training_set_size
                   : options.at("every_examples").get<std::int64_t>()),
        branches_(static_cast<std::size_t>(options.at("doublings").get<int>()) + 1),
        rate_power_(options.at("rate_power")),
        tolerance_(options.at("tolerance")),
        next_at_(every_) {}

  Decision decide(const Statistics& statistics) override {
    if (trying_ && !window_over(statistics)) return step_of_branch();
    if (trying_) return end_branch(statistics);
    if (statistics.examples_seen < next_at_) {
      return {batch_size_, fmt::format("tries at example {}", next_at_), {}, factor_};
    }
    begin_branch(statistics);
    Decision decision = step_of_branch();
    decision.branching.keep_as = start;
    return decision;
  }

  json save() const override {
    return {{"batch_size", batch_size_}, {"factor", factor_},
            {"next_at", next_at_},       {"trying", trying_},
            {"began_at", began_at_},     {"sums", {loss_sum_, weight_}},
            {"losses", losses_},         {"largest", largest_}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    factor_ = state.at("factor");
    next_at_ = state.at("next_at");
    trying_ = state.at("trying");
    began_at_ = state.at("began_at");
    loss_sum_ = state.at("sums").at(0);
    weight_ = state.at("sums").at(1);
    losses_ = state.at("losses").get<std::vector<double>>();
    largest_ = state.at("largest");
  }

 private:
  static double multiple(std::size_t branch) {
    return std::exp2(static_cast<double>(branch));
  }

  void begin_branch(const Statistics& statistics) {
    trying_ = true;
    began_at_ = statistics.examples_seen;
    loss_sum_ = weight_ = 0;
    largest_ = 0;
  }

  Decision step_of_branch() const {
    const double k = multiple(losses_.size());
    Decision decision{k * batch_size_,
                      fmt::format("tries {:.4g} x {:.6g}", k, batch_size_),
                      {},
                      factor_ * std::pow(k, rate_power_)};
    decision.branching.trial = true;
    return decision;
  }

  // Adds the step just made to the branch.
  bool window_over(const Statistics& statistics) {
    const std::int64_t examples = statistics.examples_seen - began_at_;
    largest_ = std::max(largest_, statistics.batch_size);
    if (!std::isfinite(statistics.batch_loss)) {
      weight_ = 0;
      return true;
    }
    if (2 * examples > window_) {
      const auto weight = static_cast<double>(statistics.batch_size);
      loss_sum_ += weight * statistics.batch_loss;
      weight_ += weight;
    }
    return examples >= window_;
  }

  Decision end_branch(const Statistics& statistics) {
    // A branch that diverged, that the limits kept from its size, or of which one step
    // alone was measured, whose loss is that before its update, proves nothing.
    const double size = static_cast<double>(largest_);
    const double wanted = multiple(losses_.size()) * batch_size_;
    const bool tried = size > 0.75 * wanted && size < 1.5 * wanted && weight_ > size;
    losses_.push_back(tried ? loss_sum_ / weight_ : proves_nothing);
    if (losses_.size() == branches_) return choose(statistics);
    begin_branch(statistics);
    Decision decision = step_of_branch();
    decision.branching.keep_as = end_of(losses_.size() - 1);
    decision.branching.go_back_to = start;
    return decision;
  }

  Decision choose(const Statistics& statistics) {
    std::size_t best = 0;
    const double most = losses_[0] + tolerance_;
    while (most < proves_nothing && best + 1 < branches_ && losses_[best + 1] <= most) {
      ++best;
    }
    const bool doubles = multiple(best) > 2;
    std::string reason = fmt::format("k* {:.4g}, losses", multiple(best));
    for (const double loss : losses_) {
      reason += loss < proves_nothing ? fmt::format(" {:.4g}", loss) : " unknown";
    }
    if (doubles) {
      batch_size_ *= 2;
      factor_ *= std::pow(2, rate_power_);
    }
    next_at_ = statistics.examples_seen + every_;
    trying_ = false;
    losses_.clear();
    Decision decision{batch_size_, reason, {}, factor_};
    decision.branching.keep_as = end_of(branches_ - 1);
    decision.branching.go_back_to = end_of(doubles ? 1 : 0);
    return decision;
  }

  double batch_size_;  // wanted, outside trials
  std::int64_t window_, every_;
  std::size_t branches_;
  double rate_power_, tolerance_;
  double factor_ = 1;  // of the rate
  std::int64_t next_at_;
  bool trying_ = false;
  std::int64_t began_at_ = 0;         // examples seen before the branch
  double loss_sum_ = 0, weight_ = 0;  // of the branch
  std::int64_t largest_ = 0;          // batch of the branch
  std::vector<double> losses_;        // of the branches that are over
};

}  // namespace

const Entry builtin::critical_batch{
    .name = "critical_batch",
    .summary = "tries larger batches from one state, doubles where that does no harm",
    .source = "Merrill, Arora, Groeneveld, Hajishirzi 2025, arXiv 2505.23971",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                count_option("every_examples", nullptr, "examples",
                             "between two trials; unset: the training set"),
                count_option("window_examples", 4096, "examples",
                             "on which each branch trains, at least four steps"),
                {"doublings",
                 Option::Kind::integer,
                 2,
                 2,
                 10,
                 {},
                 "",
                 "branches beside k = 1: k = 2, 4, ... "},
                number_option("rate_power", 0.5, 0, 1, "",
                              "rate of a branch is k^p; 1 for SGD, 0 with a coupling"),
                number_option("tolerance", 0.01, 0, 1e6, "",
                              "loss by which a branch may be worse than k = 1")},
    .branches = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<CriticalBatch>(options, setting);
    },
};

}  // namespace batchlab
