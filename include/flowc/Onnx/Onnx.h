//===- Onnx.h - Functions of a model as ONNX --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model as files that ONNX Runtime and others run: docs/Onnx.md says what they promise.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_ONNX_ONNX_H
#define FLOWC_ONNX_ONNX_H

#include "flowc/flowc.h"

#include <string>
#include <vector>

namespace flowc {

/// Whether ONNX can have this function: one of given rows alone, that is not differentiated
/// and needs no target. The error says which can.
Expected<void> checkOnnxFunction(Kernel function);

/// What is exported of a flow, unless something else is asked for.
std::vector<Kernel> getDefaultOnnxFunctions(const Flow &flow);

/// `function` of `model`, in its element type, as the bytes of an ONNX file: one graph whose
/// inputs and outputs have the names of the kernel's arrays (`inputsOf`, `outputsOf`) and a
/// first axis of any number of rows. `metadata` is added to what the file says of itself: keys
/// and values. Errors: a function that ONNX cannot have, or the flow has not; an op that has
/// no form in ONNX; parameters of 2 GB or more.
Expected<std::string> makeOnnx(const Model &model, Kernel function,
                               const std::vector<std::pair<std::string, std::string>> &metadata = {});

} // namespace flowc

#endif // FLOWC_ONNX_ONNX_H
