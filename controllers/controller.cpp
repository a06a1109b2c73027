// SPDX-License-Identifier: MIT
#include "controllers/controller.hpp"

#include <nlohmann/json.hpp>

namespace batchlab {

nlohmann::json Controller::save() const { return nlohmann::json::object(); }

void Controller::load(const nlohmann::json&) {}

}  // namespace batchlab
