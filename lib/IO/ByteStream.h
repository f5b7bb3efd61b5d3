//===- ByteStream.h - Bytes of a file, compressed or not --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_IO_BYTESTREAM_H
#define FLOWC_LIB_IO_BYTESTREAM_H

#include "flowc/IO/File.h"

#include <functional>
#include <memory>
#include <vector>

namespace flowc::detail {

/// Gives up to `count` bytes; 0 at the end.
using ReadBytes = std::function<Expected<size_t>(void *buffer, size_t count)>;

/// What zlib has packed.
enum class Packing { Gzip, RawDeflate };

/// The bytes of `packed`, unpacked. `what` names it in messages.
ReadBytes unpack(ReadBytes packed, Packing packing, const std::string &what);

/// The bytes of a file, unpacked if it is a gzip file (whatever its name).
Expected<ReadBytes> openBytes(std::shared_ptr<InputFile> file);

} // namespace flowc::detail

#endif // FLOWC_LIB_IO_BYTESTREAM_H
