// SPDX-License-Identifier: MIT
//
// The table of known answers: README.md and figures.json in a folder, with the
// specifications and the parameters at rest beside them.
//
//     known_answers FOLDER [SEEDS]      from the root of the repository
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>

#include "controllers/error.hpp"
#include "experiments/toml_file.hpp"
#include "results/run_store.hpp"
#include "tests/known_answers/answers.hpp"

namespace batchlab::known_answers {

namespace {

using nlohmann::json;
using Answers = std::vector<Answer>;
namespace fs = std::filesystem;

const fs::path specifications = "tests/known_answers";

json specification(const std::string& name) {
  const std::string path = (specifications / (name + ".toml")).string();
  return parse_toml(read_text_file(path), path);
}

json row(const std::string& part, const Answer& answer) {
  return {{"part", part},
          {"quantity", answer.quantity},
          {"problem", answer.problem},
          {"formula", answer.formula},
          {"expected", answer.expected},
          {"measured", answer.measured},
          {"mean", answer.mean()},
          {"standard_error", answer.standard_error()},
          {"ratio", answer.ratio()},
          {"bound", {answer.low, answer.high}},
          {"one_sided", answer.one_sided},
          {"holds", answer.holds()}};
}

json problem_row(const Problem& problem) {
  return {{"problem", problem.name},
          {"noise_scale", problem.noise_scale()},
          {"curvature_noise_scale", problem.noise.curvature_noise_scale()},
          {"gradient_variance_trace", problem.noise.gradient_variance_trace},
          {"true_gradient_norm_squared", problem.noise.true_gradient_norm_squared},
          {"variance_along_gradient", problem.variance_along},
          {"effective_directions", problem.effective_directions()},
          {"examples", problem.examples}};
}

void print_problems(std::ostream& out, const std::vector<Problem>& problems) {
  out << "| problem | S = tr Sigma / G^2 | tr(H Sigma) / (G^T H G) | W/V | effective "
         "directions | N |\n|---|---:|---:|---:|---:|---:|\n";
  for (const Problem& problem : problems) {
    out << fmt::format("| {} | {:.2f} | {:.2f} | {:.4f} | {:.1f} | {} |\n",
                       problem.name, problem.noise_scale(),
                       problem.noise.curvature_noise_scale(),
                       problem.variance_along / problem.noise.gradient_variance_trace,
                       problem.effective_directions(), problem.examples);
  }
}

std::string cells(const Answer& answer) {
  const std::string holds = answer.one_sided ? "-" : answer.holds() ? "yes" : "**no**";
  return fmt::format("{:.5g} | {:.5g} ± {:.2g} | {:.3f} | {}", answer.expected,
                     answer.mean(), answer.standard_error(), answer.ratio(), holds);
}

std::string bound(const Answer& answer) {
  return answer.one_sided ? "-"
                          : fmt::format("{:.3g} to {:.3g}", answer.low, answer.high);
}

// A line for each quantity, with both problems.
void print_answers(std::ostream& out, const std::string& title, const Answers& first,
                   const Answers& second) {
  out << fmt::format(
      "\n| {}: quantity | closed form | bound | {} | measured | ratio | holds | {} | "
      "measured | ratio | holds "
      "|\n|---|---|---|---:|---:|---:|---|---:|---:|---:|---|\n",
      title, first.at(0).problem, second.at(0).problem);
  for (std::size_t i = 0; i < first.size(); ++i) {
    out << fmt::format("| {} | {} | {} | {} | {} |\n", first[i].quantity,
                       first[i].formula, bound(first[i]), cells(first[i]),
                       cells(second.at(i)));
  }
}

struct Part {
  std::string title;
  std::vector<Answer> (*answers)(const Problem&, const Effort&);
};

void make_table(const fs::path& folder, std::uint32_t seeds) {
  Effort effort{std::vector<std::uint32_t>(seeds)};
  std::iota(effort.seeds.begin(), effort.seeds.end(), 0U);
  effort.jobs = 2;
  fs::create_directories(folder);
  std::vector<Problem> problems;
  const std::vector<json> descents{specification("descent"),
                                   specification("slow_descent")};
  problems.push_back(make_problem(specification("deepobs"), descents, 100, folder));
  problems.push_back(make_problem(specification("listed"), descents, 50, folder));

  std::ofstream readme(folder / "README.md");
  readme << read_text_file((specifications / "reading.md").string()) << '\n';
  print_problems(readme, problems);
  json figures{{"seeds", seeds}, {"problems", json::array()}, {"rows", json::array()}};
  for (const Problem& problem : problems) {
    figures["problems"].push_back(problem_row(problem));
  }
  for (const Part& part :
       {Part{"Estimators", estimator_answers}, Part{"Rules", rule_answers},
        Part{"Relations", relation_answers}}) {
    std::vector<Answers> answers;
    for (const Problem& problem : problems) {
      std::cerr << fmt::format("{}: {}\n", problem.name, part.title);
      answers.push_back(part.answers(problem, effort));
      for (const Answer& answer : answers.back()) {
        figures["rows"].push_back(row(part.title, answer));
      }
    }
    print_answers(readme, part.title, answers.at(0), answers.at(1));
  }
  write_json(folder / "figures.json", figures);
  for (const char* name :
       {"deepobs.toml", "listed.toml", "descent.toml", "slow_descent.toml"}) {
    fs::copy_file(specifications / name, folder / name,
                  fs::copy_options::overwrite_existing);
  }
}

}  // namespace

}  // namespace batchlab::known_answers

int main(int count, char** words) {
  if (count != 2 && count != 3) {
    std::cerr << "usage: known_answers FOLDER [SEEDS]\n";
    return 2;
  }
  try {
    const int seeds = count == 3 ? std::stoi(words[2]) : 30;
    batchlab::known_answers::make_table(words[1], static_cast<std::uint32_t>(seeds));
  } catch (const std::exception& error) {
    std::cerr << "known_answers: " << error.what() << '\n';
    return 1;
  }
}
