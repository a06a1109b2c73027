// SPDX-License-Identifier: MIT
//
// What a training step consists of, part by part, for 784-128-10 on one thread.
//
//   build/release/tests/kernels --benchmark_filter=Step
#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "nn/activation.hpp"
#include "nn/data_stream.hpp"
#include "nn/elementwise.hpp"
#include "nn/matrix_product.hpp"
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

const Dataset& bytes() {
  static const Dataset data = [] {
    Dataset made;
    made.inputs = xt::xtensor<std::uint8_t, 2>::from_shape({examples, inputs});
    made.labels = xt::xtensor<std::uint8_t, 1>::from_shape({examples});
    for (std::size_t i = 0; i < made.inputs.size(); ++i) {
      made.inputs.data()[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
    }
    for (std::size_t i = 0; i < examples; ++i) {
      made.labels(i) = static_cast<std::uint8_t>(i % classes);
    }
    made.shape = {28, 28};
    made.classes = classes;
    return made;
  }();
  return data;
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

void ProductTransposedLeft(benchmark::State& state) {
  const std::size_t rows = rows_of(state);
  const Array left = filled(rows * inputs), right = filled(rows * units);
  Array product = uninitialised(inputs * units);
  const RunningSum sum{rows, product.data()};
  for ([[maybe_unused]] auto _ : state) {
    multiply_transposed_left(view(left.data(), rows, inputs), {0, inputs},
                             view(right.data(), rows, units), {&sum, 1});
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
    activate(activation, bias.data(), matrix);
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
      scale_bytes(bytes().inputs.data() + example * inputs, inputs, 1.0F / 255,
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

// Everything that a step needs, on one thread.
struct Trainer {
  Trainer() : network(inputs, layers()) {}
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
  ThreadPool threads{1};
  TrainingStep step{network,    bytes(), 1.0F / 255, parameters,
                    *optimizer, threads, {},         0};
  DataStream stream{positions(), true, EpochTail::drop, 0};
};

void ForwardBackward(benchmark::State& state) {
  Trainer trainer;
  for ([[maybe_unused]] auto _ : state) {
    const Batch& batch = trainer.stream.take(state.range(0));
    benchmark::DoNotOptimize(trainer.step.forward_backward(batch, Estimator::none));
  }
  count_examples(state);
}

// The last pass: gradient, norm, optimizer, finite check.
void FusedUpdate(benchmark::State& state) {
  Trainer trainer;
  (void)trainer.step.forward_backward(trainer.stream.take(state.range(0)),
                                      Estimator::none);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(trainer.step.update(1e-6));
  }
}

void Step(benchmark::State& state, Estimator estimator) {
  Trainer trainer;
  for ([[maybe_unused]] auto _ : state) {
    const Batch& batch = trainer.stream.take(state.range(0));
    (void)trainer.step.forward_backward(batch, estimator);
    benchmark::DoNotOptimize(trainer.step.update(1e-4));
  }
  count_examples(state);
}

BENCHMARK(Product)->RangeMultiplier(4)->Range(8, 128);
BENCHMARK(ProductTransposedLeft)->RangeMultiplier(4)->Range(8, 128);
BENCHMARK_CAPTURE(BiasAndActivation, relu, Activation::relu)->Arg(128);
BENCHMARK_CAPTURE(BiasAndActivation, tanh, Activation::tanh)->Arg(128);
BENCHMARK(Loss)->Arg(128);
BENCHMARK(Gather)->Arg(128);
BENCHMARK(RowNorms)->Arg(128);
BENCHMARK(ForwardBackward)->Arg(8)->Arg(32)->Arg(128)->Arg(512);
BENCHMARK(FusedUpdate)->Arg(8)->Arg(32)->Arg(128)->Arg(512);
BENCHMARK_CAPTURE(Step, plain, Estimator::none)
    ->Arg(8)
    ->Arg(32)
    ->Arg(128)
    ->Arg(512)
    ->Arg(4096);
BENCHMARK_CAPTURE(Step, per_example, Estimator::per_example)->Arg(128);
BENCHMARK_CAPTURE(Step, micro_batch, Estimator::micro_batch)->Arg(128);

}  // namespace
}  // namespace batchlab

BENCHMARK_MAIN();
