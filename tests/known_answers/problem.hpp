// SPDX-License-Identifier: MIT
//
// A noisy quadratic with what is known of it in closed form.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/quadratic_noise.hpp"

namespace batchlab::known_answers {

// Along an eigenvector of Q, of theta - x_i.
struct Direction {
  double curvature;   // the eigenvalue
  double variance;    // over the examples, divisor N - 1
  double mean;        // at rest
  double first_mean;  // at zero
};

struct Problem {
  std::string name;
  nlohmann::json at_rest;  // specifications
  std::vector<nlohmann::json> descents;
  DataSource source;
  double examples = 0;  // N
  std::vector<Direction> directions;
  // At rest.
  QuadraticNoise noise;
  double variance_along = 0;    // W = G Sigma G^T / |G|^2
  double variance_squares = 0;  // sum of the squares of Sigma's part along each

  [[nodiscard]] double noise_scale() const { return noise.noise_scale(); }
  // Of batches drawn without replacement, which see |G|^2 - V/N: S/(1 - S/N).
  [[nodiscard]] double seen_noise_scale() const;
  // As many equal directions would make q scatter as much as these.
  [[nodiscard]] double effective_directions() const;

  // Where E q and V, or their like across and along the gradient, just pass a test.
  [[nodiscard]] double norm_test_size(double theta) const;
  [[nodiscard]] double inner_product_test_size(double theta) const;
  [[nodiscard]] double orthogonal_test_size(double nu) const;

  struct Expected {
    double loss = 0, norm_squared = 0;  // of a batch: E loss, E q
  };
  [[nodiscard]] Expected at_zero(double batch_size) const;
  // After `steps` of plain SGD from zero, the noise of the parameters in balance.
  [[nodiscard]] Expected after_descent(double batch_size, double learning_rate,
                                       double steps) const;
  [[nodiscard]] double loss_at_rest() const;
};

// The mean and the variance of the parameters of plain SGD from zero, step by step.
class Descent {
 public:
  explicit Descent(const Problem& problem);  // which must outlive this
  void step(double batch_size, double learning_rate);
  [[nodiscard]] double loss() const;  // expected of the next batch

 private:
  struct Along {
    double mean, variance;
  };
  const Problem& problem_;
  std::vector<Along> parameters_;  // along each direction
};

// `at_rest` as in deepobs.toml, each of `descents` as in descent.toml. Parameters rest
// on the line from zero to the mean of the examples, where the noise scale is
// `noise_scale`; they are written to `folder`/<name>.safetensors.
[[nodiscard]] Problem make_problem(nlohmann::json at_rest,
                                   std::vector<nlohmann::json> descents,
                                   double noise_scale,
                                   const std::filesystem::path& folder);

}  // namespace batchlab::known_answers
