// my_rule: batches so large that a step makes a given share of the progress that the
// largest batch would make.
//
//     progress  =  1 / (1 + S / B)        so        B  =  S progress / (1 - progress)
//
// S: the gradient noise scale, in examples. McCandlish et al. 2018, arXiv 1812.06162.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/plugin.hpp"

namespace {

using namespace batchlab;
using nlohmann::json;

class Rule final : public Controller {
 public:
  explicit Rule(const json& options) : progress_(options.at("progress")) {}

  // What is measured for decide(), at every step. All else that costs time is absent.
  Needs needs() const override { return {&Statistics::noise_scale}; }

  // Before the first step and after each one: the batch size wanted, and why. Bounds,
  // rounding and the learning rate are not its business.
  Decision decide(const Statistics& statistics) override {
    const double noise_scale = statistics.noise_scale.value_or(0);  // not known yet: 0
    const double wanted = noise_scale * progress_ / (1 - progress_);
    if (!(wanted > 0 && std::isfinite(wanted))) {
      return {batch_size_, "noise scale unknown: hold"};
    }
    batch_size_ = wanted;
    return {batch_size_, fmt::format("noise scale {:.4g}", noise_scale)};
  }

  // All that it remembers: load(save()) gives the same future.
  json save() const override { return {{"batch_size", batch_size_}}; }
  void load(const json& state) override { batch_size_ = state.at("batch_size"); }

 private:
  double progress_;
  double batch_size_ = 32;  // wanted; this one until the noise scale is known
};

const Entry entry{
    .name = "my_rule",
    .summary = "as large as a share of the best progress of a step takes",
    .source = "McCandlish et al. 2018, arXiv 1812.06162",
    .options = {number_option("progress", 0.5, 0.01, 0.99, "", "share of the best")},
    .limits = json::object(),
    .make = [](const json& options, const Setting& /*setting*/)
        -> std::unique_ptr<Controller> { return std::make_unique<Rule>(options); },
};

}  // namespace

BATCHLAB_PLUGIN("0.1", entry);
