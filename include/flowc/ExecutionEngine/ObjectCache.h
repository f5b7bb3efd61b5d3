//===- ObjectCache.h - Compiled kernels on disk -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file per kernel, named after a hash of everything that its code depends
// on. The key is known before MLIR is set up, so that a hit costs a fraction of
// a millisecond. A cache is an optimisation: whatever goes wrong with it, the
// kernel is compiled instead.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXECUTIONENGINE_OBJECTCACHE_H
#define FLOWC_EXECUTIONENGINE_OBJECTCACHE_H

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowc {

/// Identifies code, or a request for it: 64 hexadecimal digits.
struct CacheKey {
  std::string digest;
};

/// The key of these facts, in this order, and of this build of flowc and LLVM.
CacheKey makeCacheKey(const std::vector<std::string> &facts);

/// A directory of compiled kernels, shared by processes.
class ObjectCache {
public:
  /// A cache in `directory` (empty: no cache), which holds at most `limitBytes`.
  explicit ObjectCache(std::string directory, uint64_t limitBytes = 256 << 20);

  /// The user's cache: `$XDG_CACHE_HOME/flowc`, else `~/.cache/flowc`.
  static std::string userDirectory();

  /// The object stored under `key`. A file that is cut off or damaged is removed and
  /// counts as absent; so do, untouched, a link, and a file or directory that belongs to
  /// another user or that others may write to.
  std::optional<std::string> load(const CacheKey &key) const;

  /// Keeps other threads of this process from compiling what `key` identifies, which they
  /// will find in the cache; holds nothing without a cache.
  std::unique_lock<std::mutex> claim(const CacheKey &key) const;

  /// Stores an object atomically and removes the files used least recently if
  /// the cache is over its limit. Does nothing if the directory cannot be used,
  /// belongs to another user, or if others may write to it.
  void store(const CacheKey &key, std::string_view object) const;

private:
  std::string directory;
  uint64_t limitBytes;
};

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_OBJECTCACHE_H
