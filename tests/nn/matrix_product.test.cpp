// SPDX-License-Identifier: MIT
#include "nn/matrix_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "tests/nn/random_values.hpp"

namespace batchlab::matrix_product_test {

struct Shape {
  std::size_t rows, inner, columns;
};

const Shape shapes[] = {
    {1, 1, 1},     {1, 7, 1},       {1, 1, 9},        {5, 1, 1},      {1, 13, 10},
    {6, 1, 4},     {8, 5, 1},       {2, 3, 4},        {17, 31, 5},    {33, 64, 10},
    {64, 100, 33}, {128, 784, 10},  {7, 20, 16},      {13, 30, 64},   {19, 41, 77},
    {4, 9, 128},   {1, 50, 200},    {6, 1, 47},       {40, 600, 128}, {18, 300, 77},
    {9, 270, 300}, {20, 520, 1030}, {100, 1100, 128}, {7, 14, 21},    {300, 600, 1}};

// left: rows x inner, right: inner x columns, both by their index functions.
template <class Left, class Right>
std::vector<double> naive_product(const Shape& shape, Left left, Right right) {
  std::vector<double> product(shape.rows * shape.columns);
  for (std::size_t i = 0; i < shape.rows; ++i) {
    for (std::size_t j = 0; j < shape.columns; ++j) {
      for (std::size_t k = 0; k < shape.inner; ++k) {
        product[i * shape.columns + j] += double{left(i, k)} * double{right(k, j)};
      }
    }
  }
  return product;
}

// The result starts as not a number: it must be overwritten.
template <class Product>
void expect_product(const Shape& shape, const std::vector<double>& expected,
                    Product product) {
  const std::size_t size = shape.rows * shape.columns;
  std::vector<float> result(size + 1, std::numeric_limits<float>::quiet_NaN());
  const float guard = result[size] = 0.25F;
  MatrixView matrix = view(result.data(), shape.rows, shape.columns);
  product(matrix);
  for (std::size_t i = 0; i < size; ++i) {
    ASSERT_NEAR(result[i], expected[i], 1e-6 * static_cast<double>(shape.inner + 1))
        << shape.rows << " x " << shape.inner << " x " << shape.columns << " at " << i;
  }
  EXPECT_EQ(result[size], guard) << "wrote past the end";
}

TEST(MatrixProduct, EqualsNaiveLoops) {
  RandomValues random(1);
  for (const Shape& shape : shapes) {
    const auto left = random.floats(shape.rows * shape.inner);
    const auto right = random.floats(shape.inner * shape.columns);
    const auto expected = naive_product(
        shape, [&](auto i, auto k) { return left[i * shape.inner + k]; },
        [&](auto k, auto j) { return right[k * shape.columns + j]; });
    expect_product(shape, expected, [&](MatrixView& result) {
      multiply(view(left.data(), shape.rows, shape.inner),
               view(right.data(), shape.inner, shape.columns), result);
    });
  }
}

TEST(MatrixProduct, OfSomeColumnsEqualsNaiveLoops) {
  RandomValues random(3);
  for (const Shape& shape : shapes) {
    for (const std::size_t first : {0, 1, 13}) {
      const std::size_t all = first + shape.inner + 2;
      const std::vector<float> written_next(shape.rows * shape.columns, 0.5F);
      const auto left = random.floats(shape.rows * all);
      const auto right = random.floats(shape.inner * shape.columns);
      const auto expected = naive_product(
          shape, [&](auto i, auto k) { return left[i * all + first + k]; },
          [&](auto k, auto j) { return right[k * shape.columns + j]; });
      for (const TermOrder order : {TermOrder::forwards, TermOrder::backwards}) {
        expect_product(shape, expected, [&](MatrixView& result) {
          multiply_columns(view(left.data(), shape.rows, all), {first, shape.inner},
                           view(right.data(), shape.inner, shape.columns), order,
                           result, written_next.data());
        });
      }
      EXPECT_EQ(written_next, std::vector<float>(shape.rows * shape.columns, 0.5F));
    }
  }
}

TEST(MatrixProduct, BackwardsEqualsThatOfReversedOperandsToTheBit) {
  if (!kernel_is_fast()) GTEST_SKIP() << "multiply() is OpenBLAS's";
  RandomValues random(4);
  for (const Shape& shape : shapes) {
    auto left = random.floats(shape.rows * shape.inner);
    auto right = random.floats(shape.inner * shape.columns);
    const auto product = [&](auto multiply_into) {
      const float *l = left.data(), *r = right.data();
      std::vector<float> values(shape.rows * shape.columns);
      MatrixView result = view(values.data(), shape.rows, shape.columns);
      multiply_into(view(l, shape.rows, shape.inner),
                    view(r, shape.inner, shape.columns), result);
      return values;
    };
    const auto backwards = product([&](const auto& a, const auto& b, auto& result) {
      multiply_columns(a, {0, shape.inner}, b, TermOrder::backwards, result);
    });
    std::reverse(left.begin(), left.end());
    std::reverse(right.begin(), right.end());
    auto forwards = product(
        [](const auto& a, const auto& b, auto& result) { multiply(a, b, result); });
    std::reverse(forwards.begin(), forwards.end());
    EXPECT_EQ(backwards, forwards)
        << shape.rows << " x " << shape.inner << " x " << shape.columns;
  }
}

// A product into some columns of a wider result, of which the others stay as they are.
// right_at(k, j): of the whole right operand, shape.columns + first + 3 columns wide.
template <class Right, class Product>
void expect_columns(const Shape& shape, std::size_t first,
                    const std::vector<float>& left, Right right_at, Product product) {
  const std::size_t all = first + shape.columns + 3;
  const auto expected = naive_product(
      shape, [&](auto i, auto k) { return left[i * shape.inner + k]; },
      [&](auto k, auto j) { return right_at(k, first + j); });
  const float guard = 0.25F;
  std::vector<float> result(shape.rows * all, guard);
  MatrixView matrix = view(result.data(), shape.rows, all);
  product(view(left.data(), shape.rows, shape.inner), ColumnRange{first, shape.columns},
          matrix);
  for (std::size_t i = 0; i < shape.rows; ++i) {
    for (std::size_t j = 0; j < all; ++j) {
      const bool outside = j < first || j >= first + shape.columns;
      ASSERT_NEAR(result[i * all + j],
                  outside ? double{guard} : expected[i * shape.columns + j - first],
                  outside ? 0 : 1e-6 * static_cast<double>(shape.inner + 1))
          << shape.inner << " terms, row " << i << ", column " << j << " of " << all
          << " from " << first;
    }
  }
}

TEST(MatrixProduct, IntoColumnsEqualsNaiveLoopsAndLeavesTheOthers) {
  RandomValues random(5);
  for (const Shape& shape : shapes) {
    for (const std::size_t first : {0, 5, 64}) {
      const std::size_t all = first + shape.columns + 3;
      const auto left = random.floats(shape.rows * shape.inner);
      const auto right = random.floats(all * shape.inner);
      expect_columns(
          shape, first, left, [&](auto k, auto j) { return right[k * all + j]; },
          [&](const ConstMatrixView& rows, ColumnRange wanted, MatrixView& result) {
            multiply_into_columns(rows, view(right.data(), shape.inner, all), wanted,
                                  result);
          });
      expect_columns(
          shape, first, left,
          [&](auto k, auto j) { return right[j * shape.inner + k]; },
          [&](const ConstMatrixView& rows, ColumnRange wanted, MatrixView& result) {
            multiply_transposed_into_columns(rows, view(right.data(), all, shape.inner),
                                             wanted, result);
          });
    }
  }
}

// Few rows are read where they stand, many are copied first, or come with a copy.
TEST(MatrixProduct, GivesTheSameBitsToEveryNumberOfRowsWithPanelsOrWithout) {
  if (!kernel_is_fast()) GTEST_SKIP() << "OpenBLAS gives others";
  RandomValues random(4);
  constexpr std::size_t rows = 300, inner = 1100;
  for (const std::size_t columns : {10, 64, 77, 128, 300}) {
    const auto left = random.floats(rows * inner),
               right = random.floats(inner * columns);
    Panels panels(inner, columns);
    panels.copy(right.data(), 500, 0);
    panels.copy(right.data(), 0, 500);
    panels.copy(right.data() + 500 * columns, 500, inner - 500);
    const auto product = [&](std::size_t first, std::size_t count,
                             const Panels* given) {
      std::vector<float> result(count * columns);
      MatrixView matrix = view(result.data(), count, columns);
      multiply(view(left.data() + first * inner, count, inner),
               view(right.data(), inner, columns), matrix, given);
      return result;
    };
    const std::vector<float> whole = product(0, rows, nullptr);
    for (const Panels* given : std::initializer_list<const Panels*>{nullptr, &panels}) {
      for (const std::size_t count : {1, 5, 25, 150, 300}) {
        for (std::size_t first = 0; first < rows; first += count) {
          const std::vector<float> part = product(first, count, given);
          ASSERT_TRUE(
              std::equal(part.begin(), part.end(), whole.begin() + first * columns))
              << count << " rows from " << first << ", " << columns << " columns, "
              << (given ? "with panels" : "without panels");
        }
      }
    }
  }
}

TEST(MatrixProduct, GivesTheSameBitsToEveryRangeOfColumns) {
  if (!kernel_is_fast()) GTEST_SKIP() << "OpenBLAS gives others";
  RandomValues random(6);
  constexpr std::size_t inner = 602, columns = 700;
  for (const std::size_t rows : {5, 130}) {
    const auto left = random.floats(rows * inner),
               right = random.floats(inner * columns),
               transposed = random.floats(inner * columns);
    const ConstMatrixView left_view = view(left.data(), rows, inner),
                          right_view = view(right.data(), inner, columns),
                          transposed_view = view(transposed.data(), columns, inner);
    std::vector<float> whole(rows * columns), parts(rows * columns);
    MatrixView whole_view = view(whole.data(), rows, columns),
               parts_view = view(parts.data(), rows, columns);
    multiply(left_view, right_view, whole_view);
    for (std::size_t first = 0; first < columns; first += 64) {
      const std::size_t count = std::min<std::size_t>(64, columns - first);
      multiply_into_columns(left_view, right_view, {first, count}, parts_view);
    }
    EXPECT_EQ(parts, whole) << rows << " rows";
    multiply_transposed_right(left_view, transposed_view, whole_view);
    for (std::size_t first = 0; first < columns; first += 64) {
      const std::size_t count = std::min<std::size_t>(64, columns - first);
      multiply_transposed_into_columns(left_view, transposed_view, {first, count},
                                       parts_view);
    }
    EXPECT_EQ(parts, whole) << rows << " rows, transposed";
  }
}

TEST(MatrixProduct, TransposedLeftEqualsNaiveLoops) {
  RandomValues random(2);
  for (const Shape& shape : shapes) {
    const auto left = random.floats(shape.inner * (shape.rows + 3));
    const auto right = random.floats(shape.inner * shape.columns);
    const auto naive = [&](std::size_t inner) {
      return naive_product(
          {shape.rows, inner, shape.columns},
          [&](auto i, auto k) { return left[k * (shape.rows + 3) + 2 + i]; },
          [&](auto k, auto j) { return right[k * shape.columns + j]; });
    };
    Panels panels(shape.inner, shape.columns);
    for (std::size_t k = 0; k < shape.inner; k += 5) {
      panels.copy(right.data() + k * shape.columns, k,
                  std::min<std::size_t>(5, shape.inner - k));
    }
    const auto multiply_to = [&](std::span<const RunningSum> sums,
                                 const Panels* of_right) {
      multiply_transposed_left(view(left.data(), shape.inner, shape.rows + 3),
                               {2, shape.rows}, {right.data(), shape.columns, of_right},
                               sums);
    };
    std::vector<float> whole(shape.rows * shape.columns);
    expect_product(shape, naive(shape.inner), [&](MatrixView& result) {
      const RunningSum sum{shape.inner, result.data()};
      multiply_to({&sum, 1}, &panels);
      std::copy(result.begin(), result.end(), whole.begin());
    });
    std::vector<float> in_place(whole.size());
    const RunningSum sum{shape.inner, in_place.data()};
    multiply_to({&sum, 1}, nullptr);
    EXPECT_EQ(in_place, whole);
    // And as a running sum: the bits of the whole stay.
    const std::size_t part = (shape.inner + 2) / 3;
    std::vector<float> last(whole.size());
    expect_product(
        {shape.rows, part, shape.columns}, naive(part), [&](MatrixView& result) {
          const RunningSum sums[] = {{part, result.data()}, {shape.inner, last.data()}};
          multiply_to(sums, &panels);
        });
    EXPECT_EQ(last, whole);
  }
}

// Few columns are another way through the product than many.
TEST(MatrixProduct, TransposedLeftReadsColumnsOfAWiderOperand) {
  RandomValues random(7);
  constexpr std::size_t rows = 40, inner = 70, wide = 31;
  const auto left = random.floats(inner * rows), right = random.floats(inner * wide);
  for (const std::size_t columns : {1, 3, 10, 20}) {
    const Shape shape{rows, inner, columns};
    const auto expected = naive_product(
        shape, [&](auto i, auto k) { return left[k * rows + i]; },
        [&](auto k, auto j) { return right[k * wide + 5 + j]; });
    expect_product(shape, expected, [&](MatrixView& result) {
      const RunningSum sum{inner, result.data()};
      multiply_transposed_left(view(left.data(), inner, rows), {0, rows},
                               {right.data() + 5, columns, nullptr, wide}, {&sum, 1});
    });
  }
}

// Which rows of a gradient are made together depends on the threads.
TEST(MatrixProduct, TransposedLeftGivesTheSameBitsToEveryGroupOfRows) {
  RandomValues random(6);
  constexpr std::size_t rows = 113, inner = 300, part = 130;
  for (const std::size_t columns : {1, 3, 5, 8, 10, 15, 16, 70, 128, 300}) {
    const auto left = random.floats(inner * rows),
               right = random.floats(inner * columns);
    Panels panels(inner, columns);
    panels.copy(right.data(), 0, inner);
    const std::vector<float> parameters = random.floats(rows * columns);
    std::vector<float> written_next = parameters;
    const auto sums_by = [&](std::size_t group) {
      std::vector<float> first(rows * columns), whole(rows * columns);
      for (std::size_t row = 0; row < rows; row += group) {
        const std::size_t at = row * columns;
        const RunningSum sums[] = {
            {part, first.data() + at},
            {inner, whole.data() + at, written_next.data() + at}};
        multiply_transposed_left(view(left.data(), inner, rows),
                                 {row, std::min(group, rows - row)},
                                 {right.data(), columns, &panels}, sums);
      }
      return std::pair(first, whole);
    };
    for (const std::size_t group : {1, 12, 24, 96}) {
      EXPECT_TRUE(sums_by(group) == sums_by(rows))
          << columns << " columns, " << group << " rows at a time";
    }
    EXPECT_EQ(written_next, parameters);
  }
}

// Sums that are empty, equal, at the end of a panel and beyond several: each has the
// bits of a product of so many terms.
TEST(MatrixProduct, RunningSumsHaveTheBitsOfProducts) {
  RandomValues random(5);
  constexpr std::size_t rows = 40, inner = 600;
  for (const std::size_t columns : {10, 128, 300}) {
    const auto left = random.floats(inner * rows),
               right = random.floats(inner * columns);
    Panels panels(inner, columns);
    panels.copy(right.data(), 0, inner);
    const auto sums_of = [&](const std::vector<std::size_t>& ends) {
      std::vector<std::vector<float>> results(ends.size());
      std::vector<RunningSum> sums;
      for (std::size_t i = 0; i < ends.size(); ++i) {
        results[i].assign(rows * columns, std::numeric_limits<float>::quiet_NaN());
        sums.push_back({ends[i], results[i].data()});
      }
      multiply_transposed_left(view(left.data(), inner, rows), {0, rows},
                               {right.data(), columns, &panels}, sums);
      return results;
    };
    const std::vector<std::size_t> ends{0, 0, 1, 256, 256, 600};
    const auto results = sums_of(ends);
    EXPECT_EQ(results[0], std::vector<float>(rows * columns, 0.0F));
    for (std::size_t i = 0; i < ends.size(); ++i) {
      EXPECT_EQ(results[i], sums_of({ends[i]})[0]) << ends[i] << " terms, " << columns;
    }
  }
}

TEST(MatrixProduct, TransposedRightEqualsNaiveLoops) {
  RandomValues random(3);
  for (const Shape& shape : shapes) {
    const auto left = random.floats(shape.rows * shape.inner);
    const auto right = random.floats(shape.columns * shape.inner);
    const auto expected = naive_product(
        shape, [&](auto i, auto k) { return left[i * shape.inner + k]; },
        [&](auto k, auto j) { return right[j * shape.inner + k]; });
    expect_product(shape, expected, [&](MatrixView& result) {
      multiply_transposed_right(view(left.data(), shape.rows, shape.inner),
                                view(right.data(), shape.columns, shape.inner), result);
    });
  }
}

TEST(MatrixProduct, TransposedRightGivesTheBitsOfItsTranspose) {
  if (!kernel_is_fast()) GTEST_SKIP() << "OpenBLAS gives others";
  RandomValues random(8);
  for (const auto& [rows, inner, columns] : shapes) {
    const auto left = random.floats(rows * inner),
               right = random.floats(columns * inner);
    std::vector<float> transpose(inner * columns);
    for (std::size_t i = 0; i < right.size(); ++i) {
      transpose[i % inner * columns + i / inner] = right[i];
    }
    std::vector<float> expected(rows * columns), result(rows * columns);
    MatrixView expected_view = view(expected.data(), rows, columns),
               result_view = view(result.data(), rows, columns);
    const ConstMatrixView left_view = view(left.data(), rows, inner);
    multiply(left_view, view(std::as_const(transpose).data(), inner, columns),
             expected_view);
    multiply_transposed_right(left_view, view(right.data(), columns, inner),
                              result_view);
    EXPECT_EQ(result, expected) << rows << " x " << inner << " x " << columns;
  }
}

TEST(MatrixProduct, KeepsNotANumber) {
  const float left[] = {std::numeric_limits<float>::quiet_NaN(), 0};
  const float right[] = {0, 1};
  float result[] = {0};
  MatrixView matrix = view(result, 1, 1);
  multiply(view(left, 1, 2), view(right, 2, 1), matrix);
  EXPECT_TRUE(std::isnan(result[0]));
}

TEST(DescribeBlas, NamesLibraryAndKernel) {
  const BlasDescription blas = describe_blas();
  EXPECT_NE(blas.configuration.find("OpenBLAS"), std::string::npos);
  EXPECT_FALSE(blas.kernel.empty());
  EXPECT_TRUE(
      std::set<std::string>({"none", "pthreads", "OpenMP"}).contains(blas.threading));
}

}  // namespace batchlab::matrix_product_test
