// SPDX-License-Identifier: MIT
//
// Late switch: a small batch for most of the run, then a large one to its end.
//
//     B  =  small   before the switch,     large   from it on
//
// The switch is at a number of examples, or of epochs, of which a part counts too. The
// rule does not know how long the run is: nine tenths of 5 epochs are 4.5. Wang et al.:
// Fast catch-up, late switching: optimal batch size scheduling via functional scaling
// laws (2026), arXiv 2602.14208.

#include <fmt/format.h>

#include <algorithm>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

double size_of(const std::string& name, const json& options, const Setting& setting) {
  return static_cast<double>(checked_batch_size(
      "late_switch: " + name, options.at(name), setting.training_set_size));
}

class LateSwitch final : public Controller {
 public:
  LateSwitch(const json& options, const Setting& setting)
      : small_(size_of("batch_size", options, setting)),
        large_(size_of("final_batch_size", options, setting)),
        training_set_size_(static_cast<double>(setting.training_set_size)),
        in_epochs_(options.at("unit") == "epochs"),
        switch_at_(options.at("switch_at")) {}

  Decision decide(const Statistics& statistics) override {
    const auto seen = static_cast<double>(statistics.examples_seen);
    const double point = in_epochs_ ? epochs(statistics) : seen;
    const bool late = point >= switch_at_;
    return {late ? large_ : small_,
            fmt::format("{} {} {}", late ? "from" : "until", switch_at_,
                        in_epochs_ ? "epochs" : "examples")};
  }

 private:
  // With the part of the epoch that is under way. An epoch may be shorter than the
  // training set (a tail that is dropped): a completed one counts as one.
  [[nodiscard]] double epochs(const Statistics& statistics) const {
    return std::max(static_cast<double>(statistics.epochs_completed),
                    static_cast<double>(statistics.examples_seen) / training_set_size_);
  }

  double small_, large_, training_set_size_;
  bool in_epochs_;
  double switch_at_;
};

}  // namespace

const Entry builtin::late_switch{
    .name = "late_switch",
    .summary = "a small batch for most of the run, one late switch to a large one",
    .source = "Wang et al. 2026, arXiv 2602.14208",
    .options = {count_option("batch_size", 32, "examples", "before the switch"),
                count_option("final_batch_size", 512, "examples", "from the switch on"),
                choice_option("unit", {"epochs", "examples"}, "what switch_at counts"),
                only_for("unit", {"epochs"},
                         number_option(
                             "switch_at", 4, 0, most_counted, "epochs",
                             "switch after these epochs of the run, as 4.5; the rule "
                             "does not know the budget: set nine tenths of it, say")),
                only_for("unit", {"examples"},
                         count_option("switch_at", 200000, "examples",
                                      "switch after these examples of the run: set "
                                      "nine tenths of the budget, say",
                                      0))},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<LateSwitch>(options, setting);
    },
};

}  // namespace batchlab
