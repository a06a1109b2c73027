// SPDX-License-Identifier: MIT
//
// batchlab plan: what the runs of a specification will do.
#include "experiments/plan.hpp"

#include <fmt/format.h>

#include <optional>

#include "experiments/command_line.hpp"

namespace batchlab {

namespace {

namespace po = boost::program_options;

constexpr std::size_t most_phases_shown = 12;

std::string rates(const PlanPhase& phase) {
  return phase.first_learning_rate == phase.last_learning_rate
             ? fmt::format("{:.4g}", phase.first_learning_rate)
             : fmt::format("{:.4g} to {:.4g}", phase.first_learning_rate,
                           phase.last_learning_rate);
}

std::string range(std::int64_t least, std::int64_t most) {
  return least == most ? fmt::format("{}", least)
                       : fmt::format("{} to {}", least, most);
}

void print_row(const std::string& label, const std::string& batch_size,
               const std::string& steps, const std::string& examples,
               const std::string& rate) {
  fmt::print("{:<20} {:>10} {:>16} {:>18}  {}\n", label, batch_size, steps, examples,
             rate);
}

void print_plan(const Plan& plan) {
  std::size_t shown = 0;
  for (const PlanPhase& phase : plan.phases) {
    if (shown == most_phases_shown) break;
    print_row(shown == 0 ? plan.label : "", std::to_string(phase.batch_size),
              std::to_string(phase.steps), std::to_string(phase.examples),
              rates(phase));
    ++shown;
  }
  if (shown < plan.phases.size()) {
    print_row("", "...", fmt::format("{} more", plan.phases.size() - shown), "", "");
  }
  print_row(plan.phases.empty() ? plan.label : "", "in all",
            range(plan.least_steps, plan.most_steps),
            range(plan.least_examples, plan.most_examples), plan.reason);
  for (const std::string& option : plan.unset_measured) {
    fmt::print("{:<20} {} is measured before the first run\n", "", option);
  }
}

nlohmann::json as_json(const Plan& plan) {
  nlohmann::json result{{"label", plan.label},
                        {"exact", plan.reason.empty()},
                        {"reason", plan.reason},
                        {"least_steps", plan.least_steps},
                        {"most_steps", plan.most_steps},
                        {"least_examples", plan.least_examples},
                        {"most_examples", plan.most_examples},
                        {"measured_before_the_first_run", plan.unset_measured},
                        {"phases", nlohmann::json::array()}};
  for (const PlanPhase& phase : plan.phases) {
    result["phases"].push_back({{"batch_size", phase.batch_size},
                                {"first_step", phase.first_step},
                                {"steps", phase.steps},
                                {"examples", phase.examples},
                                {"first_learning_rate", phase.first_learning_rate},
                                {"last_learning_rate", phase.last_learning_rate}});
  }
  return result;
}

int run_plan(const Command& command, const std::vector<std::string>& arguments) {
  po::options_description options("options");
  options.add_options()(
      "set",
      po::value<std::vector<std::string>>()->value_name("KEY=VALUE")->composing(),
      "set a key of the specification, as in run")("json", "as JSON, every phase");
  po::positional_options_description positional;
  positional.add("specification", 1);
  const auto values = parse_arguments(command, arguments, options, positional);
  if (!values) return 0;
  const nlohmann::json document = document_argument(command, *values);

  std::vector<Plan> plans;
  std::optional<DataSource> source;
  for (const RunConfiguration& run : expand(document)) {
    if (!plans.empty() && plans.back().label == run.label) continue;  // another seed
    if (!source) source = load_data(run.data);
    plans.push_back(make_plan(run, *source));
  }
  if (values->count("json")) {
    auto list = nlohmann::json::array();
    for (const Plan& plan : plans) list.push_back(as_json(plan));
    fmt::print("{}\n", list.dump(2));
    return 0;
  }
  print_row("controller", "batch size", "updates", "examples", "learning rate");
  for (const Plan& plan : plans) print_plan(plan);
  return 0;
}

}  // namespace

const Command plan_command{
    "plan", "SPEC.toml|RECIPE", "say what each controller will do, before training",
    "Updates, examples, batch sizes and learning rates of every controller of a "
    "specification.\n"
    "A rule that reads no statistic is planned exactly, phase by phase: the run then "
    "does just\n"
    "that, unless it diverges. Of the others the bounds are given that follow from "
    "their limits.\n"
    "Trains nothing.\n\n"
    "  batchlab plan four-families\n"
    "  batchlab plan mine.toml --set budget.epochs=20 --json",
    run_plan};

}  // namespace batchlab
