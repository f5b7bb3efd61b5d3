//===- Pack.cpp - Objects as archives and shared libraries ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Objects/Objects.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace flowc;

Expected<std::string> flowc::makeArchive(const std::string &object, const std::string &name) {
  llvm::NewArchiveMember member(llvm::MemoryBufferRef(object, name));
  auto buffer = llvm::writeArchiveToBuffer(member, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
                                           /*Deterministic=*/true, /*Thin=*/false);
  if (!buffer)
    return Error{"cannot make an archive: " + llvm::toString(buffer.takeError())};
  return (*buffer)->getBuffer().str();
}

/// The linker for objects like `object`: what is called `ld` knows those of this machine.
static Expected<std::string> findLinker(const std::string &object) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "object"));
  if (!file)
    return Error{"not an object file: " + llvm::toString(file.takeError())};
  llvm::Triple triple = (*file)->makeTriple(), host(llvm::sys::getProcessTriple());
  bool isOwn = triple.getArch() == host.getArch();
  std::string gnu = isOwn ? "ld" : triple.getArchName().str() + "-linux-gnu-ld";
  for (const std::string &name : {gnu, std::string("ld.lld"), std::string("ld.lld-22")})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return Error{"there is no linker (" + gnu + " or ld.lld) to make a shared library with: install " +
               (isOwn ? "binutils or " : "") + "lld, or write a .o or .a file"};
}

namespace {
/// A new file that goes away with its object.
struct TemporaryFile {
  explicit TemporaryFile(llvm::StringRef suffix) : error(llvm::sys::fs::createTemporaryFile("flowc", suffix, path)) {
    if (!error)
      remover.setFile(path);
  }
  void write(const std::string &contents) {
    llvm::raw_fd_ostream stream(path, error);
    stream << contents;
    stream.close();
    if (stream.has_error())
      error = stream.error();
    stream.clear_error();
  }

  llvm::SmallString<128> path;
  std::error_code error;
  llvm::FileRemover remover;
};
} // namespace

Expected<std::string> flowc::linkSharedLibrary(const std::string &object, const std::string &name) {
  auto linker = findLinker(object);
  if (!linker)
    return linker;
  TemporaryFile from("o"), to("so");
  if (!from.error)
    from.write(object);
  if (from.error || to.error)
    return Error{"cannot write a temporary file: " + (from.error ? from.error : to.error).message()};
  llvm::StringRef arguments[] = {*linker, "-shared", "-soname", name,    "-z",     "noexecstack",
                                 "-z",    "now",     "-o",      to.path, from.path};
  std::string message;
  int code = llvm::sys::ExecuteAndWait(*linker, arguments, /*Env=*/std::nullopt, /*Redirects=*/{},
                                       /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  auto library = llvm::MemoryBuffer::getFile(to.path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (code != 0 || !library)
    return Error{"'" + *linker + "' cannot link '" + name + "'" + (message.empty() ? "" : ": " + message)};
  return (*library)->getBuffer().str();
}
