//===- CApiTesting.h - What tests of the C interface share ------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_CAPITESTING_H
#define FLOWC_TEST_UNIT_CAPITESTING_H

#include "FlowTesting.h"
#include "Support.h"

#include "flowc/flowc-c-own.h"

#include <gmock/gmock.h>

namespace flowc::test {

using c::Own;

/// "" or "STATUS: message"; frees the error.
inline std::string messageOf(flowc_error *error) {
  std::string message = error ? std::to_string(flowc_error_status(error)) + ": " + flowc_error_message(error) : "";
  flowc_error_free(error);
  return message;
}

/// What a function makes, e.g. `make<flowc_flow>(flowc_flow_parse, text, nullptr, nullptr)`.
template <typename Handle, typename Function, typename... Arguments>
Own<Handle> make(Function function, Arguments... arguments) {
  Handle *result = nullptr;
  EXPECT_EQ(messageOf(function(arguments..., &result)), "");
  if (!result)
    std::abort();
  return Own<Handle>(result);
}

inline Own<flowc_flow> parseC(const std::string &text) {
  return make<flowc_flow>(flowc_flow_parse, text.c_str(), nullptr, nullptr);
}
inline Own<flowc_kernels> compileC(const flowc_flow *flow, DType dtype, const flowc_flow *target = nullptr) {
  flowc_compile_options options;
  flowc_compile_options_init(&options, sizeof(options));
  options.dtype = dtype == F32 ? FLOWC_F32 : FLOWC_F64;
  options.threads = 2;
  options.target = target;
  return make<flowc_kernels>(flowc_compile, flow, &options);
}
/// The handle of a model of C++.
inline const flowc_model *modelOf(const Model &model) { return capi::wrap<const flowc_model>(&model); }
inline flowc_model *modelOf(Model &model) { return capi::wrap<flowc_model>(&model); }

template <typename Array>
flowc_input in(const Array &array) {
  using T = typename Array::Scalar;
  return {array.data(), array.rows(), array.cols(), sizeof(T) == 4 ? FLOWC_F32 : FLOWC_F64, 0};
}
template <typename Array>
flowc_output out(Array &array) {
  using T = typename Array::Scalar;
  return {array.data(), array.rows(), array.cols(), sizeof(T) == 4 ? FLOWC_F32 : FLOWC_F64, 0};
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_CAPITESTING_H
