// SPDX-License-Identifier: MIT
#include "experiments/plugins/outside_decision.hpp"

#include <fmt/format.h>

#include <cmath>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

constexpr std::size_t most_of_a_reason = 400;  // bytes

[[noreturn]] void refuse(const std::string& who, const char* what, const char* right,
                         double got) {
  throw Error(ErrorKind::plugin,
              fmt::format("{}: {} must be {}, got {:g}", who, what, right, got));
}

void check_batch_size(double batch_size, const std::string& who) {
  const bool sound =
      batch_size >= least_outside_batch_size && batch_size <= most_outside_batch_size;
  if (!sound) refuse(who, "batch size", "in [1, 1e15]", batch_size);
}

void check_rate(double rate, const char* what, const std::string& who) {
  if (!std::isfinite(rate) || rate <= 0) {
    refuse(who, what, "finite and positive", rate);
  }
}

void check_subset(const Subset& subset, const std::string& who) {
  const auto first = static_cast<double>(subset.first);
  const auto count = static_cast<double>(subset.count);
  if (subset.first < 0 || first > most_outside_batch_size) {
    refuse(who, "first example of the subset", "in [0, 1e15]", first);
  }
  if (subset.count < 1 || count > most_outside_batch_size) {
    refuse(who, "examples in the subset", "in [1, 1e15]", count);
  }
}

}  // namespace

Decision checked(Decision decision, const std::string& who) {
  check_batch_size(decision.batch_size, who);
  if (decision.learning_rate) {
    check_rate(*decision.learning_rate, "learning rate", who);
  }
  check_rate(decision.learning_rate_factor, "learning rate factor", who);
  if (decision.subset) check_subset(*decision.subset, who);
  decision.reason = printable(decision.reason, most_of_a_reason);
  return decision;
}

double checked_extension(double examples, const std::string& who) {
  if (examples != 0) check_batch_size(examples, who);
  return examples;
}

double checked_measured(double value, const std::string& name, const std::string& who) {
  if (!std::isfinite(value)) {
    refuse(who, (name + " from the time of a step").c_str(), "finite", value);
  }
  return value;
}

}  // namespace batchlab
