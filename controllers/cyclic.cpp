// SPDX-License-Identifier: MIT
//
// Cyclic: the batch size goes round. With t examples seen, low l and high h:
//
//     list        B = sizes[i mod n],  i: epochs completed, or steps
//     triangular  cycle = floor(1 + t / (2 c)),  x = |t / c - 2 cycle + 1|
//                 B = l + (h - l) max(0, 1 - x) scale
//                 scale: 1, 2^(1 - cycle) or gamma^t
//     cosine      B = l + (h - l) (1 - cos(pi t' / T_i)) / 2
//                 t' examples into cycle i,  T_i = T_0 m^i
//
// Smith: Cyclical learning rates (2017), arXiv 1506.01186, with the batch for the rate.
// Loshchilov, Hutter: SGDR (2017), arXiv 1608.03983, turned over: a large batch does
// what a small rate does.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "controllers/batch_size_option.hpp"
#include "controllers/builtin.hpp"
#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

class Cyclic final : public Controller {
 public:
  Cyclic(const json& options, const Setting& setting)
      : options_(options),
        sizes_(options.value("sizes", std::vector<std::int64_t>())),
        low_(options.value("low", 0.0)),
        high_(options.value("high", 0.0)) {
    const std::int64_t most = setting.training_set_size;
    if (options_["shape"] == "list") {
      for (const std::int64_t size : sizes_) {
        (void)checked_batch_size("cyclic: sizes", size, most);
      }
      return;
    }
    (void)checked_batch_size("cyclic: high", options_["high"], most);
    if (low_ > high_) {
      throw Error(
          ErrorKind::usage,
          fmt::format("cyclic: low must be at most high {}, got {}", high_, low_));
    }
    // Unset ones have their default; the one of the other shape is not read.
    if (options_["half_period_examples"].is_null()) {
      options_["half_period_examples"] = 2 * most;
    }
    if (options_["period_examples"].is_null()) options_["period_examples"] = 4 * most;
  }

  Decision decide(const Statistics& statistics) override {
    const auto seen = static_cast<double>(statistics.examples_seen);
    if (options_["shape"] == "triangular") return triangular(seen);
    if (options_["shape"] == "cosine") return cosine(seen);
    const bool per_step = options_["per"] == "step";
    const auto count = per_step ? statistics.step : statistics.epochs_completed;
    const auto index = static_cast<std::size_t>(count) % sizes_.size();
    return {static_cast<double>(sizes_[index]),
            fmt::format("size {} of {}", index + 1, sizes_.size())};
  }

 private:
  [[nodiscard]] Decision triangular(double seen) const {
    const double half_period = options_["half_period_examples"];
    const double cycle = std::floor(1 + seen / (2 * half_period));
    const double x = std::abs(seen / half_period - 2 * cycle + 1);
    double scale = 1;
    if (options_["decay"] == "halve") scale = std::exp2(1 - cycle);
    if (options_["decay"] == "exponential") {
      scale = std::pow(double{options_["gamma"]}, seen);
    }
    const double height = std::max(0.0, 1 - x) * scale;
    return {low_ + (high_ - low_) * height,
            fmt::format("cycle {}, height {:.3g}", cycle, height)};
  }

  [[nodiscard]] Decision cosine(double seen) const {
    const double period = options_["period_examples"], m = options_["period_factor"];
    // Cycle i starts at T_0 (1 + m + ... + m^(i-1)), T_0 i when m = 1.
    const auto start = [&](double i) {
      return period * (m == 1 ? i : (std::pow(m, i) - 1) / (m - 1));
    };
    double cycle = std::floor(
        m == 1 ? seen / period : std::log1p(seen / period * (m - 1)) / std::log(m));
    if (seen >= start(cycle + 1)) ++cycle;  // the logarithms rounded down
    const double progress = (seen - start(cycle)) / (start(cycle + 1) - start(cycle));
    const double height = (1 - std::cos(std::numbers::pi * progress)) / 2;
    return {low_ + (high_ - low_) * height,
            fmt::format("cycle {}, height {:.3g}", cycle + 1, height)};
  }

  json options_;
  std::vector<std::int64_t> sizes_;
  double low_, high_;
};

}  // namespace

const Entry builtin::cyclic{
    .name = "cyclic",
    .summary =
        "round and round: a list of sizes, a triangle, or a cosine with restarts",
    .source =
        "Smith 2017, arXiv 1506.01186; Loshchilov and Hutter 2017, arXiv 1608.03983",
    .options =
        {choice_option("shape", {"list", "triangular", "cosine"}, "shape of a cycle"),
         only_for("shape", {"list"},
                  {"sizes",
                   Option::Kind::integer_list,
                   {32, 64, 128},
                   1,
                   most_counted,
                   {},
                   "examples",
                   "the batch sizes, in turn"}),
         only_for(
             "shape", {"list"},
             choice_option("per", {"epoch", "step"}, "when to go to the next size")),
         only_for("shape", {"triangular", "cosine"},
                  count_option("low", 32, "examples", "smallest batch (l)")),
         only_for("shape", {"triangular", "cosine"},
                  count_option("high", 512, "examples", "largest batch (h)")),
         only_for("shape", {"triangular"},
                  count_option("half_period_examples", nullptr, "examples",
                               "from low to high (c); unset: 2 training sets")),
         only_for("shape", {"triangular"},
                  choice_option("decay", {"none", "halve", "exponential"},
                                "the height stays, halves at each cycle, or falls as "
                                "gamma^t")),
         only_for("decay", {"exponential"},
                  number_option("gamma", 0.999999, 0.5, 1, "per example",
                                "factor of the height (gamma)")),
         only_for(
             "shape", {"cosine"},
             count_option("period_examples", nullptr, "examples",
                          "length of the first cycle (T_0); unset: 4 training sets")),
         only_for(
             "shape", {"cosine"},
             number_option("period_factor", 1, 1, 100, "",
                           "each cycle is longer than the last by this factor (m)"))},
    .open_loop = true,
    .limits = json::object(),
    .make = [](const json& options,
               const Setting& setting) -> std::unique_ptr<Controller> {
      return std::make_unique<Cyclic>(options, setting);
    },
};

}  // namespace batchlab
