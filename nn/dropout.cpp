// SPDX-License-Identifier: MIT
#include "nn/dropout.hpp"

#include <algorithm>

#include "nn/elementwise.hpp"
#include "nn/random.hpp"

namespace batchlab {

namespace {

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(std::size_t inputs, double rate, std::uint32_t number)
      : inputs_(inputs), rate_(static_cast<float>(rate)), number_(number) {}

  std::string_view type() const override { return "dropout"; }
  std::size_t inputs() const override { return inputs_; }
  std::size_t outputs() const override { return inputs_; }
  std::size_t scratch_per_row() const override { return inputs_; }  // the mask

  void forward(const Tile& tile, const float*, const Panels*,
               const ConstMatrixView& input, MatrixView& output,
               float* mask) const override {
    if (!tile.training()) {
      std::copy_n(input.data(), input.size(), output.data());
      return;
    }
    for (std::size_t i = 0; i < tile.rows; ++i) fill_mask(tile, i, mask + i * inputs_);
    multiply_by_mask(input.data(), mask, output.data(), input.size());
  }

  void backward(const Tile&, const float*, const ConstMatrixView&,
                const ConstMatrixView&, const float* mask, MatrixView& delta,
                MatrixView* input_delta) const override {
    if (input_delta) {
      multiply_by_mask(delta.data(), mask, input_delta->data(), delta.size());
    }
  }

 private:
  void fill_mask(const Tile& tile, std::size_t row, float* mask) const {
    const std::size_t position = tile.first_row + row;
    const std::uint32_t example = tile.batch->examples[position];
    const std::uint32_t epoch = tile.batch->epoch_of(position);
    const float kept = 1 / (1 - rate_);
    for (std::size_t j = 0; j < inputs_; j += 4) {
      const auto bits =
          random_bits(tile.seed, RandomPurpose::dropout,
                      {static_cast<std::uint32_t>(j), example, epoch, number_});
      for (std::size_t k = 0; k < std::min<std::size_t>(4, inputs_ - j); ++k) {
        mask[j + k] = uniform_float(bits[k]) < rate_ ? 0.0F : kept;
      }
    }
  }

  static void multiply_by_mask(const float* values, const float* mask, float* products,
                               std::size_t size) {
    for_each_position(size, [&]<class V>(std::size_t i) {
      store(products + i, load<V>(values + i) * load<V>(mask + i));
    });
  }

  std::size_t inputs_;
  float rate_;
  std::uint32_t number_;
};

}  // namespace

std::unique_ptr<Layer> make_dropout_layer(std::size_t inputs, double rate,
                                          std::uint32_t number) {
  return std::make_unique<DropoutLayer>(inputs, rate, number);
}

}  // namespace batchlab
