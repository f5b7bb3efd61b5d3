//===- ObjectCacheTest.cpp - The cache of compiled kernels ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/ObjectCache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace flowc;
namespace fs = std::filesystem;

namespace {
class ObjectCacheTest : public ::testing::Test {
protected:
  void SetUp() override {
    directory = fs::temp_directory_path() / ("flowc-cache-" + std::to_string(getpid()));
    fs::remove_all(directory);
  }
  void TearDown() override { fs::remove_all(directory); }

  /// The one file that a test stored.
  fs::path onlyFile() const {
    fs::path found;
    for (const auto &entry : fs::directory_iterator(directory)) {
      if (entry.path().filename() == "llvmcache.timestamp") // LLVM's, when it last removed files
        continue;
      EXPECT_TRUE(found.empty()) << "more than one file: " << entry.path();
      found = entry.path();
    }
    return found;
  }

  fs::path directory;
};
} // namespace

TEST_F(ObjectCacheTest, GivesBackWhatWasStored) {
  ObjectCache cache(directory);
  CacheKey key = makeCacheKey({"flow", "log_prob"});
  EXPECT_FALSE(cache.load(key));
  std::string object("\x7f"
                     "ELF\0binary",
                     11);
  cache.store(key, object);
  EXPECT_EQ(cache.load(key), object);
  EXPECT_EQ(ObjectCache(directory).load(key), object) << "another process";
  EXPECT_FALSE(cache.load(makeCacheKey({"flow", "sample"})));
}

TEST_F(ObjectCacheTest, KeysDependOnEveryFactAndOnWhereItEnds) {
  EXPECT_EQ(makeCacheKey({"a", "b"}).digest, makeCacheKey({"a", "b"}).digest);
  EXPECT_NE(makeCacheKey({"a", "b"}).digest, makeCacheKey({"b", "a"}).digest);
  EXPECT_NE(makeCacheKey({"ab", ""}).digest, makeCacheKey({"a", "b"}).digest);
  EXPECT_EQ(makeCacheKey({}).digest.size(), 64u);
}

TEST_F(ObjectCacheTest, DamagedFilesAreAbsentAndRemoved) {
  ObjectCache cache(directory);
  CacheKey key = makeCacheKey({"x"});
  for (int damage = 0; damage < 4; ++damage) {
    cache.store(key, "some object code");
    fs::path path = onlyFile();
    if (damage == 0) {
      fs::resize_file(path, fs::file_size(path) - 1);
    } else if (damage == 1) {
      fs::resize_file(path, 3);
    } else if (damage == 2) {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-4, std::ios::end);
      file.put('!');
    } else {
      fs::resize_file(path, 0);
    }
    EXPECT_FALSE(cache.load(key)) << "damage " << damage;
    EXPECT_FALSE(fs::exists(path)) << "damage " << damage;
  }
}

TEST_F(ObjectCacheTest, AnotherKernelsFileIsNotUsed) {
  ObjectCache cache(directory);
  CacheKey key = makeCacheKey({"x"}), other = makeCacheKey({"y"});
  cache.store(key, "code of x");
  fs::path path = onlyFile();
  fs::rename(path, directory / ("llvmcache-" + other.digest));
  EXPECT_FALSE(cache.load(other));
}

TEST_F(ObjectCacheTest, OtherUsersCannotReadOrWriteIt) {
  ObjectCache cache(directory / "deep");
  cache.store(makeCacheKey({"x"}), "code");
  EXPECT_EQ(fs::status(directory / "deep").permissions(), fs::perms::owner_all);
}

TEST_F(ObjectCacheTest, WhatOthersMayWriteToIsNotUsed) {
  ObjectCache cache(directory);
  CacheKey key = makeCacheKey({"x"});
  cache.store(key, "code");
  fs::path path = onlyFile();
  for (fs::perms perms : {fs::perms::group_write, fs::perms::others_write})
    for (const fs::path &opened : {path, directory}) {
      fs::permissions(opened, perms, fs::perm_options::add);
      EXPECT_FALSE(cache.load(key)) << opened;
      fs::permissions(opened, perms, fs::perm_options::remove);
      EXPECT_EQ(cache.load(key), "code") << opened;
    }
  // Nor is anything put there.
  fs::permissions(directory, fs::perms::group_write, fs::perm_options::add);
  CacheKey other = makeCacheKey({"y"});
  cache.store(other, "more code");
  fs::permissions(directory, fs::perms::group_write, fs::perm_options::remove);
  EXPECT_FALSE(cache.load(other));
}

TEST_F(ObjectCacheTest, OtherUsersFilesAreNotUsed) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root can give files away";
  ObjectCache cache(directory);
  CacheKey key = makeCacheKey({"x"});
  cache.store(key, "code");
  fs::path path = onlyFile();
  for (const fs::path &given : {path, directory}) {
    ASSERT_EQ(chown(given.c_str(), 12345, -1), 0);
    EXPECT_FALSE(cache.load(key)) << given;
    ASSERT_EQ(chown(given.c_str(), 0, -1), 0);
    EXPECT_EQ(cache.load(key), "code") << given;
  }
}

TEST_F(ObjectCacheTest, LinksAreNotFollowed) {
  ObjectCache cache(directory);
  CacheKey key = makeCacheKey({"x"});
  cache.store(key, "code");
  fs::path path = onlyFile(), elsewhere = directory.string() + "-elsewhere";
  fs::rename(path, elsewhere);
  fs::create_symlink(elsewhere, path);
  EXPECT_FALSE(cache.load(key));
  EXPECT_TRUE(fs::exists(elsewhere));
  // A new object replaces the link, not what it leads to.
  cache.store(key, "new code");
  EXPECT_EQ(cache.load(key), "new code");
  EXPECT_FALSE(fs::is_symlink(path));
  fs::remove(elsewhere);
}

TEST_F(ObjectCacheTest, StaysBelowItsLimit) {
  ObjectCache cache(directory, /*limitBytes=*/10000);
  std::string object(3000, 'x');
  for (int i = 0; i < 20; ++i)
    cache.store(makeCacheKey({std::to_string(i)}), object);
  uintmax_t total = 0;
  for (const auto &entry : fs::directory_iterator(directory))
    total += entry.file_size();
  EXPECT_LE(total, 10000u);
  EXPECT_GT(total, 0u);
}

TEST_F(ObjectCacheTest, UnusableDirectoriesMeanNoCache) {
  // A file is in the way. (As root, permissions would not keep it from working.)
  std::ofstream(directory) << "a file";
  ObjectCache cache(directory / "below");
  CacheKey key = makeCacheKey({"x"});
  cache.store(key, "code");
  EXPECT_FALSE(cache.load(key));
  ObjectCache none("");
  none.store(key, "code");
  EXPECT_FALSE(none.load(key));
  fs::remove(directory);
}

TEST_F(ObjectCacheTest, ConcurrentWritersLeaveOneGoodFile) {
  CacheKey key = makeCacheKey({"x"});
  std::string object(100000, 'o');
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      ObjectCache cache(directory);
      for (int j = 0; j < 20; ++j) {
        cache.store(key, object);
        auto loaded = cache.load(key);
        EXPECT_TRUE(loaded && *loaded == object);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  onlyFile();
}

TEST_F(ObjectCacheTest, UserDirectoryFollowsTheXDGSpecification) {
  std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  setenv("XDG_CACHE_HOME", "/some/cache", 1);
  EXPECT_EQ(ObjectCache::userDirectory(), "/some/cache/flowc");
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", "/home/me", 1);
  EXPECT_EQ(ObjectCache::userDirectory(), "/home/me/.cache/flowc");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(ObjectCache::userDirectory(), "/home/me/.cache/flowc");
  unsetenv("HOME");
  EXPECT_EQ(ObjectCache::userDirectory(), "");
  setenv("HOME", home.c_str(), 1);
}
