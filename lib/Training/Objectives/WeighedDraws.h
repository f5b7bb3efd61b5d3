//===- WeighedDraws.h - Losses of importance weights ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OBJECTIVES_WEIGHEDDRAWS_H
#define FLOWC_LIB_TRAINING_OBJECTIVES_WEIGHEDDRAWS_H

#include "Table.h"

namespace flowc {

/// Draws y of a batch, log q(y) and the target's log-density.
template <typename T>
struct WeighedRows {
  std::vector<T> y, logProb, target;
};

/// Draws the rows of a batch, or pushes given ones, and weighs them against the target.
template <typename T>
Expected<void> weighRows(Kernels &kernels, const Model &model, const Batch &batch, WeighedRows<T> &memory);

/// A loss of the logarithms of importance weights, r_k = target(y_k) - log q(y_k), of
/// draws y_k from the flow. One pass draws and weighs, a second one takes the derivatives
/// of the loss back to the parameters; it draws the same y again.
class WeighedDraws : public Objective {
public:
  /// How a derivative by row reaches the parameters.
  enum class PullBack {
    Path,   ///< Of -r, through y only (flowc/Kernel.h, Program::Stl).
    Density ///< Of log q at y, which is held constant.
  };

  WeighedDraws(const ObjectiveInfo &info, PullBack pullBack, std::shared_ptr<Kernels> kernels)
      : info(info), pullBack(pullBack), kernels(std::move(kernels)) {}

  std::string name() const override { return info.name; }
  Expected<void> prepare() override;
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override;
  /// -r of each row.
  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override;

protected:
  /// The loss of log-weights, and the derivative that each row is pulled back with. A
  /// log-weight may be -inf: that row's derivative must be 0.
  virtual Expected<double> reduce(const Model &model, const Batch &batch, std::span<const double> logWeights,
                                  std::span<double> derivatives) = 0;

private:
  template <typename T>
  struct Memory : WeighedRows<T> {
    std::vector<T> derivatives;
  };
  template <typename T>
  Expected<void> weigh(const Model &model, const Batch &batch, Memory<T> &memory);
  template <typename T>
  Expected<double> lossAndGradientAs(const Model &model, const Batch &batch, void *gradient, Memory<T> &memory);

  const ObjectiveInfo &info;
  PullBack pullBack;
  std::shared_ptr<Kernels> kernels;
  // Kept, so that a step allocates nothing.
  Memory<float> floats;
  Memory<double> doubles;
  std::vector<double> logWeights, derivatives;
};

/// log(sum exp(values)); -inf for none, or for nothing but -inf.
double logSumExp(std::span<const double> values);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OBJECTIVES_WEIGHEDDRAWS_H
