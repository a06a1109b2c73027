// SPDX-License-Identifier: MIT
//
// Noise scale: a batch as large as the noise of the gradient makes useful.
//
//     direct        B  =  kappa S,     S = tr(Sigma) / |G|^2, the simple noise scale
//     square_root   B  =  sqrt(r S),   r: examples worth one update (the exchange rate)
//
// While S is unknown, or the true gradient is not resolved from the noise, the last
// wish stays. McCandlish et al.: An empirical model of large-batch training (2018),
// arXiv 1812.06162, eq. 2.9 and appendix D.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class NoiseScale final : public Controller {
 public:
  NoiseScale(const json& options, const Setting& setting)
      : square_root_(options.at("form") == "square_root"),
        kappa_(options.value("kappa", 1.0)),
        exchange_rate_(options.value("exchange_rate", 1.0)),
        batch_size_(static_cast<double>(
            checked_batch_size("noise_scale: batch_size", options.at("batch_size"),
                               setting.training_set_size))) {}

  Needs needs() const override { return {&Statistics::noise_scale}; }

  Decision decide(const Statistics& statistics) override {
    const std::optional<double> noise_scale = statistics.noise_scale;
    if (!noise_scale) {
      return {batch_size_,
              "noise scale unknown, or the gradient not resolved from the noise: hold"};
    }
    const double wanted =
        square_root_ ? std::sqrt(exchange_rate_ * *noise_scale) : kappa_ * *noise_scale;
    if (!(wanted > 0 && std::isfinite(wanted))) {
      return {batch_size_, fmt::format("noise scale {:.4g}: hold", *noise_scale)};
    }
    batch_size_ = wanted;
    return {batch_size_, fmt::format("noise scale {:.4g}", *noise_scale)};
  }

  json save() const override { return {{"batch_size", batch_size_}}; }
  void load(const json& state) override { batch_size_ = state.at("batch_size"); }

 private:
  bool square_root_;
  double kappa_, exchange_rate_;
  double batch_size_;  // wanted
};

}  // namespace

const Entry builtin::noise_scale{
    .name = "noise_scale",
    .summary = "a batch as large as the gradient noise scale, or its square root",
    .source = "McCandlish et al. 2018, arXiv 1812.06162",
    .options = {count_option("batch_size", 32, "examples",
                             "until the noise scale is known"),
                choice_option("form", {"direct", "square_root"},
                              "kappa S, or sqrt(r S)"),
                only_for("form", {"direct"},
                         number_option("kappa", 1, 1e-6, 1e6, "",
                                       "batch size per noise scale (kappa)")),
                only_for("form", {"square_root"},
                         number_option("exchange_rate", 1, 1e-6, 1e12, "examples",
                                       "examples that one update is worth (r)"))},
    // The measured noise scale grows with B / rate: positive feedback. At most a
    // doubling in 20 steps (the dwell of AdaDamp's code), so that the estimate follows
    // a change before the next, and none within a tenth, which is inside its error.
    .limits = {{"growth", 2.0}, {"hysteresis", 0.1}, {"first_wait", 20}, {"dwell", 20}},
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<NoiseScale>(options, setting);
    },
};

}  // namespace batchlab
