// SPDX-License-Identifier: MIT
//
// SGD, velocity v:            v <- momentum v - rate g
//                             p <- p + v,  Nesterov: p + momentum v - rate g
// Adam (Kingma, Ba 2015):     m <- beta1 m + (1 - beta1) g,  s <- beta2 s + (1 - beta2)
// g^2
//                             p <- p - rate sqrt(1 - prod beta2) / (1 - prod beta1)
//                                      m / (sqrt(s) + epsilon)
// Adagrad (Duchi, Hazan, Singer 2011), sum s:
//                             s <- s + g^2
//                             p <- p - rate g / (sqrt(s) + epsilon)
// Decoupled weight decay (AdamW: Loshchilov, Hutter 2019; SGD alike): first
//                             p <- p - rate weight_decay p
// The bias correction uses the product of the betas, so that betas may change in
// mid-run.
#include "nn/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"
#include "nn/elementwise.hpp"
#include "nn/product_sums.hpp"

namespace batchlab {

namespace {

// parameter i <- rule.operator()<V>(i, gradient i, parameter i), V vector or scalar.
template <class Rule>
UpdateSums update_each(float* parameters, std::span<const float> gradient_sum,
                       float factor, Rule rule) {
  const float* sum = gradient_sum.data();
  const auto add_one = [=]<class V>(std::size_t i, auto add) {
    const V g = V(factor) * load<V>(sum + i);
    const V p = rule.template operator()<V>(i, g, load<V>(parameters + i));
    store(parameters + i, p);
    add(0, g, g);
    add(1, p, V(0.0F));  // 0 for finite p and not a number otherwise
  };
  const auto sums = sum_products_of<2>(gradient_sum.size(), add_one);
  return {sums[0], sums[1] == 0};
}

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerOptions& options, std::size_t parameter_count)
      : momentum_(static_cast<float>(options.momentum)),
        nesterov_(options.nesterov),
        weight_decay_(options.weight_decay),
        velocity_(xt::zeros<float>({options.momentum != 0 ? parameter_count : 0})) {}

  void begin_step(double learning_rate, double /*batch_ratio*/) override {
    rate_ = static_cast<float>(learning_rate);
    kept_ = static_cast<float>(1 - learning_rate * weight_decay_);
  }

  UpdateSums update(float* parameters, std::span<const float> gradient_sum,
                    std::size_t offset, float factor) override {
    if (velocity_.size() == 0) return update_plain(parameters, gradient_sum, factor);
    const auto update_with = [&]<bool nesterov>() {
      float* velocity = velocity_.data() + offset;
      return update_each(
          parameters, gradient_sum, factor,
          [velocity, rate = rate_, momentum = momentum_, kept = kept_]<class V>(
              std::size_t i, const V& g, const V& p) -> V {
            const V step = V(rate) * g;
            const V v = V(momentum) * load<V>(velocity + i) - step;
            store(velocity + i, v);
            const V decayed = V(kept) * p;
            if constexpr (nesterov) return decayed + V(momentum) * v - step;
            return decayed + v;
          });
    };
    return nesterov_ ? update_with.template operator()<true>()
                     : update_with.template operator()<false>();
  }

  void reset() override { velocity_.fill(0); }

  OptimizerState state() override {
    if (velocity_.size() == 0) return {};
    return {{{"velocity", &velocity_}}, {}};
  }

 private:
  UpdateSums update_plain(float* parameters, std::span<const float> gradient_sum,
                          float factor) const {
    return update_each(parameters, gradient_sum, factor,
                       [rate = rate_, kept = kept_]<class V>(std::size_t, const V& g,
                                                             const V& p) -> V {
                         return V(kept) * p - V(rate) * g;
                       });
  }

  float momentum_;
  bool nesterov_;
  double weight_decay_;
  float rate_ = 0, kept_ = 1;
  Array velocity_;
};

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerOptions& options, double weight_decay,
       std::size_t parameter_count)
      : options_(options),
        weight_decay_(weight_decay),
        first_moment_(xt::zeros<float>({parameter_count})),
        second_moment_(xt::zeros<float>({parameter_count})) {}

  void begin_step(double learning_rate, double batch_ratio) override {
    beta1_ = std::max(0.0, 1 - batch_ratio * (1 - options_.beta1));
    beta2_ = std::max(0.0, 1 - batch_ratio * (1 - options_.beta2));
    epsilon_ = options_.epsilon / std::sqrt(batch_ratio);
    beta1_product_ *= beta1_;
    beta2_product_ *= beta2_;
    rate_ = static_cast<float>(learning_rate * std::sqrt(1 - beta2_product_) /
                               (1 - beta1_product_));
    kept_ = static_cast<float>(1 - learning_rate * weight_decay_);
  }

  UpdateSums update(float* parameters, std::span<const float> gradient_sum,
                    std::size_t offset, float factor) override {
    return update_each(
        parameters, gradient_sum, factor,
        [first = first_moment_.data() + offset, second = second_moment_.data() + offset,
         beta1 = static_cast<float>(beta1_), beta2 = static_cast<float>(beta2_),
         rest1 = static_cast<float>(1 - beta1_), rest2 = static_cast<float>(1 - beta2_),
         epsilon = static_cast<float>(epsilon_), rate = rate_,
         kept = kept_]<class V>(std::size_t i, const V& g, const V& p) -> V {
          const V m = V(beta1) * load<V>(first + i) + V(rest1) * g;
          const V s = V(beta2) * load<V>(second + i) + V(rest2) * g * g;
          store(first + i, m);
          store(second + i, s);
          return V(kept) * p - V(rate) * m / (xsimd::sqrt(s) + V(epsilon));
        });
  }

  void reset() override {
    first_moment_.fill(0);
    second_moment_.fill(0);
    beta1_product_ = beta2_product_ = 1;
  }

  OptimizerState state() override {
    return {{{"first_moment", &first_moment_}, {"second_moment", &second_moment_}},
            {{"beta1_product", &beta1_product_}, {"beta2_product", &beta2_product_}}};
  }

 private:
  OptimizerOptions options_;
  double weight_decay_;
  double beta1_ = 0, beta2_ = 0, epsilon_ = 0;  // of the step
  double beta1_product_ = 1, beta2_product_ = 1;
  float rate_ = 0, kept_ = 1;
  Array first_moment_, second_moment_;
};

class Adagrad final : public Optimizer {
 public:
  Adagrad(const OptimizerOptions& options, std::size_t parameter_count)
      : epsilon_(static_cast<float>(options.epsilon)),
        initial_sum_(static_cast<float>(options.initial_squared_gradient_sum)),
        squared_gradient_sum_(uninitialised(parameter_count)) {
    reset();
  }

  void begin_step(double learning_rate, double /*batch_ratio*/) override {
    rate_ = static_cast<float>(learning_rate);
  }

  UpdateSums update(float* parameters, std::span<const float> gradient_sum,
                    std::size_t offset, float factor) override {
    return update_each(
        parameters, gradient_sum, factor,
        [sum = squared_gradient_sum_.data() + offset, rate = rate_,
         epsilon = epsilon_]<class V>(std::size_t i, const V& g, const V& p) -> V {
          const V s = load<V>(sum + i) + g * g;
          store(sum + i, s);
          return p - V(rate) * g / (xsimd::sqrt(s) + V(epsilon));
        });
  }

  void reset() override { squared_gradient_sum_.fill(initial_sum_); }

  OptimizerState state() override {
    return {{{"squared_gradient_sum", &squared_gradient_sum_}}, {}};
  }

 private:
  float epsilon_, initial_sum_;
  float rate_ = 0;
  Array squared_gradient_sum_;
};

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names{"sgd", "adam", "adamw", "adagrad"};
  return names;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          std::size_t parameter_count) {
  if (options.name == "sgd") return std::make_unique<Sgd>(options, parameter_count);
  if (options.name == "adam")
    return std::make_unique<Adam>(options, 0, parameter_count);
  if (options.name == "adamw") {
    return std::make_unique<Adam>(options, options.weight_decay, parameter_count);
  }
  if (options.name == "adagrad") {
    return std::make_unique<Adagrad>(options, parameter_count);
  }
  throw unknown_name("optimizer", options.name, optimizer_names());
}

}  // namespace batchlab
