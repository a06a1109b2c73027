// SPDX-License-Identifier: MIT
//
// With eigenvalue h, variance c and mean m of theta - x_i along an eigenvector, plain
// SGD with rate r and batches of B multiplies m by 1 - r h a step, and the variance of
// theta comes to where a step forgets as much of it as its noise adds:
//
//     variance of theta  =  r h c (1/B - 1/N) / (2 - r h)
//     loss  =  sum h (c (1 - 1/N) + m^2 + variance of theta) / 2
//     E q   =  sum h^2 (m^2 + variance of theta + c (1/B - 1/N))
#include "tests/known_answers/problem.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "experiments/specification.hpp"
#include "nn/safetensors.hpp"

namespace batchlab::known_answers {

namespace {

using Vector = std::vector<double>;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// The examples as the network sees them.
class Inputs {
 public:
  Inputs(const Dataset& data, float scale, std::vector<std::uint32_t> examples)
      : data_(data), scale_(scale), examples_(std::move(examples)) {}

  [[nodiscard]] Vector mean() const {
    Vector mean(data_.features());
    for (const std::uint32_t example : examples_) {
      for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += input(example, j);
    }
    for (double& value : mean) value /= static_cast<double>(examples_.size());
    return mean;
  }

  // Of <direction, x_i>, divisor N - 1.
  [[nodiscard]] double variance(const Vector& direction) const {
    Vector along;
    for (const std::uint32_t example : examples_) {
      double product = 0;
      for (std::size_t j = 0; j < direction.size(); ++j) {
        product += direction[j] * input(example, j);
      }
      along.push_back(product);
    }
    const auto count = static_cast<double>(along.size());
    const double mean = std::accumulate(along.begin(), along.end(), 0.0) / count;
    double squares = 0;
    for (const double value : along) squares += (value - mean) * (value - mean);
    return squares / (count - 1);
  }

  [[nodiscard]] QuadraticNoise noise(const Quadratic& quadratic,
                                     const std::vector<float>& position) const {
    return quadratic_noise(quadratic, data_, examples_, scale_, position);
  }

 private:
  [[nodiscard]] double input(std::uint32_t example, std::size_t j) const {
    return double{scale_ * static_cast<float>(data_.inputs(example, j))};
  }

  const Dataset& data_;
  float scale_;
  std::vector<std::uint32_t> examples_;
};

// Fills in what is known of `problem` with its parameters at `position`.
void add_closed_form(const Inputs& inputs, const Quadratic& quadratic,
                     const Vector& mean, const std::vector<float>& position,
                     Problem& problem) {
  Vector difference(position.begin(), position.end());
  for (std::size_t j = 0; j < mean.size(); ++j) difference[j] -= mean[j];
  Vector image(mean.size());  // Q G, and <g_i, G> = <theta - x_i, Q G>
  for (std::size_t k = 0; k < quadratic.dimensions(); ++k) {
    const auto eigenvector = quadratic.eigenvector(k);
    const Vector direction(eigenvector.begin(), eigenvector.end());
    const double h = quadratic.eigenvalues[k], variance = inputs.variance(direction);
    const double centre = dot(direction, difference);
    problem.directions.push_back({h, variance, centre, -dot(direction, mean)});
    problem.variance_squares += std::pow(h * h * variance, 2);
    for (std::size_t j = 0; j < mean.size(); ++j) {
      image[j] += h * h * centre * direction[j];
    }
  }
  problem.noise = inputs.noise(quadratic, position);
  problem.variance_along =
      inputs.variance(image) / problem.noise.true_gradient_norm_squared;
}

void divide_learning_rates(nlohmann::json& specification, double divisor) {
  const auto divide = [&](nlohmann::json& table) {
    if (!table.contains("learning_rate")) return;
    table["learning_rate"] = table["learning_rate"].get<double>() / divisor;
  };
  divide(specification.at("optimizer"));
  for (nlohmann::json& entry : specification.at("controllers")) divide(entry);
}

}  // namespace

Problem make_problem(nlohmann::json at_rest, std::vector<nlohmann::json> descents,
                     double noise_scale, const std::filesystem::path& folder) {
  Problem problem;
  problem.name = at_rest.at("name");
  const RunConfiguration run = expand(at_rest).front();
  problem.source = load_data(run.data);
  const Dataset& data = problem.source.training;
  const Inputs inputs(data, run.data.input_scale, make_split(run.data, data).training);
  problem.examples = static_cast<double>(make_split(run.data, data).training.size());
  const LayerOptions& layer = run.layers.at(0);
  const Quadratic quadratic =
      make_quadratic(data.features(), layer.eigenvalues, layer.seed);

  // |G|^2 falls with the square of the distance from the mean; V is the same anywhere.
  const Vector mean = inputs.mean();
  const std::vector<float> zero(mean.size());
  const double left =
      std::sqrt(inputs.noise(quadratic, zero).noise_scale() / noise_scale);
  std::vector<float> position;
  for (const double value : mean) {
    position.push_back(static_cast<float>((1 - left) * value));
  }
  add_closed_form(inputs, quadratic, mean, position, problem);

  const std::string weights = (folder / (problem.name + ".safetensors")).string();
  write_safetensors(weights,
                    {{{"layers.0.position", {position.size()}, position}}, {}});
  const double largest_eigenvalue =
      *std::max_element(quadratic.eigenvalues.begin(), quadratic.eigenvalues.end());
  for (nlohmann::json& descent : descents) {
    descent["data"] = at_rest.at("data");
    descent["model"] = at_rest.at("model");
    divide_learning_rates(descent, largest_eigenvalue);
  }
  at_rest["initial_weights"] = weights;
  problem.at_rest = std::move(at_rest);
  problem.descents = std::move(descents);
  return problem;
}

double Problem::seen_noise_scale() const {
  return noise_scale() / (1 - noise_scale() / examples);
}

double Problem::effective_directions() const {
  return noise.gradient_variance_trace * noise.gradient_variance_trace /
         variance_squares;
}

double Problem::norm_test_size(double theta) const {
  return seen_noise_scale() * (1 / (theta * theta) - 1);
}

double Problem::inner_product_test_size(double theta) const {
  const double along = variance_along / noise.gradient_variance_trace;
  return seen_noise_scale() * (along / (theta * theta) - 1);
}

double Problem::orthogonal_test_size(double nu) const {
  const double along = variance_along / noise.gradient_variance_trace;
  return seen_noise_scale() * ((1 - along) / (nu * nu) - 1);
}

Problem::Expected Problem::after_descent(double batch_size, double learning_rate,
                                         double steps) const {
  const double share = 1 / batch_size - 1 / examples;
  Expected expected;
  for (const Direction& d : directions) {
    const double h = d.curvature, step = learning_rate * h;
    const double left = std::pow(d.first_mean * std::pow(1 - step, steps), 2);
    const double balance = step * d.variance * share / (2 - step);
    expected.loss += h * (d.variance * (1 - 1 / examples) + left + balance) / 2;
    expected.norm_squared += h * h * (left + balance + d.variance * share);
  }
  return expected;
}

Problem::Expected Problem::at_zero(double batch_size) const {
  return after_descent(batch_size, 0, 0);
}

Descent::Descent(const Problem& problem) : problem_(problem) {
  for (const Direction& d : problem.directions) {
    parameters_.push_back({d.first_mean, 0});
  }
}

void Descent::step(double batch_size, double learning_rate) {
  const double share = 1 / batch_size - 1 / problem_.examples;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Direction& d = problem_.directions[i];
    const double move = learning_rate * d.curvature;
    Along& along = parameters_[i];
    along.mean *= 1 - move;
    along.variance =
        (1 - move) * (1 - move) * along.variance + move * move * d.variance * share;
  }
}

double Descent::loss() const {
  double loss = problem_.noise.least_loss;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [mean, variance] = parameters_[i];
    loss += problem_.directions[i].curvature * (mean * mean + variance) / 2;
  }
  return loss;
}

double Problem::loss_at_rest() const {
  double loss = noise.least_loss;
  for (const Direction& d : directions) loss += d.curvature * d.mean * d.mean / 2;
  return loss;
}

}  // namespace batchlab::known_answers
