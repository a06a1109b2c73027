// SPDX-License-Identifier: MIT
//
//     passes while   variance / B  <=  allowed,   otherwise   B  <-  variance / allowed
//
//     norm            V                        allowed  theta^2 q
//     inner product   variance of <g_i, gbar>           theta^2 q^2
//     orthogonal      V - that / q                      nu^2 q
//
// g_i: gradient of example i, gbar: their mean, q = |gbar|^2, V: trace of the
// covariance of the g_i. Of several tests, the one that asks for most decides.
#include "controllers/variance_tests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "controllers/batch_size_option.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

// The least batch that passes: 0 where this one does, not a number where none can be
// named.
double needed(double variance, double noise, double allowed) {
  if (noise <= allowed && std::isfinite(allowed)) return 0;
  const double wanted = variance / allowed;
  const bool named = wanted > 0 && std::isfinite(wanted);
  return named ? wanted : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

VarianceTest VarianceTest::norm(double theta) {
  return {&Statistics::gradient_variance_trace, theta, false, "V / B", "theta^2 q"};
}

VarianceTest VarianceTest::inner_product(double theta) {
  return {&Statistics::inner_product_variance, theta, true,
          "inner product variance / B", "theta^2 q^2"};
}

VarianceTest VarianceTest::orthogonal(double nu) {
  return {&Statistics::orthogonal_variance, nu, false, "orthogonal variance / B",
          "nu^2 q"};
}

VarianceTests::VarianceTests(const std::string& rule, const json& options,
                             const Setting& setting, std::vector<VarianceTest> tests)
    : tests_(std::move(tests)),
      batch_size_(static_cast<double>(checked_batch_size(rule + ": batch_size",
                                                         options.at("batch_size"),
                                                         setting.training_set_size))) {
  const json& horizon = options.at("horizon_examples");
  const auto of_trace = [](const VarianceTest& test) {
    return test.variance == &Statistics::gradient_variance_trace;
  };
  const bool along = !std::all_of(tests_.begin(), tests_.end(), of_trace);
  if (!horizon.is_null()) averages_.emplace(horizon.get<double>(), along);
}

Needs VarianceTests::needs() const {
  if (averages_) return averages_->needs();
  Needs all{&Statistics::gradient_norm_squared};
  for (const VarianceTest& test : tests_) all = all | Needs{test.variance};
  return all;
}

Decision VarianceTests::decide(const Statistics& statistics) {
  for (const Quantity& quantity : quantities) {
    if (needs().has(quantity.field) && !(statistics.*quantity.field)) {
      return {batch_size_, "gradient noise not measured: hold"};
    }
  }
  if (!averages_) return test(statistics);
  averages_->add(statistics);
  const std::optional<Statistics> averaged = averages_->averaged(statistics);
  return averaged ? test(*averaged)
                  : Decision{batch_size_, averages_->missing(statistics) + ": hold"};
}

Decision VarianceTests::test(const Statistics& statistics) {
  const double q = *statistics.gradient_norm_squared;
  bool named = true;
  std::string reason;
  double wanted = 0;
  for (const VarianceTest& test : tests_) {
    const double variance = *(statistics.*test.variance);
    const double noise = variance / static_cast<double>(statistics.batch_size);
    const double against = test.against_q_squared ? q * q : q;
    const double allowed = test.tolerance * test.tolerance * against;
    const double least = needed(variance, noise, allowed);
    named = named && !std::isnan(least);
    wanted = std::max(wanted, least);
    reason += fmt::format("{}{} {:.4g}, {} {:.4g}", reason.empty() ? "" : "; ",
                          test.left, noise, test.right, allowed);
  }
  if (averages_) reason = "on average " + reason;
  if (!named) return {batch_size_, reason + ": hold"};
  if (wanted == 0) return {batch_size_, reason + ": passes"};
  batch_size_ = std::max(batch_size_, wanted);
  return {batch_size_, fmt::format("{}: needs {:.4g}", reason, wanted)};
}

json VarianceTests::save() const {
  json state{{"batch_size", batch_size_}};
  if (averages_) state["averages"] = averages_->save();
  return state;
}

void VarianceTests::load(const json& state) {
  batch_size_ = state.at("batch_size");
  if (averages_) averages_->load(state.at("averages"));
}

}  // namespace batchlab
