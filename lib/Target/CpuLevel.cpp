//===- CpuLevel.cpp - Processors that tell what they can do ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Target/CpuLevel.h"
#include "Features.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace flowc;

namespace {
/// Where a processor says that it has an instruction set.
struct CpuFeature {
  llvm::StringLiteral name;
  CpuWord word;
  int bit;
};
} // namespace

/// Those of x86-64-v4 which are not part of every x86-64.
/// Source: Intel, Software Developer's Manual 2A, CPUID; AMD, Programmer's Manual 3, appendix E.
static constexpr CpuFeature kFeatures[] = {
    {"sse3", CpuWord::Leaf1Ecx, 0},      {"ssse3", CpuWord::Leaf1Ecx, 9},     {"fma", CpuWord::Leaf1Ecx, 12},
    {"sse4.1", CpuWord::Leaf1Ecx, 19},   {"sse4.2", CpuWord::Leaf1Ecx, 20},   {"movbe", CpuWord::Leaf1Ecx, 22},
    {"popcnt", CpuWord::Leaf1Ecx, 23},   {"avx", CpuWord::Leaf1Ecx, 28},      {"f16c", CpuWord::Leaf1Ecx, 29},
    {"bmi", CpuWord::Leaf7Ebx, 3},       {"avx2", CpuWord::Leaf7Ebx, 5},      {"bmi2", CpuWord::Leaf7Ebx, 8},
    {"avx512f", CpuWord::Leaf7Ebx, 16},  {"avx512dq", CpuWord::Leaf7Ebx, 17}, {"avx512cd", CpuWord::Leaf7Ebx, 28},
    {"avx512bw", CpuWord::Leaf7Ebx, 30}, {"avx512vl", CpuWord::Leaf7Ebx, 31}, {"lzcnt", CpuWord::ExtendedLeafEcx, 5},
};

/// Of every x86-64.
static constexpr llvm::StringLiteral kBaseline[] = {"cmov", "sse", "sse2"};

/// The system uses xsave, which is how xgetbv exists.
static constexpr uint32_t kUsesXSave = 1u << 27;
/// Registers that the system has to keep: xmm and ymm, and those of AVX-512.
static constexpr uint32_t kAVXState = 0x06, kAVX512State = 0xe6;

/// Adds what `feature` needs; whether it is known.
static bool require(CpuLevel &level, llvm::StringRef feature) {
  const auto *known = std::ranges::find(kFeatures, feature, &CpuFeature::name);
  if (known == std::end(kFeatures))
    return std::ranges::find(kBaseline, feature) != std::end(kBaseline);
  level[known->word] |= 1u << known->bit;
  if (feature == "avx" || feature == "avx512f") {
    level[CpuWord::Leaf1Ecx] |= kUsesXSave;
    level[CpuWord::SavedState] |= feature == "avx" ? kAVXState : kAVX512State;
  }
  return true;
}

Expected<CpuLevel> flowc::getCpuLevel(const std::string &cpu) {
  auto target = getTarget(cpu);
  if (!target)
    return target.takeError();
  CpuLevel level{*target, {}};
  if (!llvm::Triple(target->triple).isX86())
    return level;
  llvm::SmallVector<llvm::StringRef, 0> features;
  llvm::StringRef(target->features).split(features, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  llvm::SmallVector<std::string, 0> kept;
  for (llvm::StringRef feature : features) {
    bool isEnabled = feature.starts_with("+");
    llvm::StringRef name = feature.drop_front();
    bool isUsable = isEnabled && (!isUsedByKernels(name) || require(level, name));
    kept.push_back((isUsable ? "+" : "-") + name.str());
  }
  level.target.features = llvm::join(kept, ",");
  return level;
}

void flowc::sortCpuLevels(std::vector<CpuLevel> &levels) {
  auto countBits = [](const CpuLevel &level) {
    return std::accumulate(level.required.begin(), level.required.end(), 0,
                           [](int sum, uint32_t word) { return sum + std::popcount(word); });
  };
  std::ranges::sort(levels, {}, [&](const CpuLevel &level) { return std::pair(countBits(level), level.target.cpu); });
}
