// SPDX-License-Identifier: MIT
//
// What runs cost, how their configurations differ, what they were made on: every key
// that run.json and config.json have, known or not.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "results/report/parts.hpp"
#include "results/report_text.hpp"
#include "results/step_time_fit.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t kMostKeys = 300, kMostColumns = 30;

std::string value_text(const json& value) {
  if (value.is_number()) return figure_text(value.get<double>());
  const std::string text =
      value.is_string() ? value.get<std::string>()
                        : value.dump(-1, ' ', false, json::error_handler_t::replace);
  return isolated(text, 200);
}

std::string run_name(const ReportRun& run) {
  return fmt::format("{}, seed {}", isolated(run.run->controller()), run.run->seed());
}

// "/model/layers/0/units" as "model.layers.0.units".
std::string dotted(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', '.');
  return pointer.substr(std::min<std::size_t>(1, pointer.size()));
}

// Key to its values, and the names of those that have each.
using Values = std::map<std::string, std::map<std::string, std::set<std::string>>>;

void add(Values& values, const json& settings, const std::string& name) {
  if (!settings.is_object() || settings.empty()) return;
  const json flat = settings.flatten();
  for (auto item = flat.begin(); item != flat.end(); ++item) {
    if (values.size() >= kMostKeys && !values.contains(dotted(item.key()))) continue;
    values[dotted(item.key())][value_text(item.value())].insert(name);
  }
}

std::string holders(const std::set<std::string>& names, std::size_t all) {
  if (names.size() == all) return "all";
  constexpr std::size_t most = 12;
  std::vector<std::string> shown(
      names.begin(),
      std::next(names.begin(), std::ptrdiff_t(std::min(most, names.size()))));
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > most) text += fmt::format(" and {} more", names.size() - most);
  return text;
}

std::string values_table(const std::string& caption, const std::string& of,
                         const Values& values, std::size_t all, bool differing_only) {
  HtmlTable table(caption, {"key", "value", of});
  std::size_t rows = 0;
  for (const auto& [key, found] : values) {
    const bool same = found.size() == 1 && found.begin()->second.size() == all;
    if (same && differing_only) continue;
    for (const auto& [value, names] : found) {
      table.row({isolated(key), "<span class=\"text\">" + value + "</span>",
                 holders(names, all)});
      ++rows;
    }
  }
  return rows == 0 ? fmt::format("<p>{}: none.</p>\n", isolated(caption))
                   : table.html();
}

// Those of run.json that are numbers, in the order of their names.
std::vector<std::string> number_keys(const std::vector<const ReportRun*>& runs) {
  std::set<std::string> keys;
  for (const ReportRun* run : runs) {
    for (const auto& [key, value] : run->run->record.items()) {
      if (value.is_number() && key != "seed") keys.insert(key);
    }
  }
  std::vector<std::string> some(keys.begin(), keys.end());
  if (some.size() > kMostColumns) some.resize(kMostColumns);
  return some;
}

std::string spaced(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return isolated(key, 60);
}

// "training 76 %, evaluation 23 %, rest 1 %"
std::string shares_text(const Run& run) {
  std::vector<std::string> parts;
  for (const TimeShare& share : time_shares(run).told) {
    parts.push_back(
        fmt::format("{} {:.0f} %", markup_text(share.name), 100 * share.share));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string totals_table(const std::string& name,
                         const std::vector<const ReportRun*>& runs) {
  const auto keys = number_keys(runs);
  std::vector<std::string> heads = {"run", "status", "why not finished",
                                    "where the time went"};
  for (const std::string& key : keys) heads.push_back(spaced(key));
  HtmlTable table(name + ": totals and costs, as run.json has them", heads);
  for (const ReportRun* run : runs) {
    const json& record = run->run->record;
    std::vector<std::string> cells = {run_name(*run), isolated(run->run->status(), 40)};
    const json reason = record.value("reason", json());
    cells.push_back(reason.is_string() ? isolated(reason.get<std::string>(), 300) : "");
    cells.push_back(shares_text(*run->run));
    for (const std::string& key : keys) {
      const json value = record.value(key, json());
      cells.push_back(value.is_number() ? value_text(value) : "–");
    }
    table.row(cells);
  }
  return table.html();
}

struct Part {
  std::string totals, differences, environment;
};

Part part_of(const ReportModel& model, std::size_t place) {
  std::vector<const ReportRun*> runs;
  Values controllers, beyond, environment;
  for (const ReportRun& run : model.runs) {
    if (run.comparison != place) continue;
    runs.push_back(&run);
    json settings = run.run->configuration;
    settings.erase("seed");
    add(controllers, settings.value("controller", json()),
        isolated(run.run->controller()));
    settings.erase("controller");
    add(beyond, settings, run_name(run));
    json made;
    for (const char* key : {"environment", "threads", "jobs", "data_checksum"}) {
      if (run.run->record.contains(key)) made[key] = run.run->record.at(key);
    }
    add(environment, made, run_name(run));
  }
  const std::string name = clean_text(model.comparisons[place].specification);
  std::set<std::string> seen;
  for (const ReportRun* run : runs) seen.insert(run_name(*run));
  return {totals_table(name, runs),
          values_table(name + ": options of controllers that differ", "controllers",
                       controllers, model.comparisons[place].rows.size(), true) +
              values_table(name + ": settings that differ beyond controller and seed",
                           "runs", beyond, seen.size(), true),
          values_table(name + ": made on", "runs", environment, seen.size(), false)};
}

}  // namespace

std::string tables_html(const ReportModel& model) {
  Part all;
  for (std::size_t i = 0; i < model.comparisons.size(); ++i) {
    const Part part = part_of(model, i);
    all.totals += part.totals;
    all.differences += part.differences;
    all.environment += part.environment;
  }
  std::string html =
      "<section id=\"costs\"><h2>Runs and what they cost</h2>\n" + all.totals +
      "</section>\n" +
      "<section id=\"differences\"><h2>Differences in configuration</h2>\n" +
      all.differences + "</section>\n" +
      "<section id=\"environment\"><h2>Environment</h2>\n" + all.environment +
      "</section>\n";
  return html;
}

}  // namespace batchlab
