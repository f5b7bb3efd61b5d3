//===- Reference.h - Flows evaluated by obvious code ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The judge of the compiled kernels, for tests, and the one who says which part of a
// flow left the finite numbers when training has met some: FlowJAX's definitions
// written down one after the other, one row at a time, with the C++ library's
// functions. It shares the front end with the compiler and nothing else.
//
// Evaluated in `long double` it is the value to compare with; evaluated in the
// element type of the kernels it tells what rounding does to straightforward
// code, and so how close a good kernel must come.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_REFERENCE_REFERENCE_H
#define FLOWC_REFERENCE_REFERENCE_H

#include "flowc/flowc.h"

namespace flowc::reference {

/// Where a bijection sends an event (flattened in C order), and the logarithm
/// of the absolute determinant of its Jacobian there.
template <typename T>
struct Mapped {
  Column<T> value;
  T logDet = 0;
};

/// Where an evaluation first left the finite numbers.
struct Fault {
  std::string path;            ///< Of the part, as the paths of its parameters begin.
  std::string kind;            ///< Its constructor.
  std::vector<int64_t> layers; ///< Of the enclosing scans, from 0, the outermost first.
  std::string quantity;        ///< Of the part: `the log-density`, `coordinate 3`, ...
  double value;
};

/// Evaluates one model in arithmetic of type T: float, double or long double.
template <typename T>
class Interpreter {
public:
  explicit Interpreter(const Model &model);

  /// The trainable parameters, flat in leaf order, and their replacement.
  std::vector<T> trainable() const;
  void setTrainable(std::span<const T> values);

  /// The bijection, or that of the flow, in FlowJAX's directions. `condition` is
  /// empty if there is none.
  Mapped<T> transform(const Column<T> &x, const Column<T> &condition = {}) const;
  Mapped<T> inverse(const Column<T> &y, const Column<T> &condition = {}) const;

  /// The log-density of a flow, or of a density: NaN only if an argument holds NaN, and -inf
  /// outside the support.
  T logProb(const Column<T> &x, const Column<T> &condition = {}) const;

  /// The innermost part of a flow that, in the log-density of x, makes something that is
  /// not finite of what is; nothing if there is none, or if the flow has parts that are
  /// not known here.
  std::optional<Fault> firstFault(const Column<T> &x, const Column<T> &condition = {}) const;

private:
  Flow flow;
  /// Values of every leaf that is data, by its full path.
  std::map<std::string, std::vector<T>> parameters;
  /// Paths of the trainable leaves in leaf order.
  std::vector<std::string> trainablePaths;
};

} // namespace flowc::reference

#endif // FLOWC_REFERENCE_REFERENCE_H
