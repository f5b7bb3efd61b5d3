//===- Safetensors.h - The safetensors file format --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_SAFETENSORS_H
#define FLOWC_IO_SAFETENSORS_H

#include "flowc/IO/ArrayLayout.h"

#include <map>
#include <utility>

namespace flowc {

/// An open `.safetensors` file whose header has been checked: every tensor lies
/// in the file, sizes fit shapes, nothing overlaps and there are no gaps. If it has
/// a checksum, as all that `writeSafetensors` writes have, all bytes are those that
/// were written.
class SafetensorsReader {
public:
  static Expected<SafetensorsReader> open(const std::string &path);

  const InputFile &file() const { return input; }
  const std::string &path() const { return input.path(); }
  const std::map<std::string, std::string> &metadata() const { return strings; }
  /// Tensors in the order of their data.
  const std::vector<std::pair<std::string, ArrayLayout>> &tensors() const { return layouts; }
  /// The tensor of this name, or null.
  const ArrayLayout *find(const std::string &name) const;

private:
  explicit SafetensorsReader(InputFile input) : input(std::move(input)) {}
  Expected<void> readHeader();
  Expected<void> checkOffsets(int64_t dataStart) const;
  Expected<void> verifyChecksum();

  InputFile input;
  std::map<std::string, std::string> strings;
  std::vector<std::pair<std::string, ArrayLayout>> layouts;
};

/// A tensor to be written; `data` is in C order.
struct TensorToWrite {
  std::string name;
  ElementType type;
  Shape shape;
  const void *data;
};

/// Writes a file atomically and durably, with a checksum among the metadata.
Expected<void> writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                                const std::map<std::string, std::string> &metadata);

} // namespace flowc

#endif // FLOWC_IO_SAFETENSORS_H
