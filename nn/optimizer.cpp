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

namespace batchlab {

namespace {

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

  void update(float* parameters, std::span<const float> gradient,
              std::size_t offset) override {
    if (velocity_.size() == 0) return update_plain(parameters, gradient);
    float* velocity = velocity_.data() + offset;
    for_each_position(gradient.size(), [&]<class V>(std::size_t i) {
      const V step = V(rate_) * load<V>(gradient.data() + i);
      const V v = V(momentum_) * load<V>(velocity + i) - step;
      const V p = V(kept_) * load<V>(parameters + i);
      store(velocity + i, v);
      store(parameters + i, nesterov_ ? V(p + V(momentum_) * v - step) : V(p + v));
    });
  }

  void reset() override { velocity_.fill(0); }

  OptimizerState state() override {
    if (velocity_.size() == 0) return {};
    return {{{"velocity", &velocity_}}, {}};
  }

 private:
  void update_plain(float* parameters, std::span<const float> gradient) const {
    for_each_position(gradient.size(), [&]<class V>(std::size_t i) {
      const V p = V(kept_) * load<V>(parameters + i);
      store(parameters + i, V(p - V(rate_) * load<V>(gradient.data() + i)));
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

  void update(float* parameters, std::span<const float> gradient,
              std::size_t offset) override {
    float* first = first_moment_.data() + offset;
    float* second = second_moment_.data() + offset;
    const auto beta1 = static_cast<float>(beta1_), beta2 = static_cast<float>(beta2_);
    const auto rest1 = static_cast<float>(1 - beta1_);
    const auto rest2 = static_cast<float>(1 - beta2_);
    const auto epsilon = static_cast<float>(epsilon_);
    for_each_position(gradient.size(), [&]<class V>(std::size_t i) {
      const V g = load<V>(gradient.data() + i);
      const V m = V(beta1) * load<V>(first + i) + V(rest1) * g;
      const V s = V(beta2) * load<V>(second + i) + V(rest2) * g * g;
      const V p = V(kept_) * load<V>(parameters + i);
      store(first + i, m);
      store(second + i, s);
      store(parameters + i, V(p - V(rate_) * m / (xsimd::sqrt(s) + V(epsilon))));
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

  void update(float* parameters, std::span<const float> gradient,
              std::size_t offset) override {
    float* sum = squared_gradient_sum_.data() + offset;
    for_each_position(gradient.size(), [&]<class V>(std::size_t i) {
      const V g = load<V>(gradient.data() + i);
      const V s = load<V>(sum + i) + g * g;
      const V p = load<V>(parameters + i);
      store(sum + i, s);
      store(parameters + i, V(p - V(rate_) * g / (xsimd::sqrt(s) + V(epsilon_))));
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
