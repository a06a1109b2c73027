// SPDX-License-Identifier: MIT
//
// AdaBatch: larger batches and smaller rates, both every k epochs. After n = floor(
// epochs / k) changes, with the cap M:
//
//     wanted  =  B0 beta^n
//     B       =  min(wanted, M)
//     rate    =  base rate a^n B / wanted
//
// A batch that may not grow leaves its part to the rate. Devarakonda, Naumov, Garland:
// AdaBatch: adaptive batch sizes for training deep neural networks (2017), arXiv
// 1712.02029.

#include <fmt/format.h>

#include <algorithm>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/stages.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Adabatch final : public Controller {
 public:
  Adabatch(const json& options, const Setting& setting)
      : every_epochs_(options.at("every_epochs")),
        factor_(options.at("factor")),
        learning_rate_factor_(options.at("learning_rate_factor")) {
    const json& given = options.at("maximum_batch_size");
    const std::int64_t largest = setting.training_set_size;
    const std::int64_t maximum =
        given.is_null()
            ? largest
            : checked_batch_size("adabatch: maximum_batch_size", given, largest);
    maximum_ = static_cast<double>(maximum);
    first_ = static_cast<double>(
        checked_batch_size("adabatch: batch_size", options.at("batch_size"), maximum,
                           given.is_null() ? "the training set" : "the maximum"));
  }

  Decision decide(const Statistics& statistics) override {
    const std::int64_t changes = statistics.epochs_completed / every_epochs_;
    const double wanted = first_ * bounded_power(factor_, changes);
    const double size = std::min(wanted, maximum_);
    const double rate = bounded_power(learning_rate_factor_, changes) * (size / wanted);
    return {.batch_size = size,
            .reason = fmt::format("{} changes, rate times {:.4g}", changes, rate),
            .learning_rate_factor = rate};
  }

 private:
  std::int64_t every_epochs_;
  double factor_, learning_rate_factor_;
  double first_ = 0, maximum_ = 0;  // batch sizes
};

}  // namespace

const Entry builtin::adabatch{
    .name = "adabatch",
    .summary = "every so many epochs a larger batch and a smaller learning rate",
    .source = "Devarakonda, Naumov and Garland 2017, arXiv 1712.02029",
    .options = {count_option("batch_size", 32, "examples", "the first batch size (B0)"),
                count_option("every_epochs", 20, "epochs",
                             "from one change to the next (k); fewer for short runs"),
                number_option("factor", 2, 1, 1000, "",
                              "factor of the batch at each change (beta)"),
                number_option("learning_rate_factor", 0.5, 1e-6, 1, "",
                              "factor of the learning rate at each change (a)"),
                count_option(
                    "maximum_batch_size", nullptr, "examples",
                    "largest batch (M); above it the learning rate falls instead; "
                    "unset: the training set")},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Adabatch>(options, setting);
    },
};

}  // namespace batchlab
