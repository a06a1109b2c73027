// SPDX-License-Identifier: MIT
//
// A quadratic form by its eigenvalues and eigenvectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace batchlab {

// Q = sum_k eigenvalue_k eigenvector_k^T eigenvector_k
struct Quadratic {
  std::vector<double> eigenvalues;
  std::vector<double> eigenvectors;  // a row each: orthonormal

  [[nodiscard]] std::size_t dimensions() const { return eigenvalues.size(); }
  [[nodiscard]] std::span<const double> eigenvector(std::size_t k) const {
    return std::span(eigenvectors).subspan(k * dimensions(), dimensions());
  }
};

// `eigenvalues`: one for each dimension, or none: a tenth of them in (30, 60), the
// others in (0, 1), drawn from `seed`. So are the eigenvectors, uniformly.
[[nodiscard]] Quadratic make_quadratic(std::size_t dimensions,
                                       std::span<const double> eigenvalues,
                                       std::uint32_t seed);

}  // namespace batchlab
