//===- TargetInfoTest.cpp - The table of targets, and one more ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "RiscV.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Objects/Objects.h"
#include "flowc/Target/CpuLevel.h"
#include "flowc/Target/OptimizeLLVM.h"

#include <set>

using namespace flowc;
using namespace flowc::test;

/// The target of docs/AddingATarget.md.
static const bool isRegistered = (registerTargetInfo(getRiscVTarget()), true);

/// What the table of targets says fits together.
TEST(TargetInfoTest, RowsAreWhole) {
  std::set<std::string> names;
  for (const TargetInfo *info : getTargetInfos()) {
    EXPECT_EQ(*getTargetInfo(info->triple), info);
    for (const std::string &cpu : info->getDefaultCpus())
      EXPECT_TRUE(getTarget(cpu, info->triple)) << cpu;
    ASSERT_TRUE(getTarget({}, info->triple));
    for (const VectorUnit &unit : info->getVectorUnits()) {
      EXPECT_TRUE(names.insert(unit.name.str()).second) << unit.name.str();
      EXPECT_EQ(*getVectorUnit(unit.name.str()), &unit);
      EXPECT_TRUE(unit.bits == 128 || unit.bits == 256 || unit.bits == 512) << unit.name.str();
      EXPECT_GE(unit.registers, 16) << unit.name.str();
      EXPECT_EQ(unit.tableVectors > 0, unit.lookUp != nullptr) << unit.name.str();
    }
  }
  auto unknown = getVectorUnit("mmx");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "unknown vectors 'mmx', expected one of sse2, avx, avx512, neon, rvv");
}

/// Objects use what all processors have, or what they can ask for.
TEST(TargetInfoTest, LevelsOfOtherMachines) {
  auto levels = getCpuLevels({}, "aarch64-linux-gnu");
  ASSERT_TRUE(levels) << levels.error().message;
  ASSERT_EQ(levels->size(), 1U);
  EXPECT_EQ(levels->front().required, CpuWords());
  EXPECT_EQ(levels->front().target.features, "+fp-armv8,+neon");
  auto own = getCpuLevels({}, "x86_64-linux-gnu");
  ASSERT_TRUE(own) << own.error().message;
  ASSERT_EQ(own->size(), 3U);
  EXPECT_EQ(own->back().target.cpu, "x86-64-v4");
  EXPECT_FALSE(getCpuLevels({}, "z80"));
}

/// A target that flowc has never heard of takes no more than its file.
TEST(TargetInfoTest, OthersMakeObjects) {
  ASSERT_TRUE(isRegistered);
  Model model = makeModel("flow f = coupling_flow(standard_normal([3]), nn_width = 8)", F32);
  ObjectFiles files = take(makeObject(model, {.prefix = "f", .target = "riscv64-linux-gnu"}));
  constexpr size_t machine = 18; // of ELF's header
  constexpr unsigned char riscV = 243;
  EXPECT_EQ(static_cast<unsigned char>(files.object.at(machine)), riscV);
  EXPECT_EQ(take(findUnexpectedSymbols(files.object)), std::vector<std::string>());
  EXPECT_NE(files.header.find("Compiled for generic-rv64 (riscv64-unknown-linux-gnu)."), std::string::npos);
  std::string code = take(emitKernel({model.flow(), Kernel::LogProb, F32}, "asm", {}, "riscv64-linux-gnu"));
  EXPECT_NE(code.find("vfmacc.vf"), std::string::npos) << "no vectors with fused multiply-add";
}
