// SPDX-License-Identifier: MIT
//
// Goodput: the batch size that makes the most progress per second.
//
//     throughput B / (a + b B)  x  efficiency (S + B0) / (S + B)   is largest at
//     B  =  sqrt((a / b) S)
//
// S: noise scale; a + b B: time of a step, so that a / b, in examples, is what a step
// costs beside its examples: measured before the run, where it is not given. (S + B0)
// is the same for every B and cancels. Changes only where the goodput is more than 5 %
// better than that of the last wish. While S is unknown, the last wish stays. With
// `refit`, a and b are fitted to the steps of the run, as soon as their sizes differ
// enough; the run is then a function of the clock too. The optimum is derived from the
// goodput of Qiao et al.: Pollux (2021), arXiv 2008.12260, for one machine.

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Goodput final : public Controller {
 public:
  Goodput(const json& options, const Setting& setting)
      : improvement_(options.at("improvement")),
        refit_(options.at("refit")),
        batch_size_(static_cast<double>(
            checked_batch_size("goodput: batch_size", options.at("batch_size"),
                               setting.training_set_size))) {
    const json& cost_ratio = options.at("cost_ratio");
    if (!cost_ratio.is_null()) cost_ratio_ = cost_ratio.get<double>();
  }

  Needs needs() const override {
    return refit_ ? Needs{&Statistics::noise_scale, &Statistics::step_seconds}
                  : Needs{&Statistics::noise_scale};
  }

  Decision decide(const Statistics& statistics) override {
    if (!cost_ratio_) {
      throw Error(ErrorKind::usage,
                  "goodput: cost_ratio must be set where nothing measures it");
    }
    if (refit_ && statistics.step_seconds) refit(statistics);
    const std::optional<double> noise_scale = statistics.noise_scale;
    if (!noise_scale) {
      return {batch_size_,
              "noise scale unknown, or the gradient not resolved from the noise: hold"};
    }
    const double best = std::sqrt(*cost_ratio_ * *noise_scale);
    if (!(best > 0 && std::isfinite(best))) {
      return {batch_size_, fmt::format("noise scale {:.4g}: hold", *noise_scale)};
    }
    const double gain =
        goodput(best, *noise_scale) / goodput(batch_size_, *noise_scale);
    if (gain > 1 + improvement_) batch_size_ = best;
    return {batch_size_,
            fmt::format("noise scale {:.4g}, a/b {:.4g}, goodput at {:.4g} x {:.3f}",
                        *noise_scale, *cost_ratio_, best, gain)};
  }

  json save() const override {
    return {{"batch_size", batch_size_}, {"cost_ratio", *cost_ratio_}, {"sums", sums_}};
  }
  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    cost_ratio_ = state.at("cost_ratio");
    sums_ = state.at("sums");
  }

 private:
  // Least squares of relative errors, sum w (t - a - b B)^2 with w = 1 / t^2, that
  // forgets within some hundred steps.
  void refit(const Statistics& statistics) {
    const double t = *statistics.step_seconds;
    const auto size = static_cast<double>(statistics.batch_size);
    const double w = 1 / (t * t);
    if (!(t > 0 && std::isfinite(w))) return;
    const std::array<double, 5> terms{w, w * size, w * size * size, w * t,
                                      w * size * t};
    for (std::size_t i = 0; i < terms.size(); ++i) {
      sums_[i] = 0.99 * sums_[i] + terms[i];
    }
    const auto [sw, sb, sbb, st, sbt] = sums_;
    const double spread = sw * sbb - sb * sb;  // zero for one size alone
    const double ratio = (st * sbb - sbt * sb) / (sw * sbt - sb * st);
    const bool sizes_differ = spread > 0.01 * sw * sbb;
    if (sizes_differ && ratio > 0 && std::isfinite(ratio)) cost_ratio_ = ratio;
  }

  // But for factors that do not depend on the batch size.
  [[nodiscard]] double goodput(double batch_size, double noise_scale) const {
    return batch_size / (*cost_ratio_ + batch_size) / (noise_scale + batch_size);
  }

  std::optional<double> cost_ratio_;
  double improvement_;
  bool refit_;
  double batch_size_;             // wanted
  std::array<double, 5> sums_{};  // of w, w B, w B^2, w t, w B t
};

}  // namespace

const Entry builtin::goodput{
    .name = "goodput",
    .summary = "the batch size with the most progress per second",
    .source = "derived from Pollux, Qiao et al. 2021, arXiv 2008.12260",
    .options =
        {count_option("batch_size", 32, "examples", "until the noise scale is known"),
         measured_where_unset(
             [](double a_seconds, double b_seconds) { return a_seconds / b_seconds; },
             number_option("cost_ratio", nullptr, 1e-6, 1e12, "examples",
                           "fixed time of a step over the time of an example (a/b)")),
         number_option("improvement", 0.05, 0, 10, "",
                       "relative gain in goodput worth a change"),
         {"refit",
          Option::Kind::boolean,
          false,
          0,
          0,
          {},
          "",
          "fit a/b to the steps of the run, which then cannot be repeated but by a "
          "replay of its decisions"}},
    // The measured noise scale grows with B / rate, as for noise_scale; the 5 % are
    // hysteresis enough.
    .limits = {{"growth", 2.0}, {"first_wait", 20}, {"dwell", 20}},
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Goodput>(options, setting);
    },
};

}  // namespace batchlab
