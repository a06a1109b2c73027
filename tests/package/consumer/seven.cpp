// SPDX-License-Identifier: MIT
//
// The least plugin: seven examples at every step.
#include "controllers/plugin.hpp"

namespace {

using namespace batchlab;

struct Seven final : Controller {
  Decision decide(const Statistics& /*statistics*/) override { return {7, "seven"}; }
};

const Entry seven{
    .name = "seven",
    .summary = "seven examples at every step",
    .source = "tests/package",
    .options = {},
    .open_loop = true,
    .limits = {},
    .make = [](const nlohmann::json&, const Setting&) -> std::unique_ptr<Controller> {
      return std::make_unique<Seven>();
    },
};

}  // namespace

BATCHLAB_PLUGIN("1.0", seven);
