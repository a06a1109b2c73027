// SPDX-License-Identifier: MIT
//
//     rate  =  base rate  *  factor(k),   k = B / B0
//
// B: batch size used, B0: the reference for which the base rate was tuned.

#include "controllers/coupling.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "controllers/error.hpp"

namespace batchlab {

std::span<const Coupling> couplings() {
  static const std::array<Coupling, 3> table{{
      {"none", "the learning rate does not follow the batch size", "baseline",
       [](double) { return 1.0; }},
      {"linear", "the learning rate is proportional to the batch size",
       "Goyal et al. 2017, arXiv 1706.02677", [](double k) { return k; }},
      {"sqrt", "the learning rate follows the square root of the batch size",
       "Krizhevsky 2014, arXiv 1404.5997; Hoffer et al. 2017, arXiv 1705.08741; "
       "for Adam Malladi et al. 2022, arXiv 2205.10287",
       [](double k) { return std::sqrt(k); }},
  }};
  return table;
}

const Coupling& find_coupling(const std::string& name) {
  std::vector<std::string> known;
  for (const Coupling& coupling : couplings()) {
    if (coupling.name == name) return coupling;
    known.push_back(coupling.name);
  }
  throw unknown_name("coupling", name, known);
}

}  // namespace batchlab
