// SPDX-License-Identifier: MIT
#include "nn/noisy_quadratic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "controllers/error.hpp"

namespace batchlab::noisy_quadratic_test {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(NoisyQuadratic, HasTheSizesAskedForAndAFifthOfThemToTest) {
  const DataSource source =
      make_noisy_quadratic({.examples = 11, .dimensions = 3, .seed = 0});
  EXPECT_EQ(source.name, "noisy-quadratic");
  EXPECT_EQ(source.training.examples(), 11U);
  EXPECT_EQ(source.test.examples(), 3U);
  for (const Dataset* data : {&source.training, &source.test}) {
    EXPECT_EQ(data->features(), 3U);
    EXPECT_THAT(data->shape, ElementsAre(3));
    EXPECT_EQ(data->classes, 1U);
    EXPECT_THAT(data->labels, Each(0));
  }
}

// Uniform in 0 .. 255: mean 127.5, variance (256^2 - 1) / 12 = 5461.25, of 200,000
// bytes; within five standard errors, the variance's being at most that of a normal.
TEST(NoisyQuadratic, BytesAreUniform) {
  const DataSource source =
      make_noisy_quadratic({.examples = 20000, .dimensions = 10, .seed = 3});
  double sum = 0, squares = 0;
  for (const std::uint8_t byte : source.training.inputs) {
    sum += byte;
    squares += (byte - 127.5) * (byte - 127.5);
  }
  const double count = 2e5, variance = 5461.25;
  EXPECT_NEAR(sum / count, 127.5, 5 * std::sqrt(variance / count));
  EXPECT_NEAR(squares / count, variance, 5 * variance * std::sqrt(2 / count));
}

TEST(NoisyQuadratic, IsAFunctionOfItsSeedAndTestsOnOtherExamples) {
  const DataSource source = make_noisy_quadratic({}), again = make_noisy_quadratic({});
  EXPECT_EQ(source.training.inputs, again.training.inputs);
  EXPECT_EQ(source.checksum, again.checksum);
  EXPECT_EQ(source.checksum.size(), 17U);
  EXPECT_NE(make_noisy_quadratic({.seed = 1}).checksum, source.checksum);
  const auto& test = source.test.inputs;
  EXPECT_FALSE(std::equal(test.begin(), test.end(), source.training.inputs.begin()));
}

TEST(NoisyQuadratic, MoreExamplesBeginWithTheSame) {
  const auto few = make_noisy_quadratic({.examples = 7, .dimensions = 5, .seed = 0});
  const auto more = make_noisy_quadratic({.examples = 8, .dimensions = 5, .seed = 0});
  EXPECT_TRUE(std::equal(few.training.inputs.begin(), few.training.inputs.end(),
                         more.training.inputs.begin()));
}

TEST(NoisyQuadratic, IsLoadedByNameAndFromNoFolder) {
  const GeneratedData small{.examples = 4, .dimensions = 2, .seed = 9};
  EXPECT_EQ(load_data("noisy-quadratic", "", small).checksum,
            make_noisy_quadratic(small).checksum);
  try {
    (void)load_data("noisy-quadratic", "/somewhere");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr("/somewhere"));
  }
}

}  // namespace batchlab::noisy_quadratic_test
