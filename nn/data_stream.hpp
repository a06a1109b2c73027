// SPDX-License-Identifier: MIT
//
// The data stream: a cursor over a permutation. The order of epoch e is a function of
// (seed, e); a batch is the slice [cursor, cursor + B). The batch size may change at
// every step: no example is repeated or skipped within an epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace batchlab {

// What happens where fewer than B examples of an epoch remain.
enum class EpochTail {
  keep,   // a short last batch
  drop,   // they are left out
  carry,  // the batch is filled from the next epoch
};

struct Batch {
  std::vector<std::uint32_t> examples;  // positions in the data set
  // Epoch (from 0) of the first `rows_in_epoch` examples; the rest are of the next one.
  std::uint32_t epoch = 0;
  std::size_t rows_in_epoch = 0;

  [[nodiscard]] std::size_t size() const { return examples.size(); }
  [[nodiscard]] std::uint32_t epoch_of(std::size_t row) const {
    return row < rows_in_epoch ? epoch : epoch + 1;
  }
};

class DataStream {
 public:
  // `examples`: positions in the data set that make an epoch; must not be empty.
  DataStream(std::vector<std::uint32_t> examples, bool shuffle, EpochTail tail,
             std::uint32_t seed);

  // Epochs consist of examples[first, first + count) from here on. The epoch in
  // progress, if begun, is given up and does not count as completed; a fresh epoch
  // number starts. Selecting what is selected already changes nothing. Throws
  // Error(usage) when the range is empty or leaves the examples.
  void select(std::int64_t first, std::int64_t count);

  // The next batch of at most `batch_size` >= 1 examples: fewer at the end of an epoch
  // under `keep`, and never more than an epoch holds. Valid until the next call.
  [[nodiscard]] const Batch& take(std::int64_t batch_size);

  // Under `drop`, ends the epoch if fewer than `batch_size` of its examples remain, as
  // take() would: so that the end can be seen before the next epoch begins.
  void skip_short_tail(std::int64_t batch_size);

  // Whole passes made. Under `drop` an epoch is complete as soon as fewer examples
  // remain than the last batch had, or than the next one wants.
  [[nodiscard]] std::int64_t epochs_completed() const { return epochs_completed_; }
  [[nodiscard]] std::int64_t epoch_examples() const;  // examples of one epoch
  [[nodiscard]] std::int64_t cursor() const;          // examples of this epoch passed

  // Position as integers; restoring it on a stream made alike gives the same batches.
  // Throws Error(corrupt) for a position that the examples do not have.
  struct Position {
    std::int64_t epochs_completed, epoch, cursor, first, count;
    bool operator==(const Position&) const = default;
  };
  [[nodiscard]] Position position() const;
  void restore(const Position& position);

 private:
  void order_epoch();  // fills order_ for epoch_
  void finish_epoch();
  void append(std::size_t rows);  // moves them from order_ to batch_

  std::vector<std::uint32_t> examples_;
  std::vector<std::uint32_t> order_;  // the epoch in progress, permuted
  bool shuffle_;
  EpochTail tail_;
  std::uint32_t seed_;
  std::int64_t first_ = 0, count_ = 0;
  std::int64_t epochs_completed_ = 0;
  std::uint32_t epoch_ = 0;  // number that keys the order and dropout
  std::size_t cursor_ = 0;
  Batch batch_;
};

}  // namespace batchlab
