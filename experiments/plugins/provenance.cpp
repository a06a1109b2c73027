// SPDX-License-Identifier: MIT
#include "experiments/plugins/provenance.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/plugins/plugins.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

// Of FNV-1a, by which runs knew their plugins before SHA-256.
constexpr std::size_t digits_before = 16;

// Of a run.json, which anyone may have written.
std::string text(const json& plugin, const char* key) {
  const bool there =
      plugin.is_object() && plugin.contains(key) && plugin.at(key).is_string();
  return there ? printable(plugin.at(key).get<std::string>(), 400) : "unknown";
}

const json* with(const json& plugins, const char* key, const std::string& value) {
  const auto found =
      std::find_if(plugins.begin(), plugins.end(),
                   [&](const json& plugin) { return text(plugin, key) == value; });
  return found == plugins.end() ? nullptr : &*found;
}

}  // namespace

json plugins_of(const RunConfiguration& configuration) {
  json plugins = json::array();
  const auto add = [&](const std::string& controller) {
    json plugin = plugin_of(controller);
    if (plugin.is_null() || with(plugins, "path", text(plugin, "path"))) return;
    plugins.push_back(std::move(plugin));
  };
  add(configuration.controller);
  for (const ShadowConfiguration& shadow : configuration.shadows)
    add(shadow.controller);
  return plugins;
}

bool fails_alone(const RunConfiguration& configuration, const Error& error) {
  if (error.kind() != ErrorKind::plugin) return false;
  const json plugins = plugins_of(configuration);
  return std::any_of(plugins.begin(), plugins.end(),
                     [](const json& plugin) { return plugin.at("isolated") == true; });
}

std::string plugin_difference(const json& record,
                              const RunConfiguration& configuration) {
  const json here = plugins_of(configuration);
  const json there = record.contains("plugins") ? record.at("plugins") : json::array();
  for (const json& plugin : here) {
    const std::string checksum = text(plugin, "checksum"), path = text(plugin, "path");
    if (with(there, "checksum", checksum)) continue;
    const json* before = with(there, "path", path);
    const std::string made_by = before ? text(*before, "checksum") : "none";
    const bool older =
        made_by.size() == digits_before && checksum.size() > made_by.size();
    return fmt::format(
        fmt::runtime(older ? "a build of {} that is known by a checksum of an older "
                             "kind only ({} there, SHA-256 {} here)"
                           : "another build of {} (checksum {} there, {} here)"),
        path, made_by, checksum);
  }
  for (const json& plugin : there) {
    const std::string checksum = text(plugin, "checksum");
    if (with(here, "checksum", checksum)) continue;
    return fmt::format("{} (checksum {}), which is not in use here",
                       text(plugin, "path"), checksum);
  }
  return "";
}

}  // namespace batchlab
