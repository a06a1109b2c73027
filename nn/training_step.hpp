// SPDX-License-Identifier: MIT
//
// The training step: tiles and lanes.
//
// A batch is cut into lanes, a lane into tiles. A tile goes forward and backward on one
// thread in a workspace that stays in cache, and adds its gradient sums to its lane.
// One pass over the parameters then reduces the lanes in order, takes norms and
// updates. The cut depends on the batch size alone, never on threads: so does every bit
// of the result.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "nn/dataset.hpp"
#include "nn/gradient_statistics.hpp"
#include "nn/network.hpp"
#include "nn/optimizer.hpp"
#include "nn/softmax_cross_entropy.hpp"
#include "nn/thread_pool.hpp"

namespace batchlab {

struct CutOptions {
  std::size_t lanes = 0;        // 0: chosen from the batch size
  std::size_t tile_height = 0;  // most rows of a tile; 0: 128
};

// How a batch of B rows is cut: lane l holds rows [l B / lanes, (l + 1) B / lanes), in
// tiles of nearly equal height.
struct Cut {
  std::size_t lanes, tile_height;
};
[[nodiscard]] Cut cut_batch(std::size_t batch_size, const CutOptions& options);

// What to measure beside the loss.
enum class Estimator { none, micro_batch, per_example };

struct EvaluationResult {
  double loss = 0;      // mean over examples
  double accuracy = 0;  // share of examples whose largest logit is the label's
};

class TrainingStep {
 public:
  // Everything is kept by reference and must outlive this. `input_scale`: factor from
  // bytes to the network's inputs.
  TrainingStep(const Network& network, const Dataset& data, float input_scale,
               Array& parameters, Optimizer& optimizer, ThreadPool& threads,
               const CutOptions& options, std::uint32_t seed);

  // Forward and backward over the batch. Returns the sum of the examples' losses. The
  // lanes then hold gradient sums.
  LossSum forward_backward(const Batch& batch, Estimator estimator);

  // Reduces the lanes to the mean gradient of the last batch, measures it and updates
  // the parameters, in one pass.
  struct Update {
    GroupedGradients
        gradients;  // weighted_norms_squared and groups as the estimator asks
    bool parameters_finite = true;
  };
  // `norm_wanted`: take |mean gradient|^2 even where the estimator does not need it;
  // else it is 0.
  Update update(double learning_rate, bool norm_wanted = false);

  // Mean loss and accuracy over `examples` of `data`, which must not be empty.
  [[nodiscard]] EvaluationResult evaluate(const Dataset& data,
                                          std::span<const std::uint32_t> examples);

  // Mean gradient of the last batch, reduced but not applied.
  [[nodiscard]] Array gradient() const;

 private:
  struct Lane {
    Array sums;  // gradient sums over the lane's rows
    std::size_t rows = 0;
    LossSum loss;
    double example_norms_squared = 0;
  };
  struct ChunkSums {
    double gradient_norm_squared = 0;
    double lanes_norm_squared = 0;  // sum over lanes of |gradient sum|^2 / rows
    bool finite = true;
  };

  void run_lane(std::size_t lane, std::size_t worker);
  void run_tile(Lane& lane, const Tile& tile, bool first, std::size_t worker);
  void gather(const Dataset& data, std::span<const std::uint32_t> examples,
              std::size_t worker);
  ChunkSums update_chunk(std::size_t chunk);
  void reduce_lanes(std::size_t begin, std::size_t size, float* gradient) const;

  const Network& network_;
  const Dataset& data_;
  float input_scale_;
  Array& parameters_;
  Optimizer& optimizer_;
  ThreadPool& threads_;
  CutOptions options_;
  std::uint32_t seed_;

  struct Worker {
    Workspace workspace;
    std::vector<std::uint8_t> labels;  // of the tile
    std::vector<double> example_norms_squared;
  };
  std::vector<Worker> workers_;
  std::vector<Lane> lanes_;
  std::vector<ChunkSums> chunks_;
  // The step in progress.
  const Batch* batch_ = nullptr;  // until forward_backward() returns
  std::size_t batch_size_ = 0;
  Cut cut_{};
  Estimator estimator_ = Estimator::none;
  bool norm_wanted_ = false;
};

}  // namespace batchlab
