// SPDX-License-Identifier: MIT
//
// What norm_test, inner_product_test and adadagrad share: tests of the gradient's noise
// that a batch passes if it is large enough, and the rule that grows it until it does:
// by what each step measures, as published, or by averages (noise_averages.hpp).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.hpp"
#include "controllers/noise_averages.hpp"
#include "controllers/registry.hpp"

namespace batchlab {

// Passed while  variance / B  <=  tolerance^2 q,  or q^2;  q = |mean gradient|^2.
struct VarianceTest {
  std::optional<double> Statistics::*variance;  // over the examples of the batch
  double tolerance = 0;
  bool against_q_squared = false;
  std::string_view left, right;  // both sides in words, for the reason

  static VarianceTest norm(double theta);
  static VarianceTest inner_product(double theta);
  static VarianceTest orthogonal(double nu);
};

// Wants the least batch that passes all of `tests`. Never shrinks; where a statistic is
// absent or a least batch cannot be named, the last wish stays, and so it does before
// averages have seen their horizon.
class VarianceTests final : public Controller {
 public:
  // `rule`: its name, for messages. `options`: of the rule; read are `batch_size` and
  // `horizon_examples`.
  // Throws Error(usage) for a first batch larger than the training set.
  VarianceTests(const std::string& rule, const nlohmann::json& options,
                const Setting& setting, std::vector<VarianceTest> tests);

  [[nodiscard]] Needs needs() const override;
  [[nodiscard]] Decision decide(const Statistics& statistics) override;
  [[nodiscard]] nlohmann::json save() const override;
  void load(const nlohmann::json& state) override;

 private:
  [[nodiscard]] Decision test(const Statistics& statistics);

  std::vector<VarianceTest> tests_;
  double batch_size_;                      // wanted
  std::optional<NoiseAverages> averages_;  // absent: each step is tested
};

}  // namespace batchlab
