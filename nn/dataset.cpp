// SPDX-License-Identifier: MIT
#include "nn/dataset.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <future>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "controllers/error.hpp"
#include "nn/idx.hpp"
#include "nn/noisy_quadratic.hpp"
#include "nn/random.hpp"

namespace batchlab {
namespace {

// Images and labels of the training set, then of the test set.
constexpr std::array<std::string_view, 4> file_names = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

struct LoadedFile {
  std::string path;
  std::string checksum;  // of the whole decompressed file: what `gzip -lv` shows
  IdxArray array;
};

[[noreturn]] void fail(const KnownDataSet& set, const std::string& what) {
  throw Error(ErrorKind::data, fmt::format("{}: {}", set.name, what));
}

std::string find_file(const KnownDataSet& set, const std::string& folder,
                      std::string_view file_name) {
  const std::string path = (std::filesystem::path(folder) / file_name).string();
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  if (std::filesystem::exists(path + ".gz", ignored)) return path + ".gz";
  const std::string install =
      set.package.empty()
          ? ""
          : fmt::format("install the Debian package {}, or ", set.package);
  fail(set, fmt::format("{}(.gz) not found; {}set data.folder", path, install));
}

std::string checksum_of(const IdxArray& array) {
  std::vector<std::uint8_t> header = {0, 0, 8,
                                      static_cast<std::uint8_t>(array.shape.size())};
  for (const std::size_t size : array.shape) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      header.push_back(static_cast<std::uint8_t>(size >> shift));
    }
  }
  const uLong start = crc32_z(0, header.data(), header.size());
  return fmt::format("{:08x}", crc32_z(start, array.bytes.data(), array.bytes.size()));
}

LoadedFile load_file(const KnownDataSet& set, const std::string& folder,
                     std::string_view file_name) {
  LoadedFile file;
  file.path = find_file(set, folder, file_name);
  file.array = read_idx(file.path);
  file.checksum = checksum_of(file.array);
  return file;
}

void check_counts(const KnownDataSet& set, const LoadedFile& images,
                  const LoadedFile& labels) {
  const auto& image_shape = images.array.shape;
  const auto& label_shape = labels.array.shape;
  if (image_shape.size() < 2) {
    fail(set, fmt::format("{}: images need 2 axes or more, got 1", images.path));
  }
  if (label_shape.size() != 1) {
    fail(set, fmt::format("{}: labels need 1 axis, got {}", labels.path,
                          label_shape.size()));
  }
  if (image_shape[0] != label_shape[0]) {
    fail(set, fmt::format("{} holds {} images, but {} holds {} labels", images.path,
                          image_shape[0], labels.path, label_shape[0]));
  }
  if (images.array.bytes.empty()) {
    fail(set, fmt::format("{}: no examples, its shape is [{}]", images.path,
                          fmt::join(image_shape, ", ")));
  }
}

// Moves the bytes into arrays.
Dataset take_arrays(const KnownDataSet& set, LoadedFile& images, LoadedFile& labels) {
  check_counts(set, images, labels);
  const auto& image_shape = images.array.shape;
  const std::size_t examples = image_shape[0];
  Dataset dataset;
  dataset.shape.assign(image_shape.begin() + 1, image_shape.end());
  dataset.inputs.resize(std::array{examples, images.array.bytes.size() / examples});
  dataset.inputs.storage() = std::move(images.array.bytes);
  dataset.labels.resize(std::array{examples});
  dataset.labels.storage() = std::move(labels.array.bytes);
  return dataset;
}

void check_labels(const KnownDataSet& set, const LoadedFile& file,
                  const Dataset& dataset) {
  for (std::size_t example = 0; example < dataset.examples(); ++example) {
    if (dataset.labels(example) < dataset.classes) continue;
    fail(set, fmt::format("{}: label {} of example {} is not below {}", file.path,
                          dataset.labels(example), example, dataset.classes));
  }
}

std::size_t classes_of(const KnownDataSet& set, const DataSource& source) {
  if (set.classes != 0) return set.classes;
  const auto largest = [](const Dataset& dataset) {
    return std::size_t{*std::max_element(dataset.labels.begin(), dataset.labels.end())};
  };
  return 1 + std::max(largest(source.training), largest(source.test));
}

// The i-th of the checksums in `joined`, each of 8 digits and followed by a dash.
std::string checksum_part(const std::string& joined, std::size_t i) {
  return joined.substr(9 * i, 8);
}

void check_checksums(const KnownDataSet& set, const std::array<LoadedFile, 4>& files) {
  if (set.checksum.empty()) return;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string expected = checksum_part(set.checksum, i);
    if (files[i].checksum == expected) continue;
    fail(set,
         fmt::format("{} was altered: CRC-32 expected {}, found {}; data of your own "
                     "are read with data.set = \"idx\"",
                     files[i].path, expected, files[i].checksum));
  }
}

std::size_t held_out_examples(std::size_t examples, double fraction) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw Error(ErrorKind::usage,
                fmt::format("validation fraction must be in [0, 1), got {}", fraction));
  }
  const auto held_out =
      static_cast<std::size_t>(std::round(fraction * static_cast<double>(examples)));
  if (held_out >= examples) {
    throw Error(
        ErrorKind::usage,
        fmt::format("validation fraction {} of {} examples leaves none to train on",
                    fraction, examples));
  }
  return held_out;
}

// Exchanges the first `count` of `positions` with random ones (Fisher and Yates).
void draw_first(std::vector<std::uint32_t>& positions, std::size_t count,
                std::uint32_t seed) {
  for (std::size_t i = 0; i < count; ++i) {
    const RandomCounter bits = random_bits(seed, RandomPurpose::data_split,
                                           {static_cast<std::uint32_t>(i), 0, 0, 0});
    const auto left = static_cast<std::uint32_t>(positions.size() - i);
    std::swap(positions[i], positions[i + uniform_integer(bits[0], bits[1], left)]);
  }
}

}  // namespace

std::span<const KnownDataSet> known_data_sets() {
  static const std::array<KnownDataSet, 3> sets = {{
      {"fashion-mnist", "28 x 28 grey images of 10 kinds of clothes, 60,000 and 10,000",
       "/usr/share/datasets/fashion-mnist", "dataset-fashion-mnist",
       "b4f29f28-741a4657-678fe0b1-80142c1f", 10},
      {"idx", "four files of your own, named and laid out as those of MNIST", "", "",
       "", 0},
      {"noisy-quadratic",
       "generated: the loss is half the squared distance to an example, in the metric "
       "of a quadratic layer",
       "", "", "", 1, true},
  }};
  return sets;
}

const KnownDataSet& find_data_set(const std::string& name) {
  std::vector<std::string> known;
  for (const KnownDataSet& set : known_data_sets()) {
    if (set.name == name) return set;
    known.push_back(set.name);
  }
  throw unknown_name("data set", name, known);
}

DataSource load_data(const std::string& name, const std::string& folder,
                     const GeneratedData& generated) {
  const KnownDataSet& set = find_data_set(name);
  if (set.generated) {
    if (folder.empty()) return make_noisy_quadratic(generated);
    throw Error(ErrorKind::usage,
                fmt::format("{}: is generated and read from no folder, got {}",
                            set.name, printable(folder, 400)));
  }
  DataSource source{set.name, folder.empty() ? set.folder : folder, "", {}, {}};
  if (source.folder.empty()) {
    throw Error(ErrorKind::usage, set.name + ": data.folder must be given");
  }
  std::array<LoadedFile, 4> files;
  const auto load = [&](std::size_t first) {
    for (const std::size_t i : {first, first + 1}) {
      files[i] = load_file(set, source.folder, file_names[i]);
    }
    return take_arrays(set, files[first], files[first + 1]);
  };
  // In a thread of its own, if there is one to be had: they take a tenth of a second.
  std::future<Dataset> test = std::async(load, 2);
  source.training = load(0);
  source.test = test.get();
  for (const LoadedFile& file : files) {
    source.checksum += (source.checksum.empty() ? "" : "-") + file.checksum;
  }
  if (source.training.shape != source.test.shape) {
    fail(set, fmt::format("training images of shape [{}], but test images of [{}]",
                          fmt::join(source.training.shape, ", "),
                          fmt::join(source.test.shape, ", ")));
  }
  source.training.classes = source.test.classes = classes_of(set, source);
  check_labels(set, files[1], source.training);
  check_labels(set, files[3], source.test);
  check_checksums(set, files);
  return source;
}

Split split(std::size_t examples, double fraction, SplitPart part, std::uint32_t seed) {
  assert(examples <= std::numeric_limits<std::uint32_t>::max());
  const std::size_t held_out = held_out_examples(examples, fraction);
  std::vector<std::uint32_t> positions(examples);
  std::iota(positions.begin(), positions.end(), 0U);
  if (part == SplitPart::random) draw_first(positions, held_out, seed);

  const std::size_t first = part == SplitPart::last ? examples - held_out : 0;
  const auto begin = positions.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = begin + static_cast<std::ptrdiff_t>(held_out);
  Split result;
  result.validation.assign(begin, end);
  positions.erase(begin, end);
  result.training = std::move(positions);
  std::sort(result.validation.begin(), result.validation.end());
  std::sort(result.training.begin(), result.training.end());
  return result;
}

}  // namespace batchlab
