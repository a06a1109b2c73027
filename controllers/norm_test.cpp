// SPDX-License-Identifier: MIT
//
// Norm test: enlarge the batch once the noise of the gradient drowns the gradient.
//
//     passes while   V / (B q)  <=  theta^2,   otherwise   B  <-  V / (theta^2 q)
//
// V: trace of the covariance of the examples' gradients, q = |mean gradient|^2, both of
// the step just made. Since q = G2 + V (1/B - 1/N) on average, they balance at
// B = V (1 - theta^2) / (theta^2 (G2 - V/N)), about (1/theta^2 - 1) noise scales. Never
// shrinks, so that of many steps the noisiest decides: it ends above, by how much
// tests/known_answers shows. With `horizon_examples` V and q are averages, and it
// settles there. Byrd, Chin, Nocedal, Wu: Sample size selection in optimization methods
// for machine learning (2012), eq. 3.9.

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/noise_averages.hpp"
#include "controllers/variance_tests.hpp"

namespace batchlab {

using nlohmann::json;

const Entry builtin::norm_test{
    .name = "norm_test",
    .summary = "enlarges the batch once gradient noise drowns the gradient",
    .source = "Byrd, Chin, Nocedal, Wu 2012, eq. 3.9",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                number_option("tolerance", 0.5, 0.001, 10, "",
                              "noise over gradient that still passes (theta)"),
                horizon_option()},
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<VarianceTests>(
          "norm_test", options, setting,
          std::vector{VarianceTest::norm(options.at("tolerance"))});
    },
};

}  // namespace batchlab
