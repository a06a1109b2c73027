// SPDX-License-Identifier: MIT
#include "nn/training_step.hpp"

#include <algorithm>
#include <numeric>

#include "nn/elementwise.hpp"
#include "nn/matrix_product.hpp"
#include "nn/pair_products.hpp"

namespace batchlab {

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
      weight_panels_(network.make_weight_panels()),
      half_sums_{uninitialised(network.parameter_count()),
                 uninitialised(network.parameter_count())},
      gradient_(uninitialised(network.parameter_count())),
      row_norms_squared_(most_round_rows),
      row_products_(most_round_rows),
      pair_products_(pair_shares * most_round_rows),
      tiles_(tiles_of(most_round_rows, cut_batch(1, options).tile_height)),
      pieces_(network.pieces().size()),
      stretch_ends_(threads.workers()),
      shares_(threads.workers()),
      ready_(tiles_.size(), threads) {
  use_single_threaded_blas();  // or bits would depend on its threads
  const std::size_t height = cut_batch(1, options).tile_height;
  std::size_t largest = 0;
  for (const Piece& piece : network.pieces()) {
    largest = std::max(largest, most_pieces_together * piece.size);
    const std::size_t middle = piece.offset + piece.size / 2;
    ++stretch_ends_[middle * threads.workers() / parameters.size()];
  }
  std::partial_sum(stretch_ends_.begin(), stretch_ends_.end(), stretch_ends_.begin());
  std::size_t lanes = cut_batch(most_round_rows, options).lanes_per_round;
  lanes += lanes % 2;  // a sum up to the middle
  for (std::size_t i = 0; i < threads.workers(); ++i) {
    Worker& worker = workers_.emplace_back(Worker{std::vector<std::uint8_t>(height),
                                                  std::vector<double>(height),
                                                  Workspace(network, height),
                                                  uninitialised(lanes * largest),
                                                  {},
                                                  std::vector<RunningSum>(lanes)});
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      worker.sums.push_back({0, worker.sums_memory.data() + lane * largest});
    }
  }
  // Once all else is allocated. Our kernel needs none.
  if (!kernel_is_fast()) check_blas_memory(threads.workers());
}

LossSum TrainingStep::forward_backward(const Batch& batch,
                                       const Measurements& measurements) {
  measurements_ = measurements;
  batch_size_ = lanes_ = 0;
  kept_rounds_[0] = kept_rounds_[1] = 0;
  extended_ = false;
  example_norms_squared_ = 0;
  std::fill(pieces_.begin(), pieces_.end(), PieceSums{});
  if (measurements.lanes) sample_pieces(batch);
  return run_rounds(batch);
}

LossSum TrainingStep::extend(const Batch& batch) {
  keep_round(kept_rounds_[0] == 0 ? 0 : 1);
  extended_ = true;
  return run_rounds(batch);
}

// f(piece, its sums, worker, its gradient sums over the round: sum_round()). Every
// worker begins each step with the same stretch of the parameters: what it wrote is in
// its cache. written_next: the flat array of which f writes the piece, where the other
// threads have read it since.
template <class F>
void TrainingStep::for_each_piece(F&& f, float* written_next) {
  shares_.deal(stretch_ends_);
  threads_.run([&](std::size_t worker) { for_pieces_of(worker, f, written_next); });
}

template <class F>
void TrainingStep::for_pieces_of(std::size_t number, F&& f, float* written_next) {
  const std::vector<Piece>& pieces = network_.pieces();
  Worker& worker = workers_[number];
  for_each_taken(shares_, number, most_pieces_together, [&](Range taken) {
    while (taken.size() > 0) {
      const Range together = network_.together(taken, round_rows_);
      const std::span running = sum_round(together, worker, written_next);
      const std::span of_piece = std::span(worker.of_piece).first(running.size());
      for (std::size_t i = together.begin; i < together.end; ++i) {
        const std::size_t at = pieces[i].offset - pieces[together.begin].offset;
        for (std::size_t j = 0; j < running.size(); ++j) {
          of_piece[j] = {running[j].inner, running[j].result + at};
        }
        f(pieces[i], pieces_[i], worker, of_piece);
      }
      taken.begin = together.end;
    }
  });
}

// A round that others follow.
void TrainingStep::keep_round(std::size_t half) {
  const bool first = kept_rounds_[half]++ == 0;
  float* kept = half_sums_[half].data();
  for_each_piece([&](const Piece& piece, PieceSums& sums, Worker& worker,
                     std::span<const RunningSum> running) {
    if (sums.measured_by_lanes()) measure_lanes(running, piece.size, sums, worker);
    const float* sum = running.back().result;
    if (first) {
      std::copy_n(sum, piece.size, kept + piece.offset);
    } else {
      add(sum, piece.size, kept + piece.offset);
    }
  });
}

// The round's gradient sums of some pieces, up to the end of each lane and, where
// halves are measured, up to the middle: they follow each other in one running sum, of
// which wanting them changes no bit.
std::span<const RunningSum> TrainingStep::sum_round(Range pieces, Worker& worker,
                                                    float* written_next) const {
  const bool by_lanes =
      std::ranges::any_of(std::span(pieces_).subspan(pieces.begin, pieces.size()),
                          &PieceSums::measured_by_lanes);
  const std::size_t lanes = by_lanes ? cut_.lanes_per_round : 1;
  const std::size_t middle = (lanes - 1) / 2;  // its place in `running`
  const std::size_t more = middle_is_summed() ? lanes % 2 : 0;  // no lane ends there
  const std::span running = std::span(worker.sums).last(lanes + more);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    running[lane < middle ? lane : lane + more].inner =
        part(round_rows_, lane, lanes).end;
  }
  if (middle_is_summed()) running[middle].inner = part(round_rows_, 0, 2).end;
  running.back().written_next =
      written_next ? written_next + network_.pieces()[pieces.begin].offset : nullptr;
  network_.gradient(pieces, round_, running);
  return running;
}

// Whether the batch is one round that has two halves, whose norms are wanted.
bool TrainingStep::middle_is_summed() const {
  return measurements_.halves && cut_.rounds == 1 && !extended_ && round_rows_ > 1;
}

// The gradient's sum over the batch, after the last round, in the last of the sums.
float* TrainingStep::sum_batch(const Piece& piece, PieceSums& sums, Worker& worker,
                               std::span<const RunningSum> running) const {
  float* sum = running.back().result;
  if (middle_is_summed()) {
    const RunningSum& middle = running[running.size() / 2 - 1];
    worker.time.in_piece_statistics(piece.size, [&] {
      const PartNorms norms = part_norms_squared(middle.result, sum, piece.size);
      sums.half_norms_squared[0] = norms.first;
      sums.half_norms_squared[1] = norms.second;
    });
  }
  if (sums.measured_by_lanes()) {
    if (lanes_are_halves()) {
      measure_two_lanes(running[0], piece.size, sum, sums, worker);
    } else {
      measure_lanes(running, piece.size, sums, worker);
    }
  }
  const float* first_half = half_sums_[0].data() + piece.offset;
  if (kept_rounds_[1] > 0) {
    add(half_sums_[1].data() + piece.offset, piece.size, sum);
  }
  if (kept_rounds_[0] > 0 && measurements_.halves) {
    worker.time.in_piece_statistics(piece.size, [&] {
      sums.half_norms_squared[0] = sum_of_squares(first_half, piece.size);
      sums.half_norms_squared[1] = sum_of_squares(sum, piece.size);
    });
  }
  if (kept_rounds_[0] > 0) add(first_half, piece.size, sum);
  return sum;
}

// The mean gradient, in the last of the sums.
float* TrainingStep::finish_gradient(const Piece& piece, PieceSums& sums,
                                     Worker& worker,
                                     std::span<const RunningSum> running) const {
  float* gradient = sum_batch(piece, sums, worker, running);
  sums.gradient_norm_squared = scale(mean_factor(), piece.size, gradient);
  return gradient;
}

float TrainingStep::mean_factor() const { return 1 / static_cast<float>(batch_size_); }

// What is asked of the mean gradient as a whole, which then replaces that of the step
// before.
void TrainingStep::measure_and_keep(const Piece& piece, PieceSums& sums, Worker& worker,
                                    const float* gradient) {
  if (!measurements_.steps && !measurements_.inner_products) return;
  float* kept = gradient_.data() + piece.offset;
  worker.time.in_piece_statistics(piece.size, [&] {
    if (measurements_.steps && previous_.batch_size > 0) {
      sums.distance_squared = squared_distance(gradient, kept, piece.size);
    }
    std::copy_n(gradient, piece.size, kept);
  });
}

// `gradient`: times `factor` the mean gradient, whose norm is taken on the way.
void TrainingStep::apply(const Piece& piece, PieceSums& sums, const float* gradient,
                         float factor) {
  float* parameters = parameters_.data() + piece.offset;
  const UpdateSums found =
      optimizer_.update(parameters, {gradient, piece.size}, piece.offset, factor);
  sums.gradient_norm_squared = found.gradient_norm_squared;
  sums.finite = found.finite;
  if (average_) average_->update(parameters, piece.size, piece.offset);
}

void TrainingStep::update_in_one_pass() {
  for_each_piece(
      [&](const Piece& piece, PieceSums& sums, Worker& worker,
          std::span<const RunningSum> running) {
        if (measurements_.steps) {
          const float* gradient = finish_gradient(piece, sums, worker, running);
          measure_and_keep(piece, sums, worker, gradient);
          apply(piece, sums, gradient, 1);
        } else {
          apply(piece, sums, sum_batch(piece, sums, worker, running), mean_factor());
        }
      },
      workers_.size() > 1 ? parameters_.data() : nullptr);
}

// The products need the whole mean gradient, and the parameters and rows as they were.
InnerProducts TrainingStep::update_in_two_passes() {
  for_each_piece([&](const Piece& piece, PieceSums& sums, Worker& worker,
                     std::span<const RunningSum> running) {
    measure_and_keep(piece, sums, worker,
                     finish_gradient(piece, sums, worker, running));
  });
  const InnerProducts products = inner_products();
  shares_.deal(stretch_ends_);
  threads_.run([&](std::size_t worker) {
    for_each_taken(shares_, worker, 1, [&](Range taken) {
      const Piece& piece = network_.pieces()[taken.begin];
      apply(piece, pieces_[taken.begin], gradient_.data() + piece.offset, 1);
    });
  });
  return products;
}

TrainingStep::Update TrainingStep::measure() {
  const std::vector<PieceSums> so_far = pieces_;
  shares_.deal(stretch_ends_);
  threads_.run([&](std::size_t number) {
    workers_[number].time.in_statistics([&] {
      for_pieces_of(number, [&](const Piece& piece, PieceSums& sums, Worker& worker,
                                std::span<const RunningSum> running) {
        finish_gradient(piece, sums, worker, running);
      });
    });
  });
  Update update = summary();
  update.steps = {};
  pieces_ = so_far;
  return update;
}

TrainingStep::Update TrainingStep::update(double learning_rate, double moments_ratio,
                                          double average_ratio) {
  optimizer_.begin_step(learning_rate, moments_ratio);
  if (average_) average_->begin_step(average_ratio);
  InnerProducts products;
  if (measurements_.inner_products) {
    products = update_in_two_passes();
  } else {
    update_in_one_pass();
  }
  Update update = summary();
  update.inner_products = products;
  previous_ = measurements_.steps ? update.gradient : BatchGradient{};
  return update;
}

Array TrainingStep::gradient() {
  Array gradient = uninitialised(parameters_.size());
  for_each_piece([&](const Piece& piece, PieceSums sums, Worker& worker,
                     std::span<const RunningSum> running) {
    std::copy_n(finish_gradient(piece, sums, worker, running), piece.size,
                gradient.data() + piece.offset);
  });
  return gradient;
}

}  // namespace batchlab
