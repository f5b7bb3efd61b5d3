//===- Protobuf.h - The wire format of protocol buffers ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As much of it as ONNX needs: numbers, texts and messages in fields
// (https://protobuf.dev/programming-guides/encoding).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_ONNX_PROTOBUF_H
#define FLOWC_LIB_ONNX_PROTOBUF_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flowc::onnx {

/// A message as it is written. Fields come in the order of the calls; a field that is
/// added again is one more element of a repeated one.
class Message {
public:
  Message &add(int field, int64_t number);
  Message &add(int field, std::string_view text);
  Message &add(int field, const Message &message) { return add(field, std::string_view(message.bytes)); }
  /// Numbers as elements of a repeated field.
  Message &addEach(int field, std::span<const int64_t> numbers);
  /// All fields of `other`.
  Message &append(const Message &other);

  const std::string &str() const { return bytes; }

private:
  void addVarint(uint64_t number);

  std::string bytes;
};

} // namespace flowc::onnx

#endif // FLOWC_LIB_ONNX_PROTOBUF_H
