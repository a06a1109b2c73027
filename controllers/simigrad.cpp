// SPDX-License-Identifier: MIT
//
// SimiGrad: keep the gradients of the two halves of a batch at a given angle.
//
//     c < target:  B  <-  max(B + 1, 1.1 B),    c > target:  B  <-  min(B - 1, 0.9 B)
//
// c: the cosine between them, averaged over steps of one batch size B. With S the noise
// scale it is about 1 / (1 + 2 S/B): it settles at B = 2 S target / (1 - target), and
// steps about it by a tenth. c at one size says nothing of another, so the average
// begins anew when the size changes; a smaller batch that ended an epoch was cut short
// by it and is left out. All that is averaged weighs the same,
// hence a memory in steps; the authors' code takes the mean of the last 20, also across
// changes. B is the size measured, never the last wish: what the limits refuse does not
// add up. It stays at 2 or more, since one example has no halves to measure. The
// authors couple the rate by the square root. Qin, Rajbhandari, Ruwase, Yan, Yang, He:
// SimiGrad (2021), NeurIPS 34.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/epoch_tail.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class SimiGrad final : public Controller {
 public:
  SimiGrad(const json& options, const Setting& setting)
      : target_(options.at("target_cosine")),
        memory_(options.at("memory_steps")),
        batch_size_(static_cast<double>(
            checked_batch_size("simigrad: batch_size", options.at("batch_size"),
                               setting.training_set_size))) {}

  Needs needs() const override { return {&Statistics::half_batch_cosine}; }

  Decision decide(const Statistics& statistics) override {
    const auto& cosine = statistics.half_batch_cosine;
    const bool cut_short = tail_.cut_short(statistics, measured_);
    if (!cosine) return {batch_size_, "halves of the batch not compared: hold"};
    if (!std::isfinite(*cosine)) return {batch_size_, "cosine not finite: hold"};
    if (cut_short) return {batch_size_, "cut short by the end of an epoch: hold"};
    if (statistics.batch_size != measured_) {
      measured_ = statistics.batch_size;
      steps_ = 0;
      average_ = 0;
    }
    ++steps_;
    average_ += (*cosine - average_) / static_cast<double>(std::min(steps_, memory_));
    batch_size_ = wanted();
    return {batch_size_,
            fmt::format("cosine {:.4g} over {} steps of {} examples, target {:.4g}",
                        average_, steps_, measured_, target_)};
  }

  json save() const override {
    return {{"batch_size", batch_size_},
            {"epochs", tail_.save()},
            {"measured", measured_},
            {"steps", steps_},
            {"average", average_}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    tail_.load(state.at("epochs"));
    measured_ = state.at("measured");
    steps_ = state.at("steps");
    average_ = state.at("average");
  }

 private:
  double wanted() const {
    const auto size = static_cast<double>(measured_);
    if (average_ < target_) return std::max(size + 1, 1.1 * size);
    if (average_ > target_) return std::max(2.0, std::min(size - 1, 0.9 * size));
    return size;
  }

  double target_;
  std::int64_t memory_;
  double batch_size_;  // wanted
  EpochTail tail_;
  std::int64_t measured_ = 0;  // examples of the steps averaged
  std::int64_t steps_ = 0;     // averaged
  double average_ = 0;         // their cosine
};

}  // namespace

const Entry builtin::simigrad{
    .name = "simigrad",
    .summary = "keeps the gradients of the two halves of a batch at a given angle",
    .source = "Qin et al. 2021, SimiGrad, NeurIPS 34",
    .options = {count_option("batch_size", 32, "examples", "the first batch size", 2),
                number_option("target_cosine", 0.2, 0.001, 0.999, "",
                              "between them; 1/3 makes B the noise scale"),
                count_option("memory_steps", 20, "steps",
                             "memory of the average at one batch size")},
    // One cosine is mostly noise: each size is given the memory of the average.
    .limits = {{"first_wait", 20}, {"dwell", 20}},
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<SimiGrad>(options, setting);
    },
};

}  // namespace batchlab
