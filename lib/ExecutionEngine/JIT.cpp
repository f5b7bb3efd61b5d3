//===- JIT.cpp - Object code in this process ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/JIT.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

#include <atomic>
#include <cstring>

using namespace flowc;
namespace orc = llvm::orc;

/// The process's JIT. It is never destroyed: kernels may outlive every static
/// object of the program.
static llvm::Expected<orc::LLJIT *> getJIT() {
  static llvm::Expected<orc::LLJIT *> *instance = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    // Objects only: a platform for static initialisers and the symbols of the
    // process are neither needed nor wanted.
    auto jit = orc::LLJITBuilder()
                   .setLinkProcessSymbolsByDefault(false)
                   .setPlatformSetUp(orc::setUpInactivePlatform)
                   .setObjectLinkingLayerCreator([](orc::ExecutionSession &session) {
                     return std::make_unique<orc::ObjectLinkingLayer>(session);
                   })
                   .create();
    if (!jit)
      return new llvm::Expected<orc::LLJIT *>(jit.takeError());
    return new llvm::Expected<orc::LLJIT *>(jit->release());
  }();
  if (!*instance)
    return llvm::createStringError("the JIT could not be set up");
  return **instance;
}

namespace {
class JITKernel : public LoadedKernel {
public:
  JITKernel(orc::LLJIT &jit, orc::JITDylib &dylib) : jit(jit), dylib(dylib) {}
  ~JITKernel() override { llvm::consumeError(jit.getExecutionSession().removeJITDylib(dylib)); }

  llvm::Error link(std::unique_ptr<llvm::MemoryBuffer> object);

private:
  orc::LLJIT &jit;
  orc::JITDylib &dylib;
};
} // namespace

llvm::Error JITKernel::link(std::unique_ptr<llvm::MemoryBuffer> object) {
  auto define = [&](orc::SymbolMap &map, const char *name, auto *function) {
    map[jit.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(function),
                                      llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  orc::SymbolMap memoryFunctions;
  define(memoryFunctions, "memcpy", &std::memcpy);
  define(memoryFunctions, "memmove", &std::memmove);
  define(memoryFunctions, "memset", &std::memset);
  if (auto error = dylib.define(orc::absoluteSymbols(std::move(memoryFunctions))))
    return error;
  if (auto error = jit.addObjectFile(dylib, std::move(object)))
    return error;

  auto flags = orc::SymbolLookupFlags::RequiredSymbol;
  orc::SymbolLookupSet names;
  auto prepareName = jit.mangleAndIntern("prepare"), kernelName = jit.mangleAndIntern("kernel"),
       infoName = jit.mangleAndIntern("info"), finishName = jit.mangleAndIntern("finish");
  names.add(prepareName, flags).add(kernelName, flags).add(infoName, flags);
  auto partsName = jit.mangleAndIntern("parts"), preparePartName = jit.mangleAndIntern("prepare_part"),
       finishPartName = jit.mangleAndIntern("finish_part");
  for (const auto &name : {finishName, partsName, preparePartName, finishPartName})
    names.add(name, orc::SymbolLookupFlags::WeaklyReferencedSymbol);
  auto addresses =
      jit.getExecutionSession().lookup({{&dylib, orc::JITDylibLookupFlags::MatchAllSymbols}}, std::move(names));
  if (!addresses)
    return addresses.takeError();
  prepare = (*addresses)[prepareName].getAddress().toPtr<PrepareFn>();
  kernel = (*addresses)[kernelName].getAddress().toPtr<KernelFn>();
  auto find = [&](const auto &name, auto *&function) {
    if (auto it = addresses->find(name); it != addresses->end() && it->second.getAddress())
      function = it->second.getAddress().template toPtr<std::remove_reference_t<decltype(function)>>();
  };
  const void *partCounts = nullptr;
  find(finishName, finish);
  find(partsName, partCounts);
  find(preparePartName, preparePart);
  find(finishPartName, finishPart);
  if (partCounts)
    std::memcpy(&parts, partCounts, sizeof(parts));
  std::memcpy(&info, (*addresses)[infoName].getAddress().toPtr<const void *>(), sizeof(info));
  if (info.abiVersion != kKernelABIVersion)
    return llvm::createStringError("the kernel follows version %lld of the ABI, not %lld", (long long)info.abiVersion,
                                   (long long)kKernelABIVersion);
  if ((parts.prepare > 1) != (preparePart != nullptr) || (parts.finish > 1) != (finishPart != nullptr))
    return llvm::createStringError("the kernel has %lld and %lld parts, but not the functions for them",
                                   (long long)parts.prepare, (long long)parts.finish);
  if (info.gradientElements > 0 && (!finish || info.sumElements == 0))
    return llvm::createStringError("the kernel has a gradient but no 'finish'");
  return llvm::Error::success();
}

Expected<std::unique_ptr<LoadedKernel>> flowc::loadKernel(std::string_view object) {
  static std::atomic<uint64_t> count = 0;
  auto jit = getJIT();
  if (!jit)
    return Error{llvm::toString(jit.takeError())};
  // Errors of ORC may refer to memory of the session, hence `toString` at once.
  auto dylib = (*jit)->createJITDylib("kernel" + std::to_string(count++));
  if (!dylib)
    return Error{llvm::toString(dylib.takeError())};
  auto kernel = std::make_unique<JITKernel>(**jit, *dylib);
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object.data(), object.size()), "kernel.o");
  if (auto error = kernel->link(std::move(buffer)))
    return Error{"cannot load the compiled kernel: " + llvm::toString(std::move(error))};
  return std::unique_ptr<LoadedKernel>(std::move(kernel));
}
