// SPDX-License-Identifier: MIT
//
// AdaDamp: the batch grows as the training loss falls.
//
//     B  =  ceil(B0 (F0 - F*) / (F - F*))
//
// F is an average of the batch losses that decays with the examples seen (a step of B
// weighs 1 - exp(-B / horizon)), F0 the loss of the first batch, where it begins. The
// authors' code evaluates the whole training set, or a tenth of it; hence the horizon.
// Where F > F0 the batch is below B0. A loss that is not finite, or F not above F*,
// holds the last wish. Sievert and Shah: Improving the convergence of SGD through
// adaptive batch sizes (2021), arXiv 1910.08222; adadamp.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class AdaDamp final : public Controller {
 public:
  AdaDamp(const json& options, const Setting& setting)
      : first_batch_size_(static_cast<double>(
            checked_batch_size("adadamp: batch_size", options.at("batch_size"),
                               setting.training_set_size))),
        least_loss_(options.at("least_loss")),
        horizon_(options.at("horizon_examples").is_null()
                     ? static_cast<double>(setting.training_set_size) / 10
                     : options.at("horizon_examples").get<double>()),
        batch_size_(first_batch_size_) {}

  Decision decide(const Statistics& statistics) override {
    if (statistics.step == 0) return {batch_size_, "the first batch"};
    const double loss = statistics.batch_loss;
    if (!std::isfinite(loss)) return {batch_size_, "loss not finite: hold"};
    if (!first_loss_) first_loss_ = loss_ = loss;
    const double kept =
        std::exp(-static_cast<double>(statistics.batch_size) / horizon_);
    loss_ = kept * loss_ + (1 - kept) * loss;
    const std::string reason = fmt::format("loss {:.4g}, {:.4g} at first, least {:.4g}",
                                           loss_, *first_loss_, least_loss_);
    const double above = loss_ - least_loss_;
    const double wanted =
        std::ceil(first_batch_size_ * (*first_loss_ - least_loss_) / above);
    if (!(above > 0 && wanted > 0 && std::isfinite(wanted))) {
      return {batch_size_, reason + ": hold"};
    }
    batch_size_ = wanted;
    return {batch_size_, reason};
  }

  json save() const override {
    return {{"batch_size", batch_size_},
            {"loss", loss_},
            {"first_loss", first_loss_ ? json(*first_loss_) : json()}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    loss_ = state.at("loss");
    first_loss_.reset();
    const json& first = state.at("first_loss");
    if (!first.is_null()) first_loss_ = first.get<double>();
  }

 private:
  double first_batch_size_, least_loss_, horizon_;
  double batch_size_;  // wanted
  double loss_ = 0;    // average
  std::optional<double> first_loss_;
};

}  // namespace

const Entry builtin::adadamp{
    .name = "adadamp",
    .summary = "grows as the training loss falls",
    .source = "Sievert and Shah 2021, arXiv 1910.08222; adadamp",
    .options = {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
                number_option("least_loss", 0, -1e6, 1e6, "",
                              "lowest loss that can be reached (F*)"),
                count_option("horizon_examples", nullptr, "examples",
                             "memory of the loss; unset: a tenth of the training set")},
    // As in the authors' code: the batch size is looked at every 20 steps.
    .limits = {{"first_wait", 100}, {"dwell", 20}},
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<AdaDamp>(options, setting);
    },
};

}  // namespace batchlab
