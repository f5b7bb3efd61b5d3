//===- example.cpp - flowc from C++ ---------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A flow from its text to a trained model in a file: the whole of flowc.h in
// the order in which a program uses it. The data are points on a noisy half
// circle.
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

namespace {

/// The value of an `Expected`; a real program would handle the error.
template <typename T>
T orExit(flowc::Expected<T> result) {
  if (result)
    return std::move(*result);
  std::fprintf(stderr, "error: %s\n", result.error().message.c_str());
  std::exit(1);
}

flowc::Rows<float> makeData(int64_t rows) {
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> angle(0, 3.14159265f);
  std::normal_distribution<float> noise(0, 0.1f);
  flowc::Rows<float> data(rows, 2);
  for (int64_t row = 0; row < rows; ++row) {
    float t = angle(engine);
    data(row, 0) = std::cos(t) + noise(engine);
    data(row, 1) = std::sin(t) + noise(engine);
  }
  return data;
}

} // namespace

int main() {
  // A mistake in the text is an error with a place in it, not an exception.
  auto mistake = flowc::Flow::parse("flow moon = couplin_flow(standard_normal([2]))");
  std::printf("a mistake in the text:\n%s\n\n", mistake.error().message.c_str());

  auto flow = orExit(flowc::Flow::parse("flow moon = coupling_flow(\n"
                                        "  base_dist = standard_normal([2]),\n"
                                        "  transformer = rational_quadratic_spline(knots = 6, interval = 3),\n"
                                        "  flow_layers = 4, nn_width = 20)\n"));
  auto model = orExit(flowc::Model::initialise(flow, {.seed = 1, .dtype = flowc::F32}));
  flowc::CompileOptions options;
  options.dtype = flowc::F32;
  auto kernels = orExit(flowc::compile(flow, options));
  std::printf("'%s' has %ld coordinates and %ld parameters\n", flow.name().c_str(), long(flow.dim()),
              long(model.numTrainable()));

  // Densities, and the gradient that training follows.
  flowc::Rows<float> data = makeData(2000);
  flowc::Column<float> before = orExit(kernels->logProb<float>(model, data));
  auto [loss, gradient] = orExit(kernels->nllValueAndGradient<float>(model, data));
  std::printf("before training: mean log-density %.3f, loss %.3f, gradient of %zu numbers\n", before.mean(), loss,
              gradient.size());

  // Training changes the model in place.
  flowc::FitOptions fit;
  fit.learningRate = 5e-3;
  fit.maxEpochs = 20;
  fit.batchSize = 100;
  fit.onEpoch = [](int64_t epoch, double train, double validation) {
    if (epoch % 5 == 0)
      std::printf("  epoch %2ld: train %.3f, validation %.3f\n", long(epoch), train, validation);
    return true; // false would stop
  };
  auto record = orExit(flowc::fitToData(model, data, fit));
  flowc::Column<float> after = orExit(kernels->logProb<float>(model, data));
  std::printf("after %zu epochs: mean log-density %.3f\n", record.trainLosses.size(), after.mean());
  if (after.mean() < before.mean() + 0.5f)
    return 1;

  // Samples with their densities; sample number i of a seed is always the same.
  auto [samples, density] = orExit(kernels->sampleAndLogProb<float>(model, 1000, /*seed=*/7));
  flowc::Rows<float> later = orExit(kernels->sample<float>(model, 10, /*seed=*/7, {}, /*first=*/990));
  if (samples.bottomRows(10) != later)
    return 1;
  std::printf("1000 samples at a mean radius of %.3f, mean log-density %.3f\n", samples.rowwise().norm().mean(),
              density.mean());

  // A file holds the parameters and the text of the flow.
  std::string path = (std::filesystem::temp_directory_path() / "flowc-example.safetensors").string();
  if (auto saved = model.save(path); !saved) {
    std::fprintf(stderr, "error: %s\n", saved.error().message.c_str());
    return 1;
  }
  auto loaded = orExit(flowc::Model::load(path));
  std::filesystem::remove(path);
  if (orExit(kernels->logProb<float>(loaded, data)) != after)
    return 1;
  std::printf("the loaded model gives the same densities\n");
  return 0;
}
