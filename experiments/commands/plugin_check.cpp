// SPDX-License-Identifier: MIT
//
// batchlab plugin check: whether the controllers of a plugin keep what all promise.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "controllers/contract.hpp"
#include "controllers/error.hpp"
#include "experiments/commands/plugin.hpp"
#include "experiments/plugin_arguments.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;
using nlohmann::json;

using Clock = std::chrono::steady_clock;

// Of the whole check.
struct TimeLimit {
  double seconds;
  Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(seconds));
  bool met = false;
  [[nodiscard]] bool over() { return met = met || Clock::now() >= end; }
};

// Each promise makes its controllers, and so their processes, anew. One that takes
// options which have no default, or may show with other options only, is untried, and
// `holds` null. So is one for which no time is left,
// or too little.
json checked_promises(const Entry& entry, TimeLimit& limit) {
  const Subject subject{entry, option_variants(entry), false};
  const std::string missing = missing_options(entry);
  json promises = json::array();
  for (const Promise& promise : contract()) {
    const bool late = limit.over();
    auto [failure, unseen] =
        late ? Verdict{"no time was left", true} : promise.check(subject);
    if (!late && !failure.empty() && limit.over()) {
      failure += fmt::format(" (the {:g} s of the check were over)", limit.seconds);
      unseen = true;
    }
    promises.push_back({{"name", promise.name},
                        {"claim", promise.claim},
                        {"holds", failure.empty()},
                        {"failure", printable(failure, 1000)}});
    const bool no_options =
        !missing.empty() && failure.find(missing) != std::string::npos;
    if (unseen || no_options) promises.back()["holds"] = nullptr;
  }
  return promises;
}

// `holds`: false for what is broken, null for what is untried.
std::ptrdiff_t count_in(const json& promises, const json& holds) {
  return std::count_if(promises.begin(), promises.end(), [&](const json& promise) {
    return promise.at("holds") == holds;
  });
}

json report_on(const Plugin& plugin, TimeLimit& limit) {
  json controllers = json::array();
  std::ptrdiff_t broken = 0, untried = 0;
  for (const Entry& entry : plugin.entries) {
    controllers.push_back(
        {{"name", entry.name}, {"promises", checked_promises(entry, limit)}});
    broken += count_in(controllers.back().at("promises"), false);
    untried += count_in(controllers.back().at("promises"), nullptr);
  }
  return {{"path", plugin.path.string()},
          {"checksum", plugin.checksum},
          {"version", plugin.version},
          {"controllers", controllers},
          {"out_of_time", limit.met},
          {"broken", broken},
          {"untried", untried}};
}

void print_promise(const json& promise) {
  const json& holds = promise.at("holds");
  fmt::print("  {:<7} {:<16} {}\n",
             holds.is_null() ? "untried"
             : holds == true ? "holds"
                             : "BROKEN",
             promise.at("name").get<std::string>(),
             promise.at("claim").get<std::string>());
  if (holds != true)
    fmt::print("  {:<7} {}\n", "", promise.at("failure").get<std::string>());
}

void print_report(const json& report) {
  const std::string version = report.at("version");
  fmt::print("{}{}\n", printable(report.at("path").get<std::string>(), 400),
             version.empty() ? "" : ", version " + version);
  for (const json& controller : report.at("controllers")) {
    fmt::print("{}\n", controller.at("name").get<std::string>());
    for (const json& promise : controller.at("promises")) print_promise(promise);
  }
  const int broken = report.at("broken"), untried = report.at("untried");
  if (untried > 0)
    fmt::print("untried: {} ({})\n", untried,
               report.at("out_of_time") == true
                   ? "the time for the check was over: --time-limit gives more"
                   : "other options than the defaults would show them");
  if (broken > 0)
    fmt::print("{} {} broken\n", broken, broken == 1 ? "promise is" : "promises are");
  else
    fmt::print("all promises {}hold\n", untried > 0 ? "that were tried " : "");
}

int run_check(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("json", "as JSON")(
      "time-limit",
      po::value<std::string>()->value_name("SECONDS")->default_value("300"),
      "how long the whole check may take");
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
  TimeLimit limit{seconds_argument(*values, "time-limit", 86400)};
  plugins.deadline = limit.end;
  const Plugin plugin =
      load_plugin((*values)["file"].as<std::vector<std::string>>().front(), plugins);
  add_plugin(plugin);  // or its names are taken
  const json report = report_on(plugin, limit);
  if (values->count("json"))
    fmt::print("{}\n", report.dump(2));
  else
    print_report(report);
  const bool good = report.at("broken") == 0 && report.at("out_of_time") == false;
  return good ? 0 : static_cast<int>(ErrorKind::plugin);
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
    "in question, and the next is tried anew. What other options alone can "
    "show is\n"
    "untried, and so is what is left when --time-limit is over. Exit code 6 if a "
    "promise is broken,\n"
    "or the time was over.\n\n"
    "  batchlab plugin check ./mine.so\n"
    "  batchlab plugin check ./mine.py --plugin-time-limit 2 --json",
    run_check};

}  // namespace batchlab
