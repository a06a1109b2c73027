// SPDX-License-Identifier: MIT
//
// Norm test: enlarge the batch once the noise of the gradient drowns the gradient.
//
//     passes while   V / (B q)  <=  theta^2,   otherwise   B  <-  V / (theta^2 q)
//
// V: trace of the covariance of the examples' gradients, q = |mean gradient|^2, both of
// the step just made. Since q = G2 + V (1/B - 1/N) on average, it settles at
// B = V (1 - theta^2) / (theta^2 (G2 - V/N)), about (1/theta^2 - 1) noise scales. Never
// shrinks. Byrd, Chin, Nocedal, Wu: Sample size selection in optimization methods for
// machine learning (2012), eq. 3.9.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class NormTest final : public Controller {
 public:
  NormTest(const json& options, const Setting& setting)
      : tolerance_(options.at("tolerance")),
        batch_size_(static_cast<double>(
            checked_batch_size("norm_test: batch_size", options.at("batch_size"),
                               setting.training_set_size))) {}

  Needs needs() const override {
    return {&Statistics::gradient_norm_squared, &Statistics::gradient_variance_trace};
  }

  Decision decide(const Statistics& statistics) override {
    const auto& q = statistics.gradient_norm_squared;
    const auto& variance = statistics.gradient_variance_trace;
    if (!q || !variance) return {batch_size_, "gradient noise not measured: hold"};
    const double noise = *variance / static_cast<double>(statistics.batch_size);
    const double allowed = tolerance_ * tolerance_ * *q;
    const double wanted = *variance / allowed;
    const std::string reason =
        fmt::format("V / B {:.4g}, theta^2 q {:.4g}", noise, allowed);
    if (noise <= allowed && std::isfinite(allowed)) {
      return {batch_size_, reason + ": passes"};
    }
    if (!(wanted > 0 && std::isfinite(wanted))) return {batch_size_, reason + ": hold"};
    batch_size_ = std::max(batch_size_, wanted);
    return {batch_size_, fmt::format("{}: needs {:.4g}", reason, wanted)};
  }

  json save() const override { return {{"batch_size", batch_size_}}; }
  void load(const json& state) override { batch_size_ = state.at("batch_size"); }

 private:
  double tolerance_;
  double batch_size_;  // wanted
};

}  // namespace

const Entry builtin::norm_test{
    .name = "norm_test",
    .summary = "enlarges the batch once gradient noise drowns the gradient",
    .source = "Byrd, Chin, Nocedal, Wu 2012, eq. 3.9",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                number_option("tolerance", 0.5, 0.001, 10, "",
                              "noise over gradient that still passes (theta)")},
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<NormTest>(options, setting);
    },
};

}  // namespace batchlab
