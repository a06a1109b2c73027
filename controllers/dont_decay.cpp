// SPDX-License-Identifier: MIT
//
// Don't decay: where a schedule would divide the learning rate by k, the batch grows k
// times instead; what it cannot take, the rate takes. After m milestones, of N
// examples:
//
//     wanted  =  B0 k^m
//     B       =  min(wanted, share N)
//     rate    =  base rate B / wanted
//
// Either way the noise of SGD, g = rate (N / B - 1) / (1 - momentum), falls k times
// while B is much less than N. Smith, Kindermans, Ying, Le: Don't decay the learning
// rate, increase the batch size (2018), arXiv 1711.00489; there share = 1/10.

#include <fmt/format.h>

#include <algorithm>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/stages.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class DontDecay final : public Controller {
 public:
  DontDecay(const json& options, const Setting& setting)
      : first_(static_cast<double>(checked_batch_size("dont_decay: batch_size",
                                                      options.at("batch_size"),
                                                      setting.training_set_size))),
        factor_(options.at("factor")),
        // A first batch above the share is kept: no milestone asked for less.
        most_(std::max(first_, double{options.at("largest_share")} *
                                   static_cast<double>(setting.training_set_size))),
        milestones_(
            checked_milestones("dont_decay: milestones", options.at("milestones"))) {}

  Decision decide(const Statistics& statistics) override {
    const std::int64_t stage = reached(milestones_, statistics.epochs_completed);
    const double wanted = first_ * bounded_power(factor_, stage);
    const double size = std::min(wanted, most_);
    return {.batch_size = size,
            .reason = fmt::format("{} of {} milestones, rate times {:.4g}", stage,
                                  milestones_.size(), size / wanted),
            .learning_rate_factor = size / wanted};
  }

 private:
  double first_, factor_, most_;
  std::vector<std::int64_t> milestones_;
};

}  // namespace

const Entry builtin::dont_decay{
    .name = "dont_decay",
    .summary = "at milestones a larger batch; once it is large, a smaller rate",
    .source = "Smith, Kindermans, Ying and Le 2018, arXiv 1711.00489",
    .options = {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
                milestones_option(
                    "ends of epochs at which a schedule would divide the rate"),
                number_option("factor", 5, 1.0001, 1000, "",
                              "what it would divide the rate by (k)"),
                number_option("largest_share", 0.1, 1e-6, 1, "of the training set",
                              "largest batch; from there on the rate falls")},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<DontDecay>(options, setting);
    },
};

}  // namespace batchlab
