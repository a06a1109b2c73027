// SPDX-License-Identifier: MIT
//
// A rule is the same rule on the other side of the C interface: copies of all built-in
// ones, loaded from a library, beside those built in.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "controllers/plugin_values.hpp"
#include "experiments/plugins/shared_library.hpp"
#include "tests/controllers/examples.hpp"

namespace batchlab::plugin_copies_test {

using nlohmann::json;

const std::string folder = std::string(BATCHLAB_TEST_LIBRARIES) + "/plugins/";

const std::vector<Entry>& copies() {
  static const std::vector<Entry> entries =
      load_shared_library(folder + "renamed_builtins.so");
  return entries;
}

std::unique_ptr<Controller> make(const Entry& entry, const json& options) {
  return entry.make(checked_options(entry.name, entry.options, options), fashion_mnist);
}

// `right`: of the copy. A wish below one example crosses as 1 (cabs has such), one
// beyond all data as 1e15.
void expect_equal(const Decision& left, const Decision& right) {
  EXPECT_EQ(std::clamp(left.batch_size, 1.0, 1e15), right.batch_size);
  EXPECT_EQ(left.reason, right.reason);
  EXPECT_EQ(left.learning_rate, right.learning_rate);
  EXPECT_EQ(left.learning_rate_factor, right.learning_rate_factor);
  EXPECT_EQ(left.subset, right.subset);
  EXPECT_EQ(left.branching, right.branching);
}

// Makes a rule and its copy with each of its example options, and hands both to `test`.
template <class Test>
void for_each_pair(Test test) {
  for (const Entry* entry : controllers()) {
    if (!entry->plugin.empty()) continue;
    const Entry* copy = nullptr;
    for (const Entry& other : copies()) {
      if (other.name == "plugin_" + entry->name) copy = &other;
    }
    ASSERT_NE(copy, nullptr) << entry->name;
    for (const json& options : example_variants(entry->name)) {
      SCOPED_TRACE(entry->name + " " + options.dump());
      test(*entry, *copy, options);
    }
  }
}

TEST(PluginCopies, ThereIsOneOfEveryBuiltInRuleFromTheFileThatWasLoaded) {
  EXPECT_GE(copies().size(), 23U);
  const auto built_in = [](const Entry* entry) { return entry->plugin.empty(); };
  EXPECT_EQ(copies().size(), std::ranges::count_if(controllers(), built_in));
  for (const Entry& copy : copies()) {
    EXPECT_EQ(copy.plugin, folder + "renamed_builtins.so");
  }
  std::string version;
  (void)load_shared_library(folder + "renamed_builtins.so", &version);
  EXPECT_EQ(version, "2.3.4");
}

TEST(PluginCopies, DescribeThemselvesAndTheirOptionsAsTheRulesDo) {
  for_each_pair([](const Entry& rule, const Entry& copy, const json&) {
    EXPECT_EQ(copy.summary, rule.summary);
    EXPECT_EQ(copy.source, rule.source);
    EXPECT_EQ(copy.limits, rule.limits);
    EXPECT_EQ(copy.open_loop, rule.open_loop);
    EXPECT_EQ(copy.extends_batches, rule.extends_batches);
    EXPECT_EQ(copy.branches, rule.branches);
    EXPECT_EQ(copy.plain_sgd_only, rule.plain_sgd_only);
    ASSERT_EQ(copy.options.size(), rule.options.size());
    for (std::size_t i = 0; i < rule.options.size(); ++i) {
      const Option &own = rule.options[i], &other = copy.options[i];
      EXPECT_EQ(other.name, own.name);
      EXPECT_EQ(other.kind, own.kind);
      EXPECT_EQ(other.default_value, own.default_value);
      EXPECT_EQ(other.minimum, own.minimum);
      EXPECT_EQ(other.maximum, own.maximum);
      EXPECT_EQ(other.choices, own.choices);
      EXPECT_EQ(other.unit, own.unit);
      EXPECT_EQ(other.help, own.help);
      EXPECT_EQ(other.only_for.choice, own.only_for.choice);
      EXPECT_EQ(other.only_for.values, own.only_for.values);
      ASSERT_EQ(other.from_step_time == nullptr, own.from_step_time == nullptr);
      if (own.from_step_time == nullptr) continue;
      EXPECT_EQ(other.from_step_time(3e-4, 1e-5), own.from_step_time(3e-4, 1e-5));
    }
  });
}

TEST(PluginCopies, NeedDecideAndExtendAsTheRulesDo) {
  int extended = 0;
  for_each_pair([&](const Entry& rule, const Entry& copy, const json& options) {
    const auto one = make(rule, options), other = make(copy, options);
    EXPECT_EQ(one->needs(), other->needs());
    for (int step = 0; step < 300; ++step) {
      const Statistics statistics = statistics_at(step);
      const double examples = one->extended_batch_size(statistics);
      EXPECT_EQ(examples, other->extended_batch_size(statistics));
      extended += examples > 0 ? 1 : 0;
      expect_equal(one->decide(statistics), other->decide(statistics));
    }
  });
  EXPECT_GT(extended, 0);
}

TEST(PluginCopies, SaveAndLoadAsTheRulesDo) {
  for_each_pair([](const Entry& rule, const Entry& copy, const json& options) {
    for (const int stop : {0, 1, 33, 60, 101}) {
      const auto one = make(rule, options), other = make(copy, options);
      for (int step = 0; step < stop; ++step) {
        (void)one->decide(statistics_at(step));
        (void)other->decide(statistics_at(step));
      }
      EXPECT_EQ(one->save(), other->save());
      const auto resumed = make(copy, options);
      resumed->load(one->save());
      for (int step = stop; step < 120; ++step) {
        expect_equal(one->decide(statistics_at(step)),
                     resumed->decide(statistics_at(step)));
      }
    }
  });
}

// Infinite upper ends of an interval, losses that are NaN.
TEST(PluginCopies, SeeWhatIsNotFiniteAsTheRulesDo) {
  for_each_pair([](const Entry& rule, const Entry& copy, const json& options) {
    for (const double value : {std::nan(""), HUGE_VAL, 0.0, 1e300}) {
      const auto one = make(rule, options), other = make(copy, options);
      for (int step = 0; step < 60; ++step) {
        Statistics statistics = statistics_at(step);
        statistics.batch_loss = value;
        for (const auto& quantity : quantities) {
          if (step % 3 == 1) statistics.*quantity.field = value;
        }
        expect_equal(one->decide(statistics), other->decide(statistics));
      }
    }
  });
}

TEST(PluginCopies, RefuseOptionsInTheWordsOfTheRuleAsUsage) {
  const Entry& copy = copies().front();
  ASSERT_EQ(copy.name, "plugin_constant");
  try {
    (void)make(copy, {{"batch_size", 70000}});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_EQ(std::string(error.what()),
              "plugin_constant (" + folder +
                  "renamed_builtins.so): constant: batch_size must be in [1, 54000] "
                  "(the training set), got 70000");
  }
}

// So the copy of batchlab inside never meets that around it.
TEST(PluginCopies, TheirLibraryShowsItsEntryAlone) {
  void* library = ::dlopen((folder + "renamed_builtins.so").c_str(), RTLD_NOW);
  ASSERT_NE(library, nullptr);
  EXPECT_NE(::dlsym(library, "batchlab_plugin"), nullptr);
  EXPECT_EQ(::dlsym(library, "_ZN8batchlab11controllersEv"), nullptr);
  ::dlclose(library);
}

// controllers/geodamp.cpp as it stands, with its line BATCHLAB_PLUGIN.
TEST(PluginCopies, TheFileOfABuiltInRuleIsAPluginAsItStands) {
  const std::vector<Entry> entries = load_shared_library(folder + "geodamp.so");
  ASSERT_EQ(entries.size(), 1U);
  ASSERT_EQ(entries[0].name, "geodamp");
  const auto rule = make(entries[0], {{"batch_size", 16}, {"delay", 2}});
  Statistics statistics;
  statistics.epochs_completed = 6;
  EXPECT_EQ(rule->decide(statistics).batch_size, 128);  // 16 x 2^(6 / 2)
  EXPECT_EQ(error_of([&] { add_controllers(entries); }),
            folder +
                "geodamp.so: controller geodamp exists already (built in); give it "
                "another name");
}

TEST(PluginValues, EveryStatisticCrossesAndComesBack) {
  Statistics statistics = statistics_at(5);
  double value = 1;
  for (const Quantity& quantity : quantities) statistics.*quantity.field = value++;
  for (const Quantity& absent : quantities) {
    Statistics sent = statistics;
    (sent.*absent.field).reset();
    const Statistics back = from_plugin(to_plugin(sent));
    for (const Quantity& quantity : quantities) {
      EXPECT_EQ(back.*quantity.field, sent.*quantity.field) << quantity.name;
    }
    EXPECT_EQ(back.step, sent.step);
    EXPECT_EQ(back.examples_seen, sent.examples_seen);
    EXPECT_EQ(back.epochs_completed, sent.epochs_completed);
    EXPECT_EQ(back.batch_size, sent.batch_size);
    EXPECT_EQ(back.training_set_size, sent.training_set_size);
    EXPECT_EQ(back.learning_rate, sent.learning_rate);
    EXPECT_EQ(back.batch_loss, sent.batch_loss);
    const Needs needs{absent.field};
    EXPECT_EQ(needs_from_plugin(to_plugin(needs)), needs) << absent.name;
  }
}

}  // namespace batchlab::plugin_copies_test
