// SPDX-License-Identifier: MIT
//
//     q(B)        =  mean(q - V/B)  +  mean(V) / B
//     W           =  mean(VarIP) / mean(q)
//     VarIP(B)    =  W q(B),    VarOrth(B)  =  mean(V) - W
//
// q - V/B is G2 - V/N on average: like V, and unlike q, it does not depend on B, so
// that both means outlive a change of B. W, the variance along the gradients of the
// batches, does, though little: on average VarIP = G Sigma G^T + tr(Sigma^2) (1/B -
// 1/N), so that W goes from tr(Sigma^2) / tr(Sigma) at small B to the variance along G.
// Its means begin anew when the size changes; a batch cut short by the end of an epoch
// is left out of them.
#include "controllers/noise_averages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controllers/batch_size_option.hpp"

namespace batchlab {

using nlohmann::json;

Option horizon_option() {
  return count_option("horizon_examples", nullptr, "examples",
                      "memory of averages to test in place of each step; unset: none");
}

Needs NoiseAverages::needs() const {
  const Needs noise{&Statistics::gradient_norm_squared,
                    &Statistics::gradient_variance_trace};
  return along_ ? noise | Needs{&Statistics::inner_product_variance} : noise;
}

void NoiseAverages::Means::add(double count, double horizon, double first_value,
                               double second_value) {
  examples += count;
  weight = std::exp(-count / horizon) * weight + count;
  first = std::lerp(first, first_value, count / weight);
  second = std::lerp(second, second_value, count / weight);
}

void NoiseAverages::add(const Statistics& statistics) {
  const auto size = static_cast<double>(statistics.batch_size);
  const bool cut_short = tail_.cut_short(statistics, product_size_);
  const double q = *statistics.gradient_norm_squared;
  const double variance = *statistics.gradient_variance_trace;
  const double product = along_ ? *statistics.inner_product_variance : 0;
  const double common = q - variance / size;
  if (!std::isfinite(common) || !std::isfinite(product)) return;
  noise_.add(size, horizon_, variance, common);
  if (cut_short) return;
  if (statistics.batch_size != product_size_) {
    product_size_ = statistics.batch_size;
    products_ = {};
  }
  products_.add(size, horizon_, product, q);
}

double NoiseAverages::examples(const Statistics& statistics) const {
  if (!along_) return noise_.examples;
  const bool of_this_size = statistics.batch_size == product_size_;
  return of_this_size ? std::min(noise_.examples, products_.examples) : 0;
}

std::optional<Statistics> NoiseAverages::averaged(const Statistics& statistics) const {
  if (!(examples(statistics) >= horizon_)) return std::nullopt;
  const double variance = noise_.first;
  const double q =
      noise_.second + variance / static_cast<double>(statistics.batch_size);
  if (!(q > 0)) return std::nullopt;
  Statistics averaged = statistics;
  averaged.gradient_norm_squared = q;
  averaged.gradient_variance_trace = variance;
  averaged.true_gradient_norm_squared = noise_.second;
  const double along = products_.first / products_.second;
  averaged.inner_product_variance = along * q;
  averaged.orthogonal_variance = variance - along;
  return averaged;
}

std::string NoiseAverages::missing(const Statistics& statistics) const {
  if (const double seen = examples(statistics); seen < horizon_) {
    return fmt::format("{} of {} examples averaged", seen, horizon_);
  }
  return "gradient not resolved from its noise on average";
}

json NoiseAverages::save() const {
  const auto saved = [](const Means& means) {
    return json{means.examples, means.weight, means.first, means.second};
  };
  return {{"noise", saved(noise_)},
          {"products", saved(products_)},
          {"product_size", product_size_},
          {"epochs", tail_.save()}};
}

void NoiseAverages::load(const json& state) {
  const auto loaded = [](const json& values) {
    return Means{values.at(0), values.at(1), values.at(2), values.at(3)};
  };
  noise_ = loaded(state.at("noise"));
  products_ = loaded(state.at("products"));
  product_size_ = state.at("product_size");
  tail_.load(state.at("epochs"));
}

}  // namespace batchlab
