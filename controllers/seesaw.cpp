// SPDX-License-Identifier: MIT
//
// Seesaw: where a reference schedule would divide the learning rate by a, the batch
// takes a part of it. After m such places:
//
//     adam   B  =  B0 a^m,     rate  =  base rate / sqrt(a)^m
//     sgd    B  =  B0 a^m,     rate  =  base rate
//
// Where noise dominates, this keeps the course of the loss over examples, in fewer
// steps. Meterez, Morwani, Wu, Oncescu, Pehlevan, Kakade: Seesaw: accelerating training
// by balancing learning rate and batch size scheduling (2025), arXiv 2510.14717.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/stages.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Seesaw final : public Controller {
 public:
  Seesaw(const json& options, const Setting& setting)
      : first_(static_cast<double>(checked_batch_size("seesaw: batch_size",
                                                      options.at("batch_size"),
                                                      setting.training_set_size))),
        factor_(options.at("factor")),
        rate_factor_(options.at("form") == "adam" ? 1 / std::sqrt(factor_) : 1),
        every_epochs_(options.value("every_epochs", std::int64_t{0})) {
    if (every_epochs_ > 0) return;
    milestones_ = checked_milestones("seesaw: milestones", options.at("milestones"));
  }

  Decision decide(const Statistics& statistics) override {
    const std::int64_t epochs = statistics.epochs_completed;
    const std::int64_t stage =
        every_epochs_ > 0 ? epochs / every_epochs_ : reached(milestones_, epochs);
    const double rate = bounded_power(rate_factor_, stage);
    return {.batch_size = first_ * bounded_power(factor_, stage),
            .reason = fmt::format("{} changes, rate times {:.4g}", stage, rate),
            .learning_rate_factor = rate};
  }

 private:
  double first_, factor_, rate_factor_;
  std::int64_t every_epochs_;  // 0: milestones
  std::vector<std::int64_t> milestones_;
};

}  // namespace

const Entry builtin::seesaw{
    .name = "seesaw",
    .summary = "shares each decay of a schedule between learning rate and batch",
    .source = "Meterez et al. 2025, arXiv 2510.14717",
    .options =
        {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
         choice_option("form", {"adam", "sgd"},
                       "divide the rate by sqrt(a), or keep it; the batch grows a "
                       "times in both"),
         number_option("factor", 2, 1.0001, 1000, "",
                       "what the schedule would divide the rate by (a)"),
         choice_option("when", {"milestones", "every"},
                       "the schedule decays at milestones, or every so many epochs"),
         only_for("when", {"milestones"},
                  milestones_option("ends of epochs at which the schedule decays")),
         only_for(
             "when", {"every"},
             count_option("every_epochs", 2, "epochs", "from one decay to the next"))},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Seesaw>(options, setting);
    },
};

}  // namespace batchlab
