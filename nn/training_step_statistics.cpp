// SPDX-License-Identifier: MIT
//
// What a step measures beside its mean gradient: by rows and by lanes here, else by
// pieces on the way of the update (training_step.cpp).
#include "nn/elementwise.hpp"
#include "nn/pair_products.hpp"
#include "nn/random.hpp"
#include "nn/training_step.hpp"

namespace batchlab {

// Of the last round's rows with gradient_. Where these rows are the batch, layers may
// go by pairs of them.
InnerProducts TrainingStep::inner_products() {
  const std::size_t rows = round_rows_;
  const std::size_t pair_rows = cut_.rounds == 1 && !extended_ ? rows : 0;
  const std::size_t tiles = round_tiles();
  const auto pairs_of = [&](std::size_t share) {
    return pair_products_.data() + share * most_round_rows;
  };
  const auto work = [&](std::size_t worker) {
    const Range own = part(tiles, worker, threads_.workers());
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Range in_tile = part(rows, i, tiles);
      const Tile tile{.rows = in_tile.size(), .workspace_row = in_tile.begin};
      network_.example_norms(tile, round_, row_norms_squared_.data() + in_tile.begin);
      network_.inner_products(tile, round_, gradient_.data(), pair_rows,
                              workers_[worker].scratch,
                              row_products_.data() + in_tile.begin);
    }
    if (pair_rows == 0) return;
    const Range shares = part(pair_shares, worker, threads_.workers());
    for (std::size_t share = shares.begin; share < shares.end; ++share) {
      network_.pair_products(pair_rows, round_, share, pairs_of(share));
    }
  };
  threads_.run([&](std::size_t worker) {
    workers_[worker].time.in_statistics([&] { work(worker); });
  });
  const double q = total().gradient_norm_squared;
  InnerProducts result{static_cast<std::int64_t>(rows)};
  for (std::size_t row = 0; row < rows; ++row) {
    double pairs = 0;
    for (std::size_t share = 0; pair_rows > 0 && share < pair_shares; ++share) {
      pairs += pairs_of(share)[row];
    }
    const double product = row_products_[row] + pairs / static_cast<double>(rows);
    result.deviations_squared += (product - q) * (product - q);
    result.orthogonal_squared +=
        row_norms_squared_[row] - (q > 0 ? product * product / q : 0);
  }
  return result;
}

// Which pieces are measured by lanes: all, but of the n of a layer of many k = n / 8,
// each 8th from a random one on, beyond the last the first again, which then count for
// n / k (circular systematic sampling, Lahiri 1951). Over these starts the mean of
// total() is that of all pieces, so that V stays unbiased. A function of the seed and
// of what the batch begins with, so that a run may be interrupted.
void TrainingStep::sample_pieces(const Batch& batch) {
  constexpr std::size_t interval = 8, many_pieces = 4 * interval;
  const RandomCounter bits = random_bits(seed_, RandomPurpose::measured_pieces,
                                         {batch.epoch, batch.examples[0]});
  const std::vector<Piece>& pieces = network_.pieces();
  for (std::size_t first = 0; first < pieces.size();) {
    const std::size_t all = pieces[first].pieces_in_layer;
    const std::size_t step = all < many_pieces ? 1 : interval;
    const std::size_t measured = all / step;
    const auto start =
        uniform_integer(bits[0], bits[1], static_cast<std::uint32_t>(all));
    for (std::size_t i = 0; i < measured; ++i) {
      pieces_[first + (start + i * step) % all].lanes_weight =
          static_cast<double>(all) / static_cast<double>(measured);
    }
    first += all;
  }
}

// |gradient sum|^2 / rows of each lane of the round.
void TrainingStep::measure_lanes(std::span<const RunningSum> running, std::size_t size,
                                 PieceSums& sums, Worker& worker) const {
  const std::size_t lanes = cut_.lanes_per_round;
  const std::size_t more = running.size() - lanes;  // the middle, where no lane ends
  const auto sum_to = [&](std::size_t lane) {
    return running[lane < (lanes - 1) / 2 ? lane : lane + more].result;
  };
  worker.time.in_piece_statistics(size, [&] {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const float* sum = sum_to(lane);
      const double norm_squared = lane == 0
                                      ? sum_of_squares(sum, size)
                                      : squared_distance(sum, sum_to(lane - 1), size);
      const auto rows = static_cast<double>(part(round_rows_, lane, lanes).size());
      sums.lanes_norm_squared += norm_squared / rows;
    }
  });
}

// Whether lanes are measured, two of them, and these are the batch.
bool TrainingStep::lanes_are_halves() const {
  return measurements_.lanes && cut_.lanes_per_round == 2 && round_rows_ == batch_size_;
}

// Of two lanes that are the batch, of n + m = B rows, with a the first one's sum, s the
// whole one and g = s / B the mean gradient,
//     |a|^2 / n + |s - a|^2 / m = B |g|^2 + B / (n m) |a - n / B s|^2
// of which this is the second term; the first is added in summary().
void TrainingStep::measure_two_lanes(const RunningSum& first, std::size_t size,
                                     const float* sum, PieceSums& sums,
                                     Worker& worker) const {
  worker.time.in_piece_statistics(size, [&] {
    const auto both = static_cast<double>(batch_size_);
    const auto rows = static_cast<double>(first.inner);
    const double distance_squared =
        squared_distance(first.result, sum, size, static_cast<float>(rows / both));
    sums.lanes_norm_squared = both / (rows * (both - rows)) * distance_squared;
  });
}

TrainingStep::PieceSums TrainingStep::total() const {
  const auto size = static_cast<double>(batch_size_);
  PieceSums total;
  for (const PieceSums& piece : pieces_) {
    const double of_mean = lanes_are_halves() ? 0 : size * piece.gradient_norm_squared;
    total.lanes_norm_squared +=
        piece.lanes_weight * (piece.lanes_norm_squared - of_mean);
    total.half_norms_squared[0] += piece.half_norms_squared[0];
    total.half_norms_squared[1] += piece.half_norms_squared[1];
    total.gradient_norm_squared += piece.gradient_norm_squared;
    total.distance_squared += piece.distance_squared;
    total.finite = total.finite && piece.finite;
  }
  return total;
}

TrainingStep::Update TrainingStep::summary() const {
  const PieceSums sums = total();
  const auto size = static_cast<std::int64_t>(batch_size_);
  const double q = sums.gradient_norm_squared;
  Update update;
  update.gradient = {size, q};
  update.parameters_finite = sums.finite;
  if (measurements_.examples) update.examples = {size, size, example_norms_squared_, q};
  if (measurements_.lanes) {
    const double norms_squared =
        sums.lanes_norm_squared + static_cast<double>(size) * q;
    update.lanes = {size, static_cast<std::int64_t>(lanes_), norms_squared, q};
  }
  if (measurements_.halves && size > 1 && !extended_) {
    const auto rows = static_cast<double>(batch_size_);
    update.half_batch_cosine =
        cosine(sums.half_norms_squared[0], sums.half_norms_squared[1], rows * rows * q);
  }
  if (measurements_.steps) {
    update.steps = pair(previous_, update.gradient, sums.distance_squared);
  }
  return update;
}

TrainingStep::Seconds TrainingStep::seconds() const {
  Seconds mean;
  for (const Worker& worker : workers_) {
    mean.data += worker.time.data_seconds();
    mean.statistics += worker.time.statistics_seconds();
  }
  const auto workers = static_cast<double>(workers_.size());
  return {mean.data / workers, mean.statistics / workers};
}

}  // namespace batchlab
