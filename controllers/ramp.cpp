// SPDX-License-Identifier: MIT
//
// Ramp: the batch grows in equal stretches of examples, and then stays. With t examples
// seen of a ramp of T, from B0 to Bf:
//
//     linear      n = (Bf - B0) / increment
//                 B = B0 + floor(t / (T / n)) increment
//     geometric   n = log(Bf / B0) / log(factor)
//                 B = B0 factor^floor(t / (T / n))
//
// B never exceeds Bf, and is Bf from T on. Megatron-LM, --rampup-batch-size.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Ramp final : public Controller {
 public:
  Ramp(const json& options, const Setting& setting)
      : linear_(options.at("shape") == "linear"),
        first_(options.at("batch_size")),
        last_(static_cast<double>(checked_batch_size("ramp: final_batch_size",
                                                     options.at("final_batch_size"),
                                                     setting.training_set_size))),
        step_(options.at(linear_ ? "increment" : "factor")),
        increases_(linear_ ? (last_ - first_) / step_
                           : std::log(last_ / first_) / std::log(step_)),
        ramp_examples_(static_cast<double>(2 * setting.training_set_size)) {
    if (first_ > last_) {
      throw Error(ErrorKind::usage,
                  fmt::format("ramp: batch_size must be at most the final {}, got {}",
                              last_, first_));
    }
    const json& ramp_examples = options.at("ramp_examples");
    if (!ramp_examples.is_null()) ramp_examples_ = ramp_examples;
  }

  Decision decide(const Statistics& statistics) override {
    const auto seen = static_cast<double>(statistics.examples_seen);
    if (seen >= ramp_examples_) return {last_, "the ramp is over"};
    // Logarithms may round down what is a whole number.
    const double increase = std::floor(seen * increases_ / ramp_examples_ + 1e-9);
    const double size =
        linear_ ? first_ + increase * step_ : first_ * std::pow(step_, increase);
    return {std::min(size, last_),
            fmt::format("increase {} of {:.4g}", increase, increases_)};
  }

 private:
  bool linear_;
  double first_, last_;
  double step_, increases_;  // what is added or multiplied with, how often (n)
  double ramp_examples_;
};

}  // namespace

const Entry builtin::ramp{
    .name = "ramp",
    .summary = "grows to a final size in equal stretches of examples, then stays",
    .source = "Megatron-LM, --rampup-batch-size",
    .options =
        {choice_option("shape", {"linear", "geometric"},
                       "each increase adds the same, or multiplies by the same"),
         count_option("batch_size", 32, "examples", "the first batch size (B0)"),
         count_option("final_batch_size", 512, "examples", "the last batch size (Bf)"),
         only_for("shape", {"linear"},
                  count_option("increment", 32, "examples", "added at each increase")),
         only_for(
             "shape", {"geometric"},
             number_option("factor", 2, 1.0001, 1000, "", "growth at each increase")),
         count_option("ramp_examples", nullptr, "examples",
                      "length of the ramp (T); unset: 2 training sets")},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Ramp>(options, setting);
    },
};

}  // namespace batchlab
