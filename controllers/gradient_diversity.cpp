// SPDX-License-Identifier: MIT
//
// Gradient diversity: at the end of an epoch, a share of the batch size up to which
// gradients are different enough to be worth averaging.
//
//     B  <-  max(delta N Delta, B),    Delta = sum |g_i|^2 / |sum g_i|^2
//
// With N examples, sum |g_i|^2 = N s and |sum g_i|^2 = N^2 G2, so that N Delta = s /
// G2, and as s = G2 + V (1 - 1/N) this is about 1 + noise scale. Computed here: the
// mean of s = q + V (B - 1) / B over that of G2, each over the steps of the epoch,
// weighted with their examples. DiveBatch adds up the gradients themselves along the
// epoch: its |sum g_i|^2 also shrinks because they turn while the parameters move, and
// keeps some of their noise. While the mean of G2 is not positive the last wish stays.
// Never shrinks. Yin et al.: Gradient diversity, a key ingredient for scalable
// distributed learning (2018), arXiv 1706.05699; DiveBatch (2025).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class GradientDiversity final : public Controller {
 public:
  GradientDiversity(const json& options, const Setting& setting)
      : delta_(options.at("delta")),
        batch_size_(static_cast<double>(
            checked_batch_size("gradient_diversity: batch_size",
                               options.at("batch_size"), setting.training_set_size))) {}

  Needs needs() const override {
    return {&Statistics::gradient_norm_squared, &Statistics::gradient_variance_trace,
            &Statistics::true_gradient_norm_squared};
  }

  Decision decide(const Statistics& statistics) override {
    add(statistics);
    if (statistics.epochs_completed <= epoch_) return {batch_size_, "within an epoch"};
    epoch_ = statistics.epochs_completed;
    const double diversity = sums_[0] / sums_[1];  // N Delta
    const bool resolved = sums_[1] > 0;
    sums_ = {};
    const double wanted = delta_ * diversity;
    if (!resolved || !(wanted > 0 && std::isfinite(wanted))) {
      return {batch_size_, "not measured, or not resolved from the noise: hold"};
    }
    batch_size_ = std::max(batch_size_, wanted);
    return {batch_size_, fmt::format("N x diversity {:.4g} over the epoch", diversity)};
  }

  json save() const override {
    return {{"batch_size", batch_size_}, {"epoch", epoch_}, {"sums", sums_}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    epoch_ = state.at("epoch");
    sums_ = state.at("sums");
  }

 private:
  void add(const Statistics& statistics) {
    const auto& q = statistics.gradient_norm_squared;
    const auto& variance = statistics.gradient_variance_trace;
    const auto& true_norm_squared = statistics.true_gradient_norm_squared;
    if (!q || !variance || !true_norm_squared) return;
    const auto size = static_cast<double>(statistics.batch_size);
    const double examples = sums_[0] + size * *q + (size - 1) * *variance;
    const double truth = sums_[1] + size * *true_norm_squared;
    if (std::isfinite(examples) && std::isfinite(truth)) sums_ = {examples, truth};
  }

  double delta_;
  double batch_size_;  // wanted
  std::int64_t epoch_ = 0;
  std::array<double, 2> sums_{};  // of B s and of B G2 over the epoch
};

}  // namespace

const Entry builtin::gradient_diversity{
    .name = "gradient_diversity",
    .summary = "after each epoch, a share of what diverse gradients allow",
    .source = "Yin et al. 2018, arXiv 1706.05699; DiveBatch 2025",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                number_option("delta", 0.02, 1e-6, 1e6, "",
                              "batch size per N x diversity (delta)")},
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<GradientDiversity>(options, setting);
    },
};

}  // namespace batchlab
