// SPDX-License-Identifier: MIT
//
// batchlab controllers, data: what there is to choose from.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "controllers/coupling.hpp"
#include "controllers/error.hpp"
#include "controllers/limits.hpp"
#include "controllers/registry.hpp"
#include "experiments/command_line.hpp"
#include "experiments/option_help.hpp"
#include "experiments/plugins/plugins.hpp"
#include "experiments/specification_options.hpp"
#include "nn/dataset.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

nlohmann::json entry_json(const Entry& entry) {
  auto options = nlohmann::json::array();
  for (const Option& option : entry.options) {
    options.push_back({{"name", option.name},
                       {"default", option.default_value},
                       {"choices", option.choices},
                       {"unit", option.unit},
                       {"measured_where_unset", option.from_step_time != nullptr},
                       {"minimum", option.minimum},
                       {"maximum", option.maximum},
                       {"only_for", {{option.only_for.choice, option.only_for.values}}},
                       {"help", option.help}});
    if (option.only_for.choice.empty()) options.back()["only_for"] = nullptr;
  }
  return {{"name", entry.name},           {"summary", entry.summary},
          {"source", entry.source},       {"options", options},
          {"limits", entry.limits},       {"plain_sgd_only", entry.plain_sgd_only},
          {"open_loop", entry.open_loop}, {"extends_batches", entry.extends_batches},
          {"branches", entry.branches},   {"plugin", plugin_of(entry.name)}};
}

// "/home/me/mine.so, version 1.2"
std::string plugin_text(const Entry& entry) {
  const std::string path = printable(entry.plugin, 400);
  const std::string version = plugin_of(entry.name).at("version");
  return version.empty() ? path : path + ", version " + version;
}

void print_entry(const Entry& entry) {
  fmt::print("{}: {}\nsource: {}\n", entry.name, entry.summary, entry.source);
  if (!entry.plugin.empty()) fmt::print("plugin: {}\n", plugin_text(entry));
  if (entry.open_loop) fmt::print("open loop: `batchlab plan` says what it will do\n");
  if (entry.extends_batches) fmt::print("extends a batch within its step\n");
  if (entry.branches) fmt::print("trains in several ways before it chooses one\n");
  if (entry.plain_sgd_only) fmt::print("optimizer: sgd without momentum only\n");
  print_options("options of the rule", entry.options);
  print_options("options of every entry", controller_entry_options());
  std::vector<Option> limits(limits_options().begin(), limits_options().end());
  for (Option& option : limits) {
    if (entry.limits.is_object() && entry.limits.contains(option.name)) {
      option.default_value = entry.limits.at(option.name);
    }
  }
  print_options("limits = { ... } (defaults for this rule)", limits);
}

void print_overview() {
  for (const Entry* entry : controllers()) {
    fmt::print("{:<18} {}\n{:<18}   {}\n", entry->name, entry->summary, "",
               entry->source);
    if (!entry->plugin.empty()) {
      fmt::print("{:<18}   plugin {}\n", "", plugin_text(*entry));
    }
  }
  fmt::print(
      "\ncouplings (factor of the learning rate, k = B / B0, S the noise scale):\n");
  for (const Coupling& coupling : couplings()) {
    fmt::print("{:<18} {}\n{:<18}   {}\n{:<18}   {}\n", coupling.name, coupling.summary,
               "", coupling.formula, "", coupling.source);
  }
  fmt::print("\nbatchlab controllers NAME shows the options of one.\n");
}

void print_row(const std::vector<std::string>& cells) {
  fmt::print("| {} |\n", fmt::join(cells, " | "));
}

// The tables of controllers/README.md: of what is built in.
void print_markdown() {
  print_row({"rule", "in one line", "source"});
  fmt::print("|---|---|---|\n");
  for (const Entry* entry : controllers()) {
    if (!entry->plugin.empty()) continue;
    print_row({'`' + entry->name + '`', entry->summary, entry->source});
  }
  fmt::print("\n");
  print_row({"coupling", "factor of the learning rate, k = B / B0, S the noise scale",
             "for"});
  fmt::print("|---|---|---|\n");
  for (const Coupling& coupling : couplings()) {
    const auto& optimizers = coupling.optimizers;
    print_row(
        {'`' + coupling.name + '`', coupling.formula,
         optimizers.empty() ? "all" : fmt::format("{}", fmt::join(optimizers, ", "))});
  }
}

int show_controllers(const Command& command,
                     const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("json", "as JSON")(
      "markdown", "rules and couplings as the tables of controllers/README.md");
  po::positional_options_description positional;
  positional.add("name", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  const bool json = values->count("json") > 0;
  if (values->count("markdown")) {
    if (json || values->count("name")) {
      throw Error(ErrorKind::usage, "controllers: --markdown goes with nothing else");
    }
    print_markdown();
    return 0;
  }
  if (values->count("name")) {
    const Entry& entry =
        find_controller((*values)["name"].as<std::vector<std::string>>().front());
    if (json)
      fmt::print("{}\n", entry_json(entry).dump(2));
    else
      print_entry(entry);
    return 0;
  }
  if (!json) {
    print_overview();
    return 0;
  }
  auto all = nlohmann::json::array();
  for (const Entry* entry : controllers()) all.push_back(entry_json(*entry));
  fmt::print("{}\n", all.dump(2));
  return 0;
}

void print_data(const DataSource& source) {
  const bool classes = !find_data_set(source.name).generated;
  fmt::print("{}: {}\n  checksum {}\n  shape {}", source.name,
             classes ? printable(source.folder, 400) : "generated", source.checksum,
             fmt::join(source.training.shape, " x "));
  fmt::print("{}\n",
             classes ? fmt::format(", {} classes", source.training.classes) : "");
  for (const auto& [name, data] :
       {std::pair("training", &source.training), std::pair("test", &source.test)}) {
    if (!classes) {
      fmt::print("  {:<9} {:>6} examples\n", name, data->examples());
      continue;
    }
    std::vector<std::size_t> counts(data->classes);
    for (const std::uint8_t label : data->labels) ++counts[label];
    fmt::print("  {:<9} {:>6} examples, per class {}\n", name, data->examples(),
               fmt::join(counts, " "));
  }
}

int show_data(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()("folder", po::value<std::string>()->value_name("DIR"),
                        "where the IDX files are, instead of the set's own folder");
  po::positional_options_description positional;
  positional.add("name", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  if (!values->count("name")) {
    for (const KnownDataSet& set : known_data_sets()) {
      const std::string where = set.generated
                                    ? "options: data.examples, dimensions, seed"
                                : set.package.empty() ? "data.folder names its folder"
                                                      : "Debian package " + set.package;
      fmt::print("{:<16} {}\n{:<16}   {}\n", set.name, set.summary, "", where);
    }
    fmt::print("\nbatchlab data NAME reads one and checks it.\n");
    return 0;
  }
  const auto name = (*values)["name"].as<std::vector<std::string>>().front();
  print_data(load_data(name, values->count("folder")
                                 ? (*values)["folder"].as<std::string>()
                                 : std::string()));
  return 0;
}

}  // namespace

const Command controllers_command{
    "controllers", "[NAME]", "list the batch-size controllers, or the options of one",
    "Lists every rule of the registry with its source, and the couplings of the "
    "learning\n"
    "rate. With NAME: all options of that rule, with defaults, ranges and units.",
    show_controllers};

const Command data_command{
    "data", "[NAME]", "list the data sets, or read one and check it",
    "Lists the data sets. With NAME: reads or generates it, verifies its "
    "checksum and shows how many\n"
    "examples it has of each class.",
    show_data};

}  // namespace batchlab
