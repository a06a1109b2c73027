// SPDX-License-Identifier: MIT
//
// How a batch is cut into rounds, tiles and lanes (README.md): by its size and the
// options alone.
#pragma once

#include <cstddef>

namespace batchlab {

struct Range {
  std::size_t begin, end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

// Part i when `size` things are divided into `parts` of nearly equal size.
[[nodiscard]] Range part(std::size_t size, std::size_t i, std::size_t parts);

// As many groups of at most `most` things as `size` things need.
constexpr std::size_t divide_up(std::size_t size, std::size_t most) {
  return (size + most - 1) / most;
}

constexpr std::size_t most_round_rows = 512;

struct CutOptions {
  std::size_t lanes = 0;        // at least this many; 0: 2
  std::size_t tile_height = 0;  // most rows of a tile; 0: 128
};

// Round r of a batch of B rows is part(B, r, rounds); lanes and tiles divide a round in
// the same way. One round or an even number, so that a batch has halves.
struct Cut {
  std::size_t rounds, lanes_per_round, tile_height;
  bool few_rows;  // threads share no copies of weights
  bool by_parts;  // inputs may go by parts (network.hpp): of more rows, only with
                  // vectors of 16 floats

  [[nodiscard]] std::size_t lanes() const { return rounds * lanes_per_round; }
};
[[nodiscard]] Cut cut_batch(std::size_t batch_size, const CutOptions& options);

// Tiles of so many rows: an even number where it can be, for two threads.
[[nodiscard]] std::size_t tiles_of(std::size_t rows, std::size_t tile_height);

}  // namespace batchlab
