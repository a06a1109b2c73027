// SPDX-License-Identifier: MIT
//
//     rate  =  base rate  *  factor
//
// With B the batch size used, B0 the reference for which the base rate was tuned,
// k = B / B0 and S = V / G2 the noise scale:
//
//     none           1
//     linear         k
//     sqrt           k^0.5
//     power          k^p
//     adascale       r = (V/B0 + G2) / (V/B + G2) = (S/B0 + 1) / (S/B + 1)
//     adascale_sqrt  r^0.5
//     saturating     1 / (1 + S/B)
//     surge          2 / (sqrt(S/B) + sqrt(B/S))
//     adam_sde       k^0.5, and 1 - beta1 and 1 - beta2 times k, epsilon / k^0.5
//
// r, the gain of AdaScale, goes from k where noise dominates to 1 where it does not.
// The base rate of `saturating` and `surge` is the largest rate, reached as B grows,
// and at B = S.

#include "controllers/coupling.hpp"

#include <cmath>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

double ratio(const CouplingInput& input) {
  return input.batch_size / input.reference_batch_size;
}

double gain(const CouplingInput& input) {
  return (input.noise_scale / input.reference_batch_size + 1) /
         (input.noise_scale / input.batch_size + 1);
}

double surge(const CouplingInput& input) {
  const double root = std::sqrt(input.noise_scale / input.batch_size);
  return 2 / (root + 1 / root);
}

}  // namespace

std::span<const Coupling> couplings() {
  using Input = const CouplingInput&;
  static const std::vector<Coupling> table{
      {.name = "none",
       .summary = "the learning rate does not follow the batch size",
       .source = "baseline",
       .formula = "1",
       .factor = [](Input) { return 1.0; }},
      {.name = "linear",
       .summary = "the learning rate is proportional to the batch size",
       .source = "Goyal et al. 2017, arXiv 1706.02677",
       .formula = "k",
       .factor = ratio},
      {.name = "sqrt",
       .summary = "the learning rate follows the square root of the batch size",
       .source = "Krizhevsky 2014, arXiv 1404.5997; Hoffer et al. 2017, arXiv "
                 "1705.08741; for Adam Malladi et al. 2022, arXiv 2205.10287",
       .formula = "k^0.5",
       .factor = [](Input input) { return std::sqrt(ratio(input)); }},
      {.name = "power",
       .summary = "the learning rate follows a power of the batch size",
       .source = "between none, sqrt and linear",
       .formula = "k^p",
       .factor = [](Input input) { return std::pow(ratio(input), input.power); }},
      {.name = "adascale",
       .summary = "as much as the noise allows: proportional where noise dominates",
       .source = "Johnson et al. 2020, AdaScale SGD, arXiv 2007.05105",
       .formula = "r = (S/B0 + 1) / (S/B + 1)",
       .factor = gain,
       .reads_noise_scale = true,
       .counts_gain = true,
       .optimizers = {"sgd"}},
      {.name = "adascale_sqrt",
       .summary = "the square root of AdaScale's gain",
       .source = "Qiao et al. 2021, Pollux, arXiv 2008.12260",
       .formula = "r^0.5",
       .factor = [](Input input) { return std::sqrt(gain(input)); },
       .reads_noise_scale = true,
       .optimizers = {"adam", "adamw"}},
      {.name = "saturating",
       .summary = "nears its largest value as the batch outgrows the noise scale",
       .source = "McCandlish et al. 2018, arXiv 1812.06162, eq. 2.6",
       .formula = "1 / (1 + S/B)",
       .factor =
           [](Input input) { return 1 / (1 + input.noise_scale / input.batch_size); },
       .reads_noise_scale = true,
       .optimizers = {"sgd"}},
      {.name = "surge",
       .summary = "largest where the batch is the noise scale, less on either side",
       .source = "Li et al. 2024, arXiv 2405.14578",
       .formula = "2 / (sqrt(S/B) + sqrt(B/S))",
       .factor = surge,
       .reads_noise_scale = true,
       .optimizers = {"adam", "adamw"}},
      {.name = "adam_sde",
       .summary = "square root, and the moments' memory kept in examples",
       .source = "Malladi et al. 2022, arXiv 2205.10287",
       .formula = "k^0.5, and the moments remember as many examples",
       .factor = [](Input input) { return std::sqrt(ratio(input)); },
       .scales_moments = true,
       .optimizers = {"adam", "adamw"}},
  };
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
