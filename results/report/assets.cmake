# SPDX-License-Identifier: MIT
#
# The page of a report as one header: our parts, and dygraphs from where its package is.
find_file(BATCHLAB_DYGRAPHS dygraph.min.js
  PATHS /usr/share/javascript/dygraphs /usr/local/share/javascript/dygraphs
  DOC "dygraph.min.js of dygraphs 2.2 (Debian: libjs-dygraphs)" REQUIRED)
cmake_path(GET BATCHLAB_DYGRAPHS PARENT_PATH dygraphs_folder)

set(report_scripts state data curves charts controls decisions main)
set(report_folder ${CMAKE_CURRENT_LIST_DIR})

# asset(<variable> <name> <file>...): adds the files to the header under that name.
function(asset variable name)
  set(all "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    string(APPEND all "${text}")
  endforeach()
  set(${variable} "${${variable}}inline constexpr std::string_view ${name} = R\"batchlab~(${all})batchlab~\";\n"
    PARENT_SCOPE)
endfunction()

set(assets "")
asset(assets page ${report_folder}/page.html)
asset(assets runs ${report_folder}/runs.html)
asset(assets style ${report_folder}/page.css)
list(TRANSFORM report_scripts REPLACE "(.+)" "${report_folder}/\\1.js")
asset(assets scripts ${report_scripts})
asset(assets library ${BATCHLAB_DYGRAPHS})
asset(assets library_style ${dygraphs_folder}/dygraph.min.css)
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/generated/report_assets.hpp @ONLY CONTENT
"// Generated from results/report/ and dygraphs.
#pragma once
#include <string_view>
namespace batchlab::report_assets {
@assets@}  // namespace batchlab::report_assets
")
