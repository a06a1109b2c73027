// SPDX-License-Identifier: MIT
//
// batchlab plugin: its own commands, one file each.
#pragma once

#include "experiments/command_line.hpp"

namespace batchlab {

// One without a summary is for batchlab itself, and not listed.
extern const Command plugin_new_command, plugin_check_command, plugin_list_command,
    plugin_serve_command;

}  // namespace batchlab
