//===- TargetInfo.h - What kernels ask about processors ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one table of architectures: a file each in lib/Target, and a row of Targets.def
// (docs/AddingATarget.md). What lowering, code generation and objects need to know of a
// processor, they ask here.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TARGET_TARGETINFO_H
#define FLOWC_TARGET_TARGETINFO_H

#include "flowc/Support/Expected.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace llvm {
class IRBuilderBase;
class Value;
} // namespace llvm
namespace mlir {
class ImplicitLocOpBuilder;
class Value;
} // namespace mlir

namespace flowc {

/// Vectors as kernels are written for them.
struct VectorUnit {
  llvm::StringLiteral name; ///< Unique among those of all targets.
  int64_t bits;             ///< Of a vector: 128, 256 or 512. Several registers may be one vector.
  int64_t registers;        ///< Vectors that fit into registers: bounds the size of register blocks.
  /// Whether some lanes of a vector are loaded and stored by one instruction, as all are.
  bool hasMasks = false;
  /// Vectors of a table in which one instruction looks up an element for each lane; 0: none does.
  int64_t tableVectors = 0;
  /// That instruction: the elements of `table`, from 1 to `tableVectors` vectors, that a vector
  /// of i32 indices names. Null if there is none.
  mlir::Value (*lookUp)(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::Value> table, mlir::Value index) = nullptr;
};

/// LLVM's names of instruction sets and the like, and whether a processor has them.
using CpuFeatures = llvm::StringMap<bool>;

/// Words of bits in which a processor says what it can do: at most these many, whose meaning
/// is known to its target alone.
using CpuWords = std::array<uint32_t, 4>;

/// An architecture. All objects are constant and live as long as the program.
class TargetInfo {
public:
  explicit TargetInfo(std::string triple) : triple(std::move(triple)) {}
  TargetInfo(const TargetInfo &) = delete;
  TargetInfo &operator=(const TargetInfo &) = delete;
  virtual ~TargetInfo();

  /// As people write it, e.g. aarch64-linux-gnu.
  const std::string triple;

  //===--------------------------------------------------------------------===//
  // Processors
  //===--------------------------------------------------------------------===//

  /// The vector units that processors of this architecture have.
  virtual llvm::ArrayRef<VectorUnit> getVectorUnits() const = 0;
  /// One of them: the best with these features.
  virtual const VectorUnit &getVectors(const CpuFeatures &features) const = 0;
  /// Whether fused multiply-add is an instruction.
  virtual bool hasFMA(const CpuFeatures &features) const = 0;
  /// The features of the processor with LLVM's name `cpu`. The error says which there are.
  virtual Expected<CpuFeatures> getFeatures(const std::string &cpu) const = 0;
  /// Whether the code generator may use a feature for arithmetic on its own. Others that a
  /// processor's name implies never appear in kernels, and virtual machines often hide them.
  virtual bool isUsedByKernels(llvm::StringRef feature) const = 0;
  /// The processor whose code all others run.
  virtual std::string getBaselineCpu() const = 0;
  /// Those that objects have code for, unless others are asked for.
  virtual std::vector<std::string> getDefaultCpus() const = 0;

  //===--------------------------------------------------------------------===//
  // Code of objects
  //===--------------------------------------------------------------------===//

  /// Adds to `words` what a processor has to say for code that uses `feature`. False if objects
  /// cannot use it, since they could not find out.
  virtual bool require(CpuWords &words, llvm::StringRef feature) const = 0;
  /// Emits code that gets the words of the processor that it runs on, in order; words that are
  /// missing are required by nothing.
  virtual std::vector<llvm::Value *> emitCpuWords(llvm::IRBuilderBase &b) const = 0;
  /// Emits code that sets the floating-point state of kernels (flowc/Runtime/FloatState.h), and
  /// gives the one before, for `emitRestoreFloatState`.
  virtual llvm::Value *emitSetFloatState(llvm::IRBuilderBase &b) const = 0;
  virtual void emitRestoreFloatState(llvm::IRBuilderBase &b, llvm::Value *saved) const = 0;

  /// Makes LLVM's code generator for it known to LLVM. Thread-safe, and done once.
  void ensureInitialised() const;

protected:
  virtual void initialise() const = 0;

private:
  mutable std::once_flag initialised;
};

/// All targets.
llvm::ArrayRef<const TargetInfo *> getTargetInfos();
/// Adds another one, before anything is compiled.
void registerTargetInfo(const TargetInfo &info);

/// The target of a triple, e.g. x86_64-pc-linux-gnu. The error lists all targets.
Expected<const TargetInfo *> getTargetInfo(const std::string &triple);
/// The vector unit with this name, of any target. The error lists all names.
Expected<const VectorUnit *> getVectorUnit(const std::string &name);

} // namespace flowc

#endif // FLOWC_TARGET_TARGETINFO_H
