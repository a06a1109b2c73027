// SPDX-License-Identifier: MIT
//
// Where rules settle, S being tr(Sigma) / |G|^2, S' = S / (1 - S/N) and W the variance
// of the examples' gradients along G. Of those that never shrink an entry with averages
// has the answer of its equation with the means of V and q in it. One that tests single
// steps is shown beside it, and has the answer of a rival told noise.
#include <cmath>
#include <functional>
#include <limits>

#include "experiments/specification.hpp"
#include "tests/known_answers/answers.hpp"
#include "tests/known_answers/measured.hpp"
#include "tests/known_answers/rival.hpp"

namespace batchlab::known_answers {

namespace {

using nlohmann::json;
using Answers = std::vector<Answer>;

// A controller entry of a specification, with the runs of its seeds.
struct Entry {
  const Problem& problem;
  std::string label;
  json options;
  double learning_rate;
  int steps;
  int evaluate_every_examples;
  std::vector<Measured> runs;

  [[nodiscard]] double number(const char* option) const { return options.at(option); }

  [[nodiscard]] Answer answer(const std::string& quantity, const std::string& formula,
                              double expected, double Measured::*measured) const {
    return {label + ": " + quantity, formula, problem.name, expected,
            values(runs, measured)};
  }
  // A rule that goes up and down: the mean batch size.
  [[nodiscard]] Answer settles(const std::string& formula, double expected) const {
    return answer("mean batch", formula, expected, &Measured::batch_size);
  }
  [[nodiscard]] Answer ends(const std::string& formula, double expected) const {
    return answer("last batch", formula, expected, &Measured::last_batch_size);
  }
  // A rule that never shrinks, of single steps: the noisiest of them decides.
  [[nodiscard]] Answers ends_above(const std::string& formula, double expected,
                                   const GrowingRule& rival) const {
    constexpr std::uint32_t rivals = 200;
    const std::string last = "last batch, by single steps";
    Answer means = answer(last, formula, expected, &Measured::last_batch_size);
    means.one_sided = true;
    return {means,
            answer(last, "the same, told normal noise",
                   last_size(problem, rival, number("batch_size"), steps, rivals),
                   &Measured::last_batch_size)};
  }
  // The same, or by averages.
  [[nodiscard]] Answers ends_by_test(const std::string& formula, double expected,
                                     const GrowingRule& rival) const {
    const bool averaged = !options.at("horizon_examples").is_null();
    return averaged ? Answers{ends(formula, expected)}
                    : ends_above(formula, expected, rival);
  }
};

Answers noise_scale(const Entry& entry) {
  const double scale = entry.problem.noise_scale();
  if (entry.options.at("form") == "direct") {
    return {entry.settles("kappa S", entry.number("kappa") * scale)};
  }
  return {entry.settles("sqrt(r S)", std::sqrt(entry.number("exchange_rate") * scale))};
}

Answers goodput(const Entry& entry) {
  return {entry.settles(
      "sqrt(cost ratio x S)",
      std::sqrt(entry.number("cost_ratio") * entry.problem.noise_scale()))};
}

Answers simigrad(const Entry& entry) {
  const double cosine = entry.number("target_cosine");
  return {entry.settles("2 S' c / (1 - c)",
                        2 * entry.problem.seen_noise_scale() * cosine / (1 - cosine))};
}

Answers gradient_diversity(const Entry& entry) {
  const double diversity =
      1 + entry.problem.noise_scale() * (1 - 1 / entry.problem.examples);
  return {entry.ends("delta (1 + S (1 - 1/N))", entry.number("delta") * diversity)};
}

Answers norm_test(const Entry& entry) {
  const double theta = entry.number("tolerance");
  return entry.ends_by_test("S' (1/theta^2 - 1)", entry.problem.norm_test_size(theta),
                            norm_test_rival(theta));
}

Answers inner_product_test(const Entry& entry) {
  const double theta = entry.number("tolerance");
  return entry.ends_by_test("S' (W/V / theta^2 - 1)",
                            entry.problem.inner_product_test_size(theta),
                            inner_product_test_rival(theta));
}

// Its test of inner products passes long before.
Answers adadagrad(const Entry& entry) {
  const double nu = entry.number("orthogonal_tolerance");
  return entry.ends_by_test("S' ((1 - W/V) / nu^2 - 1)",
                            entry.problem.orthogonal_test_size(nu),
                            orthogonal_test_rival(nu));
}

// Of single steps no batch size solves its equation with means; of averages S' does.
Answers big_batch(const Entry& entry) {
  return entry.ends_by_test("S'", entry.problem.seen_noise_scale(),
                            big_batch_rival(entry.number("delta")));
}

// In force is the minimum, which is 16: rate x curvature, and with it the wish, stays
// below 4 where SGD is stable.
Answers cabs_at_rest(const Entry& entry) {
  const double size = entry.runs.at(0).batch_size;
  return {
      entry.answer("wanted", "rate V (1 - 1/B) / L",
                   entry.learning_rate * entry.problem.noise.gradient_variance_trace *
                       (1 - 1 / size) / entry.problem.loss_at_rest(),
                   &Measured::wanted)};
}

// At three quarters of the steps, the middle of those whose mean is taken.
Problem::Expected after_descent(const Entry& entry, double batch_size) {
  return entry.problem.after_descent(batch_size, entry.learning_rate,
                                     0.75 * entry.steps);
}

Answers cabs_after_descent(const Entry& entry) {
  const double size = entry.runs.at(0).batch_size;
  return {
      entry.answer("wanted after descent", "rate V (1 - 1/B) / L(B)",
                   entry.learning_rate * entry.problem.noise.gradient_variance_trace *
                       (1 - 1 / size) / after_descent(entry, size).loss,
                   &Measured::wanted)};
}

// B = wanted(B), by iteration.
double solve(double first, const std::function<double(double)>& wanted) {
  double size = first;
  for (int i = 0; i < 200; ++i) size = (size + wanted(size)) / 2;
  return size;
}

// The ceiling adds half an example on average.
Answers adadamp(const Entry& entry) {
  const double first = entry.number("batch_size"), least = entry.number("least_loss");
  const double above = entry.problem.at_zero(first).loss - least;
  return {entry.settles("B0 (F0 - F*) / (F(B) - F*)", solve(first, [&](double size) {
                          const double now = after_descent(entry, size).loss;
                          return first * above / (now - least) + 0.5;
                        }))};
}

Answers radadamp(const Entry& entry) {
  const double first = entry.number("batch_size");
  const Problem::Expected then = entry.problem.at_zero(first);
  return {entry.settles("2 B0 / (L(B)/L0 + q(B)/q0)", solve(first, [&](double size) {
                          const Problem::Expected now = after_descent(entry, size);
                          return 2 * first /
                                 (now.loss / then.loss +
                                  now.norm_squared / then.norm_squared);
                        }))};
}

// In balance; what descends slowly does so alike in all branches.
Answers critical_batch(const Entry& entry) {
  const double first = entry.number("batch_size");
  const auto loss = [&](double size) {
    constexpr double for_ever = 1e12;
    const double rate = entry.learning_rate * size / first;
    return entry.problem.after_descent(size, rate, for_ever).loss;
  };
  double size = first;
  while (loss(4 * size) <= loss(size) + entry.number("tolerance")) size *= 2;
  return {entry.ends("B doubles while L(4B) <= L(B) + tolerance", size)};
}

// The rule written anew, told the expected losses.
Answers plateau(const Entry& entry) {
  const int size = entry.options.at("batch_size");
  const int patience = entry.options.at("patience");
  const double threshold = entry.number("threshold");
  Descent descent(entry.problem);
  double best = std::numeric_limits<double>::infinity();
  int checks = 0;
  for (int not_better = 0; not_better < patience; ++checks) {
    const int steps = entry.evaluate_every_examples / size;
    double loss = 0;
    for (int step = 0; step < steps; ++step) {
      loss += descent.loss() / steps;
      descent.step(size, entry.learning_rate);
    }
    const bool better = loss < best * (1 - threshold);
    not_better = better ? 0 : not_better + 1;
    if (better) best = loss;
  }
  return {entry.answer("examples before it grows", "the same, told the expected loss",
                       1.0 * checks * entry.evaluate_every_examples,
                       &Measured::examples_before_growth)};
}

struct KnownRule {
  std::string name;
  Answers (*answers)(const Entry&);
};

const std::vector<KnownRule> rules_at_rest{
    {"noise_scale", noise_scale}, {"goodput", goodput},
    {"simigrad", simigrad},       {"gradient_diversity", gradient_diversity},
    {"norm_test", norm_test},     {"inner_product_test", inner_product_test},
    {"adadagrad", adadagrad},     {"big_batch", big_batch},
    {"cabs", cabs_at_rest}};
const std::vector<KnownRule> rules_in_descent{{"adadamp", adadamp},
                                              {"radadamp", radadamp},
                                              {"cabs", cabs_after_descent},
                                              {"critical_batch", critical_batch},
                                              {"plateau", plateau}};

void add_answers(const Problem& problem, json specification,
                 const std::vector<KnownRule>& rules, const Effort& effort,
                 Answers& answers) {
  specification["seeds"] = effort.seeds;
  const std::vector<RunConfiguration> runs = expand(specification);
  const auto measured = measure(problem, specification, effort.jobs);
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const RunConfiguration& run = runs.at(i * effort.seeds.size());
    const Entry entry{problem,
                      run.label,
                      run.controller_options,
                      run.learning_rate,
                      static_cast<int>(*run.budget.steps),
                      static_cast<int>(*run.evaluate_every_examples),
                      measured[i]};
    for (const KnownRule& rule : rules) {
      if (rule.name != run.controller) continue;
      for (Answer& answer : rule.answers(entry)) answers.push_back(std::move(answer));
    }
  }
}

}  // namespace

std::vector<Answer> rule_answers(const Problem& problem, const Effort& effort) {
  Answers answers;
  add_answers(problem, problem.at_rest, rules_at_rest, effort, answers);
  for (const json& descent : problem.descents) {
    add_answers(problem, descent, rules_in_descent, effort, answers);
  }
  return answers;
}

}  // namespace batchlab::known_answers
