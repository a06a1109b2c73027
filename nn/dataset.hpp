// SPDX-License-Identifier: MIT
//
// Data sets of examples with labels, kept as bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>

namespace batchlab {

// Examples with one label each.
struct Dataset {
  xt::xtensor<std::uint8_t, 2> inputs;  // examples x features, raw bytes
  xt::xtensor<std::uint8_t, 1> labels;  // examples, each below classes
  std::vector<std::size_t> shape;       // of one example, e.g. {28, 28}
  std::size_t classes = 0;

  [[nodiscard]] std::size_t examples() const { return labels.size(); }
  [[nodiscard]] std::size_t features() const { return inputs.shape(1); }
};

struct DataSource {
  std::string name;    // of the known data set
  std::string folder;  // where it was read; empty: generated
  // CRC-32 of the four decompressed payloads (of both inputs, if generated),
  // hexadecimal, by dashes.
  std::string checksum;
  Dataset training;
  Dataset test;
};

struct KnownDataSet {
  std::string name;
  std::string summary;
  std::string folder;      // default folder; empty: must be given
  std::string package;     // Debian package that provides it; empty if none
  std::string checksum;    // expected DataSource::checksum; empty: not checked
  std::size_t classes;     // 0: one more than the largest label
  bool generated = false;  // not read from files; its labels mean nothing
};

[[nodiscard]] std::span<const KnownDataSet> known_data_sets();

// Throws Error(usage) naming the closest.
[[nodiscard]] const KnownDataSet& find_data_set(const std::string& name);

// Of a set that is generated.
struct GeneratedData {
  std::size_t examples = 10000;  // of the training set
  std::size_t dimensions = 100;
  std::uint32_t seed = 0;
};

// Generates a set that is generated. Of the others, reads train-images-idx3-ubyte,
// train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each with
// .gz or without, from `folder` (empty: the set's own). Throws Error(usage) for an
// unknown set, a folder that must be given, or one that is of no use; Error(data) for
// missing (names the Debian package), damaged or altered files (checksum of a known
// set), counts of images and labels that differ, labels out of range, no examples.
[[nodiscard]] DataSource load_data(const std::string& name,
                                   const std::string& folder = "",
                                   const GeneratedData& generated = {});

enum class SplitPart { first, last, random };

struct Split {
  std::vector<std::uint32_t> training;    // ascending positions in the data set
  std::vector<std::uint32_t> validation;  // ascending, disjoint from training
};

// Holds out round(fraction x examples) for validation, fraction in [0, 1). `random` is
// a function of `seed` alone. Throws Error(usage) if nothing is left for training.
[[nodiscard]] Split split(std::size_t examples, double fraction, SplitPart part,
                          std::uint32_t seed);

}  // namespace batchlab
