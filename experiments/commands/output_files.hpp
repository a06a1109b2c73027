// SPDX-License-Identifier: MIT
//
// Files that a command is told to write, and the words that it was told with.
#pragma once

#include <string>
#include <vector>

#include "results/report.hpp"

namespace batchlab {

// Writes `text` to `path`, making its folders; nothing for an empty path. Throws
// Error(usage), named by `command`, where the path is a folder, Error(disk) else.
void write_output(const std::string& command, const std::string& path,
                  const std::string& text);

// Each as <folder>/<name>.svg; nothing for an empty folder.
void write_figures(const std::string& command, const std::string& folder,
                   const std::vector<ReportFigure>& figures);

// "batchlab <command> <argument>...", as a shell takes it.
[[nodiscard]] std::string command_text(const std::string& command,
                                       const std::vector<std::string>& arguments);

}  // namespace batchlab
