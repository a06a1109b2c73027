// SPDX-License-Identifier: MIT
//
// The options of the command line that say which plugins to load, and how.
#pragma once

#include <boost/program_options.hpp>
#include <string>

#include "experiments/plugins/plugins.hpp"

namespace batchlab {

// --allow-writable-plugins, --plugin-time-limit, --plugin-memory.
[[nodiscard]] boost::program_options::options_description plugin_safety_options();

// These, --plugin and --isolate.
[[nodiscard]] boost::program_options::options_description plugin_options();

// The value of `option`, in [0.01, most]. Throws Error(usage).
[[nodiscard]] double seconds_argument(
    const boost::program_options::variables_map& values, const std::string& option,
    double most);

// What `values` and the environment (BATCHLAB_PLUGIN_PATH) say. Throws Error(usage).
[[nodiscard]] PluginOptions plugin_arguments(
    const boost::program_options::variables_map& values);

}  // namespace batchlab
