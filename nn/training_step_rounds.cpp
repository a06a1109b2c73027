// SPDX-License-Identifier: MIT
//
// The way of a round, or of what is evaluated, through the network.
#include <algorithm>
#include <numeric>

#include "nn/elementwise.hpp"
#include "nn/training_step.hpp"

namespace batchlab {

namespace {

// Columns of a wide layer that are one product: the kernel copies the weights of as
// many at once. Of 64 to 1024 columns 64 and 128 were fastest.
constexpr std::size_t columns_at_a_time = 64;
static_assert(columns_at_a_time % FloatBatch::size == 0);  // bits of forward()

// Rows that one thread multiplies by a part of the weights before others go on with
// them. Vectors of 8 multiply 128 faster together (product_kernel.cpp).
constexpr std::size_t rows_of_a_block = FloatBatch::size == 16 ? 64 : 128;

// Rows that a thread then takes on together, where its tiles have fewer.
constexpr std::size_t rows_taken = 128;

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
  if (copies_weights()) copy_weights(parameters_);
  LossSum loss;
  for (std::size_t round = 0; round < cut_.rounds; ++round) {
    const auto [begin, end] = part(batch.size(), round, cut_.rounds);
    if (round > 0) keep_round(extended_ || round > cut_.rounds / 2 ? 1 : 0);
    accumulate(run_tiles(batch, begin, end), loss);
  }
  return loss;
}

// Once for all threads and rounds, where there are several of them. Of few rows each
// thread reads weights where they stand or copies them itself.
bool TrainingStep::copies_weights() const {
  return !cut_.few_rows && (workers_.size() > 1 || cut_.rounds > 1);
}

void TrainingStep::copy_weights(const Array& parameters) {
  if (weight_panels_.empty()) return;
  threads_.run([&](std::size_t worker) {
    network_.copy_weights(worker, workers_.size(), parameters.data(), weight_panels_);
  });
}

// Rows [begin, end) of the batch become the round. Threads divide its rows, but for the
// weights of wide layers, before and after which all threads wait for each other.
LossSum TrainingStep::run_tiles(const Batch& batch, std::size_t begin,
                                std::size_t end) {
  round_rows_ = end - begin;
  const Tile whole{begin, round_rows_, &batch, seed_};
  const Range all = network_.layers();
  const std::span<const std::size_t> wide = network_.wide_layers();
  const bool rows_are_measured = measurements_.examples || measurements_.inner_products;
  round_.keep_parts_apart(goes_by_parts() && !rows_are_measured);
  std::size_t first = all.begin;
  const auto for_tiles = [&](auto&& f) {
    if (first == all.begin && goes_by_parts()) {
      for_tiles_by_parts(whole, f);
    } else {
      for_own_tiles(f);
    }
  };
  for (const std::size_t layer : wide) {
    if (first == all.begin || first < layer) {
      for_tiles([&](Range own, Worker& worker) {
        forward({first, layer}, whole, own, worker);
      });
    }
    share_columns(network_.outputs(layer), [&](Range outputs) {
      network_.forward_outputs(outputs, layer, whole, parameters_.data(), round_);
    });
    first = layer + 1;
  }
  for_tiles([&](Range own, Worker& worker) {
    forward({first, all.end}, whole, own, worker);
    run_loss(whole, own, worker);
    backward({first, all.end}, whole, own, worker);
  });
  for (std::size_t n = wide.size(); n-- > 0;) {
    const std::size_t layer = wide[n];
    if (network_.needs_input_delta(layer)) {
      share_columns(network_.inputs(layer), [&](Range inputs) {
        network_.backward_inputs(inputs, layer, whole, parameters_.data(), round_);
      });
    }
    first = n > 0 ? wide[n - 1] + 1 : all.begin;
    for_own_tiles([&](Range own, Worker& worker) {
      backward({first, layer}, whole, own, worker);
    });
  }
  return sum_tiles();
}

std::size_t TrainingStep::round_tiles() const {
  return tiles_of(round_rows_, cut_.tile_height);
}

// f(some tiles of the round, worker), each thread having some, or none.
template <class F>
void TrainingStep::for_own_tiles(F&& f) {
  const std::size_t tiles = round_tiles();
  threads_.run([&](std::size_t worker) {
    const Range own = part(tiles, worker, workers_.size());
    if (own.size() > 0) f(own, workers_[worker]);
  });
}

// f(tiles of the round, worker), once their inputs have met the first layer. Each
// thread first gathers and multiplies, some rows after the others, the part of the
// inputs whose weights it updates, so that neither is ever in the other's cache.
template <class F>
void TrainingStep::for_tiles_by_parts(const Tile& round, F&& f) {
  const std::size_t parts = network_.input_parts().size(), tiles = round_tiles();
  const std::size_t groups = divide_up(workers_.size(), parts);  // a worker's rows each
  const bool alone = workers_.size() == 1;  // takes all rows as one product
  const std::size_t blocks = alone ? 1 : std::max(groups, round.rows / rows_of_a_block);
  const std::size_t most =
      alone ? tiles : std::max<std::size_t>(rows_taken / cut_.tile_height, 1);
  ready_.expect(tiles, blocks, parts);
  threads_.run([&](std::size_t number) {
    Worker& worker = workers_[number];
    const Range own = part(parts * blocks, number, workers_.size());
    // Of the tiles that it takes first. A wide second layer writes deltas by columns.
    const Range own_rows = rows_of(round, part(tiles, number, workers_.size()));
    const bool asks = !alone && network_.wide_layers().empty();
    try {
      for (std::size_t i = own.begin; i < own.end; ++i) {
        const Range rows = part(round.rows, i % blocks, blocks);
        const bool goes_back_next =
            asks && own_rows.begin <= rows.begin && rows.end <= own_rows.end;
        multiply_inputs(
            i / blocks,
            {round.first_row + rows.begin, rows.size(), round.batch, seed_, rows.begin},
            goes_back_next, worker);
        ready_.finish(i % blocks);
      }
    } catch (...) {
      ready_.give_up();
      throw;
    }
    for_each_taken(ready_, number, most, [&](Range taken) { f(taken, worker); });
  });
}

void TrainingStep::multiply_inputs(std::size_t part, const Tile& rows,
                                   bool goes_back_next, Worker& worker) {
  if (rows.rows == 0) return;
  gather_part(rows, part, worker);
  network_.forward_part(rows, part, parameters_.data(), goes_back_next, round_);
}

// f(columns) until all of them are done, each thread taking some after the others.
template <class F>
void TrainingStep::share_columns(std::size_t columns, F&& f) {
  shares_.deal_evenly(divide_up(columns, columns_at_a_time));
  threads_.run([&](std::size_t worker) {
    for_each_taken(shares_, worker, 1, [&](Range taken) {
      f(Range{taken.begin * columns_at_a_time,
              std::min(columns, taken.end * columns_at_a_time)});
    });
  });
}

// The rows of some tiles of the round.
Range TrainingStep::rows_of(const Tile& round, Range wanted) const {
  const std::size_t tiles = round_tiles();
  return {part(round.rows, wanted.begin, tiles).begin,
          part(round.rows, wanted.end, tiles).begin};
}

// Some tiles of the round as one.
Tile TrainingStep::as_one(const Tile& round, Range wanted) const {
  const Range rows = rows_of(round, wanted);
  return {round.first_row + rows.begin, rows.size(), round.batch, seed_, rows.begin};
}

bool TrainingStep::goes_by_parts() const {
  return cut_.by_parts && !network_.input_parts().empty();
}

LossSum TrainingStep::sum_tiles() {
  LossSum loss;
  for (std::size_t i = 0; i < round_tiles(); ++i) {
    accumulate(tiles_[i].loss, loss);
    example_norms_squared_ += tiles_[i].example_norms_squared;
  }
  return loss;
}

// f(tile): some tiles of the round. Together, so that operands are copied once, where
// that changes no bit (layer.hpp).
template <class F>
void TrainingStep::for_each_tile(const Tile& round, Range tiles, F&& f) const {
  if (kernel_is_fast()) {
    f(as_one(round, tiles));
  } else {
    for (std::size_t i = tiles.begin; i < tiles.end; ++i) {
      f(as_one(round, {i, i + 1}));
    }
  }
}

void TrainingStep::forward(Range layers, const Tile& round, Range tiles,
                           Worker& worker) {
  for_each_tile(round, tiles,
                [&](const Tile& tile) { forward_tile(layers, tile, worker); });
}

void TrainingStep::forward_tile(Range layers, const Tile& tile, Worker& worker) {
  if (layers.begin == network_.layers().begin) {
    if (goes_by_parts()) {
      network_.finish_forward(tile, parameters_.data(), round_);
      ++layers.begin;
    } else {
      gather_tile(tile, worker);
    }
  }
  std::span<const Panels> weights;
  if (copies_weights()) weights = weight_panels_;
  network_.forward(layers, tile, parameters_.data(), weights, round_);
}

void TrainingStep::run_loss(const Tile& round, Range tiles, Worker& worker) {
  for (std::size_t i = tiles.begin; i < tiles.end; ++i) {
    const Tile tile = as_one(round, {i, i + 1});
    copy_labels(data_, examples_of(tile), worker.labels.data());
    MatrixView logits = network_.copy_logits(tile, round_);
    tiles_[i] = {network_.loss()(logits, worker.labels.data())};
  }
}

// These layers and, of a wide one below them, what does not need its weights.
void TrainingStep::backward(Range layers, const Tile& round, Range tiles,
                            Worker& worker) {
  const bool ends_here = layers.begin == network_.layers().begin;
  for_each_tile(round, tiles, [&](const Tile& tile) {
    network_.backward(layers, tile, parameters_.data(), round_);
    if (!ends_here) {
      network_.finish_delta(layers.begin - 1, tile, parameters_.data(), round_);
    }
  });
  if (!ends_here || !measurements_.examples) return;
  for (std::size_t i = tiles.begin; i < tiles.end; ++i) {
    measure_examples(as_one(round, {i, i + 1}), worker, tiles_[i]);
  }
}

void TrainingStep::measure_examples(const Tile& tile, Worker& worker, TileSums& sums) {
  worker.time.in_statistics([&] {
    double* norms_squared = worker.example_norms_squared.data();
    network_.example_norms(tile, round_, norms_squared);
    sums.example_norms_squared =
        std::accumulate(norms_squared, norms_squared + tile.rows, 0.0);
  });
}

std::span<const std::uint32_t> TrainingStep::examples_of(const Tile& tile) {
  return std::span(tile.batch->examples).subspan(tile.first_row, tile.rows);
}

void TrainingStep::gather_tile(const Tile& tile, Worker& worker) {
  worker.time.in_data([&] {
    gather(data_, examples_of(tile), {0, network_.inputs()},
           round_.input(tile.workspace_row));
  });
}

void TrainingStep::gather_part(const Tile& tile, std::size_t part, Worker& worker) {
  worker.time.in_data([&] {
    gather(data_, examples_of(tile), network_.input_parts()[part],
           round_.input_part(tile.workspace_row, part));
  });
}

// Some inputs of each example, into rows of all of them.
void TrainingStep::gather(const Dataset& data, std::span<const std::uint32_t> examples,
                          Range inputs, float* rows) const {
  const std::size_t features = data.features();
  const std::uint8_t* bytes = data.inputs.data() + inputs.begin;
  rows += inputs.begin;
  constexpr std::size_t ahead = 4;  // examples: they lie anywhere in memory
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (i + ahead < examples.size()) {
      prefetch(bytes + examples[i + ahead] * features, inputs.size());
    }
    scale_bytes(bytes + examples[i] * features, inputs.size(), input_scale_,
                rows + i * features);
  }
}

EvaluationResult TrainingStep::evaluate(const Dataset& data,
                                        std::span<const std::uint32_t> examples) {
  const std::size_t tiles =
      tiles_of(examples.size(), cut_batch(1, options_).tile_height);
  std::vector<LossSum> sums(tiles);
  const Array& parameters = average_ ? average_->values() : parameters_;
  copy_weights(parameters);
  threads_.run([&](std::size_t number) {
    Worker& worker = workers_[number];
    const Range own = part(tiles, number, threads_.workers());
    for (std::size_t i = own.begin; i < own.end; ++i) {
      const Range rows = part(examples.size(), i, tiles);
      const auto of_tile = examples.subspan(rows.begin, rows.size());
      gather(data, of_tile, {0, data.features()}, worker.scratch.input(0));
      copy_labels(data, of_tile, worker.labels.data());
      const Tile tile{.rows = rows.size()};
      network_.forward(network_.layers(), tile, parameters.data(), weight_panels_,
                       worker.scratch);
      MatrixView logits = network_.copy_logits(tile, worker.scratch);
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
