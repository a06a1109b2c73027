// SPDX-License-Identifier: MIT
//
// Libraries that are plugins, that are none, and that do what plugins should not.
#include "experiments/plugins/shared_library.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cfenv>
#include <clocale>
#include <cstring>

#include "tests/controllers/examples.hpp"
#include "tests/experiments/support.hpp"

namespace batchlab::test::shared_library_test {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string libraries = BATCHLAB_TEST_LIBRARIES;

std::string hostile(const std::string& kind) {
  return libraries + "/hostile/" + kind + ".so";
}

std::string refusal_to_load(const std::filesystem::path& path) {
  return batchlab::error_of([&] { (void)load_shared_library(path); });
}

std::unique_ptr<Controller> only_rule_of(const std::string& path,
                                         const json& options = json::object()) {
  const std::vector<Entry> entries = load_shared_library(path);
  EXPECT_EQ(entries.size(), 1U);
  const Entry& entry = entries.front();
  return entry.make(checked_options(entry.name, entry.options, options), fashion_mnist);
}

// The first decision is sound; what the second one throws.
std::string refusal_to_decide(const std::string& kind) {
  const auto rule = only_rule_of(hostile(kind));
  EXPECT_EQ(rule->decide(statistics_at(0)).batch_size, 32) << kind;
  return batchlab::error_of([&] { (void)rule->decide(statistics_at(1)); });
}

// `kind`, and what follows "hostile (<file>): ".
void expect_refused(const std::string& kind, const std::string& message) {
  EXPECT_EQ(refusal_to_decide(kind), "hostile (" + hostile(kind) + "): " + message);
}

TEST(SharedLibrary, InPlainCDecidesSavesAndLoads) {
  const std::string path = libraries + "/plugins/example.so";
  const Entry entry = load_shared_library(path).at(0);
  EXPECT_EQ(entry.name, "c_doubling");
  EXPECT_EQ(entry.limits, (json{{"growth", 2}}));
  const auto rule = only_rule_of(path, {{"batch_size", 16}});
  EXPECT_EQ(rule->needs(), (Needs{&Statistics::gradient_variance_trace,
                                  &Statistics::gradient_norm_squared}));
  EXPECT_EQ(rule->decide(statistics_at(0)).batch_size, 16);
  Statistics statistics = statistics_at(1);
  statistics.gradient_variance_trace = 96;  // 96 / 48 = 2 > 1.5
  statistics.gradient_norm_squared = 1.5;
  EXPECT_EQ(rule->decide(statistics).batch_size, 32);
  EXPECT_EQ(rule->decide(statistics).reason, "V / B 2, q 1.5");
  statistics.gradient_variance_trace = 48;  // 1 < 1.5
  EXPECT_EQ(rule->decide(statistics).batch_size, 64);
  statistics.gradient_variance_trace.reset();
  EXPECT_EQ(rule->decide(statistics).batch_size, 64);
  EXPECT_EQ(rule->save(), json(64));
  const auto resumed = only_rule_of(path);
  resumed->load(rule->save());
  EXPECT_EQ(resumed->decide(statistics).batch_size, 64);
}

TEST(SharedLibrary, InPlainCRefusesAnOptionAsUsage) {
  try {
    (void)only_rule_of(libraries + "/plugins/example.so", {{"batch_size", 54001}});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(),
                HasSubstr("): batch_size must be at most the training set"));
  }
}

TEST(SharedLibrary, GivesEveryValueThatHasAMeaningAsNumberTextAndJson) {
  const std::string path = libraries + "/plugins/values.so";
  const Entry entry = load_shared_library(path).at(0);
  EXPECT_TRUE(entry.open_loop && entry.plain_sgd_only);
  EXPECT_FALSE(entry.branches || entry.extends_batches);
  const json given{{"shape", "square"}, {"count", 3.0}};
  EXPECT_EQ(batchlab::error_of([&] { (void)only_rule_of(path, given); }),
            "says_values (" + path +
                "): count|3||3; fast|1||true; ratio|nan||null; "
                "shape|nan|square|\"square\"; side|2.5||2.5; sizes|nan||[1,2]; "
                "N 54000, its context");
  ASSERT_EQ(entry.options.at(5).name, "ratio");
  EXPECT_EQ(entry.options.at(5).from_step_time(6, 2), 3);
  EXPECT_EQ(batchlab::error_of([&] { (void)entry.options.at(5).from_step_time(6, 0); }),
            "says_values (" + path +
                "): ratio from the time of a step must be finite, got inf");
}

TEST(SharedLibrary, IsRefusedWhereThereIsNone) {
  const TemporaryFolder folder;
  EXPECT_EQ(
      refusal_to_load(folder / "absent.so"),
      (folder / "absent.so").string() + ": cannot be read: No such file or directory");
  EXPECT_THAT(refusal_to_load(folder / ""), HasSubstr(": is a folder; "));
  for (const std::string text : {"",
                                 "\x7f"
                                 "EL",
                                 "not a library", "#!/bin/sh\n"}) {
    write_file(folder / "text.so", text);
    EXPECT_THAT(refusal_to_load(folder / "text.so"),
                HasSubstr(": is no shared library (an ELF file is expected)"));
  }
}

// A copy of the sound library, changed by `change`.
template <class Change>
std::string refusal_of_changed(Change change) {
  const TemporaryFolder folder;
  std::string bytes = file_text(hostile("none"));
  EXPECT_GT(bytes.size(), sizeof(Elf64_Ehdr));
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  change(header, bytes);
  std::memcpy(bytes.data(), &header, std::min(sizeof header, bytes.size()));
  write_file(folder / "changed.so", bytes);
  return refusal_to_load(folder / "changed.so");
}

TEST(SharedLibrary, ForAnotherMachineIsRefusedNamingBoth) {
  EXPECT_THAT(
      refusal_of_changed([](auto& header, auto&) { header.e_machine = EM_AARCH64; }),
      HasSubstr("is for another kind of machine (AArch64; this is x86-64); compile it "
                "on this one"));
  EXPECT_THAT(refusal_of_changed([](auto& header, auto&) { header.e_machine = 999; }),
              HasSubstr("(machine 999; this is "));
  EXPECT_THAT(refusal_of_changed(
                  [](auto& header, auto&) { header.e_ident[EI_CLASS] = ELFCLASS32; }),
              HasSubstr("is for another kind of machine"));
}

TEST(SharedLibrary, ThatIsAProgramOrCutShortIsRefused) {
  EXPECT_THAT(refusal_of_changed([](auto& header, auto&) { header.e_type = ET_EXEC; }),
              HasSubstr("is an ELF file but no shared library; link it with -shared"));
  for (const std::size_t left : {10U, 63U, 64U, 400U, 4096U}) {
    EXPECT_THAT(
        refusal_of_changed([&](auto&, std::string& bytes) { bytes.resize(left); }),
        HasSubstr(": is cut short: "))
        << left;
  }
  EXPECT_THAT(refusal_of_changed(
                  [](auto& header, auto&) { header.e_phoff = UINT64_MAX / 2 + 1; }),
              HasSubstr(": is cut short: "));
}

TEST(SharedLibrary, WithoutTheEntryIsNamedALibraryButNoPlugin) {
  EXPECT_THAT(refusal_to_load(hostile("symbol_missing")),
              HasSubstr("is a library but no plugin of batchlab: it has no function "
                        "batchlab_plugin"));
}

TEST(SharedLibrary, OfAnotherVersionIsRefusedNamingBoth) {
  EXPECT_EQ(refusal_to_load(hostile("version_newer")),
            hostile("version_newer") +
                ": needs version 2 of the plugin interface, this batchlab has 1; take "
                "a newer batchlab or compile the plugin with the headers of this one");
  EXPECT_THAT(refusal_to_load(hostile("version_older")),
              HasSubstr("is for version 0 of the plugin interface, this batchlab has 1 "
                        "and takes none before 1; compile it anew"));
}

TEST(SharedLibrary, ThatDescribesItselfWronglyIsRefusedWithWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"magic_wrong", "must begin with \"batchlab\", got \"Xatchlab\""},
      {"size_wrong", "size of its batchlab_entry must be in ["},
      {"describes_nothing", "returned nothing"},
      {"entries_missing", ": has no controllers"},
      {"name_missing", ".so: controller 1 has no name"},
      {"name_odd", "underscores, got \"../mine\\x1b\""},
      {"names_twice", ": has two controllers of the name hostile"},
      {"decide_missing", "hostile ("},
      {"decide_missing", "): has no function decide"},
      {"range_upside_down", "option patience: minimum 9 is above maximum 1"},
      {"default_no_json", "): default of patience is not JSON: {["},
      {"needs_unknown", "needs statistics that do not exist (bits 0x10000000000)"},
      {"flags_unknown", "): has flags that do not exist (bits 0x10000000000)"},
      {"limits_deep", "): limits is nested deeper than 100 levels"},
      {"default_outside",
       "hostile: default: patience must be in [1, 9] steps, got 10"}};
  for (const auto& [kind, message] : cases) {
    EXPECT_THAT(refusal_to_load(hostile(kind)), HasSubstr(message));
  }
}

TEST(SharedLibrary, OfAnOlderVersionWithShorterStructsWorks) {
  const auto rule = only_rule_of(hostile("older_structs"));
  EXPECT_EQ(rule->decide(statistics_at(0)).batch_size, 32);
  EXPECT_EQ(rule->save(), json::object());
  EXPECT_EQ(rule->extended_batch_size(statistics_at(1)), 0);
  EXPECT_EQ(rule->needs(), Needs{});
}

TEST(SharedLibrary, ItsAbsurdNumbersAreRefusedWithTheNumber) {
  const std::string batch_size = "batch size must be in [1, 1e15], got ";
  expect_refused("batch_zero", batch_size + "0");
  expect_refused("batch_negative", batch_size + "-1");
  expect_refused("batch_huge", batch_size + "9.22337e+18");
  expect_refused("batch_nan", batch_size + "nan");
  expect_refused("batch_infinite", batch_size + "inf");
  expect_refused("rate_nan", "learning rate must be finite and positive, got nan");
  expect_refused("factor_zero",
                 "learning rate factor must be finite and positive, got 0");
  expect_refused("given_unknown",
                 "gives what does not exist (bits 0x10000000000 of given)");
  expect_refused("subset_negative",
                 "first example of the subset must be in [0, 1e15], got -1");
}

TEST(SharedLibrary, ThatAsksForAStateThoughItsEntryDoesNotBranchIsRefused) {
  EXPECT_THAT(refusal_to_decide("branches"), HasSubstr("batchlab_branches"));
}

TEST(SharedLibrary, ItsErrorsAreShownUpTo400Bytes) {
  const std::string shown = fmt::format("{:x>400}...", "");
  expect_refused("error_unterminated", "012");
  expect_refused("error_huge", shown);
  expect_refused("error_lies", shown);
  expect_refused("error_absent", "failed (77) and did not say why");
}

TEST(SharedLibrary, ItsReasonIsShownUpTo400Bytes) {
  const auto rule = only_rule_of(hostile("reason_huge"));
  (void)rule->decide(statistics_at(0));
  const std::string reason = rule->decide(statistics_at(1)).reason;
  EXPECT_THAT(reason, StartsWith("\\x1b\\x1b"));
  EXPECT_EQ(reason.size(), 403U);
}

TEST(SharedLibrary, WhatItThrowsIsCaught) {
  expect_refused("throws", "threw an exception");
  expect_refused("throws_error", "threw an exception: out of luck\\x0a");
  const Entry entry = load_shared_library(hostile("measure_throws")).at(0);
  EXPECT_THAT(batchlab::error_of(
                  [&] { (void)entry.options.front().from_step_time(1e-4, 1e-6); }),
              AllOf(StartsWith("hostile (" + hostile("measure_throws")),
                    HasSubstr("): threw an exception: no clock here")));
}

TEST(SharedLibrary, ThatRefusesToMakeAControllerIsHeard) {
  EXPECT_THAT(batchlab::error_of([] { (void)only_rule_of(hostile("create_fails")); }),
              HasSubstr("): the data are too small"));
}

TEST(SharedLibrary, ThatSavesWhatIsNoStateIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"saves_no_json", "): state to save is not JSON: {\"a\": "},
      {"saves_deep", "): state to save is nested deeper than 100 levels"},
      {"saves_much", "): state to save must have at most 1000000 bytes, got 1000001"}};
  for (const auto& [kind, message] : cases) {
    const auto rule = only_rule_of(hostile(kind));
    EXPECT_THAT(batchlab::error_of([&] { (void)rule->save(); }), HasSubstr(message));
  }
}

TEST(SharedLibrary, WhatItWritesToStandardOutputChangesNoDecision) {
  EXPECT_EQ(refusal_to_decide("prints"), "");
}

// The smallest normal number halved: 0 where subnormal numbers are flushed to zero.
double half_of_the_smallest() {
  volatile double smallest = std::numeric_limits<double>::min();
  return smallest / 2;
}

TEST(SharedLibrary, ArithmeticIsAsBeforeWhateverItSets) {
  ASSERT_EQ(std::fegetround(), FE_TONEAREST);
  ASSERT_NE(half_of_the_smallest(), 0);
  for (const char* kind : {"rounding", "flushes", "flushes_on_load"}) {
    EXPECT_EQ(refusal_to_decide(kind), "") << kind;
    EXPECT_EQ(std::fegetround(), FE_TONEAREST) << kind;
    EXPECT_NE(half_of_the_smallest(), 0) << kind;
  }
}

TEST(SharedLibrary, TheLocaleIsAsBeforeWhateverItSets) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const locale_t of_thread = ::uselocale(nullptr);
  ASSERT_NE(before, "C.UTF-8");
  EXPECT_EQ(refusal_to_decide("locale"), "");
  EXPECT_EQ(std::setlocale(LC_ALL, nullptr), before);
  EXPECT_EQ(::uselocale(nullptr), of_thread);
}

}  // namespace batchlab::test::shared_library_test
