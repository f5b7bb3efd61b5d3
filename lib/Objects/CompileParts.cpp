//===- CompileParts.cpp - The functions of an object ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function is a kernel, compiled as the JIT compiles it, so that its results have the
// same bits. What it prepares from the parameters is computed here, by the kernel's own
// code, and becomes a constant.
//
//===----------------------------------------------------------------------===//

#include "ObjectParts.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/ExecutionEngine/AlignedBuffer.h"
#include "flowc/ExecutionEngine/DensityData.h"
#include "flowc/ExecutionEngine/JIT.h"
#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/ExecutionEngine/KernelRunner.h"

#include <cstring>

using namespace flowc;

namespace {

/// Compiles kernels of one model.
class PartsCompiler {
public:
  PartsCompiler(const Model &model, const ObjectOptions &options) : model(model), options(options) {}

  Expected<ObjectParts> compile();

private:
  Expected<void> compileFunction(ObjectParts &parts, const KernelSpec &spec) const;
  Expected<LevelCode> compileLevel(const KernelRequest &request, const CpuLevel &level) const;
  std::string prepare(const LoadedKernel &kernel, const KernelRequest &request) const;
  size_t elementSize() const { return model.dtype() == F32 ? 4 : 8; }
  std::string convertCondition() const;

  const Model &model;
  const ObjectOptions &options;
};

} // namespace

/// The condition in the model's element type.
std::string PartsCompiler::convertCondition() const {
  std::string bytes(options.condition.size() * elementSize(), '\0');
  for (size_t i = 0; i < options.condition.size(); ++i) {
    auto single = static_cast<float>(options.condition[i]);
    const void *number = model.dtype() == F32 ? static_cast<const void *>(&single) : &options.condition[i];
    std::memcpy(bytes.data() + i * elementSize(), number, elementSize());
  }
  return bytes;
}

/// What `kernel` computes of the parameters.
std::string PartsCompiler::prepare(const LoadedKernel &kernel, const KernelRequest &request) const {
  std::vector<const void *> leaves = model.getImpl().leafPointers();
  std::string condition = convertCondition();
  if (request.fixedCondition)
    leaves.insert(leaves.begin(), condition.data());
  std::optional<DensityData> data;
  if (const Node *density = findDensity(request)) {
    data.emplace(*density, model.dtype());
    leaves.insert(leaves.end(), data->pointers().begin(), data->pointers().end());
  }
  size_t bytes = kernel.info.preparedElements * elementSize();
  AlignedBuffer buffer(bytes);
  // What nobody writes is the same in each object, too.
  std::memset(buffer.data(), 0, bytes);
  ScopedFloatingPointState state;
  kernel.prepare(leaves.data(), buffer.data());
  return {static_cast<const char *>(buffer.data()), bytes};
}

Expected<LevelCode> PartsCompiler::compileLevel(const KernelRequest &request, const CpuLevel &level) const {
  auto compilation = KernelCompilation::begin(request, level.target);
  if (!compilation)
    return compilation.takeError();
  auto bitcode = compilation->compileToBitcode();
  if (!bitcode)
    return bitcode.takeError();
  auto object = compilation->compilePrepare();
  if (!object)
    return object.takeError();
  auto kernel = loadKernel(*object);
  if (!kernel)
    return kernel.takeError();
  return LevelCode{std::move(*bitcode), (*kernel)->info,
                   options.parametersApart ? std::string() : prepare(**kernel, request)};
}

Expected<void> PartsCompiler::compileFunction(ObjectParts &parts, const KernelSpec &spec) const {
  const Flow &flow = model.flow();
  bool isFixed = !options.condition.empty();
  KernelRequest request{flow, spec.kernel, model.dtype(), nullptr, isFixed};
  if (auto ok = checkObjectFunction(spec.kernel); !ok)
    return ok;
  if (auto ok = checkKernelExists(request); !ok)
    return ok;
  if (isFixed && spec.derivative == Derivative::Condition)
    return Error{std::string(spec.name) + " is the derivative in the condition, which is fixed here"};
  ObjectFunction function{makeSignature(spec, flow, flow.condShape().has_value() && !isFixed, options.parametersApart),
                          {}};
  for (const CpuLevel &level : parts.levels) {
    auto code = compileLevel(request, level);
    if (!code)
      return code.takeError();
    function.levels.push_back(std::move(*code));
  }
  parts.functions.push_back(std::move(function));
  return {};
}

Expected<ObjectParts> PartsCompiler::compile() {
  auto levels = getCpuLevels(options.cpus, options.target);
  if (!levels)
    return levels.takeError();
  ObjectParts parts{options.prefix, model.dtype(), std::move(*levels), {}, {}};
  for (Kernel kernel : options.functions.empty() ? getDefaultFunctions(model.flow()) : options.functions)
    if (auto ok = compileFunction(parts, *findKernel(kernel)); !ok)
      return ok.takeError();
  if (!options.parametersApart)
    return parts;
  auto layout = layOutParameters(model);
  if (!layout)
    return layout.takeError();
  parts.parameters = std::move(*layout);
  parts.parameters->condition = convertCondition();
  return parts;
}

Expected<ObjectParts> flowc::compileParts(const Model &model, const ObjectOptions &options) {
  return PartsCompiler(model, options).compile();
}
