// SPDX-License-Identifier: MIT
//
// The options of the command line that say which plugins to load, and how.
#pragma once

#include <boost/program_options.hpp>

#include "experiments/plugins/plugins.hpp"

namespace batchlab {

// --allow-writable-plugins, --plugin-time-limit.
[[nodiscard]] boost::program_options::options_description plugin_safety_options();

// These, --plugin and --isolate.
[[nodiscard]] boost::program_options::options_description plugin_options();

// What `values` and the environment (BATCHLAB_PLUGIN_PATH) say. Throws Error(usage).
[[nodiscard]] PluginOptions plugin_arguments(
    const boost::program_options::variables_map& values);

}  // namespace batchlab
