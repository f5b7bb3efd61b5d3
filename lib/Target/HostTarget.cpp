//===- HostTarget.cpp - Which processor code is made for ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Target/HostTarget.h"
#include "flowc/Target/TargetInfo.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace flowc;

/// Fills in what follows from the enabled features.
static void setFeatures(TargetSpec &target, const CpuFeatures &features) {
  target.vectors = &target.info->getVectors(features);
  target.hasFMA = target.info->hasFMA(features);
  llvm::SmallVector<std::string, 0> names;
  for (const auto &feature : features)
    names.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(names, [](const std::string &a, const std::string &b) { return a.substr(1) < b.substr(1); });
  target.features = llvm::join(names, ",");
}

Expected<TargetSpec> flowc::getTarget(const std::string &cpu, const std::string &triple) {
  TargetSpec target;
  target.triple = triple.empty() ? llvm::sys::getProcessTriple() : llvm::Triple::normalize(triple);
  auto info = getTargetInfo(triple.empty() ? target.triple : triple);
  if (!info)
    return info.takeError();
  target.info = *info;
  bool isThisMachine = cpu == "native" || cpu == "host";
  if (isThisMachine && !triple.empty())
    return Error{"CPU '" + cpu + "' is that of this machine: leave out the target '" + triple + "', or name a CPU"};
  if (isThisMachine || (cpu.empty() && triple.empty())) {
    target.cpu = llvm::sys::getHostCPUName().str();
    setFeatures(target, llvm::sys::getHostCPUFeatures());
    return target;
  }
  target.cpu = cpu.empty() ? target.info->getBaselineCpu() : cpu;
  auto features = target.info->getFeatures(target.cpu);
  if (!features)
    return features.takeError();
  setFeatures(target, *features);
  return target;
}

Expected<void> flowc::checkRunsOnHost(const TargetSpec &target) {
  auto machine = getTargetInfo(llvm::sys::getProcessTriple());
  if (!machine || *machine != target.info)
    return Error{"this machine cannot run code for '" + target.triple + "'"};
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  llvm::SmallVector<llvm::StringRef, 0> wanted, missing;
  llvm::StringRef(target.features).split(wanted, ',');
  for (llvm::StringRef feature : wanted) {
    if (!feature.consume_front("+") || !target.info->isUsedByKernels(feature))
      continue;
    auto it = host.find(feature);
    if (it != host.end() && !it->second)
      missing.push_back(feature);
  }
  if (missing.empty())
    return {};
  return Error{"this machine cannot run code for CPU '" + target.cpu + "': it lacks " + llvm::join(missing, ", ")};
}

Expected<std::unique_ptr<llvm::TargetMachine>> flowc::createTargetMachine(const TargetSpec &target) {
  target.info->ensureInitialised();
  llvm::Triple triple(target.triple);
  std::string message;
  const llvm::Target *registered = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!registered)
    return Error{"no code generator for '" + target.triple + "': " + message};
  llvm::TargetOptions options;
  // FMAs are chosen in the tile program, the same for every tile shape. The code
  // generator would fuse by use count, and rows would depend on the batch size.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // Not all linkers know older lists of constructors.
  options.UseInitArray = true;
  std::unique_ptr<llvm::TargetMachine> machine(
      registered->createTargetMachine(triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
                                      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Less));
  if (!machine)
    return Error{"cannot create a code generator for CPU '" + target.cpu + "'"};
  return machine;
}
