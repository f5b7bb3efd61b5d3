//===- Parameters.cpp - Parameters that objects get at run time -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parameters.h"
#include "ObjectParts.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Support/Hash.h"
#include "flowc/Support/Shape.h"

#include <cstring>

using namespace flowc;

static constexpr int64_t kLeafAlignment = 64;

static int64_t countBytes(const ParameterInfo &info, DType dtype) {
  return numElements(info.shape) * (info.integer || dtype == F32 ? 4 : 8);
}

Expected<ParameterLayout> flowc::layOutParameters(const Model &model) {
  const Flow &flow = model.flow();
  if (flow.isDensity())
    return Error{"'" + flow.name() + "' is a density, which has no parameters to give at run time"};
  KernelRequest request{flow, flow.isDistribution() ? Kernel::LogProb : Kernel::Transform, model.dtype()};
  auto target = getTarget();
  if (!target)
    return target.takeError();
  auto compilation = KernelCompilation::begin(request, *target);
  if (!compilation)
    return compilation.takeError();
  std::string graph = compilation->graph();
  ParameterLayout layout{hashBytes(graph.data(), static_cast<int64_t>(graph.size())), {}, {}, kParametersHead};
  for (const ParameterInfo &info : model.parameters()) {
    layout.offsets.push_back(layout.size);
    int64_t bytes = countBytes(info, model.dtype());
    layout.size += (bytes + kLeafAlignment - 1) / kLeafAlignment * kLeafAlignment;
  }
  return layout;
}

Expected<std::string> flowc::makeParameters(const Model &model) {
  auto layout = layOutParameters(model);
  if (!layout)
    return layout.takeError();
  std::string bytes(layout->size, '\0');
  std::vector<const void *> leaves = model.getImpl().leafPointers();
  for (size_t i = 0; i < leaves.size(); ++i)
    std::memcpy(bytes.data() + layout->offsets[i], leaves[i], countBytes(model.parameters()[i], model.dtype()));
  auto write = [&](int64_t at, uint64_t word) { std::memcpy(bytes.data() + at, &word, sizeof(word)); };
  write(kParametersMagic, kMagicOfParameters);
  write(kParametersIdentity, layout->identity);
  write(kParametersSize, layout->size);
  write(kParametersHash, hashBytes(bytes.data() + kParametersHead, layout->size - kParametersHead));
  return bytes;
}
