// SPDX-License-Identifier: MIT
//
// A training step with all that it refers to, over a small random data set.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "nn/training_step.hpp"
#include "tests/nn/random_values.hpp"

namespace batchlab {

constexpr float input_scale = 1 / 255.0F;

[[nodiscard]] inline Dataset random_dataset(std::size_t examples, std::size_t features,
                                            std::size_t classes, std::uint32_t seed) {
  RandomValues random(seed);
  Dataset data;
  data.inputs = xt::xtensor<std::uint8_t, 2>::from_shape({examples, features});
  data.labels = xt::xtensor<std::uint8_t, 1>::from_shape({examples});
  for (auto& byte : data.inputs) byte = static_cast<std::uint8_t>(random.below(256));
  for (auto& label : data.labels)
    label = static_cast<std::uint8_t>(random.below(classes));
  data.shape = {features};
  data.classes = classes;
  return data;
}

// `size` different examples of `examples`, in random order.
[[nodiscard]] inline Batch random_batch(std::size_t size, std::size_t examples,
                                        RandomValues& random, std::uint32_t epoch = 0) {
  std::vector<std::uint32_t> order(examples);
  for (std::uint32_t i = 0; i < examples; ++i) order[i] = i;
  for (std::size_t i = 0; i < size; ++i) {
    std::swap(order[i], order[i + random.below(examples - i)]);
  }
  order.resize(size);
  return {order, epoch, size};
}

struct TrainerOptions {
  std::size_t threads = 1;
  CutOptions cut{};
  OptimizerOptions optimizer{.name = "sgd"};
  std::uint32_t seed = 1;
};

struct Trainer {
  Trainer(const Dataset& data, std::span<const LayerOptions> layers,
          const TrainerOptions& options = {})
      : network(data.features(), layers),
        parameters(network.initial_parameters(options.seed)),
        optimizer(make_optimizer(options.optimizer, network.parameter_count())),
        threads(options.threads),
        step(network, data, input_scale, parameters, *optimizer, threads, options.cut,
             options.seed) {}

  // The parameters' bits.
  [[nodiscard]] std::vector<std::uint32_t> bits() const {
    std::vector<std::uint32_t> bits(parameters.size());
    std::memcpy(bits.data(), parameters.data(), 4 * bits.size());
    return bits;
  }

  Network network;
  Array parameters;
  std::unique_ptr<Optimizer> optimizer;
  ThreadPool threads;
  TrainingStep step;
};

}  // namespace batchlab
