//===- ByteStream.cpp - Bytes of a file, compressed or not ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ByteStream.h"

#include <algorithm>
#include <cstring>

#include <zlib.h>

using namespace flowc;
using namespace flowc::detail;

namespace {

/// Unpacks a stream, or several, one after the other (as gzip files may hold).
class Unpacker {
public:
  Unpacker(ReadBytes packed, Packing packing, std::string what)
      : packed(std::move(packed)), packing(packing), what(std::move(what)) {
    // zlib's notation: 15 bits of window, 16 more for gzip, negative without a header.
    isReady = ::inflateInit2(&stream, packing == Packing::Gzip ? 15 + 16 : -15) == Z_OK;
  }
  Unpacker(const Unpacker &) = delete;
  Unpacker &operator=(const Unpacker &) = delete;
  ~Unpacker() {
    if (isReady)
      ::inflateEnd(&stream);
  }

  Expected<size_t> read(void *buffer, size_t count);

private:
  /// Fills the input if it is empty; false at its end.
  Expected<bool> refill();
  Error damaged() const {
    return {what + " cannot be unpacked: " + (stream.msg ? stream.msg : "its compressed data is damaged")};
  }

  ReadBytes packed;
  Packing packing;
  std::string what;
  z_stream stream{};
  std::vector<unsigned char> input = std::vector<unsigned char>(1 << 16);
  bool isReady, isBetween = false;
};

} // namespace

Expected<bool> Unpacker::refill() {
  if (stream.avail_in > 0)
    return true;
  auto got = packed(input.data(), input.size());
  if (!got)
    return got.takeError();
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(*got);
  return *got > 0;
}

Expected<size_t> Unpacker::read(void *buffer, size_t count) {
  if (!isReady)
    return Error{what + " cannot be unpacked: there is not enough memory"};
  stream.next_out = static_cast<unsigned char *>(buffer);
  stream.avail_out = static_cast<uInt>(std::min<size_t>(count, 1 << 30));
  const uInt wanted = stream.avail_out;
  while (stream.avail_out == wanted) {
    auto more = refill();
    if (!more)
      return more.takeError();
    if (!*more) {
      if (!isBetween)
        return Error{what + " is cut off: its compressed data has no end"};
      return size_t(0);
    }
    if (isBetween && ::inflateReset(&stream) != Z_OK)
      return damaged();
    isBetween = false;
    int status = ::inflate(&stream, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      isBetween = true;
      if (packing == Packing::RawDeflate)
        packed = [](void *, size_t) { return Expected<size_t>(0); }, stream.avail_in = 0;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return damaged();
    }
  }
  return static_cast<size_t>(wanted - stream.avail_out);
}

ReadBytes detail::unpack(ReadBytes packed, Packing packing, const std::string &what) {
  auto unpacker = std::make_shared<Unpacker>(std::move(packed), packing, what);
  return [unpacker](void *buffer, size_t count) { return unpacker->read(buffer, count); };
}

Expected<ReadBytes> detail::openBytes(std::shared_ptr<InputFile> file) {
  // The first bytes say what it is; they are read again.
  auto begin = std::make_shared<std::string>(2, '\0');
  size_t known = 0;
  while (known < begin->size()) {
    auto got = file->readSome(begin->data() + known, begin->size() - known);
    if (!got)
      return got.takeError();
    if (*got == 0)
      break;
    known += *got;
  }
  begin->resize(known);
  std::string what = "'" + file->path() + "'";
  bool isPacked = *begin == "\x1f\x8b";
  ReadBytes plain = [file = std::move(file), begin](void *buffer, size_t count) -> Expected<size_t> {
    if (begin->empty() || count == 0)
      return file->readSome(buffer, count);
    size_t given = std::min(count, begin->size());
    std::memcpy(buffer, begin->data(), given);
    begin->erase(0, given);
    return given;
  };
  return isPacked ? unpack(std::move(plain), Packing::Gzip, what) : plain;
}
