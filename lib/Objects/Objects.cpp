//===- Objects.cpp - Functions of a model in one object -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Objects/Objects.h"
#include "ObjectParts.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace flowc;

/// Whether a function is one of rows alone.
static bool isOfRows(const KernelSpec &spec) {
  return !spec.hasSum() && !spec.getProgram().needsTarget && spec.tangent != Derivative::Params;
}

Expected<void> flowc::checkObjectFunction(Kernel kernel) {
  const KernelSpec *spec = findKernel(kernel);
  if (spec && isOfRows(*spec))
    return {};
  auto names = llvm::map_range(llvm::make_filter_range(kKernels, isOfRows),
                               [](const KernelSpec &other) { return llvm::StringRef(other.name); });
  return Error{"an object has no " + std::string(getKernelName(kernel)) +
               ", only functions of rows without sums over them or a target: " + llvm::join(names, ", ")};
}

std::vector<Kernel> flowc::getDefaultFunctions(const Flow &flow) {
  if (flow.isDistribution())
    return {Kernel::LogProb, Kernel::Sample, Kernel::SampleAndLogProb};
  if (flow.isDensity())
    return {Kernel::LogProb};
  return {Kernel::Transform, Kernel::Inverse};
}

/// Fails unless names can begin with `prefix`.
static Expected<void> checkPrefix(const std::string &prefix) {
  auto isLetter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  if (!prefix.empty() && llvm::all_of(prefix, isLetter) && !llvm::isDigit(prefix.front()))
    return {};
  return Error{"the prefix '" + prefix + "' is no name in C: expected letters, digits and underscores"};
}

static Expected<void> checkCondition(const Flow &flow, const std::vector<double> &condition) {
  if (condition.empty())
    return {};
  if (!flow.condShape())
    return Error{"'" + flow.name() + "' takes no condition that could be fixed"};
  if (static_cast<int64_t>(condition.size()) != flow.condDim())
    return Error{"the condition has " + std::to_string(condition.size()) + " numbers, but '" + flow.name() +
                 "' takes " + std::to_string(flow.condDim())};
  if (!llvm::all_of(condition, [](double value) { return std::isfinite(value); }))
    return Error{"the condition has a number that is not finite"};
  return {};
}

/// The first of `items` that stands there twice, or null.
template <typename T>
static const T *findTwice(const std::vector<T> &items) {
  for (size_t i = 0; i < items.size(); ++i)
    if (llvm::is_contained(llvm::ArrayRef(items).drop_front(i + 1), items[i]))
      return &items[i];
  return nullptr;
}

/// Fails if something is asked for twice: it would have one name.
static Expected<void> checkOnce(const ObjectOptions &options) {
  if (const Kernel *function = findTwice(options.functions))
    return Error{std::string(getKernelName(*function)) + " is asked for twice"};
  if (const std::string *cpu = findTwice(options.cpus))
    return Error{"CPU '" + *cpu + "' is named twice"};
  return {};
}

Expected<ObjectFiles> flowc::makeObject(const Model &model, const ObjectOptions &options) {
  if (auto ok = checkPrefix(options.prefix); !ok)
    return ok.takeError();
  if (auto ok = checkCondition(model.flow(), options.condition); !ok)
    return ok.takeError();
  if (auto ok = checkOnce(options); !ok)
    return ok.takeError();
  auto parts = compileParts(model, options);
  if (!parts)
    return parts.takeError();
  auto object = linkParts(*parts);
  if (!object)
    return object.takeError();
  return ObjectFiles{std::move(*object), writeHeader(*parts, model, options)};
}
