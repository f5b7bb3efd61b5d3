//===- TargetInfo.cpp - The table of targets ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Targets.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace flowc;

TargetInfo::~TargetInfo() = default;

void TargetInfo::ensureInitialised() const {
  std::call_once(initialised, [this] { initialise(); });
}

static std::vector<const TargetInfo *> &getTable() {
  static std::vector<const TargetInfo *> table = {
#define FLOWC_TARGET(NAME) &get##NAME##Target(),
#include "Targets.def"
  };
  return table;
}

llvm::ArrayRef<const TargetInfo *> flowc::getTargetInfos() { return getTable(); }

void flowc::registerTargetInfo(const TargetInfo &info) { getTable().push_back(&info); }

/// Whether objects for `triple` are what a C program for Linux has: ELF files, pointers of 64 bits.
static bool isPlainLinux(const llvm::Triple &triple) {
  return triple.isOSLinux() && triple.isOSBinFormatELF() && triple.isArch64Bit() && !triple.isX32() &&
         triple.getEnvironment() != llvm::Triple::GNUILP32;
}

Expected<const TargetInfo *> flowc::getTargetInfo(const std::string &triple) {
  llvm::Triple parsed(llvm::Triple::normalize(triple));
  for (const TargetInfo *info : getTargetInfos())
    if (isPlainLinux(parsed) && llvm::Triple(info->triple).getArch() == parsed.getArch())
      return info;
  auto known = llvm::map_range(getTargetInfos(), [](const TargetInfo *info) { return llvm::StringRef(info->triple); });
  return Error{"unknown target '" + triple + "', expected one of " + llvm::join(known, ", ")};
}

Expected<const VectorUnit *> flowc::getVectorUnit(const std::string &name) {
  llvm::SmallVector<llvm::StringRef> known;
  for (const TargetInfo *info : getTargetInfos())
    for (const VectorUnit &unit : info->getVectorUnits()) {
      if (unit.name == name)
        return &unit;
      known.push_back(unit.name);
    }
  return Error{"unknown vectors '" + name + "', expected one of " + llvm::join(known, ", ")};
}
