//===- MappedFile.cpp - Files read by address -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/MappedFile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace flowc;

Expected<std::shared_ptr<const MappedFile>> MappedFile::map(const InputFile &file) {
  auto fail = [&] { return Error{"cannot map '" + file.path() + "': " + std::strerror(errno)}; };
  if (file.size() <= 0)
    return Error{"cannot map '" + file.path() + "': it has no bytes"};
  // A descriptor of its own: the mapping outlives the reader of the header.
  int fd = ::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    return fail();
  void *address = ::mmap(nullptr, static_cast<size_t>(file.size()), PROT_READ, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    Error error = fail();
    ::close(fd);
    return error;
  }
  return std::shared_ptr<const MappedFile>(
      new MappedFile(file.path(), fd, static_cast<const char *>(address), file.size()));
}

MappedFile::~MappedFile() {
  ::munmap(const_cast<char *>(bytes), static_cast<size_t>(count));
  ::close(fd);
}

void MappedFile::willNeed(int64_t offset, int64_t length) const {
  static const int64_t page = ::sysconf(_SC_PAGESIZE);
  int64_t begin = std::max<int64_t>(0, offset) / page * page, end = std::min(offset + length, count);
  if (begin < end)
    ::madvise(const_cast<char *>(bytes) + begin, static_cast<size_t>(end - begin), MADV_WILLNEED);
}

Expected<void> MappedFile::checkSize() const {
  struct stat info;
  if (::fstat(fd, &info) == 0 && info.st_size < count)
    return Error{"'" + name + "' has become shorter while it is in use: " + std::to_string(count) +
                 " bytes are expected, it has " + std::to_string(info.st_size)};
  return {};
}
