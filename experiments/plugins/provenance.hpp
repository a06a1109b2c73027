// SPDX-License-Identifier: MIT
//
// Which build of which plugin made a run.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "controllers/error.hpp"
#include "experiments/specification.hpp"

namespace batchlab {

// Of the plugins in use that the controller of a run and its shadows come from, each
// once: what plugin_of() says. Empty where all are built in.
[[nodiscard]] nlohmann::json plugins_of(const RunConfiguration& configuration);

// Whether `error`, met before the runs, is that a plugin of this one in a process of
// its own crashed or hung, or answered what cannot be: its runs fail, the others go on.
// What it refuses is an error of usage.
[[nodiscard]] bool fails_alone(const RunConfiguration& configuration,
                               const Error& error);

// What makes the run of `record`, its run.json, one of other plugins than
// `configuration` would be now: `another build of /home/me/mine.so (checksum 12 there,
// 34 here)`; empty when they are the same. Where the files are does not count.
[[nodiscard]] std::string plugin_difference(const nlohmann::json& record,
                                            const RunConfiguration& configuration);

}  // namespace batchlab
