// SPDX-License-Identifier: MIT
#include "controllers/registry.hpp"

#include <fmt/format.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "controllers/builtin.hpp"
#include "controllers/error.hpp"

namespace batchlab {
namespace {

// Named here, so that the linker keeps every rule: entries that register themselves
// from a static library are dropped.
#define BATCHLAB_POINT_TO_RULE(name) &builtin::name,
constexpr const Entry* builtin_table[] = {
    BATCHLAB_BUILTIN_RULES(BATCHLAB_POINT_TO_RULE)};
#undef BATCHLAB_POINT_TO_RULE

struct Registry {
  std::vector<const Entry*> table{std::begin(builtin_table), std::end(builtin_table)};
  std::deque<Entry> added;  // keeps its members where they are
};

Registry& registry() {
  static Registry all;
  return all;
}

void check_free(const Entry& entry, std::span<const Entry* const> others) {
  for (const Entry* other : others) {
    if (other->name != entry.name) continue;
    throw Error(
        ErrorKind::plugin,
        fmt::format(
            "{}: controller {} exists already ({}); give it another name",
            printable(entry.plugin, 400), printable(entry.name),
            other->plugin.empty() ? "built in" : printable(other->plugin, 400)));
  }
}

}  // namespace

std::span<const Entry* const> controllers() { return registry().table; }

void add_controllers(std::vector<Entry> entries) {
  std::vector<const Entry*> table = registry().table;
  for (const Entry& entry : entries) {
    check_free(entry, table);
    table.push_back(&entry);
  }
  for (Entry& entry : entries) {
    registry().added.push_back(std::move(entry));
    registry().table.push_back(&registry().added.back());
  }
}

const Entry& find_controller(const std::string& name) {
  std::vector<std::string> known;
  for (const Entry* entry : controllers()) {
    if (entry->name == name) return *entry;
    known.push_back(entry->name);
  }
  throw unknown_name("controller", name, known);
}

std::unique_ptr<Controller> make_controller(const std::string& name,
                                            const nlohmann::json& given,
                                            const Setting& setting) {
  const Entry& entry = find_controller(name);
  return entry.make(checked_options(entry.name, entry.options, given), setting);
}

}  // namespace batchlab
