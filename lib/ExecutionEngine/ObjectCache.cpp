//===- ObjectCache.cpp - Compiled kernels on disk -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/ObjectCache.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

using namespace flowc;
namespace fs = llvm::sys::fs;

/// Start of every file; changes with the layout of files.
static constexpr llvm::StringLiteral kMagic = "flowc-object-1\n";
static constexpr size_t kHashBytes = 32;

static std::string hashOf(llvm::StringRef bytes) {
  llvm::BLAKE3 hasher;
  hasher.update(bytes);
  auto digest = hasher.final<kHashBytes>();
  return std::string(reinterpret_cast<const char *>(digest.data()), digest.size());
}

/// The linker's build id of the program or library that holds this function: a
/// new build of flowc must not use what an older one compiled.
static std::string findBuildId() {
  struct Search {
    uintptr_t address;
    std::string id;
  } search = {reinterpret_cast<uintptr_t>(&findBuildId), {}};
  dl_iterate_phdr(
      [](dl_phdr_info *object, size_t, void *data) {
        auto &search = *static_cast<Search *>(data);
        llvm::ArrayRef<ElfW(Phdr)> segments(object->dlpi_phdr, object->dlpi_phnum);
        bool holdsAddress = llvm::any_of(segments, [&](const ElfW(Phdr) & segment) {
          uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
          return segment.p_type == PT_LOAD && search.address - begin < segment.p_memsz;
        });
        if (!holdsAddress)
          return 0;
        for (const ElfW(Phdr) &segment : segments) {
          if (segment.p_type != PT_NOTE)
            continue;
          const char *note = reinterpret_cast<const char *>(object->dlpi_addr + segment.p_vaddr);
          const char *end = note + segment.p_memsz;
          while (note + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) header;
            std::memcpy(&header, note, sizeof(header));
            const char *name = note + sizeof(header);
            const char *contents = name + llvm::alignTo<4>(header.n_namesz);
            if (header.n_type == NT_GNU_BUILD_ID && llvm::StringRef(name, 3) == ELF_NOTE_GNU)
              search.id.assign(contents, header.n_descsz);
            note = contents + llvm::alignTo<4>(header.n_descsz);
          }
        }
        return 1;
      },
      &search);
  if (!search.id.empty())
    return search.id;
  // Linked without a build id: size and time of the file tell builds apart.
  Dl_info info;
  fs::file_status status;
  if (dladdr(reinterpret_cast<void *>(&findBuildId), &info) && !fs::status(info.dli_fname, status))
    return std::to_string(status.getSize()) + "@" +
           std::to_string(status.getLastModificationTime().time_since_epoch().count());
  return {};
}

CacheKey flowc::makeCacheKey(const std::vector<std::string> &facts) {
  static const std::string buildId = findBuildId();
  llvm::BLAKE3 hasher;
  auto add = [&](llvm::StringRef fact) {
    // With its length, so that facts cannot run into each other.
    hasher.update(std::to_string(fact.size()) + ":");
    hasher.update(fact);
  };
  add(kMagic);
  add(LLVM_VERSION_STRING);
  add(buildId);
  for (const std::string &fact : facts)
    add(fact);
  return {llvm::toHex(hasher.final<kHashBytes>(), /*LowerCase=*/true)};
}

ObjectCache::ObjectCache(std::string directory, uint64_t limitBytes)
    : directory(std::move(directory)), limitBytes(limitBytes) {}

std::string ObjectCache::userDirectory() {
  llvm::SmallString<128> path;
  const char *base = std::getenv("XDG_CACHE_HOME");
  // The XDG specification: relative paths are invalid and ignored.
  if (base && llvm::sys::path::is_absolute(base)) {
    path = base;
  } else if (const char *home = std::getenv("HOME"); home && *home) {
    path = home;
    llvm::sys::path::append(path, ".cache");
  } else {
    return {};
  }
  llvm::sys::path::append(path, "flowc");
  return path.str().str();
}

std::string ObjectCache::pathOf(const CacheKey &key) const {
  llvm::SmallString<128> path(directory);
  // The prefix that `llvm::pruneCache` wants to see.
  llvm::sys::path::append(path, "llvmcache-" + key.digest);
  return path.str().str();
}

std::optional<std::string> ObjectCache::load(const CacheKey &key) const {
  if (directory.empty())
    return std::nullopt;
  std::string path = pathOf(key);
  fs::file_status status;
  // Code of somebody else must never run.
  if (fs::status(path, status) || status.getUser() != geteuid() || status.type() != fs::file_type::regular_file)
    return std::nullopt;
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return std::nullopt;
  llvm::StringRef bytes = (*file)->getBuffer();
  bool valid = bytes.consume_front(kMagic) && bytes.consume_front(key.digest) && bytes.size() >= kHashBytes;
  if (valid) {
    llvm::StringRef object = bytes.drop_front(kHashBytes);
    if (hashOf(object) == bytes.take_front(kHashBytes))
      return object.str();
  }
  fs::remove(path);
  return std::nullopt;
}

void ObjectCache::store(const CacheKey &key, std::string_view object) const {
  auto privately = static_cast<fs::perms>(fs::owner_all);
  if (directory.empty() || fs::create_directories(directory, /*IgnoreExisting=*/true, privately))
    return;
  std::string path = pathOf(key);
  // Not `fs::TempFile`: it would install LLVM's signal handlers in the process.
  int descriptor = -1;
  llvm::SmallString<128> temporary;
  if (fs::createUniqueFile(path + ".%%%%%%%%.tmp", descriptor, temporary, fs::OF_None,
                           fs::owner_read | fs::owner_write))
    return;
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  llvm::StringRef contents(object.data(), object.size());
  stream << kMagic << key.digest << hashOf(contents) << contents;
  stream.close();
  bool failed = stream.has_error();
  stream.clear_error();
  if (failed || fs::rename(temporary, path)) {
    fs::remove(temporary);
    return;
  }
  llvm::CachePruningPolicy policy;
  policy.Interval = std::chrono::seconds(0);
  policy.Expiration = std::chrono::hours(90 * 24);
  policy.MaxSizeBytes = limitBytes;
  llvm::pruneCache(directory, policy);
}
