// SPDX-License-Identifier: MIT
#include "controllers/limited_controller.hpp"

#include "controllers/error.hpp"

namespace batchlab {
namespace {

Limits limits_of(const std::string& name, const nlohmann::json& limits,
                 const Setting& setting) {
  try {
    return limits_from(limits, setting);
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

}  // namespace

LimitedController::LimitedController(const std::string& name,
                                     const nlohmann::json& options,
                                     const nlohmann::json& limits,
                                     const Setting& setting)
    : rule_(make_controller(name, options, setting)),
      safety_(limits_of(name, limits, setting)),
      needs_(rule_->needs()) {}

void LimitedController::decide(const Statistics& statistics) {
  const Statistics seen = only(statistics, needs_);
  wanted_ = rule_->decide(seen);
  used_ = safety_.apply(wanted_, seen);
}

std::int64_t LimitedController::extended(const Statistics& statistics) {
  const double wish = rule_->extended_batch_size(only(statistics, needs_));
  return wish > static_cast<double>(statistics.batch_size)
             ? safety_.extended(wish, statistics)
             : statistics.batch_size;
}

}  // namespace batchlab
