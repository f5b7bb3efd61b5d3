//===- Kernel.h - What can be compiled for a flow ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one table of kernels. A kernel is a program of one row (what is computed),
// differentiated or not (with respect to what, in reverse, forwards, or both), for
// rows that are given or drawn.
// Names, arrays and needs follow from that; the passes, the compiler, the engine,
// the tool and its help look them up here. A new objective is its emission
// (Specialize.cpp) and its rows in the two tables.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_KERNEL_H
#define FLOWC_KERNEL_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flowc {

/// What can be compiled for a flow q. Each kernel is compiled when it is first asked
/// for (or read from the object cache). The arrays it takes and gives stand in
/// `kKernels`; `docs/ABI.md` lists them.
enum class Kernel {
  LogProb,
  Sample,
  SampleAndLogProb,
  Transform,
  Inverse,
  ToBase,
  Push,
  Weigh,
  SampleAndWeigh,
  NllGradient,
  LogProbVjpParams,
  Score,
  ScoreCondition,
  VjpParams,
  VjpInputs,
  VjpCondition,
  PushVjpParams,
  PushVjpInputs,
  PushVjpCondition,
  SampleVjpParams,
  WeighVjpParams,
  SampleWeighVjpParams,
  JvpInputs,
  JvpParams,
  LogProbJvpInputs,
  LogProbJvpParams,
  PushJvpParams,
  SampleJvpParams,
  WeighJvpParams,
  SampleWeighJvpParams,
  ElboJvpParams,
  StlJvpParams,
  ElboSampleJvpParams,
  StlSampleJvpParams,
  Hvp,
  ElboGradient,
  StlGradient,
  ElboSampleGradient,
  StlSampleGradient,
  WeightedElboGradient,
  WeightedStlGradient,
  WeightedElboSampleGradient,
  WeightedStlSampleGradient,
};

/// What is computed for one row: of an event x of the flow, or of a draw z of its base
/// distribution with y = T(z), where T are the flow's own bijections.
enum class Program {
  LogProb,          ///< log q(x | c), or a density at x
  Nll,              ///< -log q(x | c)
  Sample,           ///< y
  SampleAndLogProb, ///< y and log q(y | c), from the way there
  Weigh,            ///< y, log q(y | c) and the target's log-density at y
  Transform,        ///< T(x) and its log-determinant
  Inverse,          ///< T^-1(y) and its log-determinant
  ToBase,           ///< the draw of the innermost base distribution that x comes from
  Elbo,             ///< log q(y | c) - target(y)
  Stl,              ///< the same; log q evaluated anew at y, its parameters held constant
};

/// With respect to what a program is differentiated.
enum class Derivative { None, Params, Inputs, Condition };

/// Where the rows come from: the caller, or Philox streams inside of the kernel.
enum class RowSource { Given, Drawn };

/// How many numbers of an array belong to a row.
enum class RowWidth { None, Number, Event, Condition };

/// An array of rows that a kernel takes or gives.
struct RowArray {
  std::string_view name = {};
  RowWidth width = RowWidth::None;
};

/// What kinds of items have a program.
enum class ProgramOf { Flow, FlowOrDensity, FlowOrBijection };

/// A program, as flow-specialize and users of its results see it.
struct ProgramSpec {
  Program program;
  std::string_view name;
  ProgramOf of;
  bool needsTarget;
  /// What the event that it starts from is called, if rows are given.
  std::string_view input;
  std::array<RowArray, 3> results;
};

inline constexpr ProgramSpec kPrograms[] = {
    {Program::LogProb, "log_prob", ProgramOf::FlowOrDensity, false, "x", {{{"log_prob", RowWidth::Number}}}},
    {Program::Nll, "nll", ProgramOf::Flow, false, "x", {{{"loss", RowWidth::Number}}}},
    {Program::Sample, "sample", ProgramOf::Flow, false, "z", {{{"x", RowWidth::Event}}}},
    {Program::SampleAndLogProb,
     "sample_and_log_prob",
     ProgramOf::Flow,
     false,
     "z",
     {{{"x", RowWidth::Event}, {"log_prob", RowWidth::Number}}}},
    {Program::Weigh,
     "weigh",
     ProgramOf::Flow,
     true,
     "z",
     {{{"x", RowWidth::Event}, {"log_prob", RowWidth::Number}, {"target", RowWidth::Number}}}},
    {Program::Transform,
     "transform",
     ProgramOf::FlowOrBijection,
     false,
     "x",
     {{{"y", RowWidth::Event}, {"log_det", RowWidth::Number}}}},
    {Program::Inverse,
     "inverse",
     ProgramOf::FlowOrBijection,
     false,
     "y",
     {{{"x", RowWidth::Event}, {"log_det", RowWidth::Number}}}},
    {Program::ToBase, "to_base", ProgramOf::Flow, false, "x", {{{"z", RowWidth::Event}}}},
    {Program::Elbo, "elbo", ProgramOf::Flow, true, "z", {{{"loss", RowWidth::Number}}}},
    {Program::Stl, "stl", ProgramOf::Flow, true, "z", {{{"loss", RowWidth::Number}}}},
};

/// The row of a program.
constexpr const ProgramSpec &specOf(Program program) {
  size_t i = 0;
  while (kPrograms[i].program != program)
    ++i;
  return kPrograms[i];
}

/// One kernel. The derivative in parameters is summed over the rows, together with the
/// program's value if that is one number (a loss); all else is by row.
struct KernelSpec {
  Kernel kernel;
  std::string_view name;
  Program program;
  Derivative derivative;
  RowSource rows;
  /// Whether a number for each row multiplies the program's only result.
  bool weighted;
  /// With respect to what the results, those of `derivative`, have tangents in forward
  /// mode: inputs or parameters.
  Derivative tangent = Derivative::None;

  constexpr const ProgramSpec &getProgram() const { return specOf(program); }
  constexpr bool hasSum() const { return derivative == Derivative::Params; }
  /// Whether results have cotangents given by the caller: all but a lone number.
  constexpr bool takesCotangents() const {
    return derivative != Derivative::None && getProgram().results[1].width != RowWidth::None;
  }
};

inline constexpr KernelSpec kKernels[] = {
    {Kernel::LogProb, "log_prob", Program::LogProb, Derivative::None, RowSource::Given, false},
    {Kernel::Sample, "sample", Program::Sample, Derivative::None, RowSource::Drawn, false},
    {Kernel::SampleAndLogProb, "sample_and_log_prob", Program::SampleAndLogProb, Derivative::None, RowSource::Drawn,
     false},
    {Kernel::Transform, "transform", Program::Transform, Derivative::None, RowSource::Given, false},
    {Kernel::Inverse, "inverse", Program::Inverse, Derivative::None, RowSource::Given, false},
    {Kernel::ToBase, "to_base", Program::ToBase, Derivative::None, RowSource::Given, false},
    {Kernel::Push, "push", Program::SampleAndLogProb, Derivative::None, RowSource::Given, false},
    {Kernel::Weigh, "weigh", Program::Weigh, Derivative::None, RowSource::Given, false},
    {Kernel::SampleAndWeigh, "sample_and_weigh", Program::Weigh, Derivative::None, RowSource::Drawn, false},
    {Kernel::NllGradient, "nll_gradient", Program::Nll, Derivative::Params, RowSource::Given, false},
    {Kernel::LogProbVjpParams, "log_prob_vjp_params", Program::LogProb, Derivative::Params, RowSource::Given, true},
    {Kernel::Score, "score", Program::LogProb, Derivative::Inputs, RowSource::Given, false},
    {Kernel::ScoreCondition, "score_condition", Program::LogProb, Derivative::Condition, RowSource::Given, false},
    {Kernel::VjpParams, "vjp_params", Program::Transform, Derivative::Params, RowSource::Given, false},
    {Kernel::VjpInputs, "vjp_inputs", Program::Transform, Derivative::Inputs, RowSource::Given, false},
    {Kernel::VjpCondition, "vjp_condition", Program::Transform, Derivative::Condition, RowSource::Given, false},
    {Kernel::PushVjpParams, "push_vjp_params", Program::SampleAndLogProb, Derivative::Params, RowSource::Given, false},
    {Kernel::PushVjpInputs, "push_vjp_inputs", Program::SampleAndLogProb, Derivative::Inputs, RowSource::Given, false},
    {Kernel::PushVjpCondition, "push_vjp_condition", Program::SampleAndLogProb, Derivative::Condition, RowSource::Given,
     false},
    {Kernel::SampleVjpParams, "sample_vjp_params", Program::SampleAndLogProb, Derivative::Params, RowSource::Drawn,
     false},
    {Kernel::WeighVjpParams, "weigh_vjp_params", Program::Weigh, Derivative::Params, RowSource::Given, false},
    {Kernel::SampleWeighVjpParams, "sample_weigh_vjp_params", Program::Weigh, Derivative::Params, RowSource::Drawn,
     false},
    {Kernel::JvpInputs, "jvp_inputs", Program::Transform, Derivative::None, RowSource::Given, false,
     Derivative::Inputs},
    {Kernel::JvpParams, "jvp_params", Program::Transform, Derivative::None, RowSource::Given, false,
     Derivative::Params},
    {Kernel::LogProbJvpInputs, "log_prob_jvp_inputs", Program::LogProb, Derivative::None, RowSource::Given, false,
     Derivative::Inputs},
    {Kernel::LogProbJvpParams, "log_prob_jvp_params", Program::LogProb, Derivative::None, RowSource::Given, false,
     Derivative::Params},
    {Kernel::PushJvpParams, "push_jvp_params", Program::SampleAndLogProb, Derivative::None, RowSource::Given, false,
     Derivative::Params},
    {Kernel::SampleJvpParams, "sample_jvp_params", Program::SampleAndLogProb, Derivative::None, RowSource::Drawn, false,
     Derivative::Params},
    {Kernel::WeighJvpParams, "weigh_jvp_params", Program::Weigh, Derivative::None, RowSource::Given, false,
     Derivative::Params},
    {Kernel::SampleWeighJvpParams, "sample_weigh_jvp_params", Program::Weigh, Derivative::None, RowSource::Drawn, false,
     Derivative::Params},
    {Kernel::ElboJvpParams, "elbo_jvp_params", Program::Elbo, Derivative::None, RowSource::Given, false,
     Derivative::Params},
    {Kernel::StlJvpParams, "stl_jvp_params", Program::Stl, Derivative::None, RowSource::Given, false,
     Derivative::Params},
    {Kernel::ElboSampleJvpParams, "elbo_sample_jvp_params", Program::Elbo, Derivative::None, RowSource::Drawn, false,
     Derivative::Params},
    {Kernel::StlSampleJvpParams, "stl_sample_jvp_params", Program::Stl, Derivative::None, RowSource::Drawn, false,
     Derivative::Params},
    {Kernel::Hvp, "hvp", Program::LogProb, Derivative::Inputs, RowSource::Given, false, Derivative::Inputs},
    {Kernel::ElboGradient, "elbo_gradient", Program::Elbo, Derivative::Params, RowSource::Given, false},
    {Kernel::StlGradient, "stl_gradient", Program::Stl, Derivative::Params, RowSource::Given, false},
    {Kernel::ElboSampleGradient, "elbo_sample_gradient", Program::Elbo, Derivative::Params, RowSource::Drawn, false},
    {Kernel::StlSampleGradient, "stl_sample_gradient", Program::Stl, Derivative::Params, RowSource::Drawn, false},
    {Kernel::WeightedElboGradient, "weighted_elbo_gradient", Program::Elbo, Derivative::Params, RowSource::Given, true},
    {Kernel::WeightedStlGradient, "weighted_stl_gradient", Program::Stl, Derivative::Params, RowSource::Given, true},
    {Kernel::WeightedElboSampleGradient, "weighted_elbo_sample_gradient", Program::Elbo, Derivative::Params,
     RowSource::Drawn, true},
    {Kernel::WeightedStlSampleGradient, "weighted_stl_sample_gradient", Program::Stl, Derivative::Params,
     RowSource::Drawn, true},
};

/// The row of a kernel in the table, or null if there is none (a number that is no
/// enumerator).
constexpr const KernelSpec *findKernel(Kernel kernel) {
  for (const KernelSpec &spec : kKernels)
    if (spec.kernel == kernel)
      return &spec;
  return nullptr;
}

/// The row with this name, or null.
constexpr const KernelSpec *findKernel(std::string_view name) {
  for (const KernelSpec &spec : kKernels)
    if (spec.name == name)
      return &spec;
  return nullptr;
}

/// The kernel that sums the derivative of `program` in the parameters over rows.
constexpr Kernel findGradientKernel(Program program, RowSource rows, bool weighted) {
  size_t i = 0;
  while (kKernels[i].program != program || kKernels[i].derivative != Derivative::Params || kKernels[i].rows != rows ||
         kKernels[i].weighted != weighted)
    ++i;
  return kKernels[i].kernel;
}

/// The kernel of `program` that differentiates nothing.
constexpr Kernel findPlainKernel(Program program, RowSource rows) {
  size_t i = 0;
  while (kKernels[i].program != program || kKernels[i].derivative != Derivative::None ||
         kKernels[i].tangent != Derivative::None || kKernels[i].rows != rows)
    ++i;
  return kKernels[i].kernel;
}

/// The kernel of `program` with tangents of the parameters.
constexpr Kernel findTangentKernel(Program program, RowSource rows) {
  size_t i = 0;
  while (kKernels[i].program != program || kKernels[i].tangent != Derivative::Params ||
         kKernels[i].derivative != Derivative::None || kKernels[i].rows != rows)
    ++i;
  return kKernels[i].kernel;
}

/// Arrays of rows in the order in which a kernel takes or gives them.
struct RowArrays {
  std::array<RowArray, 8> arrays = {};
  size_t count = 0;

  constexpr void add(RowArray array) {
    if (array.width != RowWidth::None)
      arrays[count++] = array;
  }
  constexpr const RowArray *begin() const { return arrays.data(); }
  constexpr const RowArray *end() const { return arrays.data() + count; }
  constexpr size_t size() const { return count; }
};

/// What a kernel takes: the event (if rows are given), the condition (of a conditional
/// flow), a weight, cotangents of the program's results, the tangent of the event.
/// (That of the parameters is none of rows: `Kernels::Call::tangent`.)
constexpr RowArrays inputsOf(const KernelSpec &spec, bool isConditional) {
  RowArrays result;
  const ProgramSpec &program = spec.getProgram();
  if (spec.rows == RowSource::Given)
    result.add({program.input, RowWidth::Event});
  if (isConditional)
    result.add({"condition", RowWidth::Condition});
  if (spec.weighted)
    result.add({"weight", RowWidth::Number});
  if (spec.takesCotangents())
    for (RowArray array : program.results)
      result.add(array);
  if (spec.tangent == Derivative::Inputs)
    result.add({"tangent", RowWidth::Event});
  return result;
}

/// What a kernel gives for each row; nothing if it sums. Tangents come behind what they
/// are tangents of, in the same order and under the same names.
constexpr RowArrays outputsOf(const KernelSpec &spec) {
  RowArrays result;
  if (spec.derivative == Derivative::None)
    for (RowArray array : spec.getProgram().results)
      result.add(array);
  if (spec.derivative == Derivative::Inputs)
    result.add({spec.getProgram().input, RowWidth::Event});
  if (spec.derivative == Derivative::Condition)
    result.add({"condition", RowWidth::Condition});
  if (spec.tangent != Derivative::None)
    for (size_t i = 0, count = result.size(); i < count; ++i)
      result.add(result.arrays[i]);
  return result;
}

} // namespace flowc

#endif // FLOWC_KERNEL_H
