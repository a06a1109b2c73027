// SPDX-License-Identifier: MIT
#include "nn/training_step.hpp"

#include <algorithm>

#include "nn/elementwise.hpp"
#include "nn/matrix_product.hpp"

namespace batchlab {

namespace {

constexpr std::size_t default_tile_height =
    128;                                  // rows: stay in the second-level cache
constexpr std::size_t chunk_size = 2048;  // parameters: stay in the first-level cache

// Two lanes serve two threads and the micro-batch estimator; more only where a lane
// keeps whole tiles of its own, for the reduction reads every lane.
std::size_t default_lanes(std::size_t batch_size) {
  if (batch_size < 1024) return 2;
  return batch_size < 4096 ? 4 : 8;
}
constexpr std::size_t most_default_lanes = 8;

}  // namespace

Cut cut_batch(std::size_t batch_size, const CutOptions& options) {
  const std::size_t wanted = options.lanes ? options.lanes : default_lanes(batch_size);
  return {std::min(wanted, batch_size),
          options.tile_height ? options.tile_height : default_tile_height};
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
      chunks_((network.parameter_count() + chunk_size - 1) / chunk_size) {
  use_single_threaded_blas();  // or bits would depend on its threads
  const std::size_t height = cut_batch(1, options).tile_height;
  for (std::size_t i = 0; i < threads.workers(); ++i) {
    workers_.push_back({Workspace(network, height), std::vector<std::uint8_t>(height),
                        std::vector<double>(height)});
  }
  lanes_.resize(options.lanes ? options.lanes : most_default_lanes);
  for (Lane& lane : lanes_) lane.sums = uninitialised(network.parameter_count());
}

LossSum TrainingStep::forward_backward(const Batch& batch, Estimator estimator) {
  batch_ = &batch;
  batch_size_ = batch.size();
  estimator_ = estimator;
  cut_ = cut_batch(batch.size(), options_);
  threads_.run([this](std::size_t worker) {
    for (std::size_t lane = worker; lane < cut_.lanes; lane += threads_.workers()) {
      run_lane(lane, worker);
    }
  });
  LossSum sum;
  for (std::size_t lane = 0; lane < cut_.lanes; ++lane) {
    sum.loss += lanes_[lane].loss.loss;
    sum.correct += lanes_[lane].loss.correct;
  }
  return sum;
}

void TrainingStep::run_lane(std::size_t number, std::size_t worker) {
  Lane& lane = lanes_[number];
  const std::size_t first = number * batch_->size() / cut_.lanes;
  lane.rows = (number + 1) * batch_->size() / cut_.lanes - first;
  lane.loss = {};
  lane.example_norms_squared = 0;
  const std::size_t tiles = (lane.rows + cut_.tile_height - 1) / cut_.tile_height;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t begin = tile * lane.rows / tiles;
    const std::size_t end = (tile + 1) * lane.rows / tiles;
    run_tile(lane, {first + begin, end - begin, batch_, seed_}, tile == 0, worker);
  }
}

void TrainingStep::run_tile(Lane& lane, const Tile& tile, bool first,
                            std::size_t number) {
  Worker& worker = workers_[number];
  gather(data_, std::span(batch_->examples).subspan(tile.first_row, tile.rows), number);
  MatrixView logits = network_.forward(tile, parameters_.data(), worker.workspace);
  const LossSum loss = softmax_cross_entropy(logits, worker.labels.data());
  lane.loss.loss += loss.loss;
  lane.loss.correct += loss.correct;

  const bool norms_wanted = estimator_ == Estimator::per_example;
  double* norms = norms_wanted ? worker.example_norms_squared.data() : nullptr;
  if (norms_wanted) std::fill_n(norms, tile.rows, 0.0);
  network_.backward(tile, parameters_.data(), worker.workspace,
                    {lane.sums.data(), first, norms});
  for (std::size_t i = 0; norms_wanted && i < tile.rows; ++i) {
    lane.example_norms_squared += norms[i];
  }
}

void TrainingStep::gather(const Dataset& data, std::span<const std::uint32_t> examples,
                          std::size_t number) {
  Worker& worker = workers_[number];
  const std::size_t features = data.features();
  for (std::size_t i = 0; i < examples.size(); ++i) {
    scale_bytes(data.inputs.data() + examples[i] * features, features, input_scale_,
                worker.workspace.input() + i * features);
    worker.labels[i] = data.labels.data()[examples[i]];
  }
}

TrainingStep::Update TrainingStep::update(double learning_rate, bool norm_wanted) {
  norm_wanted_ = norm_wanted || estimator_ != Estimator::none;
  optimizer_.begin_step(learning_rate);
  threads_.run([this](std::size_t worker) {
    const std::size_t workers = threads_.workers(), chunks = chunks_.size();
    for (std::size_t chunk = worker * chunks / workers;
         chunk < (worker + 1) * chunks / workers; ++chunk) {
      chunks_[chunk] = update_chunk(chunk);
    }
  });
  Update update;
  double lanes_norm_squared = 0;
  for (const ChunkSums& chunk : chunks_) {
    update.gradients.gradient_norm_squared += chunk.gradient_norm_squared;
    lanes_norm_squared += chunk.lanes_norm_squared;
    update.parameters_finite = update.parameters_finite && chunk.finite;
  }
  update.gradients.batch_size = static_cast<std::int64_t>(batch_size_);
  if (estimator_ == Estimator::per_example) {
    update.gradients.groups = update.gradients.batch_size;
    for (std::size_t lane = 0; lane < cut_.lanes; ++lane) {
      update.gradients.weighted_norms_squared += lanes_[lane].example_norms_squared;
    }
  } else if (estimator_ == Estimator::micro_batch) {
    update.gradients.groups = static_cast<std::int64_t>(cut_.lanes);
    update.gradients.weighted_norms_squared = lanes_norm_squared;
  }
  return update;
}

TrainingStep::ChunkSums TrainingStep::update_chunk(std::size_t chunk) {
  const std::size_t begin = chunk * chunk_size;
  const std::size_t size = std::min(chunk_size, parameters_.size() - begin);
  float gradient[chunk_size];
  reduce_lanes(begin, size, gradient);
  optimizer_.update(parameters_.data() + begin, {gradient, size}, begin);

  ChunkSums sums;
  if (norm_wanted_) sums.gradient_norm_squared = sum_of_squares(gradient, size);
  sums.finite = all_finite(parameters_.data() + begin, size);
  for (std::size_t i = 0; estimator_ == Estimator::micro_batch && i < cut_.lanes; ++i) {
    sums.lanes_norm_squared += sum_of_squares(lanes_[i].sums.data() + begin, size) /
                               static_cast<double>(lanes_[i].rows);
  }
  return sums;
}

void TrainingStep::reduce_lanes(std::size_t begin, std::size_t size,
                                float* gradient) const {
  const float scale = 1 / static_cast<float>(batch_size_);
  const float* first = lanes_[0].sums.data() + begin;
  if (cut_.lanes == 1) {
    for_each_position(size, [&]<class V>(std::size_t i) {
      store(gradient + i, V(scale) * load<V>(first + i));
    });
    return;
  }
  for (std::size_t lane = 1; lane < cut_.lanes; ++lane) {
    const float* sums = lanes_[lane].sums.data() + begin;
    const float* before = lane == 1 ? first : gradient;
    const float factor = lane + 1 == cut_.lanes ? scale : 1;
    for_each_position(size, [&]<class V>(std::size_t i) {
      store(gradient + i, V(factor) * (load<V>(before + i) + load<V>(sums + i)));
    });
  }
}

Array TrainingStep::gradient() const {
  Array gradient = uninitialised(parameters_.size());
  reduce_lanes(0, parameters_.size(), gradient.data());
  return gradient;
}

EvaluationResult TrainingStep::evaluate(const Dataset& data,
                                        std::span<const std::uint32_t> examples) {
  const std::size_t height = cut_batch(1, options_).tile_height;
  const std::size_t tiles = (examples.size() + height - 1) / height;
  std::vector<LossSum> sums(tiles);
  threads_.run([&](std::size_t worker) {
    for (std::size_t tile = worker; tile < tiles; tile += threads_.workers()) {
      const auto rows = examples.subspan(
          tile * height, std::min(height, examples.size() - tile * height));
      gather(data, rows, worker);
      MatrixView logits = network_.forward({.rows = rows.size()}, parameters_.data(),
                                           workers_[worker].workspace);
      sums[tile] = softmax_cross_entropy(logits, workers_[worker].labels.data());
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
