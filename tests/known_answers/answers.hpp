// SPDX-License-Identifier: MIT
//
// The known answers: what the closed form says beside what runs measure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/known_answers/problem.hpp"

namespace batchlab::known_answers {

struct Answer {
  std::string quantity, formula;  // the latter of what is expected
  std::string problem;
  double expected = 0;
  std::vector<double> measured;  // by seed
  double low = 0.9, high = 1.1;  // bounds of the ratio
  // Of a rule that takes single steps for their word and never shrinks, beside what its
  // equation says of means: the ratio is worth knowing, but 1 is not claimed.
  bool one_sided = false;

  [[nodiscard]] double mean() const;
  [[nodiscard]] double standard_error() const;  // of the mean
  [[nodiscard]] double ratio() const { return mean() / expected; }
  [[nodiscard]] bool holds() const { return low <= ratio() && ratio() <= high; }
};

struct Effort {
  std::vector<std::uint32_t> seeds;
  int intervals = 20;    // of each seed and estimator
  std::size_t jobs = 1;  // runs at once
};

// Of V, G2, their ratio and its interval, by each estimator.
[[nodiscard]] std::vector<Answer> estimator_answers(const Problem& problem,
                                                    const Effort& effort);
// Of the batch sizes of the rules in all specifications of `problem`.
[[nodiscard]] std::vector<Answer> rule_answers(const Problem& problem,
                                               const Effort& effort);
// Of what the rules compare, at batch sizes that stay.
[[nodiscard]] std::vector<Answer> relation_answers(const Problem& problem,
                                                   const Effort& effort);

}  // namespace batchlab::known_answers
