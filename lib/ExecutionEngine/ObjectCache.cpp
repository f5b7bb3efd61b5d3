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
#include "llvm/Support/Path.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <random>
#include <sys/stat.h>
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
        for (const ElfW(Phdr) & segment : segments) {
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

/// The file of a key; `llvm::pruneCache` wants to see this prefix.
static std::string nameOf(const CacheKey &key) { return "llvmcache-" + key.digest; }

namespace {
/// A descriptor that is closed at the end.
struct Descriptor {
  int number;

  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor() { close(); }
  bool close() { return number < 0 || ::close(std::exchange(number, -1)) == 0; }
};
} // namespace

/// Whether what is open is of this kind, this user's, and nobody else may write to it:
/// code of somebody else must never run. Asked of the descriptor, so that what is looked
/// at is what is used.
static bool isPrivate(int descriptor, mode_t kind, struct stat &info) {
  return descriptor >= 0 && ::fstat(descriptor, &info) == 0 && (info.st_mode & S_IFMT) == kind &&
         info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// Opens a folder that nobody else may write to, or nothing.
static int openFolder(const std::string &directory) {
  struct stat info;
  int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (isPrivate(folder, S_IFDIR, info))
    return folder;
  Descriptor refused(folder);
  return -1;
}

/// Reads `count` bytes, or fewer from a file that became shorter.
static std::string readAll(int file, size_t count) {
  std::string bytes(count, '\0');
  size_t known = 0;
  while (known < count) {
    ssize_t got = ::read(file, bytes.data() + known, count - known);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    known += static_cast<size_t>(got);
  }
  bytes.resize(known);
  return bytes;
}

static bool writeAll(int file, llvm::StringRef bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return false;
    bytes = bytes.drop_front(static_cast<size_t>(put));
  }
  return true;
}

std::unique_lock<std::mutex> ObjectCache::claim(const CacheKey &key) const {
  if (directory.empty())
    return {};
  // Two keys rarely share a mutex, and then one of them waits a little.
  static std::array<std::mutex, 64> mutexes;
  return std::unique_lock<std::mutex>(mutexes[std::hash<std::string>()(key.digest) % mutexes.size()]);
}

std::optional<std::string> ObjectCache::load(const CacheKey &key) const {
  if (directory.empty())
    return std::nullopt;
  Descriptor folder(openFolder(directory));
  if (folder.number < 0)
    return std::nullopt;
  std::string name = nameOf(key);
  struct stat info;
  Descriptor file(::openat(folder.number, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!isPrivate(file.number, S_IFREG, info))
    return std::nullopt;
  std::string contents = readAll(file.number, static_cast<size_t>(info.st_size));
  llvm::StringRef bytes = contents;
  bool valid = bytes.consume_front(kMagic) && bytes.consume_front(key.digest) && bytes.size() >= kHashBytes;
  if (valid) {
    llvm::StringRef object = bytes.drop_front(kHashBytes);
    if (hashOf(object) == bytes.take_front(kHashBytes))
      return object.str();
  }
  ::unlinkat(folder.number, name.c_str(), 0);
  return std::nullopt;
}

void ObjectCache::store(const CacheKey &key, std::string_view object) const {
  auto privately = static_cast<fs::perms>(fs::owner_all);
  if (directory.empty() || fs::create_directories(directory, /*IgnoreExisting=*/true, privately))
    return;
  Descriptor folder(openFolder(directory));
  if (folder.number < 0)
    return;
  // Not `fs::TempFile`: it would install LLVM's signal handlers in the process.
  std::string name = nameOf(key), temporary;
  std::random_device random;
  Descriptor file(-1);
  for (int attempt = 0; attempt < 100 && file.number < 0; ++attempt) {
    temporary = name + "." + llvm::utohexstr(random()) + ".tmp";
    file.number =
        ::openat(folder.number, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  }
  if (file.number < 0)
    return;
  llvm::StringRef contents(object.data(), object.size());
  bool written = writeAll(file.number, (kMagic + key.digest).str()) && writeAll(file.number, hashOf(contents)) &&
                 writeAll(file.number, contents);
  if (!file.close() || !written || ::renameat(folder.number, temporary.c_str(), folder.number, name.c_str()) != 0) {
    ::unlinkat(folder.number, temporary.c_str(), 0);
    return;
  }
  llvm::CachePruningPolicy policy;
  policy.Interval = std::chrono::seconds(0);
  policy.Expiration = std::chrono::hours(90 * 24);
  policy.MaxSizeBytes = limitBytes;
  llvm::pruneCache(directory, policy);
}
