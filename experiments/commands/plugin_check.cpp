// SPDX-License-Identifier: MIT
//
// batchlab plugin check: whether the controllers of a plugin keep what all promise.
#include <fmt/format.h>

#include <algorithm>

#include "controllers/contract.hpp"
#include "controllers/error.hpp"
#include "experiments/commands/plugin.hpp"
#include "experiments/plugin_arguments.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;
using nlohmann::json;

// Each promise makes its controllers, and so their processes, anew.
json checked_promises(const Entry& entry) {
  const Subject subject{entry, option_variants(entry)};
  json promises = json::array();
  for (const Promise& promise : contract()) {
    const std::string failure = promise.check(subject);
    promises.push_back({{"name", promise.name},
                        {"claim", promise.claim},
                        {"holds", failure.empty()},
                        {"failure", printable(failure, 1000)}});
  }
  return promises;
}

int broken_in(const json& promises) {
  return static_cast<int>(std::count_if(
      promises.begin(), promises.end(),
      [](const json& promise) { return !promise.at("holds").get<bool>(); }));
}

json report_on(const Plugin& plugin) {
  json controllers = json::array();
  int broken = 0;
  for (const Entry& entry : plugin.entries) {
    controllers.push_back(
        {{"name", entry.name}, {"promises", checked_promises(entry)}});
    broken += broken_in(controllers.back().at("promises"));
  }
  return {{"path", plugin.path.string()},
          {"checksum", plugin.checksum},
          {"version", plugin.version},
          {"controllers", controllers},
          {"broken", broken}};
}

void print_promise(const json& promise) {
  const bool holds = promise.at("holds");
  fmt::print("  {:<7} {:<16} {}\n", holds ? "holds" : "BROKEN",
             promise.at("name").get<std::string>(),
             promise.at("claim").get<std::string>());
  if (!holds) fmt::print("  {:<7} {}\n", "", promise.at("failure").get<std::string>());
}

void print_report(const json& report) {
  const std::string version = report.at("version");
  fmt::print("{}{}\n", printable(report.at("path").get<std::string>(), 400),
             version.empty() ? "" : ", version " + version);
  for (const json& controller : report.at("controllers")) {
    fmt::print("{}\n", controller.at("name").get<std::string>());
    for (const json& promise : controller.at("promises")) print_promise(promise);
  }
  const int broken = report.at("broken");
  if (broken == 0)
    fmt::print("all promises hold\n");
  else
    fmt::print("{} {} broken\n", broken, broken == 1 ? "promise is" : "promises are");
}

int run_check(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("json", "as JSON");
  options.add(plugin_safety_options());
  po::positional_options_description positional;
  positional.add("file", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (!values->count("file")) {
    throw Error(ErrorKind::usage,
                "plugin check: a plugin is needed: batchlab plugin check ./mine.so");
  }
  PluginOptions plugins = plugin_arguments(*values);
  plugins.isolate = true;
  const Plugin plugin =
      load_plugin((*values)["file"].as<std::vector<std::string>>().front(), plugins);
  add_plugin(plugin);  // or its names are taken
  const json report = report_on(plugin);
  if (values->count("json"))
    fmt::print("{}\n", report.dump(2));
  else
    print_report(report);
  return report.at("broken") == 0 ? 0 : static_cast<int>(ErrorKind::plugin);
}

}  // namespace

const Command plugin_check_command{
    "plugin check", "FILE", "say which promises the controllers of a plugin keep",
    "Tries the controllers of FILE, a shared library or a program, in processes of "
    "their own, on\n"
    "made-up statistics: with their defaults and with each choice of their options. "
    "Prints for each\n"
    "promise whether it holds, or what was seen. A crash, or no answer in time, breaks "
    "the promise\n"
    "in question, and the next is tried anew. Exit code 6 if one is broken.\n\n"
    "  batchlab plugin check ./mine.so\n"
    "  batchlab plugin check ./mine.py --plugin-time-limit 2 --json",
    run_check};

}  // namespace batchlab
