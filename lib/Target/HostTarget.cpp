//===- HostTarget.cpp - Which processor code is made for ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Target/HostTarget.h"
#include "Features.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <algorithm>
#include <mutex>

using namespace flowc;

bool flowc::isUsedByKernels(llvm::StringRef feature) {
  static constexpr llvm::StringLiteral prefixes[] = {"sse",   "ssse",   "avx",   "fma",  "f16c", "bmi",
                                                     "lzcnt", "popcnt", "movbe", "cmov", "gfni"};
  return llvm::any_of(prefixes, [&](llvm::StringRef prefix) { return feature.starts_with(prefix); });
}

/// Fills in what follows from the enabled features.
static void deriveSIMD(TargetSpec &target, const llvm::StringMap<bool> &features) {
  auto has = [&](llvm::StringRef name) { return features.lookup(name); };
  bool isX86 = llvm::Triple(target.triple).isX86();
  target.simdBits = isX86 && has("avx512f") && has("avx512dq") ? 512 : isX86 && has("avx") ? 256 : 128;
  target.hasFMA = !isX86 || has("fma");
  llvm::SmallVector<std::string, 0> names;
  for (const auto &feature : features)
    names.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(names, [](const std::string &a, const std::string &b) { return a.substr(1) < b.substr(1); });
  target.features = llvm::join(names, ",");
}

static llvm::StringMap<bool> getFeaturesOfX86(llvm::StringRef cpu) {
  llvm::SmallVector<llvm::StringRef> enabled;
  llvm::X86::getFeaturesForCPU(cpu, enabled);
  llvm::StringMap<bool> features;
  for (llvm::StringRef name : enabled)
    features[name] = true;
  // LLVM lists a feature only if no other one implies it.
  llvm::StringMap<bool> implied;
  for (llvm::StringRef name : enabled)
    llvm::X86::updateImpliedFeatures(name, /*Enabled=*/true, implied);
  for (const auto &feature : implied)
    features[feature.first()] = feature.second;
  return features;
}

Expected<TargetSpec> flowc::getTarget(const std::string &cpu) {
  TargetSpec target;
  target.triple = llvm::sys::getProcessTriple();
  if (cpu.empty() || cpu == "native" || cpu == "host") {
    target.cpu = llvm::sys::getHostCPUName().str();
    deriveSIMD(target, llvm::sys::getHostCPUFeatures());
    return target;
  }
  target.cpu = cpu;
  if (!llvm::Triple(target.triple).isX86())
    return Error{"cannot compile for '" + cpu + "': on this architecture flowc compiles for the host only"};
  if (llvm::X86::parseArchX86(cpu, /*Only64Bit=*/true) == llvm::X86::CK_None) {
    llvm::SmallVector<llvm::StringRef> known;
    llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
    const auto *nearest = std::min_element(known.begin(), known.end(), [&](llvm::StringRef a, llvm::StringRef b) {
      return a.edit_distance(cpu) < b.edit_distance(cpu);
    });
    return Error{"unknown CPU '" + cpu + "', did you mean '" + nearest->str() +
                 "'? (e.g. x86-64-v3, x86-64-v4, znver4)"};
  }
  deriveSIMD(target, getFeaturesOfX86(cpu));
  return target;
}

Expected<void> flowc::checkRunsOnHost(const TargetSpec &target) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  llvm::SmallVector<llvm::StringRef, 0> wanted, missing;
  llvm::StringRef(target.features).split(wanted, ',');
  for (llvm::StringRef feature : wanted) {
    if (!feature.consume_front("+") || !isUsedByKernels(feature))
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
  static std::once_flag initialised;
  std::call_once(initialised, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser(); // for assembly within IR
  });
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
