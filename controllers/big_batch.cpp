// SPDX-License-Identifier: MIT
//
// Big batch: more examples as long as the gradient does not stand out from its noise.
//
//     q  <=  V / B:    B  <-  B + ceil(delta B)
//
// V: trace of the covariance of the examples' gradients, q = |mean gradient|^2. The
// batch is extended and tested again within the same step, so that what is applied
// passes, or is as large as allowed; the next step begins with as many. How often it
// has to grow cannot be foreseen from V and G2: q = G2 + V (1/B - 1/N) on average, so
// that q > V/B means G2 > V/N at any B, and it is the scatter of q, which falls with B,
// that decides. With `horizon_examples` averages are tested, and of q what does not
// depend on B:
//
//     G2  <=  V / B,   so that it ends at V / G2, the noise scale.
//
// Where it only watches, the growth is of the next step. Never shrinks. De, Yadav,
// Jacobs, Goldstein: Automated inference with adaptive batches (2017), arXiv
// 1610.05792.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/noise_averages.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class BigBatch final : public Controller {
 public:
  BigBatch(const json& options, const Setting& setting)
      : delta_(options.at("delta")),
        batch_size_(static_cast<double>(
            checked_batch_size("big_batch: batch_size", options.at("batch_size"),
                               setting.training_set_size))) {
    const json& horizon = options.at("horizon_examples");
    if (!horizon.is_null()) averages_.emplace(horizon.get<double>(), false);
  }

  Needs needs() const override {
    return {&Statistics::gradient_norm_squared, &Statistics::gradient_variance_trace};
  }

  Decision decide(const Statistics& statistics) override {
    const auto& q = statistics.gradient_norm_squared;
    const auto& variance = statistics.gradient_variance_trace;
    if (!q || !variance) return {batch_size_, "gradient noise not measured: hold"};
    if (!std::isfinite(*q) || !std::isfinite(*variance)) {
      return {batch_size_, fmt::format("V {:.4g}, q {:.4g}: hold", *variance, *q)};
    }
    if (averages_) averages_->add(statistics);
    const std::optional<Test> test = test_of(statistics);
    if (!test) return {batch_size_, averages_->missing(statistics) + ": hold"};
    const bool grows = extended_batch_size(statistics) > 0;
    return {batch_size_, fmt::format("{} {:.4g}, V / B {:.4g}: {}",
                                     averages_ ? "on average G2" : "q", test->gradient,
                                     test->noise, grows ? "grows" : "passes")};
  }

  double extended_batch_size(const Statistics& statistics) override {
    const std::optional<Test> test = test_of(statistics);
    if (!test || !std::isfinite(test->noise) || !(test->gradient <= test->noise)) {
      return 0;
    }
    const auto tested = static_cast<double>(statistics.batch_size);
    const double extended = tested + std::ceil(delta_ * tested);
    // A batch cut short at the end of an epoch grows to less than what is wanted.
    batch_size_ = std::max(batch_size_, extended);
    return extended;
  }

  json save() const override {
    json state{{"batch_size", batch_size_}};
    if (averages_) state["averages"] = averages_->save();
    return state;
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    if (averages_) averages_->load(state.at("averages"));
  }

 private:
  struct Test {
    double gradient, noise;  // fails where the first is not above the second
  };

  // Absent where nothing is known of them, or not yet.
  std::optional<Test> test_of(const Statistics& statistics) const {
    const auto size = static_cast<double>(statistics.batch_size);
    if (!averages_) {
      const auto& q = statistics.gradient_norm_squared;
      const auto& variance = statistics.gradient_variance_trace;
      if (!q || !variance) return std::nullopt;
      return Test{*q, *variance / size};
    }
    const auto averaged = averages_->averaged(statistics);
    // A gradient that is not resolved would have the batch grow without end.
    if (!averaged || !(*averaged->true_gradient_norm_squared > 0)) return std::nullopt;
    return Test{*averaged->true_gradient_norm_squared,
                *averaged->gradient_variance_trace / size};
  }

  double delta_;
  double batch_size_;                      // wanted
  std::optional<NoiseAverages> averages_;  // absent: each step is tested
};

}  // namespace

const Entry builtin::big_batch{
    .name = "big_batch",
    .summary = "grows as long as the gradient does not stand out from its noise",
    .source = "De, Yadav, Jacobs, Goldstein 2017, arXiv 1610.05792",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                number_option("delta", 0.1, 1e-6, 100, "",
                              "part of the batch by which it grows (delta)"),
                horizon_option()},
    .extends_batches = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<BigBatch>(options, setting);
    },
};

}  // namespace batchlab
