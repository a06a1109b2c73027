// SPDX-License-Identifier: MIT
//
// Inner product test: a batch whose gradient likely points downhill.
//
//     plain      passes while   VarIP / B  <=  theta^2 q^2
//     augmented  and            VarOrth / B  <=  nu^2 q
//     otherwise  B  <-  VarIP / (theta^2 q^2)  or  VarOrth / (nu^2 q), the larger
//
// q = |gbar|^2, VarIP: variance over the examples of <g_i, gbar>, VarOrth: of what of
// g_i is orthogonal to gbar. With W the variance of the g_i along gbar, VarIP = W q and
// VarOrth = V - W: the norm test with the noise along the gradient in place of all of
// it. q = G2 + V (1/B - 1/N) on average, so that with W and V constant it settles at
// B = (W / theta^2 - V) / (G2 - V/N), and passes at any B where W <= theta^2 V; so it
// does across for any nu of 1 or more. Never shrinks: the noisiest of many steps
// decides, or with `horizon_examples` averages of V, q and W. (The paper averages too,
// as a safeguard: the gradients of the last iterations.) Bollapragada, Byrd, Nocedal:
// Adaptive sampling strategies for stochastic optimization (2018), arXiv 1710.11258.

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/noise_averages.hpp"
#include "controllers/variance_tests.hpp"

namespace batchlab {

using nlohmann::json;

const Entry builtin::inner_product_test{
    .name = "inner_product_test",
    .summary = "enlarges the batch until its gradient likely points downhill",
    .source = "Bollapragada, Byrd, Nocedal 2018, arXiv 1710.11258",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                choice_option("form", {"plain", "augmented"},
                              "noise along the gradient, or that across it too"),
                number_option("tolerance", 0.9, 0.001, 10, "",
                              "noise along the gradient that still passes (theta)"),
                only_for("form", {"augmented"},
                         number_option("orthogonal_tolerance", 5.84, 0.001, 1000, "",
                                       "noise across it that still passes (nu)")),
                horizon_option()},
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      std::vector tests{VarianceTest::inner_product(options.at("tolerance"))};
      if (options.at("form") == "augmented") {
        tests.push_back(VarianceTest::orthogonal(options.at("orthogonal_tolerance")));
      }
      return std::make_unique<VarianceTests>("inner_product_test", options, setting,
                                             tests);
    },
};

}  // namespace batchlab
