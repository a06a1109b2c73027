// SPDX-License-Identifier: MIT
//
// The way of a round, or of what is evaluated, through the network.
#include <numeric>

#include "nn/elementwise.hpp"
#include "nn/training_step.hpp"

namespace batchlab {

namespace {

void copy_labels(const Dataset& data, std::span<const std::uint32_t> examples,
                 std::uint8_t* labels) {
  for (std::size_t i = 0; i < examples.size(); ++i) {
    labels[i] = data.labels.data()[examples[i]];
  }
}

void accumulate(const LossSum& more, LossSum& sum) {
  sum.loss += more.loss;
  sum.correct += more.correct;
}

}  // namespace

LossSum TrainingStep::run_rounds(const Batch& batch) {
  cut_ = cut_batch(batch.size(), options_);
  batch_size_ += batch.size();
  lanes_ += cut_.lanes();
  LossSum loss;
  for (std::size_t round = 0; round < cut_.rounds; ++round) {
    const auto [begin, end] = part(batch.size(), round, cut_.rounds);
    if (round > 0) keep_round(extended_ || round > cut_.rounds / 2 ? 1 : 0);
    accumulate(run_tiles(batch, begin, end), loss);
  }
  return loss;
}

// Rows [begin, end) of the batch become the round.
LossSum TrainingStep::run_tiles(const Batch& batch, std::size_t begin,
                                std::size_t end) {
  round_rows_ = end - begin;
  const bool by_parts = cut_.inputs_by_parts && !network_.input_parts().empty();
  if (by_parts) multiply_inputs_by_parts(batch, begin);
  const std::size_t tiles = tiles_of(round_rows_, cut_.tile_height);
  const auto rows_of = [&](std::size_t tile, std::size_t last_tile) {
    const std::size_t row = part(round_rows_, tile, tiles).begin;
    const std::size_t row_end = part(round_rows_, last_tile, tiles).end;
    return Tile{begin + row, row_end - row, &batch, seed_, row};
  };
  threads_.run([&](std::size_t worker) {
    const Range own = part(tiles, worker, threads_.workers());
    // Forward together where that changes no bit: operands are copied once.
    const bool together = network_.rows_are_independent() && own.size() > 0;
    if (together) forward(rows_of(own.begin, own.end - 1), workers_[worker], by_parts);
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Tile tile = rows_of(i, i);
      if (!together) forward(tile, workers_[worker], by_parts);
      tiles_[i] = backward(tile, workers_[worker]);
    }
  });
  LossSum loss;
  for (std::size_t i = 0; i < tiles; ++i) {
    accumulate(tiles_[i].loss, loss);
    example_norms_squared_ += tiles_[i].example_norms_squared;
  }
  return loss;
}

// Each thread begins with the rows that it gathers, and goes on with the part of the
// inputs whose weights it updates. For more threads than parts these come by groups of
// rows.
void TrainingStep::multiply_inputs_by_parts(const Batch& batch, std::size_t begin) {
  const auto tile_of = [&](Range rows) {
    return Tile{begin + rows.begin, rows.size(), &batch, seed_, rows.begin};
  };
  threads_.run([&](std::size_t worker) {
    const Range rows = part(round_rows_, worker, workers_.size());
    gather_tile(tile_of(rows), workers_[worker]);
  });
  const std::size_t parts = network_.input_parts().size();
  const std::size_t groups = (workers_.size() + parts - 1) / parts;  // of rows
  threads_.run([&](std::size_t worker) {
    const Range own = part(parts * groups, worker, workers_.size());
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Range rows = part(round_rows_, i % groups, groups);
      if (rows.size() == 0) continue;
      network_.forward_part(tile_of(rows), i / groups, parameters_.data(), round_);
    }
  });
}

void TrainingStep::forward(const Tile& tile, Worker& worker, bool by_parts) {
  const auto examples =
      std::span(tile.batch->examples).subspan(tile.first_row, tile.rows);
  copy_labels(data_, examples, worker.labels.data() + tile.workspace_row);
  if (by_parts) {
    network_.finish_forward(tile, parameters_.data(), round_);
  } else {
    gather_tile(tile, worker);
    network_.forward(tile, parameters_.data(), round_);
  }
}

void TrainingStep::gather_tile(const Tile& tile, Worker& worker) {
  worker.time.in_data([&] {
    gather(data_, std::span(tile.batch->examples).subspan(tile.first_row, tile.rows),
           round_.input(tile.workspace_row));
  });
}

TrainingStep::TileSums TrainingStep::backward(const Tile& tile, Worker& worker) {
  MatrixView logits = network_.logits(tile, round_);
  TileSums sums{network_.loss()(logits, worker.labels.data() + tile.workspace_row)};
  network_.backward(tile, parameters_.data(), round_);
  if (!measurements_.examples) return sums;
  worker.time.in_statistics([&] {
    double* norms_squared = worker.example_norms_squared.data();
    network_.example_norms(tile, round_, norms_squared);
    sums.example_norms_squared =
        std::accumulate(norms_squared, norms_squared + tile.rows, 0.0);
  });
  return sums;
}

void TrainingStep::gather(const Dataset& data, std::span<const std::uint32_t> examples,
                          float* inputs) const {
  const std::size_t features = data.features();
  const std::uint8_t* bytes = data.inputs.data();
  constexpr std::size_t ahead = 4;  // examples: they lie anywhere in memory
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (i + ahead < examples.size()) {
      prefetch(bytes + examples[i + ahead] * features, features);
    }
    scale_bytes(bytes + examples[i] * features, features, input_scale_,
                inputs + i * features);
  }
}

EvaluationResult TrainingStep::evaluate(const Dataset& data,
                                        std::span<const std::uint32_t> examples) {
  const std::size_t tiles =
      tiles_of(examples.size(), cut_batch(1, options_).tile_height);
  std::vector<LossSum> sums(tiles);
  const Array& parameters = average_ ? average_->values() : parameters_;
  threads_.run([&](std::size_t number) {
    Worker& worker = workers_[number];
    const Range own = part(tiles, number, threads_.workers());
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Range rows = part(examples.size(), i, tiles);
      const auto of_tile = examples.subspan(rows.begin, rows.size());
      gather(data, of_tile, worker.scratch.input(0));
      copy_labels(data, of_tile, worker.labels.data());
      const Tile tile{.rows = rows.size()};
      network_.forward(tile, parameters.data(), worker.scratch);
      MatrixView logits = network_.logits(tile, worker.scratch);
      sums[i] = network_.loss()(logits, worker.labels.data());
    }
  });
  EvaluationResult result;
  for (const LossSum& sum : sums) {
    result.loss += sum.loss;
    result.accuracy += sum.correct;
  }
  result.loss /= static_cast<double>(examples.size());
  result.accuracy /= static_cast<double>(examples.size());
  return result;
}

}  // namespace batchlab
