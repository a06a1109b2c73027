// SPDX-License-Identifier: MIT
//
// GeoDamp: the batch grows geometrically, once every `delay` epochs.
//
//     B  =  B0 factor^floor(epochs / delay)
//
// Sievert and Shah (2021), GeoDamp in the code of adadamp. Where the batch
// may not grow any more, that code lets the rate fall instead: limits.overflow =
// "rate".

#include <fmt/format.h>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/plugin.hpp"
#include "controllers/stages.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Geodamp final : public Controller {
 public:
  Geodamp(const json& options, const Setting& setting)
      : batch_size_(static_cast<double>(checked_batch_size("geodamp: batch_size",
                                                           options.at("batch_size"),
                                                           setting.training_set_size))),
        factor_(options.at("factor")),
        delay_(options.at("delay")) {}

  Decision decide(const Statistics& statistics) override {
    const std::int64_t stages = statistics.epochs_completed / delay_;
    return {batch_size_ * bounded_power(factor_, stages),
            fmt::format("grown {} times by {}", stages, factor_)};
  }

 private:
  double batch_size_, factor_;
  std::int64_t delay_;
};

}  // namespace

const Entry builtin::geodamp{
    .name = "geodamp",
    .summary = "multiplies the batch by a factor every so many epochs",
    .source = "Sievert and Shah 2021, adadamp",
    .options = {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
                number_option("factor", 2, 1.0001, 1000, "", "growth of the batch"),
                count_option("delay", 5, "epochs", "from one growth to the next")},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Geodamp>(options, setting);
    },
};

}  // namespace batchlab

// For a copy of this file that is built as a plugin; here it means nothing.
BATCHLAB_PLUGIN("1.0", batchlab::builtin::geodamp);
