//===- CommonKernels.cpp - Kernels that have functions of their own -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunKernel.h"

using namespace flowc;
using namespace flowc::capi;

namespace {

/// The objects of a call.
struct Subject {
  const char *function;
  const flowc_kernels *kernels;
  const flowc_model *model;
};

/// Runs `kernel` on x and condition; `complete` adds what else the call has.
template <typename Complete>
flowc_error *run(const Subject &subject, Kernel kernel, const flowc_input &x, const flowc_input &condition,
                 Complete &&complete) {
  return call(subject.function, {{"kernels", subject.kernels}, {"model", subject.model}}, [&]() -> Outcome {
    Kernels &kernels = **unwrap(subject.kernels);
    auto arranged = arrange(kernels.flow(), *findKernel(kernel), x, condition);
    if (!arranged)
      return arranged.takeFailure();
    complete(*arranged);
    return runKernel(kernels, *unwrap(subject.model), *arranged);
  });
}

/// A kernel that maps given rows.
flowc_error *runMap(const Subject &subject, Kernel kernel, const flowc_input &x, const flowc_input &condition,
                    std::initializer_list<flowc_output> outputs) {
  return run(subject, kernel, x, condition, [&](KernelCall &call) { call.outputs = outputs; });
}

/// A kernel that draws rows.
flowc_error *runDraws(const Subject &subject, Kernel kernel, uint64_t seed, uint64_t first,
                      const flowc_input &condition, std::initializer_list<flowc_output> outputs) {
  return run(subject, kernel, flowc_no_input(), condition, [&](KernelCall &call) {
    call.outputs = outputs;
    call.seed = seed;
    call.first = first;
  });
}

/// A kernel that sums a loss over given rows.
flowc_error *runLoss(const Subject &subject, Kernel kernel, const flowc_input &x, const flowc_input &condition,
                     double *loss, const flowc_output &gradient) {
  return run(subject, kernel, x, condition, [&](KernelCall &call) {
    call.loss = loss;
    call.gradient = gradient;
  });
}

} // namespace

flowc_error *flowc_log_prob(const flowc_kernels *kernels, const flowc_model *model, flowc_input x,
                            flowc_input condition, flowc_output log_prob) {
  return runMap({__func__, kernels, model}, Kernel::LogProb, x, condition, {log_prob});
}

flowc_error *flowc_sample(const flowc_kernels *kernels, const flowc_model *model, uint64_t seed, uint64_t first,
                          flowc_input condition, flowc_output x) {
  return runDraws({__func__, kernels, model}, Kernel::Sample, seed, first, condition, {x});
}

flowc_error *flowc_sample_and_log_prob(const flowc_kernels *kernels, const flowc_model *model, uint64_t seed,
                                       uint64_t first, flowc_input condition, flowc_output x, flowc_output log_prob) {
  return runDraws({__func__, kernels, model}, Kernel::SampleAndLogProb, seed, first, condition, {x, log_prob});
}

flowc_error *flowc_transform(const flowc_kernels *kernels, const flowc_model *model, flowc_input x,
                             flowc_input condition, flowc_output y, flowc_output log_det) {
  return runMap({__func__, kernels, model}, Kernel::Transform, x, condition, {y, log_det});
}

flowc_error *flowc_inverse(const flowc_kernels *kernels, const flowc_model *model, flowc_input y, flowc_input condition,
                           flowc_output x, flowc_output log_det) {
  return runMap({__func__, kernels, model}, Kernel::Inverse, y, condition, {x, log_det});
}

flowc_error *flowc_to_base(const flowc_kernels *kernels, const flowc_model *model, flowc_input x, flowc_input condition,
                           flowc_output z) {
  return runMap({__func__, kernels, model}, Kernel::ToBase, x, condition, {z});
}

flowc_error *flowc_push(const flowc_kernels *kernels, const flowc_model *model, flowc_input z, flowc_input condition,
                        flowc_output y, flowc_output log_prob) {
  return runMap({__func__, kernels, model}, Kernel::Push, z, condition, {y, log_prob});
}

flowc_error *flowc_score(const flowc_kernels *kernels, const flowc_model *model, flowc_input x, flowc_input condition,
                         flowc_output score) {
  return runMap({__func__, kernels, model}, Kernel::Score, x, condition, {score});
}

flowc_error *flowc_nll_gradient(const flowc_kernels *kernels, const flowc_model *model, flowc_input x,
                                flowc_input condition, double *loss, flowc_output gradient) {
  return runLoss({__func__, kernels, model}, Kernel::NllGradient, x, condition, loss, gradient);
}

flowc_error *flowc_elbo_gradient(const flowc_kernels *kernels, const flowc_model *model, flowc_input z,
                                 flowc_input condition, int stick_the_landing, double *loss, flowc_output gradient) {
  Kernel kernel = stick_the_landing ? Kernel::StlGradient : Kernel::ElboGradient;
  return runLoss({__func__, kernels, model}, kernel, z, condition, loss, gradient);
}
