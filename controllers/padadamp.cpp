// SPDX-License-Identifier: MIT
//
// PadaDamp: the batch grows by the same amount at every step.
//
//     B  =  ceil(B0 + rate step),     rate: examples more at each step
//
// Sievert and Shah (2021), PadaDamp in the code of adadamp: the cheap stand-in for a
// batch that grows as the loss falls.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Padadamp final : public Controller {
 public:
  Padadamp(const json& options, const Setting& setting)
      : batch_size_(static_cast<double>(checked_batch_size("padadamp: batch_size",
                                                           options.at("batch_size"),
                                                           setting.training_set_size))),
        growth_per_step_(options.at("growth_per_step")) {}

  Decision decide(const Statistics& statistics) override {
    const double grown = growth_per_step_ * static_cast<double>(statistics.step);
    return {std::ceil(batch_size_ + grown),
            fmt::format("{:.4g} examples more than at first", grown)};
  }

 private:
  double batch_size_, growth_per_step_;
};

}  // namespace

const Entry builtin::padadamp{
    .name = "padadamp",
    .summary = "adds a little to the batch at every step",
    .source = "Sievert and Shah 2021, adadamp",
    .options = {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
                number_option("growth_per_step", 1e-3, 0, 1e6, "examples",
                              "growth of the batch at each step (rate)")},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Padadamp>(options, setting);
    },
};

}  // namespace batchlab
