// SPDX-License-Identifier: MIT
//
// batchlab plugin serve: the process in which a shared library is isolated.
#include <filesystem>

#include "controllers/error.hpp"
#include "experiments/commands/plugin.hpp"
#include "experiments/plugin_arguments.hpp"
#include "experiments/plugins/serve.hpp"
#include "experiments/plugins/shared_library.hpp"
#include "experiments/plugins/trust.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

int run_serve(const Command& command, const std::vector<std::string>& arguments) {
  po::positional_options_description positional;
  positional.add("file", 1);
  const auto values =
      parse_arguments(command, arguments, plugin_safety_options(), positional);
  if (!values) return 0;
  if (!values->count("file")) {
    throw Error(ErrorKind::usage, "plugin serve: a shared library is needed");
  }
  const std::filesystem::path file =
      plugin_path((*values)["file"].as<std::vector<std::string>>().front());
  if (!values->count("allow-writable-plugins")) check_trusted(file);
  return serve([&] {
    Served served;
    served.entries = load_shared_library(file, &served.version);
    return served;
  });
}

}  // namespace

const Command plugin_serve_command{
    "plugin serve", "FILE", "",
    "Serves the controllers of a shared library over standard input and output, for "
    "--isolate.",
    run_serve};

}  // namespace batchlab
