// SPDX-License-Identifier: MIT
#include "results/bootstrap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "results/resampling.hpp"
#include "tests/results/support.hpp"

namespace batchlab::bootstrap_test {

using test::standard_normal;
using Workloads = std::vector<std::vector<double>>;

std::vector<double> normal_sample(std::mt19937_64& generator, std::size_t count,
                                  double mean = 0) {
  std::vector<double> values(count);
  for (double& value : values) value = mean + standard_normal(generator);
  return values;
}

// Philox 4x32-10 of counter (block, resample, 0, 0) and key (seed, purpose), worked out
// with a program of ten lines that also gives Random123's known answer 6627e8d5 for
// zeros.
TEST(Resampling, IsPhiloxOfSeedPurposeAndResample) {
  ResamplingDraws draws(5, ResamplingPurpose::bootstrap, 7);
  for (const std::uint32_t expected :
       {0x63ec1205u, 0xda805d57u, 0xffba1eecu, 0x2fb79ae3u, 0xad556e1cu}) {
    EXPECT_EQ(draws.bits(), expected);
  }
}

TEST(Resampling, KeepsSeedsPurposesAndResamplesApart) {
  std::set<std::uint32_t> first;
  for (const std::uint32_t seed : {0u, 1u}) {
    for (const auto purpose :
         {ResamplingPurpose::bootstrap, ResamplingPurpose::sign_flips}) {
      for (const std::uint32_t resample : {0u, 1u}) {
        first.insert(ResamplingDraws(seed, purpose, resample).bits());
      }
    }
  }
  EXPECT_EQ(first.size(), 8u);
}

// 70,000 draws below 7: each value 10,000 times, give or take 93 (one deviation).
TEST(Resampling, DrawsEveryIndexEquallyOften) {
  std::vector<int> counts(7);
  ResamplingDraws draws(3, ResamplingPurpose::bootstrap, 0);
  for (int i = 0; i < 70000; ++i) ++counts.at(draws.below(7));
  EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 9600);
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 10400);
}

TEST(Bootstrap, GivesTheSameIntervalForTheSameSeedOnly) {
  const Workloads workloads = {{1, 2, 4, 8, 16, 32}};
  const auto first = bootstrap_interval(workloads, PooledStatistic::mean, 5);
  const auto again = bootstrap_interval(workloads, PooledStatistic::mean, 5);
  const auto other = bootstrap_interval(workloads, PooledStatistic::mean, 6);
  EXPECT_EQ(first.value().low, again.value().low);
  EXPECT_EQ(first->high, again->high);
  EXPECT_NE(first->low, other.value().low);
}

// Mean 0, and t* of the two-point sample {-1, 1} x 4 is that of k ones among 8 draws:
// p = k/8, t* = (2p - 1) / e*, e*^2 = 4 p (1 - p) / 7. P(k >= 7) = 9/256 = 0.035 and
// P(k = 8) = 0.0039 (infinite t*), so that the 97.5 % quantile is t* of k = 7:
// 0.75 / sqrt(4 * 7/64 / 7) = 0.75 * 4 = 3. With e = sqrt(1/7), 3 e = 1.133893.
TEST(Bootstrap, MatchesTheExactDistributionOfATwoPointSample) {
  const Workloads workloads = {{-1, 1, -1, 1, -1, 1, -1, 1}};
  const auto interval = bootstrap_interval(workloads, PooledStatistic::mean);
  EXPECT_NEAR(interval.value().high, 1.133893, 1e-6);
  EXPECT_NEAR(interval->low, -1.133893, 1e-6);
}

// The rival: the formulas of the header, written out for two workloads of 5 and 8 runs.
struct Rival {
  double value = 0, error = 0;
};

Rival rival(const Workloads& workloads, double cut_share) {
  std::vector<double> all = workloads[0];
  all.insert(all.end(), workloads[1].begin(), workloads[1].end());
  std::sort(all.begin(), all.end());
  const auto cut =
      static_cast<std::size_t>(cut_share * static_cast<double>(all.size()));
  const double kept = static_cast<double>(all.size() - 2 * cut);
  Rival result;
  for (std::size_t i = cut; i < all.size() - cut; ++i) result.value += all[i] / kept;
  for (const auto& runs : workloads) {
    std::vector<double> winsorised;
    for (const double run : runs) {
      winsorised.push_back(
          std::min(std::max(run, all[cut]), all[all.size() - 1 - cut]));
    }
    const double deviation = *summarise(winsorised).standard_deviation;
    result.error += static_cast<double>(runs.size()) * deviation * deviation;
  }
  result.error = std::sqrt(result.error) / kept;
  return result;
}

TEST(Bootstrap, AgreesWithItsFormulasWrittenOut) {
  const Workloads workloads = {{3, 1, 4, 1.5, 9}, {2, 6, 5, 3.5, 8, 9.7, 7, 9.3}};
  for (const bool interquartile : {false, true}) {
    const double cut_share = interquartile ? 0.25 : 0;
    const Rival sample = rival(workloads, cut_share);
    std::vector<double> ratios;
    for (std::uint32_t resample = 0; resample < 399; ++resample) {
      ResamplingDraws draws(7, ResamplingPurpose::bootstrap, resample);
      Workloads drawn = workloads;
      for (std::size_t w = 0; w < 2; ++w) {
        const auto size = static_cast<std::uint32_t>(workloads[w].size());
        for (double& run : drawn[w]) run = workloads[w][draws.below(size)];
      }
      const Rival again = rival(drawn, cut_share);
      ratios.push_back((again.value - sample.value) / again.error);
    }
    std::sort(ratios.begin(), ratios.end());
    const auto interval = bootstrap_interval(
        workloads,
        interquartile ? PooledStatistic::interquartile_mean : PooledStatistic::mean, 7,
        399);
    EXPECT_NEAR(interval.value().low, sample.value - ratios[389] * sample.error, 1e-9);
    EXPECT_NEAR(interval->high, sample.value - ratios[9] * sample.error, 1e-9);
  }
}

// Both workloads vary by 1e-3 around values that are 100 apart: resamples across
// workloads would make an interval of tens.
TEST(Bootstrap, ResamplesWithinEachWorkload) {
  Workloads workloads(2);
  for (int i = 0; i < 8; ++i) {
    workloads[0].push_back(0.001 * i);
    workloads[1].push_back(100 + 0.001 * i);
  }
  EXPECT_NEAR(*pooled(workloads, PooledStatistic::mean), 50.0035, 1e-9);
  const auto interval = bootstrap_interval(workloads, PooledStatistic::mean);
  EXPECT_LT(interval.value().high - interval->low, 0.01);
}

TEST(Bootstrap, MakesNoIntervalOfTooLittle) {
  const auto mean = PooledStatistic::mean;
  EXPECT_FALSE(bootstrap_interval({}, mean));
  EXPECT_FALSE(bootstrap_interval(Workloads{{1, 2, 3, 4}}, mean));
  EXPECT_FALSE(bootstrap_interval(Workloads{{1, 2, 3, 4}, {5}}, mean));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(bootstrap_interval(Workloads{{1, 2, 3, 4, infinity}}, mean));
  EXPECT_TRUE(bootstrap_interval(Workloads{{1, 2, 3, 4, 5}}, mean));
  EXPECT_FALSE(bootstrap_interval(Workloads{{1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                  PooledStatistic::interquartile_mean));
  EXPECT_EQ(test::error_of([&] {
              (void)bootstrap_interval(Workloads{{1, 2, 3, 4, 5}}, mean, 0, 10);
            }).kind(),
            ErrorKind::usage);
}

TEST(Bootstrap, HasNoWidthWhereAllRunsAgree) {
  const auto interval =
      bootstrap_interval(Workloads{{2, 2, 2, 2, 2}}, PooledStatistic::mean);
  EXPECT_EQ(interval.value().low, 2);
  EXPECT_EQ(interval->high, 2);
}

double coverage(PooledStatistic statistic, std::size_t workloads, std::size_t runs,
                int samples) {
  std::mt19937_64 generator(1);
  int covered = 0;
  for (int sample = 0; sample < samples; ++sample) {
    Workloads values;
    for (std::size_t w = 0; w < workloads; ++w) {
      values.push_back(normal_sample(generator, runs));
    }
    const auto seed = static_cast<std::uint32_t>(sample);
    const auto interval = bootstrap_interval(values, statistic, seed, 399);
    if (interval->low <= 0 && 0 <= interval->high) ++covered;
  }
  return static_cast<double>(covered) / samples;
}

TEST(Bootstrap, CoversTheMeanOfTenRunsInNineteenOfTwentySamples) {
  const double covered = coverage(PooledStatistic::mean, 1, 10, 10000);
  RecordProperty("coverage", std::to_string(covered));
  EXPECT_GE(covered, 0.94);
  EXPECT_LE(covered, 0.96);
}

// 3,000 samples: the standard error of the coverage is 0.4 %.
TEST(Bootstrap, CoversTheInterquartileMeanOfThreeWorkloads) {
  const double covered = coverage(PooledStatistic::interquartile_mean, 3, 10, 3000);
  RecordProperty("coverage", std::to_string(covered));
  EXPECT_GE(covered, 0.94);
  EXPECT_LE(covered, 0.96);
}

}  // namespace batchlab::bootstrap_test
