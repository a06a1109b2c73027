// SPDX-License-Identifier: MIT
//
// Phases: a list of batch sizes, each until a point of the run.
//
//     B  =  batch size of the first phase whose `until` is not reached
//
// `until` counts from the start of the run; the last phase lasts to its end. A phase
// may bring a learning rate and a subset of the training split. As several calls of
// `fit` in Keras do; thresholds as in Megatron-LM, `THRESHOLD:BATCH_SIZE`.

#include <fmt/format.h>

#include "controllers/builtin.hpp"
#include "controllers/error.hpp"
#include "controllers/phase_list.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Phases final : public Controller {
 public:
  Phases(const json& options, const Setting& setting) {
    if (options.at("phases").is_null()) {
      throw Error(
          ErrorKind::usage,
          "phases: phases is missing; for example phases = [{ until = { epochs = 1 "
          "}, batch_size = 32 }, { batch_size = 128 }]");
    }
    phases_ = phases_from(options.at("phases"), setting);
  }

  Decision decide(const Statistics& statistics) override {
    std::size_t index = 0;
    while (index + 1 < phases_.size() && is_over(phases_[index], statistics)) ++index;
    const Phase& phase = phases_[index];
    Decision decision = phase.decision;
    decision.reason = fmt::format("phase {} of {}", index + 1, phases_.size());
    if (phase.unit != nullptr) {
      decision.reason += fmt::format(", until {} {}", phase.until, phase.unit->name);
    }
    return decision;
  }

 private:
  static bool is_over(const Phase& phase, const Statistics& statistics) {
    return statistics.*phase.unit->count >= phase.until;
  }

  std::vector<Phase> phases_;
};

}  // namespace

const Entry builtin::phases{
    .name = "phases",
    .summary = "a list of batch sizes, each until an epoch, step or example",
    .source = "several Keras fit calls; Megatron-LM",
    .options =
        {{"phases",
          Option::Kind::table_list,
          nullptr,
          0,
          0,
          {},
          "",
          "tables of until ({epochs, steps or examples = n}, from the start of the "
          "run), batch_size, and optionally learning_rate, subset ({first, count})"}},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Phases>(options, setting);
    },
};

}  // namespace batchlab
