// SPDX-License-Identifier: MIT
//
// Statistics, decisions and needs as JSON, and back. The entries are in
// entry_document.cpp.
//
// JSON has no nan and no infinity: in their place stands null, and which of them it is
// under "not_finite", by name.

#include "experiments/plugins/documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

struct Count {
  const char* name;
  std::int64_t Statistics::*field;
};

constexpr Count counts[] = {
    {"step", &Statistics::step},
    {"examples_seen", &Statistics::examples_seen},
    {"epochs_completed", &Statistics::epochs_completed},
    {"batch_size", &Statistics::batch_size},
    {"training_set_size", &Statistics::training_set_size},
};

struct Value {
  const char* name;
  double Statistics::*field;
};

constexpr Value values[] = {
    {"learning_rate", &Statistics::learning_rate},
    {"batch_loss", &Statistics::batch_loss},
};

std::vector<std::string> names_of_statistics() {
  std::vector<std::string> names{"not_finite"};
  for (const Count& count : counts) names.emplace_back(count.name);
  for (const Value& value : values) names.emplace_back(value.name);
  for (const Quantity& quantity : quantities) names.emplace_back(quantity.name);
  return names;
}

std::vector<std::string> names_of_quantities() {
  std::vector<std::string> names;
  for (const Quantity& quantity : quantities) names.emplace_back(quantity.name);
  return names;
}

void put(json& document, std::string_view name, double value) {
  document[name] = std::isfinite(value) ? json(value) : json();
  if (std::isfinite(value)) return;
  document["not_finite"][name] = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double not_finite(const Members& members, const char* name) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::string which =
      members.has("not_finite") ? members.table("not_finite").value(name, "nan") : "";
  if (which == "inf") return infinity;
  return which == "-inf" ? -infinity : std::numeric_limits<double>::quiet_NaN();
}

double get(const Members& members, const char* name) {
  return members.at(name).is_null() ? not_finite(members, name) : members.number(name);
}

json document(const Branching& branching) {
  json document = json::object();
  if (branching.keep_as) document["keep_as"] = *branching.keep_as;
  if (branching.go_back_to) document["go_back_to"] = *branching.go_back_to;
  if (branching.trial) document["trial"] = true;
  return document;
}

std::optional<int> number_of_state(const Members& members, const char* name) {
  if (!members.has(name)) return std::nullopt;
  const std::int64_t number = members.integer(name);
  if (std::in_range<int>(number)) return static_cast<int>(number);
  throw Error(ErrorKind::plugin, std::string("answer, branching: ") + name +
                                     " must be a number of 32 bits");
}

Branching branching_from(const json& document) {
  const Members members(document, "answer, branching",
                        {"keep_as", "go_back_to", "trial"});
  return {number_of_state(members, "keep_as"), number_of_state(members, "go_back_to"),
          members.has("trial") && members.boolean("trial")};
}

Subset subset_from(const json& document) {
  const Members members(document, "answer, subset", {"first", "count"});
  return {members.integer("first"), members.integer("count")};
}

}  // namespace

json document(const Statistics& statistics) {
  json document = json::object();
  for (const Count& count : counts) document[count.name] = statistics.*count.field;
  for (const Value& value : values) put(document, value.name, statistics.*value.field);
  for (const Quantity& quantity : quantities) {
    const std::optional<double> value = statistics.*quantity.field;
    if (value) put(document, quantity.name, *value);
  }
  return document;
}

Statistics statistics_from(const json& document) {
  const Members members(document, "statistics", names_of_statistics());
  Statistics statistics;
  for (const Count& count : counts) {
    statistics.*count.field = members.integer(count.name);
  }
  for (const Value& value : values) {
    statistics.*value.field = get(members, value.name);
  }
  for (const Quantity& quantity : quantities) {
    const std::string name(quantity.name);
    if (members.has(name.c_str())) {
      statistics.*quantity.field = get(members, name.c_str());
    }
  }
  return statistics;
}

json document(const Decision& decision) {
  json answer = {{"batch_size", decision.batch_size}, {"reason", decision.reason}};
  if (decision.learning_rate) answer["learning_rate"] = *decision.learning_rate;
  if (decision.learning_rate_factor != 1) {
    answer["learning_rate_factor"] = decision.learning_rate_factor;
  }
  if (decision.subset) {
    answer["subset"] = {{"first", decision.subset->first},
                        {"count", decision.subset->count}};
  }
  if (decision.branching != Branching{}) {
    answer["branching"] = document(decision.branching);
  }
  return answer;
}

Decision decision_from(const json& document) {
  const Members members(document, "answer",
                        {"batch_size", "reason", "learning_rate",
                         "learning_rate_factor", "subset", "branching"});
  Decision decision;
  decision.batch_size = members.number("batch_size");
  decision.reason = members.text("reason");
  if (members.has("learning_rate")) {
    decision.learning_rate = members.number("learning_rate");
  }
  if (members.has("learning_rate_factor")) {
    decision.learning_rate_factor = members.number("learning_rate_factor");
  }
  if (members.has("subset")) decision.subset = subset_from(members.table("subset"));
  if (members.has("branching")) {
    decision.branching = branching_from(members.table("branching"));
  }
  return decision;
}

json document(const Needs& needs) {
  json names = json::array();
  for (const Quantity& quantity : quantities) {
    if (needs.has(quantity.field)) names.push_back(quantity.name);
  }
  return {{"needs", std::move(names)}};
}

std::optional<Needs> needs_from(const json& document, const std::string& place) {
  if (!document.contains("needs")) return std::nullopt;
  const json alone = {{"needs", document.at("needs")}};
  Needs needs;
  for (const std::string& name : Members(alone, place, {"needs"}).texts("needs")) {
    const auto* const found =
        std::find_if(quantities.begin(), quantities.end(),
                     [&](const Quantity& quantity) { return quantity.name == name; });
    if (found == quantities.end()) {
      throw Error(
          ErrorKind::plugin,
          fmt::format("{}: {}", place,
                      unknown_name("need", name, names_of_quantities()).what()));
    }
    needs = needs | Needs{found->field};
  }
  return needs;
}

}  // namespace batchlab
