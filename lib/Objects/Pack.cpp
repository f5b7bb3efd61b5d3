//===- Pack.cpp - Objects as archives and shared libraries ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Objects/Objects.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace flowc;

Expected<std::string> flowc::makeArchive(const std::string &object, const std::string &name) {
  llvm::NewArchiveMember member(llvm::MemoryBufferRef(object, name));
  auto buffer = llvm::writeArchiveToBuffer(member, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
                                           /*Deterministic=*/true, /*Thin=*/false);
  if (!buffer)
    return Error{"cannot make an archive: " + llvm::toString(buffer.takeError())};
  return (*buffer)->getBuffer().str();
}

/// The linker of this machine.
static Expected<std::string> findLinker() {
  for (const char *name : {"ld", "ld.lld", "ld.lld-22"})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return Error{"there is no linker (ld or ld.lld) to make a shared library with: install binutils or lld, or write a "
               ".o or .a file"};
}

/// A temporary file, removed when it goes out of scope.
static Expected<llvm::FileRemover> createTemporary(llvm::StringRef suffix, llvm::SmallVectorImpl<char> &path) {
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("flowc", suffix, path))
    return Error{"cannot make a temporary file: " + code.message()};
  return llvm::FileRemover(llvm::StringRef(path.data(), path.size()));
}

Expected<std::string> flowc::linkSharedLibrary(const std::string &object, const std::string &name) {
  auto linker = findLinker();
  if (!linker)
    return linker;
  llvm::SmallString<128> from, to;
  auto input = createTemporary("o", from), output = createTemporary("so", to);
  if (!input || !output)
    return input ? output.takeError() : input.takeError();
  std::error_code failure;
  llvm::raw_fd_ostream(from, failure) << object;
  llvm::StringRef arguments[] = {*linker, "-shared", "-soname", name, "-z", "noexecstack", "-z", "now", "-o", to, from};
  std::string message;
  int code = llvm::sys::ExecuteAndWait(*linker, arguments, /*Env=*/std::nullopt, /*Redirects=*/{},
                                       /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  auto library = llvm::MemoryBuffer::getFile(to, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (failure || code != 0 || !library)
    return Error{"'" + *linker + "' cannot link '" + name + "'" + (message.empty() ? "" : ": " + message)};
  return (*library)->getBuffer().str();
}
