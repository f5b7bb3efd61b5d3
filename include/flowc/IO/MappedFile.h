//===- MappedFile.h - Files read by address ---------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For data larger than memory that is needed in any order. The pages belong to the
// system's cache: they are read when they are touched, and dropped when memory is
// short. A file must not become shorter meanwhile: who touches a page that is lost
// gets SIGBUS, which no error value can stand for. `checkSize` tells before.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_MAPPEDFILE_H
#define FLOWC_IO_MAPPEDFILE_H

#include "flowc/IO/File.h"

#include <memory>

namespace flowc {

/// The bytes of a file, which stays open.
class MappedFile {
public:
  /// Errors: what has no size or no bytes; a file system that cannot do it.
  static Expected<std::shared_ptr<const MappedFile>> map(const InputFile &file);
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  const char *data() const { return bytes; }
  int64_t size() const { return count; }

  /// Starts to read `length` bytes at `offset` that will be needed soon.
  void willNeed(int64_t offset, int64_t length) const;
  /// An error if the file has become shorter.
  Expected<void> checkSize() const;

private:
  MappedFile(std::string name, int fd, const char *bytes, int64_t count)
      : name(std::move(name)), fd(fd), bytes(bytes), count(count) {}

  std::string name;
  int fd;
  const char *bytes;
  int64_t count;
};

} // namespace flowc

#endif // FLOWC_IO_MAPPEDFILE_H
