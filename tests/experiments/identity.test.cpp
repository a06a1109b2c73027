// SPDX-License-Identifier: MIT
//
// What makes two runs the same one.
#include <gmock/gmock.h>

#include <set>

#include "experiments/specification.hpp"
#include "tests/experiments/support.hpp"

namespace batchlab::test::identity_test {

using nlohmann::json;
using testing::HasSubstr;

TEST(Specification, TheSameTextHasTheSameIdentity) {
  EXPECT_EQ(tiny_run().identity(), tiny_run().identity());
  EXPECT_EQ(tiny_run().identity(), tiny_run({"optimizer.momentum=0"}).identity());
  EXPECT_EQ(tiny_run().identity().size(), 16U);
}

TEST(Specification, IdentityChangesWithEveryKey) {
  std::set<std::string> identities{tiny_run().identity()};
  const std::vector<std::string> settings{"name=other",
                                          "seeds=[1]",
                                          "budget.epochs=3",
                                          "budget.steps=9",
                                          "target.value=0.5",
                                          "data.folder=/x",
                                          "data.shuffle=false",
                                          "data.tail=drop",
                                          "data.examples=500",
                                          "data.validation_fraction=0.1",
                                          "model.layers.0.units=9",
                                          "optimizer.momentum=0.5",
                                          "optimizer.learning_rate=0.2",
                                          "schedule.warmup_examples=9",
                                          "evaluation.every_examples=9",
                                          "statistics.horizon_examples=9",
                                          "engine.lanes=3",
                                          "log_every=2",
                                          "shadow=[\"cabs\"]",
                                          "controllers.0.shadow=[\"norm_test\"]",
                                          "controllers.0.batch_size=33",
                                          "controllers.0.label=x",
                                          "controllers.0.learning_rate=0.1",
                                          "controllers.0.coupling=sqrt",
                                          "controllers.0.reference_batch_size=9",
                                          "controllers.0.limits.minimum=2"};
  for (const std::string& setting : settings) {
    EXPECT_TRUE(identities.insert(tiny_run({setting}).identity()).second) << setting;
  }
}

TEST(Specification, IdentityDoesNotDependOnTheEntrysPosition) {
  json document = tiny_document();
  document["controllers"] = {{{"name", "cyclic"}},
                             {{"name", "constant"}, {"batch_size", 32}}};
  const auto runs = expand(document);
  EXPECT_EQ(runs[1].label, "constant");
  EXPECT_EQ(runs[1].identity(), tiny_run().identity());
  EXPECT_EQ(first_difference(runs[1].document, tiny_run().document), "");
}

TEST(Specification, InitialWeightsCountByTheirContent) {
  const TemporaryFolder folder;
  const std::string setting = "initial_weights=" + (folder / "w").string();
  const Error missing = error_of([&] { (void)expand(tiny_document({setting})); });
  EXPECT_EQ(missing.kind(), ErrorKind::data);
  EXPECT_THAT(missing.what(), HasSubstr("no such file"));
  write_file(folder / "w", "one");
  const std::string before = tiny_run({setting}).identity();
  write_file(folder / "w", "two");
  EXPECT_NE(before, tiny_run({setting}).identity());
}
TEST(FirstDifference, NamesTheKeyAndBothValues) {
  const json base = tiny_run().document;
  EXPECT_EQ(first_difference(base, base), "");
  EXPECT_EQ(first_difference(base, tiny_run({"budget.epochs=7"}).document),
            "budget.epochs: 2 there, 7 here");
  EXPECT_EQ(first_difference(base, tiny_run({"model.layers.0.units=9"}).document),
            "model.layers.0.units: 8 there, 9 here");
  EXPECT_THAT(first_difference(base, tiny_run({"target.value=0.5"}).document),
              HasSubstr("target: null there"));
  json other = base;
  other["new"] = 1;
  EXPECT_EQ(first_difference(base, other), "new: nothing there, 1 here");
  EXPECT_EQ(first_difference(other, base), "new: 1 there, nothing here");
}

}  // namespace batchlab::test::identity_test
