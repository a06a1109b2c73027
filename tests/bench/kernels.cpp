// SPDX-License-Identifier: MIT
//
// What a training step consists of, part by part, for 784-128-10 on Fashion-MNIST, one
// thread unless said otherwise; and whole steps, with and without statistics.
//
//   build/release/tests/kernels --benchmark_filter=Step
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "nn/activation.hpp"
#include "nn/data_stream.hpp"
#include "nn/elementwise.hpp"
#include "nn/matrix_product.hpp"
#include "nn/random.hpp"
#include "nn/training_step.hpp"

namespace batchlab {
namespace {

constexpr std::size_t inputs = 784, units = 128, classes = 10, examples = 60000;

Array filled(std::size_t size) {
  Array values = uninitialised(size);
  for (std::size_t i = 0; i < size; ++i) {
    values(i) = static_cast<float>(i * 2654435761U % 1000) / 1000 - 0.5F;
  }
  return values;
}

const Dataset& fashion_mnist() {
  static const DataSource source = load_data("fashion-mnist", "");
  return source.training;
}

std::size_t rows_of(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

void count_examples(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void Product(benchmark::State& state) {
  const std::size_t rows = rows_of(state);
  const Array left = filled(rows * inputs), right = filled(inputs * units);
  Array product = uninitialised(rows * units);
  MatrixView result = view(product.data(), rows, units);
  for ([[maybe_unused]] auto _ : state) {
    multiply(view(left.data(), rows, inputs), view(right.data(), inputs, units),
             result);
    benchmark::ClobberMemory();
  }
  count_examples(state);
}

void ProductTransposedLeft(benchmark::State& state, std::size_t left_columns,
                           std::size_t right_columns) {
  const std::size_t rows = rows_of(state);
  const Array left = filled(rows * left_columns), right = filled(rows * right_columns);
  Array product = uninitialised(left_columns * right_columns);
  const RunningSum sum{rows, product.data()};
  Panels panels(rows, right_columns);
  for ([[maybe_unused]] auto _ : state) {
    panels.copy(right.data(), 0, rows);
    multiply_transposed_left(view(left.data(), rows, left_columns), {0, left_columns},
                             {right.data(), right_columns, &panels}, {&sum, 1});
    benchmark::ClobberMemory();
  }
  count_examples(state);
}

void BiasAndActivation(benchmark::State& state, Activation activation) {
  const std::size_t rows = rows_of(state);
  Array values = filled(rows * units);
  const Array bias = filled(units);
  MatrixView matrix = view(values.data(), rows, units);
  for ([[maybe_unused]] auto _ : state) {
    activate(activation, bias.data(), nullptr, {0, columns(matrix)}, matrix);
    benchmark::ClobberMemory();
  }
  count_examples(state);
}

void Loss(benchmark::State& state) {
  const std::size_t rows = rows_of(state);
  const Array logits = filled(rows * classes);
  Array work = logits;
  MatrixView matrix = view(work.data(), rows, classes);
  const std::vector<std::uint8_t> labels(rows, 3);
  for ([[maybe_unused]] auto _ : state) {
    std::copy(logits.begin(), logits.end(), work.begin());
    benchmark::DoNotOptimize(softmax_cross_entropy(matrix, labels.data()));
  }
  count_examples(state);
}

void Gather(benchmark::State& state) {
  const std::size_t rows = rows_of(state);
  Array output = uninitialised(rows * inputs);
  std::size_t example = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t i = 0; i < rows; ++i) {
      example = (example + 7919) % examples;
      scale_bytes(fashion_mnist().inputs.data() + example * inputs, inputs, 1.0F / 255,
                  output.data() + i * inputs);
    }
    benchmark::ClobberMemory();
  }
  count_examples(state);
}

void RowNorms(benchmark::State& state) {
  const std::size_t rows = rows_of(state);
  const Array values = filled(rows * inputs);
  for ([[maybe_unused]] auto _ : state) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      sum += sum_of_squares(values.data() + i * inputs, inputs);
    }
    benchmark::DoNotOptimize(sum);
  }
  count_examples(state);
}

// Everything that a step needs.
struct Trainer {
  explicit Trainer(std::size_t workers = 1)
      : network(inputs, layers()), threads(workers) {}
  static std::vector<LayerOptions> layers() {
    std::vector<LayerOptions> options(2);
    options[0] = {"dense", units, "relu", "glorot_uniform", 0};
    options[1] = {"dense", classes, "none", "glorot_uniform", 0};
    return options;
  }
  static std::vector<std::uint32_t> positions() {
    std::vector<std::uint32_t> all(examples);
    std::iota(all.begin(), all.end(), 0U);
    return all;
  }

  Network network;
  Array parameters = network.initial_parameters(0);
  std::unique_ptr<Optimizer> optimizer = make_optimizer({}, network.parameter_count());
  ThreadPool threads;
  TrainingStep step{network,    fashion_mnist(), 1.0F / 255, parameters,
                    *optimizer, threads,         {},         0};
  DataStream stream{positions(), true, EpochTail::drop, 0};
};

void ForwardBackward(benchmark::State& state) {
  Trainer trainer;
  for ([[maybe_unused]] auto _ : state) {
    const Batch& batch = trainer.stream.take(state.range(0));
    benchmark::DoNotOptimize(trainer.step.forward_backward(batch));
  }
  count_examples(state);
}

// The last pass: gradient, norm, optimizer, finite check.
void FusedUpdate(benchmark::State& state) {
  Trainer trainer;
  (void)trainer.step.forward_backward(trainer.stream.take(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(trainer.step.update(1e-6));
  }
}

void Step(benchmark::State& state) {
  Trainer trainer;
  for ([[maybe_unused]] auto _ : state) {
    const Batch& batch = trainer.stream.take(state.range(0));
    (void)trainer.step.forward_backward(batch);
    benchmark::DoNotOptimize(trainer.step.update(1e-4));
  }
  count_examples(state);
}

double seconds_of(Trainer& trainer, std::span<const std::int64_t> batch_sizes,
                  const Measurements& measurements) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::int64_t batch_size : batch_sizes) {
    (void)trainer.step.forward_backward(trainer.stream.take(batch_size), measurements);
    benchmark::DoNotOptimize(trainer.step.update(1e-4));
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

// The median of ratio() over the iterations, in which both sides are measured in turn,
// for the speed of a machine changes while it is measured.
template <class Ratio>
void count_ratio(benchmark::State& state, Ratio ratio) {
  std::vector<double> ratios;
  for ([[maybe_unused]] auto _ : state) ratios.push_back(ratio());
  std::nth_element(ratios.begin(), ratios.begin() + std::ssize(ratios) / 2,
                   ratios.end());
  state.counters["ratio"] = ratios[ratios.size() / 2];
}

// What a step costs with statistics, times one without. Two trainers make both, in
// turn: with one for each, the one that was there first was 3 % slower (Zen 5).
void StatisticsCost(benchmark::State& state, const Measurements& measurements) {
  Trainer one, other;
  const std::vector<std::int64_t> sizes(8, state.range(0));
  count_ratio(state, [&] {
    double without = seconds_of(one, sizes, {});
    double with = seconds_of(other, sizes, measurements);
    with += seconds_of(one, sizes, measurements);
    without += seconds_of(other, sizes, {});
    return with / without;
  });
}

// What steps of a batch size drawn anew for each in [32, 512] cost, times as many of a
// constant one with the same sum, on so many threads.
void VariedSizesCost(benchmark::State& state) {
  Trainer trainer(static_cast<std::size_t>(state.range(0)));
  std::uint32_t drawn = 0;
  count_ratio(state, [&] {
    std::vector<std::int64_t> varied(40);
    for (std::int64_t& size : varied) {
      const auto bits =
          random_bits(1, RandomPurpose::initial_weights, {drawn++, 0, 0, 0});
      size = 32 + static_cast<std::int64_t>(481 * uniform_float(bits[0]));
    }
    const auto sum = std::accumulate(varied.begin(), varied.end(), std::int64_t{0});
    std::vector<std::int64_t> constant(40, sum / 40);
    constant.back() += sum % 40;
    const double without = seconds_of(trainer, constant, {});
    return seconds_of(trainer, varied, {}) / without;
  });
}

constexpr Measurements measure_examples{.examples = true};
constexpr Measurements measure_lanes{.lanes = true};
constexpr Measurements measure_halves{.halves = true};
constexpr Measurements measure_steps{.steps = true};
constexpr Measurements measure_inner_products{.inner_products = true};

BENCHMARK(Product)->RangeMultiplier(4)->Range(8, 128);
BENCHMARK_CAPTURE(ProductTransposedLeft, first_layer, inputs, units)
    ->RangeMultiplier(4)
    ->Range(8, 128);
BENCHMARK_CAPTURE(ProductTransposedLeft, last_layer, units, classes)
    ->RangeMultiplier(4)
    ->Range(8, 128);
BENCHMARK_CAPTURE(BiasAndActivation, relu, Activation::relu)->Arg(128);
BENCHMARK_CAPTURE(BiasAndActivation, tanh, Activation::tanh)->Arg(128);
BENCHMARK(Loss)->Arg(128);
BENCHMARK(Gather)->Arg(128);
BENCHMARK(RowNorms)->Arg(128);
BENCHMARK(ForwardBackward)->Arg(8)->Arg(32)->Arg(128)->Arg(512);
BENCHMARK(FusedUpdate)->Arg(8)->Arg(32)->Arg(128)->Arg(512);
BENCHMARK(Step)->Arg(8)->Arg(32)->Arg(128)->Arg(512)->Arg(4096);
BENCHMARK_CAPTURE(StatisticsCost, none, Measurements{})->Arg(128)->MinTime(2);
BENCHMARK_CAPTURE(StatisticsCost, examples, measure_examples)->Arg(128)->MinTime(2);
BENCHMARK_CAPTURE(StatisticsCost, lanes, measure_lanes)->Arg(128)->MinTime(2);
BENCHMARK_CAPTURE(StatisticsCost, halves, measure_halves)->Arg(128)->MinTime(2);
BENCHMARK_CAPTURE(StatisticsCost, steps, measure_steps)->Arg(128)->MinTime(2);
BENCHMARK_CAPTURE(StatisticsCost, inner_products, measure_inner_products)
    ->Arg(128)
    ->MinTime(2);
BENCHMARK(VariedSizesCost)->Arg(1)->Arg(2)->Iterations(15);

}  // namespace
}  // namespace batchlab

BENCHMARK_MAIN();
