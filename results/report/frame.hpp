// SPDX-License-Identifier: MIT
//
// Inside results/ only: the page around the sections of a report. It loads nothing:
// styles, scripts and data are in it, and its policy lets run only those that it came
// with, by their SHA-256.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "results/report.hpp"
#include "results/report/parts.hpp"

namespace batchlab {

struct PageParts {
  std::string main;                     // markup of its sections
  std::string_view library_style = {};  // beside page.css
  std::string data = {};                // JSON for the scripts
  std::vector<std::string> scripts = {};
};

[[nodiscard]] std::string framed_page(const PageParts& parts,
                                      const ReportOptions& options);

// `page` with each "@NAME@" replaced by its value; values are not looked at again.
[[nodiscard]] std::string filled(std::string_view page,
                                 const std::map<std::string, std::string>& values);

// Charts under the headings of their sections, each with its words.
[[nodiscard]] std::string drawings_html(const std::vector<DrawnChart>& charts);

// The heading "How this page was made", and the command that makes it again.
[[nodiscard]] std::string command_html(const ReportOptions& options);

}  // namespace batchlab
