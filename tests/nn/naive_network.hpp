// SPDX-License-Identifier: MIT
//
// The rival of nn/: dense layers by plain loops in double, one example at a time.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/dataset.hpp"
#include "nn/network.hpp"

namespace batchlab {

struct NaiveExample {
  double loss = 0;
  bool correct = false;
  std::vector<double> gradient;  // laid out as the network's parameters
};

// Dense layers only. `parameters` as the network's flat array.
class NaiveNetwork {
 public:
  NaiveNetwork(std::size_t inputs, std::span<const LayerOptions> layers)
      : inputs_(inputs), layers_(layers.begin(), layers.end()) {}

  template <class Parameters>
  [[nodiscard]] NaiveExample run(const Parameters& parameters, const Dataset& data,
                                 std::size_t example, double scale) const {
    std::vector<std::vector<double>> values(1);
    for (std::size_t j = 0; j < inputs_; ++j) {
      values[0].push_back(scale * data.inputs(example, j));
    }
    for (const LayerOptions& layer : layers_) {
      values.push_back(forward(layer, parameters, values));
    }
    return backward(parameters, values, data.labels(example));
  }

 private:
  // First parameter of layer `number`.
  [[nodiscard]] std::size_t offset(std::size_t number) const {
    std::size_t inputs = inputs_, offset = 0;
    for (std::size_t i = 0; i < number; ++i) {
      offset += (inputs + 1) * layers_[i].units;
      inputs = layers_[i].units;
    }
    return offset;
  }

  template <class Parameters>
  [[nodiscard]] std::vector<double> forward(
      const LayerOptions& layer, const Parameters& parameters,
      const std::vector<std::vector<double>>& values) const {
    const std::vector<double>& input = values.back();
    const std::size_t weight = offset(values.size() - 1);
    const std::size_t bias = weight + input.size() * layer.units;
    std::vector<double> output(layer.units);
    for (std::size_t j = 0; j < layer.units; ++j) {
      double z = parameters[bias + j];
      for (std::size_t i = 0; i < input.size(); ++i) {
        z += input[i] * static_cast<double>(parameters[weight + i * layer.units + j]);
      }
      if (layer.activation == "relu") z = z > 0 ? z : 0;
      if (layer.activation == "tanh") z = std::tanh(z);
      output[j] = z;
    }
    return output;
  }

  template <class Parameters>
  [[nodiscard]] NaiveExample backward(const Parameters& parameters,
                                      const std::vector<std::vector<double>>& values,
                                      std::size_t label) const {
    NaiveExample result;
    std::vector<double> delta = values.back();
    double total = 0;
    std::size_t best = 0;
    for (std::size_t j = 0; j < delta.size(); ++j) {
      total += std::exp(values.back()[j]);
      if (values.back()[j] > values.back()[best]) best = j;
    }
    result.loss = std::log(total) - values.back()[label];
    result.correct = best == label;
    for (double& d : delta) d = std::exp(d) / total;
    delta[label] -= 1;

    result.gradient.resize(offset(layers_.size()));
    for (std::size_t number = layers_.size(); number-- > 0;) {
      const LayerOptions& layer = layers_[number];
      const std::vector<double>& input = values[number];
      const std::size_t weight = offset(number),
                        bias = weight + input.size() * layer.units;
      std::vector<double> below(input.size());
      for (std::size_t j = 0; j < layer.units; ++j) {
        const double output = values[number + 1][j];
        if (layer.activation == "relu" && output <= 0) delta[j] = 0;
        if (layer.activation == "tanh") delta[j] *= 1 - output * output;
        result.gradient[bias + j] = delta[j];
        for (std::size_t i = 0; i < input.size(); ++i) {
          const std::size_t at = weight + i * layer.units + j;
          result.gradient[at] = input[i] * delta[j];
          below[i] += static_cast<double>(parameters[at]) * delta[j];
        }
      }
      delta = below;
    }
    return result;
  }

  std::size_t inputs_;
  std::vector<LayerOptions> layers_;
};

}  // namespace batchlab
