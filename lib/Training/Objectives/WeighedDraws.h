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

/// What the gradient of log q - target is the derivative of, row by row.
class DrawSurrogate {
public:
  /// `options` has the target.
  DrawSurrogate(std::shared_ptr<Kernels> kernels, CompileOptions options)
      : kernels(std::move(kernels)), options(std::move(options)) {}

  /// log q - target at the draws of `model`. log q is that of `model`, or what sticks the
  /// landing (`Program::Stl`), that of `held`; of the target, detached parts are those at
  /// the draws of `held`.
  Expected<std::vector<double>> losses(Program program, const Model &model, const Model &held, const Batch &batch);

private:
  template <typename T>
  Expected<std::vector<double>> lossesAs(Program program, const Model &model, const Model &held, const Batch &batch);
  template <typename T>
  Expected<void> holdDetached(const Model &held, const Batch &batch, WeighedRows<T> &moved);

  std::shared_ptr<Kernels> kernels;
  CompileOptions options;
  /// The target over (y, h), if it detaches anything; made when it is first needed.
  std::optional<std::optional<Flow>> split;
  std::shared_ptr<Kernels> splitKernels;
};

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

  WeighedDraws(const ObjectiveInfo &info, PullBack pullBack, std::shared_ptr<Kernels> kernels,
               const CompileOptions &options)
      : info(info), pullBack(pullBack), kernels(kernels), draws(std::move(kernels), options) {}

  std::string name() const override { return info.name; }
  Expected<void> prepare() override;
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override;
  Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction) override;
  /// The loss at `held`, and linear in what is pulled back: the weights of rows are held.
  Expected<double> surrogate(const Model &model, const Model &held, const Batch &batch) override;
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
  /// The loss; `derivatives` is filled.
  template <typename T>
  Expected<double> weighAndReduce(const Model &model, const Batch &batch, Memory<T> &memory);
  template <typename T>
  Expected<double> lossAndGradientAs(const Model &model, const Batch &batch, void *gradient, Memory<T> &memory);
  template <typename T>
  Expected<LossSlope> lossAndSlopeAs(const Model &model, const Batch &batch, std::span<const double> direction,
                                     Memory<T> &memory);
  template <typename T>
  Expected<double> surrogateAs(const Model &model, const Model &held, const Batch &batch, Memory<T> &memory);

  /// Calls `function` with the memory of the model's element type.
  template <typename Function>
  auto withMemory(const Model &model, Function &&function) {
    return model.dtype() == F32 ? function(floats) : function(doubles);
  }

  const ObjectiveInfo &info;
  PullBack pullBack;
  std::shared_ptr<Kernels> kernels;
  DrawSurrogate draws;
  // Kept, so that a step allocates nothing.
  Memory<float> floats;
  Memory<double> doubles;
  std::vector<double> logWeights, derivatives;
};

/// log(sum exp(values)); -inf for none, or for nothing but -inf.
double logSumExp(std::span<const double> values);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OBJECTIVES_WEIGHEDDRAWS_H
