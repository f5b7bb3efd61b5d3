//===- Stepper.h - One step of every training -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loss and gradient of a batch, clipping, freezing, the optimiser at the rate of
// the schedule, averaging: what all loops (and `flowc bench`) do in a step.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_STEPPER_H
#define FLOWC_TRAINING_STEPPER_H

#include "flowc/flowc.h"

namespace flowc {

class Archive;

/// What a step came to.
struct StepResult {
  double loss = 0;
  double gradientNorm = 0; ///< Before clipping; NaN if the loss is not finite.
  double rate = 0;
  /// False: loss or gradient is not (or squares of the gradient leave the range of its
  /// type, which would end up in what optimisers keep), and the parameters have not moved.
  bool isFinite = true;
};

/// The part of a training that a loop repeats. The model and the objective must
/// outlive it.
class Stepper {
public:
  struct Options {
    double learningRate;
    /// Of the whole training, for schedules.
    int64_t steps;
    int threads;
  };
  static Expected<std::unique_ptr<Stepper>> create(Model &model, Objective &objective, const UpdateOptions &update,
                                                   const Options &options);
  virtual ~Stepper() = default;

  /// `beforeMove` sees loss and gradient norm while the parameters are still those
  /// that they belong to.
  using Hook = std::function<void(const StepResult &)>;
  virtual Expected<StepResult> step(const Batch &batch, const Hook &beforeMove = {}) = 0;
  /// Steps done.
  virtual int64_t steps() const = 0;
  /// Shows the schedule the loss of a validation.
  virtual void observe(double loss) = 0;

  /// Gives the model the averaged parameters until `leaveAverage`, which does nothing
  /// without; nothing if no average is kept.
  virtual void enterAverage() = 0;
  virtual void leaveAverage() = 0;
  /// Keeps the parameters of the model as the best ones.
  virtual void keepAsBest() = 0;
  /// Gives them to the model.
  virtual void restoreBest() = 0;

  /// Whether all parameters are finite.
  virtual bool isFinite() const = 0;
  /// Remembers parameters and state, to return to them.
  virtual void markGood() = 0;
  /// Returns to where `markGood` was called.
  virtual Expected<void> returnToGood() = 0;
  /// Halves the rate from now on.
  virtual void halveRate() = 0;
  /// Sets the parameters that are not frozen to the good ones times `factor`.
  virtual void scaleGood(double factor) = 0;
  virtual int64_t stepsAtGood() const = 0;

  /// Names parameters and state.
  virtual void describe(Archive &archive) = 0;
};

} // namespace flowc

#endif // FLOWC_TRAINING_STEPPER_H
