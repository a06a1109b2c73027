// SPDX-License-Identifier: MIT
//
// The weights of a run, in and out: initial_weights and the checkpoint.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controllers/error.hpp"
#include "experiments/training.hpp"
#include "nn/safetensors.hpp"

namespace batchlab {

void TrainingRun::load_initial_weights(const std::string& path) {
  const TensorFile file = read_safetensors(path);
  for (const NamedBlock& block : network_.blocks()) {
    const auto found = std::find_if(
        file.tensors.begin(), file.tensors.end(),
        [&](const NamedTensor& tensor) { return tensor.name == block.name; });
    if (found == file.tensors.end()) {
      throw Error(ErrorKind::usage, fmt::format("initial_weights: {} has no tensor {}",
                                                path, block.name));
    }
    if (found->shape != block.shape) {
      throw Error(ErrorKind::usage,
                  fmt::format("initial_weights: {}: {} must have shape [{}], got [{}]",
                              path, block.name, fmt::join(block.shape, ", "),
                              fmt::join(found->shape, ", ")));
    }
    std::copy(found->values.begin(), found->values.end(),
              parameters_.data() + block.offset);
  }
}

void TrainingRun::write_checkpoint(const std::string& path) {
  TensorFile file;
  for (const NamedBlock& block : network_.blocks()) {
    const float* values = parameters_.data() + block.offset;
    file.tensors.push_back({block.name, block.shape, {values, values + block.size}});
  }
  if (average_) {
    for (const NamedBlock& block : network_.blocks()) {
      const float* values = average_->values().data() + block.offset;
      file.tensors.push_back(
          {"average." + block.name, block.shape, {values, values + block.size}});
    }
  }
  const OptimizerState state = optimizer_->state();
  for (const auto& [name, array] : state.arrays) {
    file.tensors.push_back(
        {"optimizer." + name, {array->size()}, {array->begin(), array->end()}});
  }
  for (const auto& [name, number] : state.numbers) {
    file.metadata["optimizer." + name] = fmt::format("{}", *number);
  }
  file.metadata["step"] = fmt::format("{}", statistics_.step);
  file.metadata["examples_seen"] = fmt::format("{}", statistics_.examples_seen);
  file.metadata["epochs_completed"] = fmt::format("{}", statistics_.epochs_completed);
  file.metadata["controller"] = controller_.rule().save().dump();
  write_safetensors(path, file);
}

}  // namespace batchlab
