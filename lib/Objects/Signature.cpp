//===- Signature.cpp - What functions of an object take and give ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signature.h"

using namespace flowc;

Signature flowc::makeSignature(const KernelSpec &spec, const Flow &flow, bool hasCondition) {
  auto make = [&](const RowArray &array, const char *suffix) {
    int64_t width = array.width == RowWidth::Event       ? flow.dim()
                    : array.width == RowWidth::Condition ? flow.condDim()
                                                         : 1;
    return Argument{std::string(array.name) + suffix, array.width, width};
  };
  Signature signature{&spec, {}, {}};
  RowArrays inputs = inputsOf(spec, hasCondition), outputs = outputsOf(spec);
  // Cotangents are called like the results that they belong to, and the tangent is the last.
  bool hasTangent = spec.tangent == Derivative::Inputs;
  size_t given = (spec.rows == RowSource::Given) + hasCondition + spec.weighted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (hasTangent && i + 1 == inputs.size())
      signature.inputs.push_back(make({spec.getProgram().input, RowWidth::Event}, "_tangent"));
    else
      signature.inputs.push_back(make(inputs.arrays[i], i < given ? "" : "_cotangent"));
  }
  std::string gradient = spec.derivative == Derivative::None ? "" : "_gradient";
  size_t plain = hasTangent ? outputs.size() / 2 : outputs.size();
  for (size_t i = 0; i < outputs.size(); ++i)
    signature.outputs.push_back(make(outputs.arrays[i], (gradient + (i < plain ? "" : "_tangent")).c_str()));
  return signature;
}

std::string flowc::expandPrefix(std::string_view text, std::string_view prefix) {
  constexpr std::string_view placeholder = "PREFIX";
  std::string result(text);
  for (size_t at = 0; (at = result.find(placeholder, at)) != std::string::npos; at += prefix.size())
    result.replace(at, placeholder.size(), prefix);
  return result;
}
