//===- Protobuf.cpp - The wire format of protocol buffers -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Protobuf.h"

using namespace flowc::onnx;

/// What stands behind the number of a field in its tag.
enum WireType : uint64_t { Varint = 0, LengthDelimited = 2 };

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
void Message::addVarint(uint64_t number) {
  for (; number >= 0x80; number >>= 7)
    bytes += static_cast<char>(number | 0x80);
  bytes += static_cast<char>(number);
}

Message &Message::add(int field, int64_t number) {
  addVarint(static_cast<uint64_t>(field) << 3 | Varint);
  addVarint(static_cast<uint64_t>(number));
  return *this;
}

Message &Message::add(int field, std::string_view text) {
  addVarint(static_cast<uint64_t>(field) << 3 | LengthDelimited);
  addVarint(text.size());
  bytes += text;
  return *this;
}

Message &Message::addEach(int field, std::span<const int64_t> numbers) {
  for (int64_t number : numbers)
    add(field, number);
  return *this;
}

Message &Message::append(const Message &other) {
  bytes += other.bytes;
  return *this;
}
