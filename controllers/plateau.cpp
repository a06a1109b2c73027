// SPDX-License-Identifier: MIT
//
// Plateau: enlarge the batch once a metric has stopped getting better.
//
//     not better than the best for `patience` checks in a row:   B  <-  ceil(factor B)
//     better:   loss < best - threshold |best|,   accuracy > best + threshold |best|
//
// A check is a step after which the metric was measured; one that is not finite is not
// better. After a change, `cooldown` checks do not count. The batch-size mirror of
// ReduceLROnPlateau (PyTorch, Keras); bs-scheduler. Never shrinks.

#include <fmt/format.h>

#include <cmath>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

std::optional<double> Statistics::*metric_field(const std::string& name) {
  if (name == "validation_accuracy") return &Statistics::validation_accuracy;
  if (name == "training_loss") return &Statistics::training_loss;
  return &Statistics::validation_loss;
}

class Plateau final : public Controller {
 public:
  Plateau(const json& options, const Setting& setting)
      : metric_name_(options.at("metric")),
        metric_(metric_field(metric_name_)),
        factor_(options.at("factor")),
        threshold_(options.at("threshold")),
        patience_(options.at("patience")),
        cooldown_(options.at("cooldown")),
        batch_size_(static_cast<double>(
            checked_batch_size("plateau: batch_size", options.at("batch_size"),
                               setting.training_set_size))) {}

  Needs needs() const override { return {metric_}; }

  Decision decide(const Statistics& statistics) override {
    const std::optional<double> value = statistics.*metric_;
    if (!value) return {batch_size_, "no check at this step"};
    if (is_better(*value)) {
      best_ = value;
      bad_checks_ = 0;
    } else {
      ++bad_checks_;
    }
    if (cooldown_left_ > 0) {
      --cooldown_left_;
      bad_checks_ = 0;
    }
    const std::string reason =
        fmt::format("{} {:.4g}, {} of {} checks not better", metric_name_, *value,
                    bad_checks_, patience_);
    if (bad_checks_ == patience_) enlarge();
    return {batch_size_, reason};
  }

  json save() const override {
    return {{"batch_size", batch_size_},
            {"best", best_ ? json(*best_) : json()},
            {"bad_checks", bad_checks_},
            {"cooldown_left", cooldown_left_}};
  }

  void load(const json& state) override {
    batch_size_ = state.at("batch_size");
    best_.reset();
    if (!state.at("best").is_null()) best_ = state.at("best").get<double>();
    bad_checks_ = state.at("bad_checks");
    cooldown_left_ = state.at("cooldown_left");
  }

 private:
  bool is_better(double value) const {
    if (!std::isfinite(value) || !best_) return std::isfinite(value);
    const double margin = threshold_ * std::abs(*best_);
    const bool accuracy = metric_ == &Statistics::validation_accuracy;
    return accuracy ? value > *best_ + margin : value < *best_ - margin;
  }

  void enlarge() {
    const double enlarged = std::ceil(factor_ * batch_size_);
    if (std::isfinite(enlarged)) batch_size_ = enlarged;  // JSON has no infinity
    bad_checks_ = 0;
    cooldown_left_ = cooldown_;
  }

  std::string metric_name_;
  std::optional<double> Statistics::*metric_;
  double factor_, threshold_;
  std::int64_t patience_, cooldown_;
  double batch_size_;  // wanted
  std::optional<double> best_;
  std::int64_t bad_checks_ = 0, cooldown_left_ = 0;
};

}  // namespace

const Entry builtin::plateau{
    .name = "plateau",
    .summary = "enlarges the batch once a metric has stopped getting better",
    .source = "ReduceLROnPlateau (PyTorch, Keras) mirrored; bs-scheduler",
    .options = {count_option("batch_size", 32, "examples", "the first batch size"),
                choice_option(
                    "metric",
                    {"validation_loss", "validation_accuracy", "training_loss"},
                    "what to watch"),
                number_option("factor", 2, 1.0001, 1000, "", "growth at a plateau"),
                count_option(
                    "patience", 10, "checks",
                    "checks in a row that are not better; 10 as in ReduceLROnPlateau, "
                    "fewer for short runs"),
                number_option("threshold", 1e-4, 0, 1, "",
                              "relative improvement that counts as better"),
                count_option("cooldown", 0, "checks",
                             "checks after a change that do not count", 0)},
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Plateau>(options, setting);
    },
};

}  // namespace batchlab
