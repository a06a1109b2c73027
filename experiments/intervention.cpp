// SPDX-License-Identifier: MIT
#include "experiments/intervention.hpp"

#include <fmt/format.h>

#include <charconv>

#include "controllers/batch_size_option.hpp"
#include "controllers/error.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json with(const json& own, const json& given) {
  json limits = own;
  limits.update(given);
  return limits;
}

// `given`, complete with the run's own, without what is just these.
json differing_limits(const std::string& owner, const json& given, const json& own) {
  if (given.is_null()) return json::object();
  const json all =
      checked_options(owner + ": limits", limits_options(), with(own, given));
  json differing = json::object();
  for (const auto& [key, value] : all.items()) {
    if (value != own.at(key)) differing[key] = value;
  }
  return differing;
}

// A number of a cell where it is one, else its text.
json cell_value(const std::string& cell) {
  const char* end = cell.data() + cell.size();
  const std::from_chars_result whole{end, std::errc()};
  std::int64_t integer = 0;
  if (std::from_chars(cell.data(), end, integer) == whole) return integer;
  double number = 0;
  if (std::from_chars(cell.data(), end, number) == whole) return number;
  return cell;
}

// The cells of a row by the names of their columns, without those that are empty.
json filled_cells(const Table& table, const std::vector<std::string>& row) {
  json cells = json::object();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!row[i].empty()) cells[table.columns[i]] = cell_value(row[i]);
  }
  return cells;
}

std::int64_t count_of(const json& cells, const char* name) {
  const auto found = cells.find(name);
  const bool count = found != cells.end() && found->is_number_integer();
  if (count && *found >= 1) return found->get<std::int64_t>();
  throw Error(ErrorKind::corrupt,
              fmt::format("{} must be a whole number from 1, is {}", name,
                          found == cells.end() ? "empty" : printable(found->dump())));
}

// Of the cells that are left: their types as in a specification.
json limits_of(const json& cells) {
  const json all = checked_options("limits", limits_options(), cells);
  json limits = json::object();
  for (const auto& [key, value] : cells.items()) limits[key] = all.at(key);
  return limits;
}

Intervention intervention_of(json cells, std::int64_t last_step) {
  Intervention intervention;
  intervention.step = count_of(cells, "step");
  if (intervention.step <= last_step) {
    throw Error(ErrorKind::corrupt,
                fmt::format("step {} follows step {}", intervention.step, last_step));
  }
  if (cells.contains("batch_size")) {
    intervention.batch_size = count_of(cells, "batch_size");
  }
  for (const char* key : {"step", "examples_seen", "batch_size"}) cells.erase(key);
  intervention.limits = limits_of(cells);
  return intervention;
}

json table_of(const Intervention& intervention) {
  json table = to_json(intervention);
  table.erase("step");
  return table;
}

class Logged final : public InterventionSource {
 public:
  explicit Logged(std::vector<Intervention> interventions)
      : interventions_(std::move(interventions)) {}
  std::optional<Intervention> after(const Statistics& step) override {
    if (next_ == interventions_.size()) return std::nullopt;
    if (step.step < interventions_[next_].step) return std::nullopt;
    return interventions_[next_++];
  }

 private:
  std::vector<Intervention> interventions_;
  std::size_t next_ = 0;
};

}  // namespace

std::span<const Option> intervention_options() {
  static const std::vector<Option> options{
      count_option("batch_size", nullptr, "examples",
                   "used from the next step on, whatever the rule wants and whatever "
                   "the limits are; unset: the rule decides"),
      {"limits",
       Option::Kind::table,
       nullptr,
       0,
       0,
       {},
       "",
       "these replace the run's own; unset: the run's own"}};
  return options;
}

Intervention checked_intervention(const std::string& owner, const json& given,
                                  const OwnLimits& own) {
  const auto known = intervention_options();
  std::vector<Option> options(known.begin(), known.end());
  options.front().maximum = static_cast<double>(own.setting.training_set_size);
  options.front().unit = "(the training set)";
  const json table = checked_options(owner, options, given);
  Intervention intervention;
  const json& size = table.at("batch_size");
  if (!size.is_null()) intervention.batch_size = size;
  intervention.limits = differing_limits(owner, table.at("limits"), own.limits);
  try {
    static_cast<void>(limits_under(intervention, own));
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", owner, error.what()));
  }
  return intervention;
}

Limits limits_under(const Intervention& intervention, const OwnLimits& own) {
  return limits_from(with(own.limits, intervention.limits), own.setting);
}

json to_json(const Intervention& intervention) {
  const auto& size = intervention.batch_size;
  return {{"step", intervention.step},
          {"batch_size", size ? json(*size) : json()},
          {"limits", intervention.limits}};
}

std::string to_text(const Intervention& intervention) {
  std::string text;
  if (intervention.batch_size) {
    text = fmt::format("batch_size {}", *intervention.batch_size);
  }
  if (!intervention.limits.empty()) {
    text += (text.empty() ? "limits " : ", limits ") + intervention.limits.dump();
  }
  return text.empty() ? "none" : text;
}

std::string intervention_columns() {
  std::string columns = "step,examples_seen,batch_size";
  for (const Option& option : limits_options()) columns += ',' + option.name;
  return columns;
}

std::string intervention_row(const Statistics& at, const Intervention& intervention) {
  std::string row = fmt::format("{},{},", at.step, at.examples_seen);
  if (intervention.batch_size) row += fmt::format("{}", *intervention.batch_size);
  for (const Option& option : limits_options()) {
    const json value = intervention.limits.value(option.name, json());
    row += ',';
    if (value.is_string()) row += csv_cell(value.get<std::string>());
    if (value.is_number_float()) row += fmt::format("{}", value.get<double>());
    if (value.is_number_integer()) row += value.dump();
  }
  return row;
}

std::vector<Intervention> read_interventions(const fs::path& path) {
  const Table table = read_csv(path);
  if (table.torn) {  // without it, this would be another run
    throw Error(ErrorKind::corrupt,
                path.string() + ": the last line has no newline: it may be torn");
  }
  std::vector<Intervention> interventions;
  std::int64_t last_step = 0;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    try {
      interventions.push_back(
          intervention_of(filled_cells(table, table.rows[row]), last_step));
    } catch (const Error& error) {
      throw Error(ErrorKind::corrupt,
                  fmt::format("{}: row {}: {}", path.string(), row + 1, error.what()));
    }
    last_step = interventions.back().step;
  }
  return interventions;
}

std::unique_ptr<InterventionSource> logged_interventions(
    const std::vector<Intervention>& interventions, const OwnLimits& own) {
  if (interventions.empty()) return nullptr;
  std::vector<Intervention> checked;
  for (const Intervention& given : interventions) {
    checked.push_back(checked_intervention(
        fmt::format("intervention after step {}", given.step), table_of(given), own));
    checked.back().step = given.step;
  }
  return std::make_unique<Logged>(std::move(checked));
}

}  // namespace batchlab
