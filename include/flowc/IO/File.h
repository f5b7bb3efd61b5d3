//===- File.h - Files that fail cleanly -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading goes through pread into buffers of the caller (MappedFile.h is for what
// is needed in any order); writing goes to a temporary file that
// takes the final name only when it is complete.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_FILE_H
#define FLOWC_IO_FILE_H

#include "flowc/Support/Expected.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace flowc {

/// A file open for reading.
class InputFile {
public:
  static Expected<InputFile> open(const std::string &path);
  /// What comes on standard input, from its beginning, however often it is asked for:
  /// what is no file is kept in a temporary one that has no name.
  static Expected<InputFile> standardInput();
  /// Keeps what `read` gives (up to `count` bytes; 0 at the end) in a temporary file that
  /// has no name; messages call it `name`.
  static Expected<InputFile> keep(const std::string &name,
                                  const std::function<Expected<size_t>(void *buffer, size_t count)> &read);
  InputFile(InputFile &&other) noexcept;
  InputFile &operator=(InputFile &&other) noexcept;
  ~InputFile();

  const std::string &path() const { return name; }
  /// Number of bytes, or -1 for what has no size (a pipe).
  int64_t size() const { return bytes; }
  int descriptor() const { return fd; }
  /// Reads exactly `count` bytes at `offset`; a shorter file is an error.
  Expected<void> readAt(void *buffer, size_t count, int64_t offset) const;
  /// Reads up to `count` bytes from the current position; 0 at the end.
  Expected<size_t> readSome(void *buffer, size_t count);

private:
  InputFile(std::string name, int fd, int64_t bytes) : name(std::move(name)), fd(fd), bytes(bytes) {}

  std::string name;
  int fd;
  int64_t bytes;
};

/// A file being written, beside its place as NAME.flowc-XXXXXX.tmp. Until `commit` the
/// final name is untouched; what was not committed leaves nothing behind, unless the
/// process is killed: then the next commit of the same name removes it. Devices and pipes
/// are written directly.
class OutputFile {
public:
  /// Fails at once if the file cannot be written there.
  static Expected<OutputFile> create(const std::string &path);
  /// Standard output.
  static OutputFile standardOutput();
  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&) = delete;
  ~OutputFile();

  const std::string &path() const { return name; }
  Expected<void> write(const void *data, size_t count);
  Expected<void> writeAt(const void *data, size_t count, int64_t offset);
  /// Gives the file its name; `toDisk` first waits until the disk has its bytes,
  /// so that not even a crash of the machine leaves half a file.
  Expected<void> commit(bool toDisk = false);

  /// Removes the temporaries of all files being written. Async-signal-safe, for
  /// handlers of signals that end the process.
  static void removeTemporaries();

private:
  friend class InputFile; // keeps what it reads in one
  OutputFile(std::string name, int fd) : name(std::move(name)), fd(fd) {}

  std::string name;
  std::string temporary; ///< Empty: written directly.
  std::string target;    ///< `name` with symbolic links followed.
  int slot = -1;         ///< In the list of temporaries.
  int fd;
};

/// Reads a whole small file; more than `limit` bytes are an error.
Expected<std::string> readFile(const std::string &path, int64_t limit = int64_t(1) << 30);

} // namespace flowc

#endif // FLOWC_IO_FILE_H
