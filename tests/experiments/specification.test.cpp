// SPDX-License-Identifier: MIT
#include "experiments/specification.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "experiments/specification_options.hpp"
#include "tests/experiments/support.hpp"

namespace batchlab::test::specification_test {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal_of(const json& document) {
  const Error error = error_of([&] { (void)expand(document); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  return error.what();
}

std::string refusal(const std::vector<std::string>& settings) {
  return refusal_of(tiny_document(settings));
}

// Each section by its place in a document.
const std::vector<std::pair<std::string, std::span<const Option>>>& sections() {
  static const std::vector<std::pair<std::string, std::span<const Option>>> all{
      {"", top_options()},
      {"/budget", budget_options()},
      {"/target", target_options()},
      {"/data", data_options()},
      {"/model/layers/0", layer_options()},
      {"/optimizer", optimizer_options()},
      {"/schedule", schedule_options()},
      {"/evaluation", evaluation_options()},
      {"/statistics", statistics_options()},
      {"/engine", engine_options()},
      {"/controllers/0", controller_entry_options()},
      {"/controllers/0/limits", limits_options()},
  };
  return all;
}

json with(const std::string& place, const json& value) {
  json document = tiny_document({"target.value=0.5"});
  document[json::json_pointer(place)] = value;
  return document;
}

// With an option that has a meaning only beside a choice, the section holds these two.
json with(const std::string& place, const Option& option, const json& value) {
  const auto& [choice, values] = option.only_for;
  if (choice.empty()) return with(place + '/' + option.name, value);
  return with(place, {{choice, values.front()}, {option.name, value}});
}

TEST(Specification, IsCompleteWithDefaults) {
  const json minimal = parse_toml(
      "[model]\nlayers = [{ type = \"dense\", units = 10 }]\n"
      "[[controllers]]\nname = \"constant\"\n",
      "x");
  const auto runs = expand(minimal);
  ASSERT_EQ(runs.size(), 3U);
  const json& document = runs[1].document;
  for (const auto& [place, options] : sections()) {
    if (place == "/target" || place == "/optimizer" || place == "/model/layers/0")
      continue;
    for (const Option& option : options) {
      if (!option.only_for.choice.empty()) continue;
      // Of the top level, these become the entry's.
      const std::set<std::string> moved{"seeds", "controllers", "shadow"};
      if (place.empty() && moved.count(option.name)) continue;
      const auto section = place.starts_with("/controllers/0")
                               ? "/controller" + place.substr(14)
                               : place;
      EXPECT_TRUE(document.contains(json::json_pointer(section + '/' + option.name)))
          << place << ' ' << option.name;
    }
  }
  EXPECT_EQ(document.at("name"), "experiment");
  EXPECT_EQ(document.at("seed"), 1);
  EXPECT_EQ(document.at("budget").at("epochs"), 5);
  EXPECT_EQ(document.at("optimizer"), json({{"name", "adam"},
                                            {"learning_rate", 0.001},
                                            {"beta1", 0.9},
                                            {"beta2", 0.999},
                                            {"epsilon", 1e-7},
                                            {"reset_factor", nullptr}}));
  EXPECT_EQ(document.at("model").at("layers").at(0),
            json({{"type", "dense"},
                  {"units", 10},
                  {"activation", "none"},
                  {"initialisation", "glorot_uniform"}}));
  EXPECT_EQ(document.at("controller").at("label"), "constant");
}

TEST(Specification, RunsAreEntriesTimesSeedsInOrder) {
  json document = tiny_document({"seeds=[4, 2]"});
  document["controllers"].push_back({{"name", "cyclic"}});
  std::vector<std::string> folders;
  for (const auto& run : expand(document)) folders.push_back(run.folder_name());
  EXPECT_THAT(folders, ElementsAre("constant-seed4", "constant-seed2", "cyclic-seed4",
                                   "cyclic-seed2"));
}

TEST(Specification, AnUnknownKeyOfAnySectionNamesTheClosest) {
  for (const auto& [place, options] : sections()) {
    const std::string& name = options.back().name;
    EXPECT_THAT(refusal_of(with(place + '/' + name + "s", 1)),
                HasSubstr("did you mean \"" + name + "\""))
        << place;
  }
  EXPECT_THAT(refusal({"controllers.0.batch_sise=3"}),
              AllOf(HasSubstr("constant"), HasSubstr("did you mean \"batch_size\"")));
}

TEST(Specification, AnUnknownNameNamesTheClosest) {
  EXPECT_THAT(refusal({"optimizer.name=adm"}), HasSubstr("did you mean \"adam\""));
  EXPECT_THAT(refusal({"data.set=fashion-mnst"}),
              HasSubstr("did you mean \"fashion-mnist\""));
  EXPECT_THAT(refusal({"model.layers.0.type=dens"}),
              HasSubstr("did you mean \"dense\""));
  EXPECT_THAT(refusal({"model.layers.0.activation=rel"}),
              HasSubstr("did you mean \"relu\""));
  EXPECT_THAT(refusal({"controllers.0.name=constnt"}),
              HasSubstr("did you mean \"constant\""));
  EXPECT_THAT(refusal({"controllers.0.coupling=liner"}),
              HasSubstr("did you mean \"linear\""));
  EXPECT_THAT(refusal({"statistics.measure=[\"noise_scal\"]"}),
              HasSubstr("did you mean \"noise_scale\""));
}

TEST(Specification, NumbersJustOutsideTheirRangeAreRefused) {
  int checked = 0;
  const auto check = [&](const std::string& place, const Option& option, double value) {
    EXPECT_THAT(refusal_of(with(place, option, value)), HasSubstr(option.name))
        << place << ' ' << value;
    ++checked;
  };
  for (const auto& [place, options] : sections()) {
    for (const Option& option : options) {
      if (option.kind == Option::Kind::integer) {
        check(place, option, option.minimum - 1);
        check(place, option, option.maximum + 1);
        check(place, option, option.minimum + 0.5);
      } else if (option.kind == Option::Kind::number) {
        check(place, option, std::nextafter(option.minimum, -1e300));
        check(place, option, std::nextafter(option.maximum, 1e300));
        check(place, option, std::nan(""));
      }
    }
  }
  EXPECT_GT(checked, 90);
}

TEST(Specification, WrongTypesAreRefusedEverywhere) {
  for (const auto& [place, options] : sections()) {
    for (const Option& option : options) {
      const bool is_table = option.kind == Option::Kind::table;
      const json wrong = is_table ? json(3) : json({{"a", 1}});
      EXPECT_THAT(refusal_of(with(place, option, wrong)), HasSubstr(option.name))
          << place;
    }
    EXPECT_NE(refusal_of(with(place, json::array({1}))), "") << place;
  }
}

TEST(Specification, OptionsOfAnotherOptimizerOrLayerAreRefused) {
  EXPECT_THAT(refusal({"optimizer.beta1=0.8"}),
              AllOf(HasSubstr("beta1"), HasSubstr("sgd")));
  EXPECT_THAT(refusal({"optimizer.name=adam", "optimizer.momentum=0.9"}),
              AllOf(HasSubstr("momentum"), HasSubstr("adam")));
  EXPECT_THAT(refusal({"optimizer.name=adam", "optimizer.weight_decay=0.1"}),
              HasSubstr("weight_decay"));
  EXPECT_THAT(refusal({"model.layers.0.rate=0.5"}),
              AllOf(HasSubstr("rate"), HasSubstr("dense")));
  EXPECT_THAT(refusal({"model.layers.0={type=\"relu\", units=3}"}),
              AllOf(HasSubstr("layers[0]"), HasSubstr("units"), HasSubstr("relu")));
  EXPECT_NO_THROW((void)expand(
      tiny_document({"optimizer.name=adamw", "optimizer.weight_decay=0.1"})));
}

// Rate, epsilon and start of the sum as in PyTorch.
TEST(Specification, AdagradHasDefaultsOfItsOwn) {
  const RunConfiguration run = tiny_run({"optimizer={name=\"adagrad\"}"});
  EXPECT_EQ(run.document.at("optimizer"), json({{"name", "adagrad"},
                                                {"learning_rate", 0.01},
                                                {"epsilon", 1e-10},
                                                {"initial_squared_gradient_sum", 0},
                                                {"reset_factor", nullptr}}));
  EXPECT_EQ(run.optimizer.epsilon, 1e-10);
  EXPECT_EQ(tiny_run({"optimizer={name=\"adagrad\", initial_squared_gradient_sum=0.1}"})
                .optimizer.initial_squared_gradient_sum,
            0.1);
  EXPECT_THAT(refusal({"optimizer={name=\"adagrad\", momentum=0.9}"}),
              AllOf(HasSubstr("momentum"), HasSubstr("adagrad")));
}

TEST(Specification, ARuleForPlainSgdRefusesOtherOptimizers) {
  const std::string cabs = "controllers.0={name=\"cabs\"}";
  const std::string plain = "sgd without momentum, got ";
  EXPECT_THAT(refusal({cabs, "optimizer={name=\"adam\"}"}),
              AllOf(HasSubstr("cabs: "), HasSubstr(plain + "adam; for example"),
                    HasSubstr("name = \"sgd\"")));
  EXPECT_THAT(refusal({cabs, "optimizer.momentum=0.9"}),
              HasSubstr(plain + "sgd with momentum 0.9;"));
  EXPECT_NO_THROW((void)expand(tiny_document({cabs, "optimizer.weight_decay=0.1"})));
  EXPECT_NO_THROW((void)expand(tiny_document({"optimizer.momentum=0.9"})));
}

TEST(Specification, ShadowsAreNamesOrTables) {
  const RunConfiguration run =
      tiny_run({"shadow=[\"cabs\", {name=\"norm_test\", tolerance=0.3, "
                "limits={maximum=99}}, \"norm_test\", {name=\"cabs\", label=\"x\"}]"});
  std::vector<std::string> labels;
  for (const auto& shadow : run.shadows) labels.push_back(shadow.label);
  EXPECT_THAT(labels, ElementsAre("cabs", "norm_test", "norm_test-2", "x"));
  EXPECT_EQ(run.shadows[1].controller_options.at("tolerance"), 0.3);
  EXPECT_EQ(run.shadows[1].limits.at("maximum"), 99);
  EXPECT_EQ(run.shadows[0].limits.at("minimum"), 16) << "the rule's own default";
  EXPECT_TRUE(tiny_run().shadows.empty());
  EXPECT_EQ(run.document.at("controller").at("shadow").size(), 4U);
}

TEST(Specification, AnEntrysShadowsReplaceThoseOfTheTopLevel) {
  json document = tiny_document({"shadow=[\"cabs\"]"});
  document["controllers"] = {
      {{"name", "constant"}},
      {{"name", "constant"}, {"shadow", json::array()}},
      {{"name", "constant"}, {"shadow", {"norm_test", "plateau"}}}};
  std::vector<std::size_t> counts;
  for (const auto& run : expand(document)) counts.push_back(run.shadows.size());
  EXPECT_THAT(counts, ElementsAre(1, 0, 2));
  // Written in either place, it is the same run.
  EXPECT_EQ(
      tiny_run({"shadow=[\"cabs\"]"}).identity(),
      tiny_run({"shadow=[\"goodput\"]", "controllers.0.shadow=[\"cabs\"]"}).identity());
}

TEST(Specification, WrongShadowsAreRefusedByTheirPlace) {
  const auto with_shadows = [](const std::string& list) {
    return refusal({"shadow=[\"norm_test\", " + list + "]"});
  };
  EXPECT_THAT(with_shadows("\"cbas\""),
              AllOf(HasSubstr("shadow[1]: "), HasSubstr("did you mean \"cabs\"?")));
  EXPECT_THAT(with_shadows("{name=\"norm_test\", tolerence=1}"),
              AllOf(HasSubstr("shadow[1]: norm_test: "),
                    HasSubstr("did you mean \"tolerance\"?")));
  EXPECT_THAT(with_shadows("{name=\"cabs\", coupling=\"sqrt\"}"),
              HasSubstr("unknown option \"coupling\""));
  EXPECT_THAT(with_shadows("{name=\"cabs\", limits={minimun=3}}"),
              HasSubstr("did you mean \"minimum\"?"));
  EXPECT_THAT(with_shadows("{}"), HasSubstr("shadow[1]: entry: name is missing"));
  EXPECT_THAT(with_shadows("{name=\"cabs\", label=\"a,b\"}"), HasSubstr("a,b"));
  EXPECT_THAT(with_shadows("{name=\"cabs\", label=\"norm_test\"}, {name=\"cabs\", "
                           "label=\"norm_test\"}"),
              HasSubstr("shadow: label \"norm_test\" is there twice"));
  EXPECT_THAT(with_shadows("3"), HasSubstr("shadow must be a list of names or tables"));
  EXPECT_THAT(refusal({"shadow=cabs"}), HasSubstr("a list of names or tables"));
  EXPECT_THAT(refusal({"controllers.0.shadow=[\"cbas\"]"}),
              HasSubstr("controllers[0]: shadow[0]: unknown controller"));
}

// Its bound holds for plain SGD: under Adam its wish would be a number without meaning.
TEST(Specification, AShadowForPlainSgdRefusesOtherOptimizers) {
  EXPECT_THAT(refusal({"shadow=[\"cabs\"]", "optimizer={name=\"adam\"}"}),
              HasSubstr("shadow[0]: cabs: optimizer must be sgd without momentum"));
  EXPECT_NO_THROW((void)tiny_run({"shadow=[\"cabs\"]"}));
}

TEST(Specification, WhatALayerNeedsIsAskedFor) {
  EXPECT_THAT(refusal({"model.layers.1={type=\"dense\"}"}),
              AllOf(HasSubstr("layers[1]"), HasSubstr("units")));
  EXPECT_THAT(refusal({"model.layers.0={type=\"dropout\"}"}), HasSubstr("rate"));
  EXPECT_THAT(refusal({"model.layers.0={units=3}"}), HasSubstr("type"));
  EXPECT_THAT(refusal({"model.layers=[]"}), HasSubstr("layers"));
}

TEST(Specification, NamesThatWouldLeaveTheFolderAreRefused) {
  const std::vector<std::string> bad{"../x",
                                     "a/b",
                                     "",
                                     ".",
                                     "..",
                                     ".x",
                                     "-x",
                                     "a b",
                                     "a\n",
                                     "a\\b",
                                     "a:b",
                                     "a*",
                                     "\xc3\xbc",
                                     std::string("a\0b", 3),
                                     std::string(101, 'a'),
                                     std::string(200, 'a')};
  for (const std::string& name : bad) {
    EXPECT_THAT(refusal_of(with("/name", name)), HasSubstr("name:"));
    EXPECT_THAT(refusal_of(with("/controllers/0/label", name)), HasSubstr("label:"));
  }
  for (const char* name : {"a", "A.b_c-9", "0"}) {
    EXPECT_EQ(expand(with("/controllers/0/label", name)).front().label, name);
  }
}

TEST(Specification, EntriesWithoutALabelAreNumberedAroundThoseGiven) {
  json document = tiny_document();
  document["controllers"] = {{{"name", "constant"}},
                             {{"name", "constant"}},
                             {{"name", "cyclic"}, {"label", "constant-2"}},
                             {{"name", "constant"}}};
  std::vector<std::string> labels;
  for (const auto& run : expand(document)) labels.push_back(run.label);
  EXPECT_THAT(labels,
              ElementsAre("constant", "constant-3", "constant-2", "constant-4"));
  document["controllers"][0]["label"] = "constant-2";
  EXPECT_THAT(refusal_of(document), HasSubstr("label \"constant-2\" is there twice"));
}

TEST(Specification, TargetsMustMakeSense) {
  EXPECT_THAT(refusal({"target={}"}), HasSubstr("value is missing"));
  EXPECT_THAT(refusal({"target.value=1.01"}), HasSubstr("[0, 1]"));
  EXPECT_THAT(refusal({"target={metric=\"validation_loss\", value=1}"}),
              HasSubstr("validation_fraction"));
  const auto run =
      tiny_run({"data.validation_fraction=0.1",
                "target={metric=\"validation_loss\", value=1.5, stop=true}"});
  ASSERT_TRUE(run.target);
  EXPECT_EQ(run.target->split, "validation");
  EXPECT_FALSE(run.target->accuracy);
  EXPECT_TRUE(run.target->stop);
  EXPECT_TRUE(run.target->reached({1.5, 0}));
  EXPECT_FALSE(run.target->reached({1.6, 1}));
}

TEST(Specification, BudgetsSeedsAndControllersMustNotBeEmpty) {
  EXPECT_THAT(refusal({"budget={}"}),
              HasSubstr("needs epochs, examples, steps or seconds"));
  EXPECT_THAT(refusal({"seeds=[]"}), HasSubstr("seeds"));
  EXPECT_THAT(refusal({"seeds=[1, 2, 1]"}), HasSubstr("1 is there twice"));
  EXPECT_THAT(refusal({"seeds=[4294967296]"}), HasSubstr("seeds"));
  EXPECT_EQ(tiny_run({"seeds=[4294967295]"}).seed, 4294967295U);
  EXPECT_THAT(refusal({"controllers=[]"}), HasSubstr("controllers"));
  json without = tiny_document();
  without.erase("controllers");
  EXPECT_THAT(refusal_of(without), HasSubstr("controllers: missing"));
  without = tiny_document();
  without.erase("model");
  EXPECT_THAT(refusal_of(without), HasSubstr("model: missing"));
}

TEST(Specification, BatchSizesAndGrowthOutOfRangeAreRefused) {
  for (const char* size : {"0", "-1", "3.5", "1e300", "inf", "nan", "\"32\"", "true"}) {
    EXPECT_THAT(refusal({fmt::format("controllers.0.batch_size={}", size)}),
                HasSubstr("batch_size"))
        << size;
  }
  for (const char* growth : {"1", "1.0", "0.5", "-2"}) {
    EXPECT_THAT(refusal({fmt::format("controllers.0.limits.growth={}", growth)}),
                HasSubstr("growth"))
        << growth;
  }
}

// What only the data can tell is refused by the run, before it trains.
std::string refusal_by_data(const std::vector<std::string>& settings) {
  const RunConfiguration run = tiny_run(settings);
  const Error error = error_of([&] { TrainingRun(run, tiny_source(), 1); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  return error.what();
}

TEST(Specification, PhasesMustNotBeEmptyOrOutOfOrder) {
  const std::string name = "controllers.0={name=\"phases\"";
  EXPECT_THAT(refusal({name + ", phases=[]}"}), HasSubstr("phases"));
  EXPECT_THAT(refusal_by_data({name + "}"}), HasSubstr("phases is missing"));
  EXPECT_THAT(refusal_by_data({name + ", phases=[{batch_size=8}, {batch_size=9}]}"}),
              HasSubstr("until is missing"));
  EXPECT_THAT(refusal_by_data({name + ", phases=[{until={epochs=2}, batch_size=8}, "
                                      "{until={epochs=1}, batch_size=9}]}"}),
              HasSubstr("until must be more than"));
}

TEST(Specification, WhatTheDataCannotGiveIsRefused) {
  EXPECT_THAT(refusal_by_data({"controllers.0.batch_size=601"}), HasSubstr("[1, 600]"));
  EXPECT_THAT(refusal_by_data({"data.examples=601"}), HasSubstr("[1, 600]"));
  EXPECT_THAT(refusal_by_data({"data.first_example=600"}), HasSubstr("below 600"));
  EXPECT_THAT(refusal_by_data({"data.first_example=100", "data.examples=501"}),
              HasSubstr("[1, 500]"));
  EXPECT_THAT(refusal_by_data({"model.layers.1.units=3"}), HasSubstr("4 classes"));
}

}  // namespace batchlab::test::specification_test
