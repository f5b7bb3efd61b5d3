//===- JITTest.cpp - From the llvm dialect to running code ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/JIT.h"
#include "flowc/Target/HostTarget.h"
#include "flowc/Target/OptimizeLLVM.h"
#include "flowc/Target/TargetInfo.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

using namespace flowc;

/// prepare: prepared[0] = 2 * leaves[0][0]; kernel: y[0] = fma(prepared[0],
/// x[0], `first`), by way of `%s`; finish: gradients[0] = scale * sums[1].
static constexpr const char *kModule = R"mlir(
llvm.mlir.global external constant @info(dense<[1, 1, 16, 2, 1, 1, 1, 42, 0]> : tensor<9xi64>) : !llvm.array<9 x i64>
llvm.func @prepare(%leaves: !llvm.ptr, %prepared: !llvm.ptr) {
  %leaf = llvm.load %leaves : !llvm.ptr -> !llvm.ptr
  %v = llvm.load %leaf : !llvm.ptr -> f64
  %w = llvm.fadd %v, %v : f64
  llvm.store %w, %prepared : f64, !llvm.ptr
  llvm.return
}
llvm.func @kernel(%prepared: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr, %workspace: !llvm.ptr, %rows: i64,
                  %first: i64, %seed: i64) {
  %in = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
  %out = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
  %x = llvm.load %in : !llvm.ptr -> f64
  %p = llvm.load %prepared : !llvm.ptr -> f64
  %f = llvm.uitofp %first : i64 to f64
  %y = llvm.intr.FUNCTION : f64
  llvm.store %y, %out : f64, !llvm.ptr
  llvm.return
}
llvm.func @finish(%leaves: !llvm.ptr, %sums: !llvm.ptr, %gradients: !llvm.ptr, %scale: f64,
                  %workspace: !llvm.ptr) {
  %s1 = llvm.getelementptr %sums[1] : (!llvm.ptr) -> !llvm.ptr, f64
  %s = llvm.load %s1 : !llvm.ptr -> f64
  %g = llvm.fmul %s, %scale : f64
  llvm.store %g, %gradients : f64, !llvm.ptr
  llvm.return
}
)mlir";

static Expected<std::string> compileText(std::string text, const TargetSpec &target, NativeFile file) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::LLVM::LLVMDialect>();
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return Error{"the test's module does not parse"};
  return emitNative(*module, target, file);
}

static std::string moduleWith(const std::string &function) {
  std::string text = kModule;
  return text.replace(text.find("FUNCTION"), 8, function);
}

static std::string mustCompile(const std::string &function, const TargetSpec &target = *getTarget(),
                               NativeFile file = NativeFile::Object) {
  auto result = compileText(moduleWith(function), target, file);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : std::string();
}

static const char *kFMA = "fma(%p, %x, %f) : (f64, f64, f64) -> f64 //";

TEST(JITTest, RunsAKernel) {
  auto kernel = loadKernel(mustCompile(kFMA));
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ((*kernel)->info.macsPerRow, 42);
  EXPECT_EQ((*kernel)->info.sumElements, 2);
  double leaf = 1.5, prepared = 0, x = 7, y = 0, sums[] = {1, 10}, gradient = 0;
  const void *leaves[] = {&leaf}, *inputs[] = {&x};
  void *outputs[] = {&y};
  (*kernel)->prepare(leaves, &prepared);
  EXPECT_EQ(prepared, 3.0);
  (*kernel)->kernel(&prepared, inputs, outputs, nullptr, 1, 100, 0);
  EXPECT_EQ(y, 121.0);
  (*kernel)->finish(leaves, sums, &gradient, 0.25, nullptr);
  EXPECT_EQ(gradient, 2.5);
}

TEST(JITTest, ThreadsLoadAndFreeKernelsOfEqualNames) {
  std::string object = mustCompile(kFMA);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        auto kernel = loadKernel(object);
        ASSERT_TRUE(kernel) << kernel.error().message;
        double prepared = 2, x = j, y = 0;
        const void *inputs[] = {&x};
        void *outputs[] = {&y};
        (*kernel)->kernel(&prepared, inputs, outputs, nullptr, 1, 1, 0);
        ASSERT_EQ(y, 2.0 * j + 1);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(JITTest, CallsOfLibmAreAnError) {
  auto object = compileText(moduleWith("exp(%x) : (f64) -> f64 //"), *getTarget(), NativeFile::Object);
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().message, "the kernel calls functions that flowc does not provide: exp");
}

TEST(JITTest, DamagedObjectsAreErrors) {
  std::string object = mustCompile(kFMA);
  EXPECT_FALSE(loadKernel("not an object file"));
  EXPECT_FALSE(loadKernel(""));
  EXPECT_FALSE(loadKernel(object.substr(0, object.size() / 2)));
  EXPECT_FALSE(findUnexpectedSymbols("not an object file"));
  int64_t errors = 0;
  for (size_t i = 0; i < object.size(); ++i) {
    std::string damaged = object;
    damaged[i] = static_cast<char>(~damaged[i]);
    errors += !findUnexpectedSymbols(damaged);
  }
  EXPECT_GT(errors, 0);
}

TEST(JITTest, ObjectsOfAnotherABIAreErrors) {
  std::string text = moduleWith(kFMA);
  text.replace(text.find("[1, 1, 16"), 2, "[9");
  auto object = compileText(text, *getTarget(), NativeFile::Object);
  ASSERT_TRUE(object) << object.error().message;
  auto kernel = loadKernel(*object);
  ASSERT_FALSE(kernel);
  EXPECT_NE(kernel.error().message.find("version 9 of the ABI"), std::string::npos) << kernel.error().message;
}

TEST(JITTest, FMAIsAnInstructionOrTwo) {
  auto v3 = getTarget("x86-64-v3"), v2 = getTarget("x86-64-v2");
  ASSERT_TRUE(v3) << v3.error().message;
  ASSERT_TRUE(v2) << v2.error().message;
  EXPECT_NE(mustCompile(kFMA, *v3, NativeFile::Assembly).find("vfmadd"), std::string::npos);
  // Without the instruction it must not become a call of `fma`.
  std::string text = mustCompile(kFMA, *v2, NativeFile::Assembly);
  EXPECT_NE(text.find("mulsd"), std::string::npos);
  EXPECT_NE(text.find("addsd"), std::string::npos);
  EXPECT_EQ(text.find("call"), std::string::npos);
  mustCompile(kFMA, *v2, NativeFile::Object);
}

TEST(JITTest, MultiplyAndAddStayTwoInstructions) {
  std::string text = moduleWith("fabs(%ab) : (f64) -> f64 //");
  text.replace(text.find("  %y = "), 0, "  %a = llvm.fmul %p, %x : f64\n  %ab = llvm.fadd %a, %f : f64\n");
  auto assembly = compileText(text, *getTarget("x86-64-v3"), NativeFile::Assembly);
  ASSERT_TRUE(assembly) << assembly.error().message;
  EXPECT_EQ(assembly->find("vfmadd"), std::string::npos);
}

TEST(JITTest, WhatNobodyCallsIsLeftOut) {
  std::string text = moduleWith(kFMA) + "llvm.func internal @unused(%x: f64) -> f64 {\n  llvm.return %x : f64\n}\n";
  auto assembly = compileText(text, *getTarget(), NativeFile::Assembly);
  ASSERT_TRUE(assembly) << assembly.error().message;
  EXPECT_EQ(assembly->find("unused"), std::string::npos);
}

TEST(HostTargetTest, NamedProcessors) {
  auto v4 = getTarget("x86-64-v4"), v3 = getTarget("x86-64-v3"), v1 = getTarget("x86-64");
  ASSERT_TRUE(v4 && v3 && v1);
  EXPECT_EQ(v4->vectors->bits, 512);
  EXPECT_EQ(v3->vectors->bits, 256);
  EXPECT_EQ(v1->vectors->bits, 128);
  EXPECT_TRUE(v3->hasFMA);
  EXPECT_FALSE(v1->hasFMA);
  EXPECT_TRUE(checkRunsOnHost(*v1));
  auto unknown = getTarget("znver9");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("unknown CPU 'znver9', did you mean 'znver"), std::string::npos)
      << unknown.error().message;
}

TEST(HostTargetTest, NamedMachines) {
  auto arm = getTarget({}, "aarch64-linux-gnu");
  ASSERT_TRUE(arm) << arm.error().message;
  EXPECT_EQ(arm->triple, "aarch64-unknown-linux-gnu");
  EXPECT_EQ(arm->cpu, "generic");
  EXPECT_EQ(arm->features, "+fp-armv8,+neon");
  EXPECT_EQ(arm->vectors->name, "neon");
  EXPECT_TRUE(arm->hasFMA);
  EXPECT_EQ(getTarget({}, "x86_64-linux-musl")->cpu, "x86-64");
  EXPECT_EQ(getTarget("x86-64-v4", "x86_64-linux-gnu")->vectors->name, "avx512");
  auto fails = [](const std::string &cpu, const std::string &triple, const std::string &message) {
    auto target = getTarget(cpu, triple);
    ASSERT_FALSE(target) << triple;
    EXPECT_NE(target.error().message.find(message), std::string::npos) << target.error().message;
  };
  std::string expected = ", expected one of x86_64-linux-gnu, aarch64-linux-gnu";
  for (const char *triple :
       {"riscv64-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc", "aarch64_be-linux-gnu",
        "x86_64-linux-gnux32", "aarch64-linux-gnu_ilp32", "arm-linux-gnueabihf", "aarch64", "?"})
    fails({}, triple, "unknown target '" + std::string(triple) + "'" + expected);
  fails("x86-64-v3", "aarch64-linux-gnu", "unknown CPU 'x86-64-v3', expected generic");
  fails("generic", "x86_64-linux-gnu", "unknown CPU 'generic', did you mean");
  fails("native", "aarch64-linux-gnu", "CPU 'native' is that of this machine");
}

TEST(HostTargetTest, OtherMachinesDoNotRunHere) {
  std::string other = getTarget()->triple.starts_with("aarch64") ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  auto runs = checkRunsOnHost(*getTarget({}, other));
  ASSERT_FALSE(runs);
  EXPECT_NE(runs.error().message.find("this machine cannot run code for '"), std::string::npos) << runs.error().message;
}

TEST(HostTargetTest, ThisMachineRunsItsOwnCode) {
  auto host = getTarget();
  ASSERT_TRUE(host);
  EXPECT_TRUE(checkRunsOnHost(*host));
  TargetSpec other = *host;
  other.cpu = "future";
  other.features = "+avx10.2," + other.features;
  auto runs = checkRunsOnHost(other);
  // No machine of today has AVX10.2.
  ASSERT_FALSE(runs);
  EXPECT_NE(runs.error().message.find("lacks avx10.2"), std::string::npos) << runs.error().message;
}
