//===- OptimizeLLVM.cpp - From the llvm dialect to machine code -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Target/OptimizeLLVM.h"
#include "flowc/Target/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace flowc;

/// A processor without FMA would call libm's `fma` for each element.
static void expandFMA(llvm::Function &function) {
  for (llvm::Instruction &instruction : llvm::make_early_inc_range(llvm::instructions(function))) {
    auto *fma = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
    if (!fma || (fma->getIntrinsicID() != llvm::Intrinsic::fma && fma->getIntrinsicID() != llvm::Intrinsic::fmuladd))
      continue;
    llvm::IRBuilder<> builder(fma);
    llvm::Value *product = builder.CreateFMul(fma->getArgOperand(0), fma->getArgOperand(1));
    fma->replaceAllUsesWith(builder.CreateFAdd(product, fma->getArgOperand(2)));
    fma->eraseFromParent();
  }
}

/// Tells every function which processor it is for; without these attributes the
/// cost models and the inliner assume a generic one.
static void setFunctionAttributes(llvm::Module &module, const TargetSpec &target) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width", std::to_string(target.vectors->bits));
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (!target.hasFMA)
      expandFMA(function);
  }
}

/// The tile program is vectorised, blocked and hoisted already. What is left is
/// folding of addresses and invariants, and of the constants that callers of the
/// micro-kernels pass (`ipsccp`): a third of the code. O2 takes four times as
/// long, and the kernels are as fast: see docs/Rationale/CodeGeneration.md.
static constexpr const char *kPasses =
    "ipsccp,globalopt,"
    "function(early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,loop-mssa(licm),early-cse<memssa>,"
    "simplifycfg),"
    "globaldce";

static Expected<void> optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ModulePassManager passes;
  if (llvm::Error error = builder.parsePassPipeline(passes, kPasses))
    return Error{llvm::toString(std::move(error))};
  passes.run(module, modules);
  return {};
}

namespace {
/// The code generator's passes less the reduction of loop strength: the loops
/// address memory the way x86 likes it already, and the search for something
/// better takes a quarter of the time of code generation.
class CodeGenPasses : public llvm::legacy::PassManager {
public:
  void add(llvm::Pass *pass) override {
    if (pass->getPassName() == "Loop Strength Reduction")
      delete pass;
    else
      PassManager::add(pass);
  }
};
} // namespace

Expected<std::vector<std::string>> flowc::findUnexpectedSymbols(std::string_view object) {
  llvm::MemoryBufferRef buffer(llvm::StringRef(object.data(), object.size()), "kernel");
  auto file = llvm::object::ObjectFile::createObjectFile(buffer);
  if (!file)
    return Error{"not an object file: " + llvm::toString(file.takeError())};
  std::vector<std::string> unexpected;
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) {
      llvm::consumeError(flags.takeError());
      llvm::consumeError(name.takeError());
      return Error{"the object file has a damaged symbol table"};
    }
    bool undefined = (*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty();
    if (undefined && *name != "memcpy" && *name != "memmove" && *name != "memset" && *name != "_GLOBAL_OFFSET_TABLE_")
      unexpected.push_back(name->str());
  }
  llvm::sort(unexpected);
  return unexpected;
}

/// What `file` is of `module`, unless code has to be generated.
static std::string printModule(const llvm::Module &module, NativeFile file) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (file == NativeFile::Bitcode)
    llvm::WriteBitcodeToFile(module, stream);
  else
    module.print(stream, nullptr);
  return text;
}

static Expected<std::string> emitModule(llvm::Module &module, llvm::TargetMachine &machine, NativeFile file) {
  if (file == NativeFile::LLVMIR || file == NativeFile::Bitcode)
    return printModule(module, file);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  CodeGenPasses codegen;
  auto type = file == NativeFile::Object ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile;
  if (machine.addPassesToEmitFile(codegen, stream, nullptr, type, /*DisableVerify=*/true))
    return Error{"LLVM cannot emit this kind of file for '" + machine.getTargetTriple().str() + "'"};
  codegen.run(module);
  std::string result(bytes.data(), bytes.size());
  if (file == NativeFile::Assembly)
    return result;
  auto unexpected = findUnexpectedSymbols(result);
  if (!unexpected)
    return unexpected.takeError();
  if (!unexpected->empty())
    return Error{"the kernel calls functions that flowc does not provide: " + llvm::join(*unexpected, ", ")};
  return result;
}

Expected<std::string> flowc::emitModule(llvm::Module &module, const TargetSpec &target, NativeFile file) {
  auto machine = createTargetMachine(target);
  return machine ? ::emitModule(module, **machine, file) : Expected<std::string>(machine.takeError());
}

Expected<std::string> flowc::emitNative(mlir::ModuleOp module, const TargetSpec &target, NativeFile file) {
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated =
      mlir::translateModuleToLLVMIR(module, context, "flowc", /*disableVerification=*/true);
  if (!translated)
    return Error{"the kernel has an operation that cannot be translated to LLVM"};
  translated->setTargetTriple((*machine)->getTargetTriple());
  translated->setDataLayout((*machine)->createDataLayout());
  setFunctionAttributes(*translated, target);
  if (auto optimised = optimise(*translated, **machine); !optimised)
    return optimised.takeError();
  return ::emitModule(*translated, **machine, file);
}
