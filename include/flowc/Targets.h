//===- Targets.h - Targets that are code of somebody else -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target need not be a `density` of the language: any code that computes a
// log-density and its gradient will do. It comes as a C++ function, as a shared library
// with the C functions of flowc/target.h, or as one with BridgeStan's C interface, such
// as a compiled Stan model.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TARGETS_H
#define FLOWC_TARGETS_H

#include "flowc/flowc.h"

namespace flowc {

/// Computes log-densities, up to one constant, of `rows` row-major events, and, if
/// `gradient` is not null, their derivatives in the events, row-major. A log-density of
/// -inf is outside of the support; its gradient has to be 0.
using TargetFunction =
    std::function<Expected<void>(const double *x, int64_t rows, double *logDensity, double *gradient)>;

/// The log-density of a `density`, or of an unconditional `flow` with its initial
/// parameters, as such a function: compiled in float64 (`options.dtype` and
/// `options.target` have no meaning here). Several threads may call it at once.
Expected<TargetFunction> compileTargetFunction(const Flow &density, CompileOptions options = {});

/// A target that is code.
struct ExternalTarget {
  std::string name;
  int64_t dim = 0;
  /// Whether `function` may be called by several threads at once. If not, one thread
  /// at a time calls it.
  bool threadSafe = false;
  TargetFunction function;
  /// Tell the data it was loaded with from other data, and its code from other code; 0:
  /// none, or not known. What a checkpoint must agree on.
  uint64_t dataHash = 0, codeHash = 0;

  /// Calls the function for parts of the rows, by at most `threads` threads (0: all
  /// processors). Results do not depend on their number.
  Expected<void> evaluate(const double *x, int64_t rows, double *logDensity, double *gradient, int threads = 0) const;
};

/// Whether a path names a shared library.
bool isTargetLibrary(const std::string &path);

/// Loads a shared library that has the functions of flowc/target.h, or BridgeStan's (2.0
/// or later): the latter's target is over the unconstrained parameters, with the Jacobian of
/// the constraints and all constants. `data` is given to the library: a path, for
/// BridgeStan that of a JSON file; empty: none. Code of the library runs in this process.
Expected<ExternalTarget> loadTargetLibrary(const std::string &path, const std::string &data = {});

/// Draws of a flow that is to approximate a target.
struct TargetDraws {
  int64_t rows = 0;
  uint64_t first = 0, seed = 0;
  /// Of a conditional flow: a row for each draw, in the kernels' element type.
  const void *condition = nullptr;
  /// Leaves the score of q out of the gradient, which has the mean 0 (Roeder, Wu, Duvenaud
  /// 2017, "Sticking the landing"): less noise close to the optimum.
  bool stickTheLanding = false;
  int threads = 0; ///< Of the target; 0: all processors.
};

/// The negative ELBO, mean(log q(x) - log p(x)) over draws x of the flow q, and its gradient
/// in the trainable parameters (flat, in leaf order): the pull-back of the target's own
/// gradients. A training loop can use it as it uses the kernels' own ELBO.
Expected<double> elboGradient(Kernels &kernels, const Model &model, const ExternalTarget &target,
                              const TargetDraws &draws, std::span<double> gradient);

/// The terms log q(x) - log p(x) of those draws, whose mean that loss is: for validation, and
/// to find the row that went wrong.
Expected<void> elboTerms(Kernels &kernels, const Model &model, const ExternalTarget &target, const TargetDraws &draws,
                         std::span<double> terms);

} // namespace flowc

#endif // FLOWC_TARGETS_H
