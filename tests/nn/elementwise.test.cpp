// SPDX-License-Identifier: MIT
#include "nn/elementwise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/nn/random_values.hpp"

namespace batchlab::elementwise_test {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<std::size_t> sizes() {
  std::vector<std::size_t> sizes(101);
  std::iota(sizes.begin(), sizes.end(), 0);
  for (const std::size_t large : {1023, 1024, 1025, 4096, 100'003})
    sizes.push_back(large);
  return sizes;
}

double naive_sum_of_squares(const std::vector<float>& values) {
  double sum = 0;
  for (const float x : values) sum += double{x} * double{x};
  return sum;
}

TEST(ForEachPosition, VisitsEveryPositionOnce) {
  for (const std::size_t size : sizes()) {
    std::vector<float> visits(size);
    for_each_position(size, [&]<class V>(std::size_t i) {
      store(visits.data() + i, load<V>(visits.data() + i) + V(1.0F));
    });
    EXPECT_EQ(visits, std::vector<float>(size, 1.0F)) << size;
  }
}

TEST(SumOfSquares, EqualsDoublePrecisionLoop) {
  RandomValues random(1);
  for (const std::size_t size : sizes()) {
    const auto values = random.floats(size, -3, 5);
    const double expected = naive_sum_of_squares(values);
    EXPECT_NEAR(sum_of_squares(values.data(), size), expected, 1e-6 * expected) << size;
  }
}

TEST(InnerProduct, EqualsNaiveSumAndThatOfSquares) {
  RandomValues random(7);
  for (const std::size_t size : sizes()) {
    const std::vector<float> left = random.floats(size), right = random.floats(size);
    double expected = 0, scale = 0;
    for (std::size_t i = 0; i < size; ++i) {
      expected += double{left[i]} * double{right[i]};
      scale += std::abs(double{left[i]} * double{right[i]});
    }
    EXPECT_NEAR(inner_product(left.data(), right.data(), size), expected, 1e-6 * scale);
    EXPECT_EQ(inner_product(left.data(), left.data(), size),
              sum_of_squares(left.data(), size));
  }
}

// 1 + 4 = 5; (4 - 1)^2 + (6 - 2)^2 = 25.
TEST(PartNormsSquared, OfTwoNumbersByHand) {
  const float first[] = {1, 2}, sum[] = {4, 6};
  const PartNorms norms = part_norms_squared(first, sum, 2);
  EXPECT_EQ(norms.first, 5);
  EXPECT_EQ(norms.second, 25);
}

TEST(PartNormsSquared, AreToTheBitWhatTwoPassesFind) {
  RandomValues random(8);
  for (const std::size_t size : sizes()) {
    const std::vector<float> first = random.floats(size), sum = random.floats(size);
    const PartNorms norms = part_norms_squared(first.data(), sum.data(), size);
    EXPECT_EQ(norms.first, sum_of_squares(first.data(), size)) << size;
    EXPECT_EQ(norms.second, squared_distance(sum.data(), first.data(), size)) << size;
  }
}

// (5 - 3 * 1)^2 + (7 - 3 * 2)^2 = 5.
TEST(SquaredDistance, FromAMultipleOfTwoNumbersByHand) {
  const float values[] = {5, 7}, others[] = {1, 2};
  EXPECT_EQ(squared_distance(values, others, 2, 3), 5);
}

TEST(SquaredDistance, FromAMultipleEqualsADoublePrecisionLoop) {
  RandomValues random(9);
  for (const std::size_t size : sizes()) {
    const std::vector<float> values = random.floats(size), others = random.floats(size);
    double distance = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double difference = double{values[i]} - 0.5 * double{others[i]};
      distance += difference * difference;
    }
    EXPECT_NEAR(squared_distance(values.data(), others.data(), size, 0.5F), distance,
                1e-6 * distance)
        << size;
  }
}

TEST(SumOfSquares, DoesNotDependOnAlignment) {
  RandomValues random(2);
  const auto values = random.floats(1000);
  for (std::size_t shift = 1; shift < 20; ++shift) {
    std::vector<float> shifted(shift + values.size());
    std::copy(values.begin(), values.end(), shifted.begin() + static_cast<long>(shift));
    EXPECT_EQ(sum_of_squares(shifted.data() + shift, values.size()),
              sum_of_squares(values.data(), values.size()));
  }
}

// Equal terms round alike, so that long sums in float would drift.
TEST(SumOfSquares, KeepsPrecisionOverManyTerms) {
  const std::vector<float> values(5'000'001, 1.1F);
  const double expected = naive_sum_of_squares(values);
  EXPECT_NEAR(sum_of_squares(values.data(), values.size()), expected, 5e-7 * expected);
}

TEST(AllFinite, HoldsForFiniteValuesOfAnySize) {
  RandomValues random(3);
  for (const std::size_t size : sizes()) {
    auto values = random.floats(size);
    if (size > 0) values[size / 2] = -std::numeric_limits<float>::max();
    if (size > 1) values[size - 1] = std::numeric_limits<float>::denorm_min();
    EXPECT_TRUE(all_finite(values.data(), size)) << size;
  }
}

TEST(AllFinite, FailsForOneBadValueAnywhere) {
  for (const float bad : {infinity, -infinity, not_a_number}) {
    for (std::size_t size = 1; size <= 100; ++size) {
      std::vector<float> values(size, 1.0F);
      for (std::size_t i = 0; i < size; ++i) {
        values[i] = bad;
        EXPECT_FALSE(all_finite(values.data(), size))
            << bad << " at " << i << "/" << size;
        values[i] = 1.0F;
      }
    }
  }
}

TEST(AllFinite, FailsWhereInfinitiesWouldCancel) {
  std::vector<float> values(40, 0.0F);
  values[3] = infinity;
  values[4] = values[39] = -infinity;
  EXPECT_FALSE(all_finite(values.data(), values.size()));
}

TEST(ScaleBytes, MultipliesEveryByte) {
  for (const std::size_t size : sizes()) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<std::uint8_t>(255 - i * 7);
    std::vector<float> output(size + 1, -1.0F);
    scale_bytes(bytes.data(), size, 1 / 255.0F, output.data());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(output[i], static_cast<float>(bytes[i]) * (1 / 255.0F));
    }
    EXPECT_EQ(output[size], -1.0F) << "wrote past the end";
  }
}

void expect_row_sums(std::size_t rows, std::size_t columns, bool accumulate) {
  RandomValues random(4);
  const auto matrix = random.floats(rows * columns);
  auto sums = random.floats(columns + 1);
  const auto before = sums;
  if (!accumulate) std::fill_n(sums.begin(), columns, not_a_number);
  add_rows(view(matrix.data(), rows, columns), accumulate ? sums.data() : nullptr,
           sums.data());
  for (std::size_t j = 0; j < columns; ++j) {
    double expected = !accumulate ? 0 : double{before[j]};
    for (std::size_t i = 0; i < rows; ++i) expected += double{matrix[i * columns + j]};
    ASSERT_NEAR(sums[j], expected, 1e-5)
        << rows << " x " << columns << ", column " << j;
  }
  EXPECT_EQ(sums[columns], before[columns]) << "wrote past the end";
}

TEST(AddRows, EqualsNaiveLoopForAnyShape) {
  for (const std::size_t columns : sizes()) {
    for (const std::size_t rows : {1, 2, 7}) {
      expect_row_sums(rows, columns, false);
      expect_row_sums(rows, columns, true);
    }
  }
  expect_row_sums(60, 33, false);
}

TEST(AddRows, LeavesSumsAloneWhenThereAreNoRows) {
  float sums[3] = {1, 2, 3};
  const float nothing = 0;
  add_rows(view(&nothing, 0, 3), sums, sums);
  EXPECT_EQ(sums[0] + sums[1] + sums[2], 6);
}

TEST(Exponential, EqualsStandardLibrary) {
  RandomValues random(5);
  for (const std::size_t size : sizes()) {
    auto values = random.floats(size + 1, -85, 85);
    const auto before = values;
    exponential(values.data(), size);
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = std::exp(double{before[i]});
      ASSERT_NEAR(values[i], expected, 3e-7 * expected) << "exp " << before[i];
    }
    EXPECT_EQ(values[size], before[size]) << "wrote past the end";
  }
}

// Sizes 1 and 40: the tail alone, and body and tail.
TEST(Exponential, HandlesZeroUnderflowOverflowAndNotANumber) {
  for (const std::size_t size : {1, 40}) {
    const auto of = [size](float x) {
      std::vector<float> values(size, x);
      exponential(values.data(), size);
      EXPECT_TRUE(values.front() == values.back() || std::isnan(values.back()));
      return values.front();
    };
    EXPECT_EQ(of(0.0F), 1.0F);
    EXPECT_EQ(of(-0.0F), 1.0F);
    for (const float low : {-104.0F, -1000.0F, -3e38F, -infinity})
      EXPECT_EQ(of(low), 0.0F);
    for (const float high : {89.0F, 1000.0F, infinity}) EXPECT_EQ(of(high), infinity);
    EXPECT_TRUE(std::isnan(of(not_a_number)));
    EXPECT_NEAR(of(-88.0F), std::exp(-88.0), 1.2e-38);  // may be flushed to zero
  }
}

TEST(Exponential, DoesNotDependOnPosition) {
  RandomValues random(6);
  const auto values = random.floats(50, -20, 0);
  auto together = values;
  exponential(together.data(), together.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    float alone = values[i];
    exponential(&alone, 1);
    EXPECT_EQ(alone, together[i]);
  }
}

}  // namespace batchlab::elementwise_test
