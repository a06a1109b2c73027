// SPDX-License-Identifier: MIT
//
// Constant: the same batch size at every step.
//
//     B  =  batch_size
//
// The baseline. Tune its learning rate for each batch size, or the comparison is
// unfair: Shallue et al.: Measuring the effects of data parallelism (2018), arXiv
// 1811.03600.

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

class Constant final : public Controller {
 public:
  Constant(const nlohmann::json& options, const Setting& setting)
      : batch_size_(checked_batch_size("constant: batch_size", options.at("batch_size"),
                                       setting.training_set_size)) {}

  Decision decide(const Statistics&) override {
    return {static_cast<double>(batch_size_), "constant"};
  }

 private:
  std::int64_t batch_size_;
};

}  // namespace

const Entry builtin::constant{
    .name = "constant",
    .summary = "the same batch size at every step",
    .source = "baseline; Shallue et al. 2018, arXiv 1811.03600",
    .options = {count_option("batch_size", 32, "examples", "size of every batch (B)")},
    .open_loop = true,
    .limits = nlohmann::json::object(),
    .make = [](const nlohmann::json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Constant>(options, setting);
    },
};

}  // namespace batchlab
