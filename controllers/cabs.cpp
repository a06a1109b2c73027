// SPDX-License-Identifier: MIT
//
// CABS: the batch size coupled to the learning rate.
//
//     B  =  rate xi / L,    xi  <-  0.95 xi + 0.05 V (B - 1) / B,    L likewise of loss
//
// V (B - 1) / B = s - q is the variance within the batch: s mean |g_i|^2, q = |mean
// gradient|^2. The averages begin at xi = 0 and L = 1, as in the authors' code, so that
// B rises from nothing: the minimum of the limits, 16, is part of the rule. The bound
// behind it is for plain SGD and a given rate: a coupling that raises the rate with B
// feeds back. A step without V (one example) leaves both averages. Balles, Romero,
// Hennig: Coupling adaptive batch sizes with learning rates (2017), arXiv 1612.05086.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr double memory = 0.95;

class Cabs final : public Controller {
 public:
  Cabs(const json& options, const Setting& setting)
      : batch_size_(static_cast<double>(checked_batch_size(
            "cabs: batch_size", options.at("batch_size"), setting.training_set_size))) {
  }

  Needs needs() const override { return {&Statistics::gradient_variance_trace}; }

  Decision decide(const Statistics& statistics) override {
    const auto& trace = statistics.gradient_variance_trace;
    if (!trace) return {batch_size_, "gradient noise not measured: hold"};
    const auto size = static_cast<double>(statistics.batch_size);
    const double variance = *trace * (size - 1) / size;
    if (!std::isfinite(variance) || !std::isfinite(statistics.batch_loss)) {
      return {batch_size_, "variance or loss not finite: hold"};
    }
    variance_ = memory * variance_ + (1 - memory) * variance;
    loss_ = memory * loss_ + (1 - memory) * statistics.batch_loss;
    const double wanted = statistics.learning_rate * variance_ / loss_;
    const std::string reason = fmt::format("rate {:.4g}, variance {:.4g}, loss {:.4g}",
                                           statistics.learning_rate, variance_, loss_);
    if (!(wanted > 0 && std::isfinite(wanted))) return {batch_size_, reason + ": hold"};
    batch_size_ = wanted;
    return {batch_size_, reason};
  }

  json save() const override {
    return {{"batch_size", batch_size_}, {"variance", variance_}, {"loss", loss_}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    variance_ = state.at("variance");
    loss_ = state.at("loss");
  }

 private:
  double batch_size_;               // wanted
  double variance_ = 0, loss_ = 1;  // averages
};

}  // namespace

const Entry builtin::cabs{
    .name = "cabs",
    .summary = "rate times gradient variance over loss; plain SGD only",
    .source = "Balles, Romero, Hennig 2017, arXiv 1612.05086",
    .options = {count_option("batch_size", 16, "examples", "the first batch size")},
    .limits = {{"minimum", 16}, {"maximum", 2048}},
    .plain_sgd_only = true,
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Cabs>(options, setting);
    },
};

}  // namespace batchlab
