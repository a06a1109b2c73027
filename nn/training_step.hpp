// SPDX-License-Identifier: MIT
//
// The training step: tiles and lanes.
//
// A batch is worked off in rounds of at most 512 rows, whose activations stay in cache.
// First the tiles of a round go forward and backward, each on one thread; the first
// layer may be gone through before, by parts of the inputs, and wide layers between, by
// units forward and by inputs back, each with all rows. Then the
// parameters are gone over piece by piece, each piece on one thread: its gradient is
// summed over the rows of the round, and in the last round measured and applied at
// once, so that it never leaves the cache. Who does what, and how many pieces are one
// product, depends on the threads; what is summed in which order, and so every bit of
// the result, on the batch size alone, and on how it was extended.
//
// A round is also cut into lanes, whose gradients the micro-batch estimator compares:
// of layers of many pieces a random sample of these (sample_pieces()).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nn/batch_cut.hpp"
#include "nn/dataset.hpp"
#include "nn/gradient_statistics.hpp"
#include "nn/network.hpp"
#include "nn/optimizer.hpp"
#include "nn/ready_tiles.hpp"
#include "nn/spent_time.hpp"
#include "nn/thread_pool.hpp"
#include "nn/weight_average.hpp"
#include "nn/work_shares.hpp"

namespace batchlab {

// What to measure beside the loss and the norm of the mean gradient.
struct Measurements {
  bool examples = false;        // norms of their gradients
  bool lanes = false;           // norms of theirs
  bool halves = false;          // cosine between the gradients of the batch's halves
  bool steps = false;           // distance from the gradient of the step before
  bool inner_products = false;  // of examples' gradients with their mean
  bool operator==(const Measurements&) const = default;
};

struct EvaluationResult {
  double loss = 0;      // mean over examples
  double accuracy = 0;  // share of correct examples; not a number: see LossSum
};

class TrainingStep {
 public:
  // Everything is kept by reference and must outlive this. `input_scale`: factor from
  // bytes to the network's inputs.
  TrainingStep(const Network& network, const Dataset& data, float input_scale,
               Array& parameters, Optimizer& optimizer, ThreadPool& threads,
               const CutOptions& options, std::uint32_t seed);

  // Forward and backward over the batch, which must not be empty. Returns the sum of
  // the examples' losses.
  LossSum forward_backward(const Batch& batch, const Measurements& measurements = {});

  // Further examples for the batch that went forward last, before its update. Returns
  // the sum of their losses.
  LossSum extend(const Batch& batch);

  // Finishes the mean gradient of the last batch, measures it and updates the
  // parameters, in one pass; in two where inner products are measured.
  struct Update {
    BatchGradient gradient;
    // Absent, or without groups or examples, where not measured. lanes: an estimate
    // without bias where a layer has many pieces (sample_pieces()).
    GroupedGradients examples, lanes, steps;
    std::optional<double> half_batch_cosine;  // not of an extended batch
    InnerProducts inner_products;             // of the last round's rows
    bool parameters_finite = true;
  };
  // `moments_ratio` and `average_ratio`: batch_ratio of optimizer.hpp and of
  // weight_average.hpp.
  Update update(double learning_rate, double moments_ratio = 1,
                double average_ratio = 1);

  // What update() would measure beside steps and inner products. Changes nothing.
  [[nodiscard]] Update measure();

  // The next step has none before it, for `steps`.
  void forget_previous() { previous_ = {}; }

  // From the next update on, takes the parameters into `average`, which must outlive
  // this.
  void average_into(WeightAverage& average) { average_ = &average; }

  // Mean loss and accuracy over `examples` of `data`, which must not be empty, with the
  // average of the parameters where there is one.
  [[nodiscard]] EvaluationResult evaluate(const Dataset& data,
                                          std::span<const std::uint32_t> examples);

  // Mean gradient of the last batch, before it is applied.
  [[nodiscard]] Array gradient();

  // Of all steps so far, evaluations not among them, the mean over the workers. data:
  // bytes to inputs. statistics: what is done for Measurements alone; not what is had
  // on the way, the norm of the mean gradient and the stores of sums that lanes and
  // halves want.
  struct Seconds {
    double data = 0, statistics = 0;
  };
  [[nodiscard]] Seconds seconds() const;

 private:
  struct TileSums {
    LossSum loss;
    double example_norms_squared = 0;
  };
  struct PieceSums {
    double lanes_weight = 0;  // pieces that it counts for by lanes; 0: not measured
    // Sum over lanes of |gradient sum|^2 / rows; where lanes_are_halves() and in
    // total() what this is beyond B |g|^2.
    double lanes_norm_squared = 0;
    double half_norms_squared[2] = {0, 0};  // of the gradient sums
    double gradient_norm_squared = 0;       // of the mean gradient, as the next
    double distance_squared = 0;            // from the step before
    bool finite = true;
    [[nodiscard]] bool measured_by_lanes() const { return lanes_weight > 0; }
  };
  struct Worker {
    std::vector<std::uint8_t> labels;  // of a tile, as the next
    std::vector<double> example_norms_squared;
    Workspace scratch;  // of a tile, for what is not of the round
    Array sums_memory;
    std::vector<RunningSum> sums;      // of pieces together, over the lanes of a round
    std::vector<RunningSum> of_piece;  // of one of these
    SpentTime time = {};
  };

  [[nodiscard]] bool copies_weights() const;
  void copy_weights(const Array& parameters);
  LossSum run_tiles(const Batch& batch, std::size_t first, std::size_t end);
  [[nodiscard]] std::size_t round_tiles() const;
  template <class F>
  void for_own_tiles(F&& f);
  template <class F>
  void for_each_tile(const Tile& round, Range tiles, F&& f) const;
  template <class F>
  void share_columns(std::size_t columns, F&& f);
  [[nodiscard]] Range rows_of(const Tile& round, Range wanted) const;
  [[nodiscard]] Tile as_one(const Tile& round, Range wanted) const;
  [[nodiscard]] bool goes_by_parts() const;
  LossSum sum_tiles();
  template <class F>
  void for_tiles_by_parts(const Tile& round, F&& f);
  void multiply_inputs(std::size_t part, const Tile& rows, bool goes_back_next,
                       Worker& worker);
  void forward(Range layers, const Tile& round, Range tiles, Worker& worker);
  void forward_tile(Range layers, const Tile& tile, Worker& worker);
  void run_loss(const Tile& round, Range tiles, Worker& worker);
  void backward(Range layers, const Tile& round, Range tiles, Worker& worker);
  void measure_examples(const Tile& tile, Worker& worker, TileSums& sums);
  void gather_tile(const Tile& tile, Worker& worker);
  void gather_part(const Tile& tile, std::size_t part, Worker& worker);
  static std::span<const std::uint32_t> examples_of(const Tile& tile);
  void gather(const Dataset& data, std::span<const std::uint32_t> examples,
              Range inputs, float* rows) const;
  template <class F>
  void for_each_piece(F&& f, float* written_next = nullptr);
  template <class F>
  void for_pieces_of(std::size_t number, F&& f, float* written_next = nullptr);
  void keep_round(std::size_t half);
  LossSum run_rounds(const Batch& batch);
  std::span<const RunningSum> sum_round(Range pieces, Worker& worker,
                                        float* written_next) const;
  [[nodiscard]] bool middle_is_summed() const;
  void sample_pieces(const Batch& batch);
  void measure_lanes(std::span<const RunningSum> running, std::size_t size,
                     PieceSums& sums, Worker& worker) const;
  float* sum_batch(const Piece& piece, PieceSums& sums, Worker& worker,
                   std::span<const RunningSum> running) const;
  [[nodiscard]] float mean_factor() const;
  float* finish_gradient(const Piece& piece, PieceSums& sums, Worker& worker,
                         std::span<const RunningSum> running) const;
  [[nodiscard]] bool lanes_are_halves() const;
  void measure_two_lanes(const RunningSum& first, std::size_t size, const float* sum,
                         PieceSums& sums, Worker& worker) const;
  void measure_and_keep(const Piece& piece, PieceSums& sums, Worker& worker,
                        const float* gradient);
  void apply(const Piece& piece, PieceSums& sums, const float* gradient, float factor);
  void update_in_one_pass();
  InnerProducts update_in_two_passes();
  InnerProducts inner_products();
  [[nodiscard]] PieceSums total() const;
  [[nodiscard]] Update summary() const;

  const Network& network_;
  const Dataset& data_;
  float input_scale_;
  Array& parameters_;
  Optimizer& optimizer_;
  ThreadPool& threads_;
  CutOptions options_;
  std::uint32_t seed_;

  std::vector<Worker> workers_;
  Workspace round_;                    // activations and deltas of the round
  std::vector<Panels> weight_panels_;  // where forward() is given them
  // Where there are several rounds: gradient sums of those of the first and the second
  // half, without the last; untouched otherwise.
  Array half_sums_[2];
  Array gradient_;  // mean gradient, kept where a measurement asks for it
  // Of inner_products(), by rows of the round; the last for each share.
  std::vector<double> row_norms_squared_, row_products_, pair_products_;
  WeightAverage* average_ = nullptr;
  BatchGradient previous_;  // what gradient_ holds of the step before
  std::vector<TileSums> tiles_;
  std::vector<PieceSums> pieces_;
  std::vector<std::size_t> stretch_ends_;  // the pieces that each worker begins with
  WorkShares shares_;
  ReadyTiles ready_;
  // The step in progress.
  std::size_t batch_size_ = 0;
  Cut cut_{};  // of the rows that went forward last
  bool extended_ = false;
  std::size_t lanes_ = 0, kept_rounds_[2] = {0, 0};  // into half_sums_
  std::size_t round_rows_ = 0;
  Measurements measurements_;
  double example_norms_squared_ = 0;
};

}  // namespace batchlab
