// SPDX-License-Identifier: MIT
//
// The result is cut into blocks of a few rows by a few vectors, which stay in registers
// while k runs:
//
//     block(i, j) += left(i, k) * right(k, j),   k = begin, ..., end - 1
//
// Where the right operand is wide, its rows lie pages apart, and where it is transposed
// it has none: it is read from contiguous panels, which the product copies where it is
// not given any. Then k runs in stretches, for each of which the panels are copied, and
// given them a left operand whose rows are no runs in memory.
#include "nn/product_kernel.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <utility>
#include <vector>

#include "nn/batch_cut.hpp"
#include "nn/elementwise.hpp"
#include "nn/operand_copies.hpp"

namespace batchlab {

namespace {

constexpr std::size_t width = FloatBatch::size;

// Sums, one row of the right operand and one element of the left fit the registers: 32
// vectors of 16 floats, or 16 of 8. Where they fill them all, as 4 rows by 3 of 8 do,
// GCC reads the right operand again for each row: measured, half as much time again.
constexpr std::size_t block_rows = 6;

// A right operand with more columns than this is worked off in panels, of so many
// vectors at a time, read in runs of 256 bytes. Measured at 1024 columns: 30 to 50 %
// less time from 16 rows on. At 128, where rows lie so that few of them share the
// first-level cache, vectors of 8 take up to 10 % less time from 128 rows on and those
// of 16 none.
constexpr std::size_t most_columns_in_place = width == 8 ? 64 : 256;
constexpr std::size_t panel_vectors = 64 / width;

bool in_runs(const StridedMatrix& left) {
  return left.inner_stride == 1 || left.inner_stride == -1;
}

// Terms of a stretch. Each reads and writes the sums once more, so that long ones take
// 5 % less time at 128 columns and 5 to 30 % less at 1024. With few rows, and a left
// operand that is copied, shorter ones were faster.
std::size_t stretch_terms(const StridedMatrix& left, std::size_t rows) {
  if (width == 16) return 128;
  if (!in_runs(left)) return 256;
  return rows < 64 ? 512 : 1024;
}

// Sums of at least so many terms pay for a copy of a left operand of row_stride 1.
constexpr std::size_t many_terms = 256;

// Fewer rows do not pay for a product's own copies, unless those of the right operand
// lie pages apart.
constexpr std::size_t least_rows_in_panels = 96;
constexpr std::size_t columns_pages_apart = 256;

// Rows of the left operand that meet all the panels at hand before the next rows do.
constexpr std::size_t rows_in_cache = 128;

// Rows of a right operand that is read where it stands, asked for this early, have come
// from the second-level cache in time: with vectors of 8 a step of 16 rows takes 13 %
// less time than with copies, one of 32 5 %. Panels come by themselves: asked for, they
// take up to 10 % more.
constexpr std::ptrdiff_t rows_ahead = width == 8 ? 12 : 0;

// One stretch of k: the sums begin with what `from` holds (null: zero), and on the way
// are written to each of `sums`, whose `inner` counts from the stretch's first k.
struct Stretch {
  StridedMatrix left;  // at the stretch's first k
  const float* right;
  std::ptrdiff_t right_stride;
  const float* from;
  std::span<const RunningSum> sums;
  std::size_t result_at, result_stride;  // of the block, in `from` and in results
  const float* written_next;             // null: nothing to be asked for
  std::size_t vector_step = width;       // floats from one vector to the next

  [[nodiscard]] std::size_t inner() const { return sums.back().inner; }
};

// f(0), ..., f(Count - 1), but no loop, around which GCC would keep in memory what
// belongs into registers.
template <std::size_t Count, class F>
void unrolled(F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { (f(I), ...); }
  (std::make_index_sequence<Count>{});
}

// A block of `Rows` x `Vectors`. InPlace: the right operand is no panel. InnerStride:
// of the left operand where its rows are runs in memory, 1 or, backwards, -1; else 0.
//
// At times, it seems while another guest has its other thread, a core begins fewer
// instructions in a cycle than the loop needs. Four terms a turn, with strides that the
// compiler knows: measured with vectors of 8, 4 to 20 % less time then and 0 to 6 %
// otherwise, with 8 rows 30 % either way.
//
// Flattened, for a function of its own that is given the sums keeps them in memory: of
// 24 vectors of 16 GCC makes one, and the product takes three times as long.
template <std::size_t Rows, std::size_t Vectors, bool InPlace,
          std::ptrdiff_t InnerStride>
[[gnu::flatten]] void multiply_block(const Stretch& stretch) {
  constexpr bool in_runs = InnerStride != 0;
  const std::size_t row_stride = in_runs ? stretch.left.row_stride : 1;
  const std::ptrdiff_t inner_stride = in_runs ? InnerStride : stretch.left.inner_stride;
  const std::ptrdiff_t right_stride =
      InPlace ? stretch.right_stride : std::ptrdiff_t{block_width};
  const std::size_t vector_step = InPlace ? stretch.vector_step : width;
  const float* left = stretch.left.data;
  const float* right = stretch.right;
  // Copies: any store of floats might change `stretch`.
  const std::size_t result_at = stretch.result_at;
  const std::size_t result_stride = stretch.result_stride;
  FloatBatch sums[Rows][Vectors];
  // f(sum, its place in a result whose place of the block is `first`), without a loop.
  const auto for_each_sum = [&](auto* first, auto&& f) {
    unrolled<Rows>([&](std::size_t i) {
      unrolled<Vectors>([&](std::size_t j) { f(sums[i][j], first + j * vector_step); });
      first += result_stride;
    });
  };
  if (stretch.from) {
    for_each_sum(stretch.from + result_at, [](FloatBatch& sum, const float* from) {
      sum = load<FloatBatch>(from);
    });
  } else {
    unrolled<Rows * Vectors>(
        [&](std::size_t n) { sums[n / Vectors][n % Vectors] = FloatBatch(0.0F); });
  }
  if (const float* row = stretch.written_next) {
    row += result_at;
    for (std::size_t i = 0; i < Rows; ++i, row += result_stride) {
      for (std::size_t j = 0; j < Vectors * width; j += 16) {  // a line each
        __builtin_prefetch(row + j, 1);
      }
    }
  }
  std::size_t k = 0;
  for (const RunningSum& sum : stretch.sums) {
    const std::size_t end = sum.inner;
#pragma GCC unroll 4
    for (; k < end; ++k) {
      if constexpr (InPlace && rows_ahead > 0) {
        __builtin_prefetch(right + rows_ahead * right_stride);
      }
      FloatBatch vectors[Vectors];
      for (std::size_t j = 0; j < Vectors; ++j) {
        vectors[j] = FloatBatch::load_unaligned(right + j * vector_step);
      }
      for (std::size_t i = 0; i < Rows; ++i) {
        const FloatBatch factor(left[i * row_stride]);
        for (std::size_t j = 0; j < Vectors; ++j) {
          sums[i][j] = xsimd::fma(factor, vectors[j], sums[i][j]);
        }
      }
      right += right_stride;
      left += inner_stride;
    }
    for_each_sum(sum.result + result_at,
                 [](const FloatBatch& value, float* to) { store(to, value); });
  }
}

using Block = void (*)(const Stretch&);

template <bool InPlace, std::ptrdiff_t InnerStride, std::size_t... I>
constexpr auto make_blocks(std::index_sequence<I...>) {
  return std::array<Block, sizeof...(I)>{
      multiply_block<I / block_vectors + 1, I % block_vectors + 1, InPlace,
                     InnerStride>...};
}

template <bool InPlace>
void multiply_block(const Stretch& stretch, std::size_t rows, std::size_t vectors) {
  using Sizes = std::make_index_sequence<block_rows * block_vectors>;
  static constexpr auto forwards = make_blocks<InPlace, 1>(Sizes{});
  static constexpr auto backwards = make_blocks<InPlace, -1>(Sizes{});
  static constexpr auto of_columns = make_blocks<InPlace, 0>(Sizes{});
  const auto& blocks = stretch.left.inner_stride == 1    ? forwards
                       : stretch.left.inner_stride == -1 ? backwards
                                                         : of_columns;
  blocks[(rows - 1) * block_vectors + vectors - 1](stretch);
}

// The last `count` columns of some rows, fewer than a vector: the sums of a whole
// vector whose last `count` are theirs. right: rows of one such vector each.
void multiply_tail(const Stretch& stretch, std::size_t rows, std::size_t count) {
  float block[block_rows * width] = {};
  const auto at = [&](std::size_t i) { return block + (i + 1) * width - count; };
  const auto offset = [&](std::size_t i) {
    return stretch.result_at + i * stretch.result_stride;
  };
  for (std::size_t i = 0; stretch.from && i < rows; ++i) {
    std::copy_n(stretch.from + offset(i), count, at(i));
  }
  Stretch part = stretch;
  part.from = block;
  part.result_at = 0;
  part.result_stride = width;
  part.written_next = nullptr;
  std::size_t k = 0;
  for (const RunningSum& sum : stretch.sums) {
    const RunningSum step{sum.inner - std::exchange(k, sum.inner), block};
    part.sums = {&step, 1};
    multiply_block<true>(part, rows, 1);
    const auto terms = static_cast<std::ptrdiff_t>(step.inner);
    part.left.data += terms * part.left.inner_stride;
    part.right += terms * part.right_stride;
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(at(i), count, sum.result + offset(i));
    }
  }
}

}  // namespace

bool kernel_is_fast() {
#if defined(__FMA__)
  return width >= 8;
#else
  return false;
#endif
}

namespace {

// Where a product should copy a right operand that has no panels yet.
bool panels_pay(std::size_t rows, std::ptrdiff_t row_stride) {
  const auto apart = static_cast<std::size_t>(std::abs(row_stride));
  return apart > columns_pages_apart ||
         (apart > most_columns_in_place && rows >= least_rows_in_panels);
}

bool left_is_copied(std::size_t terms, std::size_t columns) {
  return columns > columns_pages_apart ||
         (columns > most_columns_in_place && terms >= many_terms);
}

}  // namespace

std::size_t rows_at_a_time(std::size_t terms, std::size_t columns) {
  static_assert(least_rows_at_a_time % block_rows == 0);
  static_assert(most_rows_at_a_time % block_rows == 0);
  return left_is_copied(terms, columns) ? most_rows_at_a_time : least_rows_at_a_time;
}

// A row more than needed, for rows of several panels not to share a cache set.
Panels::Panels(std::size_t most_rows, std::size_t columns)
    : columns_(columns),
      stride_((most_rows + 1) * block_width),
      data_(uninitialised(columns > most_columns_in_place
                              ? divide_up(columns, block_width) * stride_
                              : 0)) {}

void Panels::copy(const float* values, std::size_t first, std::size_t count) {
  if (empty()) return;
  pack_right(values, columns_, count, columns_ / width,
             data_.data() + first * block_width, stride_);
}

namespace {

// A whole product, or its part over one stretch of k.
struct Product {
  Stretch whole;  // at row 0, column 0
  std::size_t rows, columns;
  std::size_t column_stride;  // of the right operand
  const float* panels;        // of it, or null
  std::size_t panel_stride;
  const float* tail;  // right operand of the last columns: rows of one vector each
  std::ptrdiff_t tail_stride;
};

void multiply_stretch(const Product& product, bool right_in_panels, bool copy_left) {
  thread_local Copy left_copy, right_panels;
  const std::size_t columns = product.columns;
  Stretch stretch = product.whole;
  if (copy_left) {
    stretch.left = pack_left(stretch.left, product.rows, stretch.inner(), left_copy);
  }
  // f(at, height) for each block of rows, of nearly equal height, with `at` brought
  // there in place: copies of it are costly.
  const auto for_each_row_block = [&](const Range& rows, Stretch& at,
                                      std::size_t column, auto&& f) {
    if (rows.size() == 0) return;
    const std::size_t blocks = divide_up(rows.size(), block_rows);
    const std::size_t least = rows.size() / blocks, higher = rows.size() % blocks;
    std::size_t row = rows.begin;
    for (std::size_t i = 0; i < blocks; ++i) {
      const std::size_t height = i < higher ? least + 1 : least;
      at.left.data = stretch.left.data + row * stretch.left.row_stride;
      at.result_at = row * stretch.result_stride + column;
      f(at, height);
      row += height;
    }
  };
  const std::size_t row_tiles = divide_up(product.rows, rows_in_cache);
  // One vector and a few columns: the second vector ends with the last column, and what
  // both hold is summed twice. 10 columns with vectors of 8 take a quarter less time.
  const bool overlap = !right_in_panels && width < columns && columns < 2 * width;
  if (overlap) stretch.vector_step = columns - width;
  const std::size_t whole_vectors = overlap ? 2 : columns / width;
  const std::size_t group = right_in_panels ? panel_vectors : whole_vectors;
  Stretch panel = stretch;
  if (right_in_panels) panel.right_stride = block_width;
  for (std::size_t first = 0; first < whole_vectors; first += group) {
    const std::size_t in_group = std::min(group, whole_vectors - first);
    const float* panels = product.panels + first / block_vectors * product.panel_stride;
    std::size_t panel_stride = product.panel_stride;
    if (right_in_panels && !product.panels) {
      panel_stride = stretch.inner() * block_width;
      make_room(right_panels, panel_vectors / block_vectors * panel_stride);
      if (product.column_stride == 1) {
        pack_right(stretch.right + first * width, stretch.right_stride, stretch.inner(),
                   in_group, right_panels.data(), panel_stride);
      } else {
        pack_right_columns(stretch.right + first * width * product.column_stride,
                           product.column_stride, stretch.inner(), in_group,
                           right_panels.data(), panel_stride);
      }
      panels = right_panels.data();
    }
    for (std::size_t tile = 0; tile < row_tiles; ++tile) {
      const Range rows = part(product.rows, tile, row_tiles);
      for (std::size_t at = 0; at < in_group; at += block_vectors) {
        const std::size_t vectors = std::min(block_vectors, in_group - at);
        panel.right = right_in_panels ? panels + at / block_vectors * panel_stride
                                      : stretch.right + (first + at) * width;
        for_each_row_block(rows, panel, (first + at) * width,
                           [&](const Stretch& block, std::size_t height) {
                             if (right_in_panels) {
                               multiply_block<false>(block, height, vectors);
                             } else {
                               multiply_block<true>(block, height, vectors);
                             }
                           });
      }
    }
  }
  const std::size_t first = whole_vectors * width;
  if (first >= columns) return;
  Stretch tail = stretch;
  tail.right = product.tail;
  tail.right_stride = product.tail_stride;
  for_each_row_block({0, product.rows}, tail, first,
                     [&](const Stretch& at, std::size_t height) {
                       multiply_tail(at, height, columns - first);
                     });
}

}  // namespace

void multiply_by_kernel(const StridedMatrix& left, std::size_t rows,
                        const RightOperand& right, std::span<const RunningSum> sums,
                        std::size_t result_stride) {
  assert(left.row_stride == 1 || in_runs(left));
  assert(right.row_stride == 1 || right.column_stride == 1);
  assert(!right.panels || right.row_stride > 0);
  const std::size_t inner = sums.back().inner, columns = right.columns;
  const bool given = right.panels && !right.panels->empty();
  const bool left_in_runs = in_runs(left);
  const bool right_in_rows = right.column_stride == 1;
  const bool in_panels =
      given || !right_in_rows || (left_in_runs && panels_pay(rows, right.row_stride));
  const bool copy_left = given && !left_in_runs && left_is_copied(inner, columns);
  const bool tail_in_place = right_in_rows && columns >= width;
  const bool has_tail = columns % width != 0;
  const float* tail = nullptr;
  if (has_tail) {
    tail = tail_in_place ? right.data + columns - width : widen(right, inner);
  }
  const std::ptrdiff_t tail_stride =
      tail_in_place ? right.row_stride : std::ptrdiff_t{width};
  thread_local std::vector<RunningSum> of_stretch;
  const float* from = nullptr;
  std::size_t k = 0;
  auto sum = sums.begin();
  do {
    const std::size_t end =
        in_panels ? std::min(inner, k + stretch_terms(left, rows)) : inner;
    of_stretch.clear();
    for (; sum != sums.end() && sum->inner <= end; ++sum) {
      of_stretch.push_back({sum->inner - k, sum->result});
    }
    if (of_stretch.empty() || of_stretch.back().inner < end - k) {
      of_stretch.push_back({end - k, sum->result});  // and on in the next stretch
    }
    const auto done = static_cast<std::ptrdiff_t>(k);
    const StridedMatrix rest{left.data + done * left.inner_stride, left.row_stride,
                             left.inner_stride};
    multiply_stretch(
        {{rest, right.data + done * right.row_stride, right.row_stride, from,
          of_stretch, 0, result_stride, k == 0 ? sums.back().written_next : nullptr},
         rows,
         columns,
         right.column_stride,
         given ? right.panels->data() + k * block_width : nullptr,
         given ? right.panels->stride() : 0,
         has_tail ? tail + done * tail_stride : nullptr,
         tail_stride},
        in_panels, copy_left);
    from = of_stretch.back().result;
    k = end;
  } while (k < inner);
}

}  // namespace batchlab
