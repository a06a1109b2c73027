// SPDX-License-Identifier: MIT
#include "nn/batch_cut.hpp"

#include <algorithm>

#include "nn/elementwise.hpp"

namespace batchlab {

namespace {

constexpr std::size_t default_tile_height = 128;
constexpr std::size_t default_lanes = 2;

constexpr std::size_t most_few_rows = 128;

// 784-128-10, the first layer by parts of the inputs against all of them. Vectors of 8
// (Zen 3): at 8, 32, 64 and 128 two threads take 0.94, 0.95, 1.00 and 0.99 of the time,
// and 0.58, 0.77, 0.81 and 0.97 while their cores are far apart; the least time of one
// thread is 0.97 to 0.99 of what it was; at 512 one thread loses 2 to 4 %. Vectors of
// 16 (Zen 5), two threads: at 256 and 512 1.00 and 1.02, and 0.84 and 0.90 far apart,
// where 1024 and 4096 take 0.94 and 0.95; one thread 0.97 and 0.89 to 1.02, and 1.00.
constexpr bool many_rows_go_by_parts = FloatBatch::size == 16;

}  // namespace

Range part(std::size_t size, std::size_t i, std::size_t parts) {
  return {i * size / parts, (i + 1) * size / parts};
}

std::size_t tiles_of(std::size_t rows, std::size_t tile_height) {
  return std::min(rows, 2 * divide_up(rows, 2 * tile_height));
}

Cut cut_batch(std::size_t batch_size, const CutOptions& options) {
  const std::size_t rounds = batch_size <= most_round_rows
                                 ? 1
                                 : 2 * divide_up(batch_size, 2 * most_round_rows);
  const std::size_t lanes = options.lanes ? options.lanes : default_lanes;
  const std::size_t height =
      options.tile_height ? options.tile_height : default_tile_height;
  const bool few_rows = batch_size <= most_few_rows;
  return {rounds, std::min(divide_up(lanes, rounds), batch_size),
          std::min(height, most_round_rows), few_rows,
          few_rows || many_rows_go_by_parts};
}

}  // namespace batchlab
