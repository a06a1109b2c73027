// SPDX-License-Identifier: MIT
#include "nn/training_step.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "nn/elementwise.hpp"
#include "nn/matrix_product.hpp"

namespace batchlab {

namespace {

constexpr std::size_t default_tile_height = 128;
constexpr std::size_t default_lanes = 2;
constexpr std::size_t most_round_rows = 512;

struct Range {
  std::size_t begin, end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

// Part i when `size` things are divided into `parts` of nearly equal size.
Range part(std::size_t size, std::size_t i, std::size_t parts) {
  return {i * size / parts, (i + 1) * size / parts};
}

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// An even number where it can be, for two threads.
std::size_t tiles_of(std::size_t rows, std::size_t tile_height) {
  return std::min(rows, 2 * divide_up(rows, 2 * tile_height));
}

}  // namespace

Cut cut_batch(std::size_t batch_size, const CutOptions& options) {
  const std::size_t rounds = divide_up(batch_size, most_round_rows);
  const std::size_t lanes = options.lanes ? options.lanes : default_lanes;
  const std::size_t height =
      options.tile_height ? options.tile_height : default_tile_height;
  return {rounds, std::min(divide_up(lanes, rounds), batch_size),
          std::min(height, most_round_rows)};
}

TrainingStep::TrainingStep(const Network& network, const Dataset& data,
                           float input_scale, Array& parameters, Optimizer& optimizer,
                           ThreadPool& threads, const CutOptions& options,
                           std::uint32_t seed)
    : network_(network),
      data_(data),
      input_scale_(input_scale),
      parameters_(parameters),
      optimizer_(optimizer),
      threads_(threads),
      options_(options),
      seed_(seed),
      round_(network, most_round_rows),
      sums_(uninitialised(network.parameter_count())),
      tiles_(tiles_of(most_round_rows, cut_batch(1, options).tile_height)),
      pieces_(network.pieces().size()) {
  use_single_threaded_blas();  // or bits would depend on its threads
  const std::size_t height = cut_batch(1, options).tile_height;
  std::size_t largest = 0;
  for (const Piece& piece : network.pieces()) largest = std::max(largest, piece.size);
  const std::size_t lanes = cut_batch(most_round_rows, options).lanes_per_round;
  for (std::size_t i = 0; i < threads.workers(); ++i) {
    Worker& worker = workers_.emplace_back(Worker{std::vector<std::uint8_t>(height),
                                                  std::vector<double>(height),
                                                  Workspace(network, height),
                                                  uninitialised(lanes * largest),
                                                  {}});
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      worker.sums.push_back({0, worker.sums_memory.data() + lane * largest});
    }
  }
}

LossSum TrainingStep::forward_backward(const Batch& batch, Estimator estimator) {
  batch_size_ = batch.size();
  estimator_ = estimator;
  cut_ = cut_batch(batch.size(), options_);
  loss_ = {};
  example_norms_squared_ = 0;
  std::fill(pieces_.begin(), pieces_.end(), PieceSums{});
  for (std::size_t round = 0; round < cut_.rounds; ++round) {
    const auto [begin, end] = part(batch.size(), round, cut_.rounds);
    if (round == 1) sums_.fill(0);
    if (round > 0) for_each_piece(std::bind_front(&TrainingStep::add_round, this));
    run_tiles(batch, begin, end);
  }
  return loss_;
}

// Rows [begin, end) of the batch become the round.
void TrainingStep::run_tiles(const Batch& batch, std::size_t begin, std::size_t end) {
  round_rows_ = end - begin;
  const std::size_t tiles = tiles_of(round_rows_, cut_.tile_height);
  threads_.run([&](std::size_t worker) {
    const Range own = part(tiles, worker, threads_.workers());
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Range rows = part(round_rows_, i, tiles);
      tiles_[i] = run_tile({begin + rows.begin, rows.size(), &batch, seed_, rows.begin},
                           workers_[worker]);
    }
  });
  for (std::size_t i = 0; i < tiles; ++i) {
    loss_.loss += tiles_[i].loss.loss;
    loss_.correct += tiles_[i].loss.correct;
    example_norms_squared_ += tiles_[i].example_norms_squared;
  }
}

TrainingStep::TileSums TrainingStep::run_tile(const Tile& tile, Worker& worker) {
  gather(data_, std::span(tile.batch->examples).subspan(tile.first_row, tile.rows),
         round_.input(tile.workspace_row), worker.labels.data());
  MatrixView logits = network_.forward(tile, parameters_.data(), round_);
  TileSums sums{softmax_cross_entropy(logits, worker.labels.data())};
  network_.backward(tile, parameters_.data(), round_);
  if (estimator_ == Estimator::per_example) {
    double* norms_squared = worker.example_norms_squared.data();
    network_.example_norms(tile, round_, norms_squared);
    sums.example_norms_squared =
        std::accumulate(norms_squared, norms_squared + tile.rows, 0.0);
  }
  return sums;
}

void TrainingStep::gather(const Dataset& data, std::span<const std::uint32_t> examples,
                          float* inputs, std::uint8_t* labels) const {
  const std::size_t features = data.features();
  const std::uint8_t* bytes = data.inputs.data();
  constexpr std::size_t ahead = 4;  // examples: they lie anywhere in memory
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (i + ahead < examples.size()) {
      prefetch(bytes + examples[i + ahead] * features, features);
    }
    scale_bytes(bytes + examples[i] * features, features, input_scale_,
                inputs + i * features);
    labels[i] = data.labels.data()[examples[i]];
  }
}

// f(piece, its sums, worker) on the threads. Every worker has one stretch of the
// parameters: what it wrote is in its cache.
template <class F>
void TrainingStep::for_each_piece(F&& f) {
  threads_.run([&](std::size_t worker) {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const Piece& piece = network_.pieces()[i];
      const std::size_t middle = piece.offset + piece.size / 2;
      if (middle * workers_.size() / parameters_.size() != worker) continue;
      f(piece, pieces_[i], workers_[worker]);
    }
  });
}

// A round that others follow.
void TrainingStep::add_round(const Piece& piece, PieceSums& sums, Worker& worker) {
  sums.lanes_norm_squared += sum_round(piece, worker);
  add(worker.sums.back().result, piece.size, sums_.data() + piece.offset);
}

// The round's gradient sums into the last of the worker's. Returns the sum over lanes
// of |gradient sum|^2 / rows where the estimator asks for it. The lanes follow each
// other in one running sum: measuring them changes no bit of it.
double TrainingStep::sum_round(const Piece& piece, Worker& worker) const {
  const bool measured = estimator_ == Estimator::micro_batch;
  const std::size_t lanes = measured ? cut_.lanes_per_round : 1;
  const std::span sums = std::span(worker.sums).last(lanes);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    sums[lane].inner = part(round_rows_, lane, lanes).end;
  }
  network_.gradient(piece, round_, sums);
  double norms_squared = 0;
  for (std::size_t lane = 0; measured && lane < lanes; ++lane) {
    const double norm_squared =
        lane == 0
            ? sum_of_squares(sums[0].result, piece.size)
            : squared_distance(sums[lane].result, sums[lane - 1].result, piece.size);
    norms_squared +=
        norm_squared / static_cast<double>(part(round_rows_, lane, lanes).size());
  }
  return norms_squared;
}

// The mean gradient, after the last round, into the last of the worker's sums.
TrainingStep::PieceSums TrainingStep::finish_gradient(const Piece& piece,
                                                      Worker& worker) const {
  PieceSums squares;
  squares.lanes_norm_squared = sum_round(piece, worker);
  float* sums = worker.sums.back().result;
  if (cut_.rounds > 1) add(sums_.data() + piece.offset, piece.size, sums);
  squares.gradient_norm_squared =
      scale(1 / static_cast<float>(batch_size_), piece.size, sums);
  return squares;
}

void TrainingStep::update_piece(const Piece& piece, PieceSums& sums, Worker& worker) {
  float* parameters = parameters_.data() + piece.offset;
  if (workers_.size() > 1) claim_lines(parameters, piece.size);
  const PieceSums last = finish_gradient(piece, worker);
  sums.lanes_norm_squared += last.lanes_norm_squared;
  sums.gradient_norm_squared = last.gradient_norm_squared;
  optimizer_.update(parameters, {worker.sums.back().result, piece.size}, piece.offset);
  sums.finite = all_finite(parameters, piece.size);
}

TrainingStep::Update TrainingStep::update(double learning_rate, double batch_ratio) {
  optimizer_.begin_step(learning_rate, batch_ratio);
  for_each_piece(std::bind_front(&TrainingStep::update_piece, this));
  Update update;
  double lanes_norm_squared = 0;
  for (const PieceSums& piece : pieces_) {
    update.gradients.gradient_norm_squared += piece.gradient_norm_squared;
    lanes_norm_squared += piece.lanes_norm_squared;
    update.parameters_finite = update.parameters_finite && piece.finite;
  }
  update.gradients.batch_size = static_cast<std::int64_t>(batch_size_);
  if (estimator_ == Estimator::per_example) {
    update.gradients.groups = update.gradients.batch_size;
    update.gradients.weighted_norms_squared = example_norms_squared_;
  } else if (estimator_ == Estimator::micro_batch) {
    update.gradients.groups = static_cast<std::int64_t>(cut_.lanes());
    update.gradients.weighted_norms_squared = lanes_norm_squared;
  }
  return update;
}

Array TrainingStep::gradient() {
  Array gradient = uninitialised(parameters_.size());
  for_each_piece([&](const Piece& piece, const PieceSums&, Worker& worker) {
    finish_gradient(piece, worker);
    std::copy_n(worker.sums.back().result, piece.size, gradient.data() + piece.offset);
  });
  return gradient;
}

EvaluationResult TrainingStep::evaluate(const Dataset& data,
                                        std::span<const std::uint32_t> examples) {
  const std::size_t tiles =
      tiles_of(examples.size(), cut_batch(1, options_).tile_height);
  std::vector<LossSum> sums(tiles);
  threads_.run([&](std::size_t number) {
    Worker& worker = workers_[number];
    const Range own = part(tiles, number, threads_.workers());
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Range rows = part(examples.size(), i, tiles);
      gather(data, examples.subspan(rows.begin, rows.size()),
             worker.evaluation.input(0), worker.labels.data());
      MatrixView logits = network_.forward({.rows = rows.size()}, parameters_.data(),
                                           worker.evaluation);
      sums[i] = softmax_cross_entropy(logits, worker.labels.data());
    }
  });
  EvaluationResult result;
  for (const LossSum& sum : sums) {
    result.loss += sum.loss;
    result.accuracy += static_cast<double>(sum.correct);
  }
  result.loss /= static_cast<double>(examples.size());
  result.accuracy /= static_cast<double>(examples.size());
  return result;
}

}  // namespace batchlab
