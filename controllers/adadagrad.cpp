// SPDX-License-Identifier: MIT
//
// AdAdaGrad: the norm test or the inner product test, where AdaGrad makes the updates.
//
//     norm            B  <-  V / (eta^2 q)          once   V / B  >  eta^2 q
//     inner_product   B  <-  VarIP / (theta^2 q^2)  once   VarIP / B  >  theta^2 q^2
//     augmented       likewise, or  VarOrth / (nu^2 q)  if that is more
//
// Equations and letters as in variance_tests.cpp. V, VarIP and VarOrth are those of the
// whole model; the authors' code takes inner products tensor by tensor and adds their
// variances, which leaves out how the tensors vary together. Their theory is of
// AdaGrad, the tests are of the gradient alone and their code runs them under SGD too:
// any optimizer is accepted. The code's tolerances are 0.1 unless given; the defaults
// here are those of its commands for CIFAR. Never shrinks; tests single steps or, with
// `horizon_examples`, averages. Lau, Liu, Kolar: AdAdaGrad, adaptive batch size schemes
// for adaptive gradient methods (2024), arXiv 2402.11215.

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/noise_averages.hpp"
#include "controllers/variance_tests.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

std::vector<VarianceTest> tests_from(const json& options) {
  const std::string test = options.at("test");
  const double tolerance = options.at("tolerance");
  if (test == "norm") return {VarianceTest::norm(tolerance)};
  if (test == "inner_product") return {VarianceTest::inner_product(tolerance)};
  return {VarianceTest::inner_product(tolerance),
          VarianceTest::orthogonal(options.at("orthogonal_tolerance"))};
}

}  // namespace

const Entry builtin::adadagrad{
    .name = "adadagrad",
    .summary = "norm test or inner product test, meant for optimizer adagrad",
    .source = "Lau, Liu, Kolar 2024, arXiv 2402.11215",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                choice_option("test", {"norm", "inner_product", "augmented"},
                              "all noise, that along the gradient, or also across it"),
                number_option("tolerance", 0.5, 0.001, 10, "",
                              "noise over gradient that still passes (eta, theta)"),
                only_for("test", {"augmented"},
                         number_option("orthogonal_tolerance", 1, 0.001, 1000, "",
                                       "noise across it that still passes (nu)")),
                horizon_option()},
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<VarianceTests>("adadagrad", options, setting,
                                             tests_from(options));
    },
};

}  // namespace batchlab
