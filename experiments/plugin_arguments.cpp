// SPDX-License-Identifier: MIT
#include "experiments/plugin_arguments.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

double seconds_argument(const std::string& text) {
  double value = 0;
  const auto [end, failure] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  if (whole && value >= 0.01 && value <= 3600) return value;
  throw Error(ErrorKind::usage,
              fmt::format("--plugin-time-limit: must be a number of seconds in "
                          "[0.01, 3600], got \"{}\"",
                          printable(text)));
}

}  // namespace

po::options_description plugin_safety_options() {
  po::options_description options("plugins");
  options.add_options()(
      "allow-writable-plugins",
      "load them also where others can write to the file or a folder above it")(
      "plugin-time-limit",
      po::value<std::string>()->value_name("SECONDS")->default_value("10"),
      "how long a plugin in a process of its own may take for an answer");
  return options;
}

po::options_description plugin_options() {
  po::options_description options("plugins");
  options.add_options()(
      "plugin", po::value<std::vector<std::string>>()->value_name("FILE")->composing(),
      "take controllers from FILE too: a shared library (*.so) or a program; may be "
      "given often. BATCHLAB_PLUGIN_PATH names folders of such files")(
      "isolate", "run shared libraries in processes of their own, as programs are");
  const po::options_description safety = plugin_safety_options();
  for (const auto& option : safety.options()) options.add(option);
  return options;
}

PluginOptions plugin_arguments(const po::variables_map& values) {
  PluginOptions options;
  if (values.count("plugin")) {
    for (const auto& file : values["plugin"].as<std::vector<std::string>>())
      options.files.emplace_back(file);
  }
  if (const char* folders = std::getenv("BATCHLAB_PLUGIN_PATH"))
    options.folders = folders;
  options.isolate = values.count("isolate") > 0;
  options.allow_writable = values.count("allow-writable-plugins") > 0;
  options.seconds_per_answer =
      seconds_argument(values["plugin-time-limit"].as<std::string>());
  return options;
}

}  // namespace batchlab
