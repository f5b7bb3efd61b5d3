//===- Optimizer.h - What moves parameters ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An optimiser is one file of lib/Training/Optimizers: its row of the table, its
// state and its step (docs/AddingAnOptimiser.md). Formulas are those of optax.
// Steps give the same bits on every CPU and for every number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_OPTIMIZER_H
#define FLOWC_TRAINING_OPTIMIZER_H

#include "flowc/Training/Settings.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace flowc {

class Archive;

/// What an optimiser is given for a step. The flat parameters and their gradient
/// are `count` numbers each; frozen ones have a gradient of 0.
template <typename T>
struct OptimizerStep {
  T *parameters;
  T *gradient;
  int64_t count;
  int64_t number; ///< Of the step, from 1.
  double rate;
  double loss; ///< At the parameters.
  int threads; ///< 1: no other threads.
  /// [begin, end) of the parameters of each leaf that is not frozen, in order.
  const std::vector<std::pair<int64_t, int64_t>> *active;
  /// The loss at the parameters as they now are, on the same rows, and its
  /// gradient into `gradient`: for line searches.
  std::function<Expected<double>()> evaluate;
};

/// An optimiser of parameters of type T.
template <typename T>
class Optimizer {
public:
  virtual ~Optimizer() = default;
  /// Names the state: arrays as long as the parameters, and counters.
  virtual void describe(Archive &archive) = 0;
  /// Moves the parameters once.
  virtual Expected<void> step(const OptimizerStep<T> &step) = 0;
};

/// A row of the table of optimisers.
struct OptimizerInfo {
  const char *name;
  const char *formula; ///< For the help; g is the gradient, r the rate.
  std::vector<Setting> settings;
  double rate = 0;           ///< The learning rate to start with (0: that of the loop).
  bool needsAllRows = false; ///< Makes no sense with batches or new draws.
  /// For `count` parameters; `settings` in the order of the row.
  std::unique_ptr<Optimizer<float>> (*makeFloat)(const std::vector<double> &settings, int64_t count);
  std::unique_ptr<Optimizer<double>> (*makeDouble)(const std::vector<double> &settings, int64_t count);
};

/// All optimisers.
std::span<const OptimizerInfo *const> optimizerTable();
/// The row of this name; an unknown one is an error that suggests the nearest.
Expected<const OptimizerInfo *> findOptimizer(std::string_view name);

/// The chosen optimiser for `count` parameters.
template <typename T>
Expected<std::unique_ptr<Optimizer<T>>> makeOptimizer(const Choice &choice, int64_t count);

} // namespace flowc

#endif // FLOWC_TRAINING_OPTIMIZER_H
