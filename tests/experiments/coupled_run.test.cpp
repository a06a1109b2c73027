// SPDX-License-Identifier: MIT
//
// Couplings in the training loop: the rate, its schedule and the optimizer follow.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/experiments/support.hpp"

namespace batchlab::test::coupled_run_test {

using testing::HasSubstr;

std::string refusal(const std::vector<std::string>& settings) {
  return error_of([&] { (void)tiny_run(settings); }).what();
}

TEST(CoupledRun, TheReferenceBatchSizeIsWhereTheFactorIsOne) {
  const auto rate = [](const std::string& coupling) {
    return train({"controllers.0.reference_batch_size=8", "budget={steps=1}",
                  "controllers.0.learning_rate=0.2", coupling})
        .recording.steps.front()
        .learning_rate;
  };
  EXPECT_DOUBLE_EQ(rate("controllers.0.coupling=linear"), 0.8);
  EXPECT_DOUBLE_EQ(rate("controllers.0.coupling=sqrt"), 0.4);
  EXPECT_DOUBLE_EQ(rate("controllers.0.coupling=none"), 0.2);
}

// From a base of 0.1 at the reference of 32, the gain r = (S/32 + 1) / (S/B + 1) of the
// noise scale S known before the step; 1 until there is one. The stair of 0.5 each 100
// examples counts 32 r for each step.
TEST(CoupledRun, AdaScaleFollowsTheNoiseScaleAndItsScheduleTheGain) {
  const Trained trained =
      train({"controllers.0={name=\"cyclic\", sizes=[32, 64, 128], per=\"step\", "
             "coupling=\"adascale\"}",
             "schedule={name=\"step\", every_examples=100, factor=0.5}",
             "budget={steps=12}"});
  double noise_scale = 0, progress = 0;
  int known = 0;
  for (const Statistics& step : trained.recording.steps) {
    const auto batch_size = static_cast<double>(step.batch_size);
    const double gain =
        noise_scale > 0 ? (noise_scale / 32 + 1) / (noise_scale / batch_size + 1) : 1;
    EXPECT_NEAR(step.learning_rate, 0.1 * gain * std::exp2(-std::floor(progress / 100)),
                1e-12)
        << step.step;
    progress += 32 * gain;
    if (step.noise_scale.value_or(0) > 0) noise_scale = *step.noise_scale, ++known;
  }
  EXPECT_GT(known, 5) << "the test is too weak to tell";
}

// k = 128 / 32 = 4: rate x 2, 1 - beta1 = 0.4, 1 - beta2 = 0.004, epsilon / 2.
TEST(CoupledRun, AdamSdeIsAdamWithOtherConstants) {
  const std::vector<std::string> common{"controllers.0.batch_size=128",
                                        "controllers.0.reference_batch_size=32",
                                        "data.tail=drop"};
  const auto losses = [&](const std::string& optimizer, const std::string& coupling) {
    std::vector<std::string> settings = common;
    settings.insert(settings.end(), {"optimizer={name=\"adam\", " + optimizer + "}",
                                     "controllers.0.coupling=" + coupling});
    return train(settings).recording.losses();
  };
  const auto followed = losses("learning_rate=0.01", "adam_sde");
  const auto expected =
      losses("learning_rate=0.02, beta1=0.6, beta2=0.996, epsilon=5e-8", "none");
  ASSERT_EQ(followed.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(followed[i], expected[i], 1e-5) << i;
  }
  EXPECT_GT(std::abs(followed.back() - losses("learning_rate=0.02", "none").back()),
            1e-4);
}

TEST(CoupledRun, IsRefusedWhereTheCouplingIsNotDefinedForTheOptimizer) {
  EXPECT_THAT(refusal({"controllers.0.coupling=adam_sde"}),
              HasSubstr("controllers[0]: coupling adam_sde is defined for adam and "
                        "adamw, got optimizer sgd"));
  EXPECT_THAT(refusal({"controllers.0.coupling=adascale", "optimizer={name=\"adam\"}"}),
              HasSubstr("coupling adascale is defined for sgd, got optimizer adam"));
  EXPECT_THAT(
      refusal({"controllers.0.coupling=adascale_sqrt", "optimizer={name=\"adagrad\"}"}),
      HasSubstr("adam and adamw, got optimizer adagrad"));
  for (const char* coupling : {"none", "linear", "sqrt", "power"}) {
    EXPECT_NO_THROW((void)tiny_run({fmt::format("controllers.0.coupling={}", coupling),
                                    "optimizer={name=\"adagrad\"}"}));
  }
  EXPECT_EQ(tiny_run({"controllers.0.coupling=power"}).coupling_power, 0.75);
  EXPECT_THAT(refusal({"controllers.0.coupling_power=1"}), HasSubstr("coupling_power"));
}

}  // namespace batchlab::test::coupled_run_test
