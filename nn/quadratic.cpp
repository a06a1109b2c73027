// SPDX-License-Identifier: MIT
//
// The eigenvalues of DeepOBS's quadratic_deep (Schneider, Balles, Hennig 2019), after
// the spectra that Chaudhari et al. found of deep networks (arXiv 1611.01838). Normal
// numbers made orthonormal one row after the other are uniform among all rotations and
// reflections (Stewart 1980).
#include "nn/quadratic.hpp"

#include <cassert>
#include <cmath>
#include <numeric>

#include "nn/random.hpp"

namespace batchlab {

namespace {

RandomCounter bits_of(std::uint32_t seed, std::size_t row, std::size_t column) {
  return random_bits(
      seed, RandomPurpose::quadratic,
      {static_cast<std::uint32_t>(column), static_cast<std::uint32_t>(row), 0, 0});
}

// Row 0 of the random numbers: the eigenvectors are drawn from those that follow.
std::vector<double> draw_eigenvalues(std::size_t dimensions, std::uint32_t seed) {
  std::vector<double> eigenvalues(dimensions);
  const std::size_t small = dimensions - dimensions / 10;
  for (std::size_t k = 0; k < dimensions; ++k) {
    const double draw = double{uniform_float(bits_of(seed, 0, k)[0])};
    eigenvalues[k] = k < small ? draw : 30 + 30 * draw;
  }
  return eigenvalues;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Modified Gram-Schmidt.
std::vector<double> draw_eigenvectors(std::size_t dimensions, std::uint32_t seed) {
  std::vector<double> vectors(dimensions * dimensions);
  const auto row = [&](std::size_t k) {
    return std::span(vectors).subspan(k * dimensions, dimensions);
  };
  for (std::size_t k = 0; k < dimensions; ++k) {
    for (std::size_t j = 0; j < dimensions; ++j) {
      const RandomCounter bits = bits_of(seed, k + 1, j);
      row(k)[j] = normal_double(bits[0], bits[1]);
    }
    for (std::size_t before = 0; before < k; ++before) {
      const double share = dot(row(k), row(before));
      for (std::size_t j = 0; j < dimensions; ++j) row(k)[j] -= share * row(before)[j];
    }
    const double length = std::sqrt(dot(row(k), row(k)));
    for (double& value : row(k)) value /= length;
  }
  return vectors;
}

}  // namespace

Quadratic make_quadratic(std::size_t dimensions, std::span<const double> eigenvalues,
                         std::uint32_t seed) {
  assert(eigenvalues.empty() || eigenvalues.size() == dimensions);
  return {eigenvalues.empty()
              ? draw_eigenvalues(dimensions, seed)
              : std::vector<double>(eigenvalues.begin(), eigenvalues.end()),
          draw_eigenvectors(dimensions, seed)};
}

}  // namespace batchlab
