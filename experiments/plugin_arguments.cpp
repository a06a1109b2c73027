// SPDX-License-Identifier: MIT
#include "experiments/plugin_arguments.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controllers/error.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

// "2G": 2 x 2^30 bytes.
std::int64_t memory_argument(const std::string& text) {
  constexpr std::int64_t least = std::int64_t{16} << 20, most = std::int64_t{1} << 40;
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  const std::string_view unit(rest, end), units = "KMGT";
  const std::size_t which = unit.size() == 1 ? units.find(unit[0]) : units.npos;
  const std::size_t shift = which == units.npos ? 0 : 10 * (which + 1);
  const bool whole = failure == std::errc() && (unit.empty() || shift > 0);
  if (whole && value >= 1 && value <= most >> shift && value << shift >= least) {
    return value << shift;
  }
  throw Error(ErrorKind::usage,
              fmt::format("--plugin-memory: must be in [16M, 1T], a number of bytes or "
                          "one with K, M, G or T, such as 2G; got \"{}\"",
                          printable(text)));
}

}  // namespace

double seconds_argument(const po::variables_map& values, const std::string& option,
                        double most) {
  const auto& text = values[option].as<std::string>();
  double value = 0;
  const auto [end, failure] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  if (whole && value >= 0.01 && value <= most) return value;
  throw Error(ErrorKind::usage, fmt::format("--{}: must be a number of seconds in "
                                            "[0.01, {:g}], got \"{}\"",
                                            option, most, printable(text)));
}

po::options_description plugin_safety_options() {
  po::options_description options("plugins");
  options.add_options()(
      "allow-writable-plugins",
      "load them also where others can write to the file or a folder above it")(
      "plugin-time-limit",
      po::value<std::string>()->value_name("SECONDS")->default_value("10"),
      "how long a plugin in a process of its own may take for an answer")(
      "plugin-memory",
      po::value<std::string>()->value_name("BYTES")->default_value("1G"),
      "how much memory it may take (address space): bytes, or with K, M, G or T");
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
  options.seconds_per_answer = seconds_argument(values, "plugin-time-limit", 3600);
  options.memory_bytes = memory_argument(values["plugin-memory"].as<std::string>());
  return options;
}

}  // namespace batchlab
