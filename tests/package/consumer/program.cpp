// SPDX-License-Identifier: MIT
//
// A program of another project asks a built-in rule.
#include <fmt/format.h>

#include "controllers/registry.hpp"

// geodamp after 10 epochs: 32 x 2^(10 / 5) = 128.
int main() {
  const auto rule = batchlab::make_controller("geodamp", {{"delay", 5}}, {60000});
  batchlab::Statistics statistics;
  statistics.epochs_completed = 10;
  const double batch_size = rule->decide(statistics).batch_size;
  fmt::print("{} rules; geodamp wants {}, expected 128\n",
             batchlab::controllers().size(), batch_size);
  return batch_size == 128 ? 0 : 1;
}
