// SPDX-License-Identifier: MIT
//
// Options of rules that are measured where a specification leaves them unset: from the
// time of a step, which is measured once, before the first run, and kept beside the
// runs in measured.json. The same command so makes the same runs again.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/specification.hpp"
#include "nn/dataset.hpp"

namespace batchlab {

// Those that the rule and the shadows of `run` leave unset: "goodput: cost_ratio".
[[nodiscard]] std::vector<std::string> unset_measured(const RunConfiguration& run);

// Sets those of `runs`, which are of one specification, where `folder`/measured.json
// has the time of a step for their data, network, optimizer, statistics and engine.
// Runs of an entry whose plugin fails alone (provenance.hpp) get a `failure`. Throws
// Error(corrupt) naming that file.
void set_kept(std::vector<RunConfiguration>& runs, const std::filesystem::path& folder);

// Sets those that are left: measures the time of a step with so many threads, in about
// two seconds, and keeps it in `folder`, which exists. Where another process measures
// for it, waits for its result. Says what it does on standard error unless `quiet`.
// Failures as of set_kept(). Throws Error(failed) where no time can be measured.
void measure_unset(std::vector<RunConfiguration>& runs,
                   const std::filesystem::path& folder, const DataSource& source,
                   std::size_t threads, bool quiet);

// `configuration`: of a run made before. What it lacks, for the plugin failed, or what
// that cannot tell now, is no difference: becomes what `run` has.
void forgive_unmeasured(nlohmann::json& configuration, const RunConfiguration& run);

// Sets those of `rule`, a complete {name, options}, to what a run of `configuration`
// was made with: by its rule of that name, or by a shadow. Throws Error(usage) where it
// has none.
void set_as_in_run(nlohmann::json& rule, const nlohmann::json& configuration);

// Likewise those of all rules of `run`.
void set_as_in_run(RunConfiguration& run, const nlohmann::json& configuration);

}  // namespace batchlab
