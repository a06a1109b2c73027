// SPDX-License-Identifier: MIT
//
// plugin_server: the built-in rules as a program, for the tests of the protocol, and
// some that do what no rule should.
#include <cfenv>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "controllers/registry.hpp"
#include "experiments/plugins/serve.hpp"

namespace {

using batchlab::Decision;
using batchlab::Statistics;

// Answers with the loss that it was told.
class Echo : public batchlab::Controller {
 public:
  Decision decide(const Statistics& statistics) override {
    Decision decision{8, "the rate is the loss"};
    if (statistics.batch_loss > 0) decision.learning_rate = statistics.batch_loss;
    return decision;
  }
};

class Writing final : public Echo {
 public:
  Decision decide(const Statistics& statistics) override {
    std::puts("hello");
    std::cout << "{\"batch_size\": 1}" << std::endl;
    return Echo::decide(statistics);
  }
};

class Rounding final : public Echo {
 public:
  Decision decide(const Statistics& statistics) override {
    std::fesetround(FE_UPWARD);
    return Echo::decide(statistics);
  }
};

class Throwing final : public Echo {
 public:
  Decision decide(const Statistics&) override { throw 3; }
};

class Crashing final : public Echo {
 public:
  Decision decide(const Statistics& statistics) override {
    if (statistics.step == 3) __builtin_trap();
    return Echo::decide(statistics);
  }
};

template <class Rule>
batchlab::Entry entry(const char* name) {
  batchlab::Entry entry;
  entry.name = name;
  entry.summary = "does what no rule should";
  entry.source = "a test";
  entry.limits = nlohmann::json::object();
  entry.make = [](const nlohmann::json&, const batchlab::Setting&) {
    return std::make_unique<Rule>();
  };
  return entry;
}

batchlab::Served load() {
  std::puts("loaded");
  std::vector<batchlab::Entry> entries{
      entry<Writing>("writing"), entry<Rounding>("rounding"),
      entry<Throwing>("throwing"), entry<Crashing>("crashing")};
  for (const batchlab::Entry* built_in : batchlab::controllers()) {
    entries.push_back(*built_in);
  }
  return {entries, "0.9"};
}

}  // namespace

// With an argument, nothing can be loaded.
int main(int count, char**) {
  return batchlab::serve([&] {
    if (count > 1) throw std::runtime_error("is no library");
    return load();
  });
}
