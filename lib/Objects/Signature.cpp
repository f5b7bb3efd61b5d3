//===- Signature.cpp - What functions of an object take and give ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signature.h"

#include <algorithm>
#include <iterator>

using namespace flowc;

/// Numbers in a row of an array.
static int64_t countNumbers(RowWidth width, const Flow &flow) {
  return width == RowWidth::Event ? flow.dim() : width == RowWidth::Condition ? flow.condDim() : 1;
}

std::vector<Argument> Signature::getArrays(ArgumentKind kind) const {
  std::vector<Argument> arrays;
  std::ranges::copy_if(arguments, std::back_inserter(arrays),
                       [&](const Argument &argument) { return argument.kind == kind; });
  return arrays;
}

static std::vector<Argument> makeInputs(const KernelSpec &spec, const Flow &flow, bool hasCondition) {
  std::vector<Argument> arguments;
  RowArrays inputs = inputsOf(spec, hasCondition);
  // Cotangents are called like the results that they belong to, and the tangent is the last.
  bool hasTangent = spec.tangent == Derivative::Inputs;
  size_t given = (spec.rows == RowSource::Given) + hasCondition + spec.weighted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    bool isTangent = hasTangent && i + 1 == inputs.size();
    std::string name(isTangent ? spec.getProgram().input : inputs.arrays[i].name);
    name += isTangent ? "_tangent" : i < given ? "" : "_cotangent";
    RowWidth width = isTangent ? RowWidth::Event : inputs.arrays[i].width;
    arguments.push_back({ArgumentKind::Input, name, countNumbers(width, flow)});
  }
  return arguments;
}

static std::vector<Argument> makeOutputs(const KernelSpec &spec, const Flow &flow) {
  std::vector<Argument> arguments;
  RowArrays outputs = outputsOf(spec);
  std::string gradient = spec.derivative == Derivative::None ? "" : "_gradient";
  size_t plain = spec.tangent == Derivative::Inputs ? outputs.size() / 2 : outputs.size();
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::string name = std::string(outputs.arrays[i].name) + gradient + (i < plain ? "" : "_tangent");
    arguments.push_back({ArgumentKind::Output, name, countNumbers(outputs.arrays[i].width, flow)});
  }
  return arguments;
}

Signature flowc::makeSignature(const KernelSpec &spec, const Flow &flow, bool hasCondition, bool isPrepared) {
  Signature signature{&spec, {}};
  auto add = [&](const std::vector<Argument> &more) {
    signature.arguments.insert(signature.arguments.end(), more.begin(), more.end());
  };
  if (isPrepared)
    add({{ArgumentKind::Prepared, "prepared"}});
  add(makeInputs(spec, flow, hasCondition));
  add({{ArgumentKind::Rows, "rows"}});
  if (signature.isDrawn())
    add({{ArgumentKind::Seed, "seed"}, {ArgumentKind::First, "first"}});
  add(makeOutputs(spec, flow));
  add({{ArgumentKind::Workspace, "workspace"}, {ArgumentKind::WorkspaceSize, "workspace_size"}});
  return signature;
}

std::string flowc::expandPrefix(std::string_view text, std::string_view prefix) {
  constexpr std::string_view placeholder = "PREFIX";
  std::string result(text);
  for (size_t at = 0; (at = result.find(placeholder, at)) != std::string::npos; at += prefix.size())
    result.replace(at, placeholder.size(), prefix);
  return result;
}
