//===- CpuLevel.cpp - Processors that tell what they can do ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Target/CpuLevel.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace flowc;

static Expected<CpuLevel> getCpuLevel(const std::string &cpu, const std::string &triple) {
  auto target = getTarget(cpu, triple);
  if (!target)
    return target.takeError();
  CpuLevel level{*target, {}};
  llvm::SmallVector<llvm::StringRef, 0> features;
  llvm::StringRef(target->features).split(features, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  llvm::SmallVector<std::string, 0> kept;
  for (llvm::StringRef feature : features) {
    bool isEnabled = feature.starts_with("+");
    llvm::StringRef name = feature.drop_front();
    bool isUsable = isEnabled && (!target->info->isUsedByKernels(name) || target->info->require(level.required, name));
    kept.push_back((isUsable ? "+" : "-") + name.str());
  }
  level.target.features = llvm::join(kept, ",");
  return level;
}

Expected<std::vector<CpuLevel>> flowc::getCpuLevels(const std::vector<std::string> &cpus, const std::string &triple) {
  std::vector<std::string> names = cpus;
  if (names.empty()) {
    auto target = getTarget({}, triple);
    if (!target)
      return target.takeError();
    names = target->info->getDefaultCpus();
  }
  std::vector<CpuLevel> levels;
  for (const std::string &cpu : names) {
    auto level = getCpuLevel(cpu, triple);
    if (!level)
      return level.takeError();
    levels.push_back(std::move(*level));
  }
  auto countBits = [](const CpuLevel &level) {
    return std::accumulate(level.required.begin(), level.required.end(), 0,
                           [](int sum, uint32_t word) { return sum + std::popcount(word); });
  };
  std::ranges::sort(levels, {}, [&](const CpuLevel &level) { return std::pair(countBits(level), level.target.cpu); });
  return levels;
}
