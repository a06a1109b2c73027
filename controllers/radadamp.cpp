// SPDX-License-Identifier: MIT
//
// RadaDamp: the batch grows as loss and gradient fall, with what a step knows anyway.
//
//     B  =  B0 / (0.5 (Lbar / L0 + qbar / q0)),    xbar  <-  (1 - rho) x + rho xbar
//
// L: loss of the batch, q = |mean gradient|^2; L0 and q0 those of the first step, where
// the averages begin. q = G2 + V (1/B - 1/N) on average: it falls also because B has
// grown, so that the rule feeds back on itself; with V, G2 and L constant it returns to
// B0. A step where either is not measured or not finite leaves averages and wish.
// Sievert and Shah: Improving the convergence of SGD through adaptive batch sizes
// (2021), arXiv 1910.08222; adadamp.

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class RadaDamp final : public Controller {
 public:
  RadaDamp(const json& options, const Setting& setting)
      : first_batch_size_(static_cast<double>(
            checked_batch_size("radadamp: batch_size", options.at("batch_size"),
                               setting.training_set_size))),
        memory_(options.at("memory")),
        batch_size_(first_batch_size_) {}

  Needs needs() const override { return {&Statistics::gradient_norm_squared}; }

  Decision decide(const Statistics& statistics) override {
    const auto& q = statistics.gradient_norm_squared;
    if (!q) return {batch_size_, "gradient not measured: hold"};
    if (!std::isfinite(*q) || !std::isfinite(statistics.batch_loss)) {
      return {batch_size_, "loss or gradient not finite: hold"};
    }
    const std::array<double, 2> now{statistics.batch_loss, *q};
    if (firsts_.empty()) firsts_ = averages_ = {now[0], now[1]};
    for (std::size_t i = 0; i < 2; ++i) {
      averages_[i] = (1 - memory_) * now[i] + memory_ * averages_[i];
    }
    const double loss_left = averages_[0] / firsts_[0];
    const double norm_left = averages_[1] / firsts_[1];
    const double wanted = first_batch_size_ / (0.5 * (loss_left + norm_left));
    const std::string reason = fmt::format(
        "of the first, loss {:.4g} and gradient squared {:.4g}", loss_left, norm_left);
    if (!(wanted > 0 && std::isfinite(wanted))) return {batch_size_, reason + ": hold"};
    batch_size_ = wanted;
    return {batch_size_, reason};
  }

  json save() const override {
    return {{"batch_size", batch_size_}, {"firsts", firsts_}, {"averages", averages_}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    state.at("firsts").get_to(firsts_);
    state.at("averages").get_to(averages_);
  }

 private:
  double first_batch_size_, memory_;
  double batch_size_;                      // wanted
  std::vector<double> firsts_, averages_;  // of loss and q; empty before the first step
};

}  // namespace

const Entry builtin::radadamp{
    .name = "radadamp",
    .summary = "grows as the loss and the gradient of the batches fall",
    .source = "Sievert and Shah 2021, arXiv 1910.08222; adadamp",
    .options = {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
                number_option("memory", 0.2, 0, 0.999999, "",
                              "of the averages, per step (rho)")},
    .limits = {{"first_wait", 100}, {"dwell", 20}},
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<RadaDamp>(options, setting);
    },
};

}  // namespace batchlab
