//===- Expected.h - A value or an error message -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors are values in flowc: a message that a user can act on. No LLVM type
// appears here, so that public headers can use it.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_EXPECTED_H
#define FLOWC_SUPPORT_EXPECTED_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace flowc {

/// What went wrong, where, what was expected and the likely fix: one message
/// in lower case without a final full stop.
struct Error {
  std::string message;
};

/// A `T`, or the error that kept it from being made.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : state(std::move(value)) {}
  Expected(Error error) : state(std::move(error)) {}

  explicit operator bool() const { return std::holds_alternative<T>(state); }
  T &operator*() { return std::get<T>(state); }
  const T &operator*() const { return std::get<T>(state); }
  T *operator->() { return &std::get<T>(state); }
  const T *operator->() const { return &std::get<T>(state); }

  /// The error; only if there is no value.
  const Error &error() const { return std::get<Error>(state); }
  Error takeError() { return std::move(std::get<Error>(state)); }

private:
  std::variant<T, Error> state;
};

/// Success, or an error.
template <>
class [[nodiscard]] Expected<void> {
public:
  Expected() = default;
  Expected(Error error) : failure(std::move(error)) {}

  explicit operator bool() const { return !failure; }
  const Error &error() const { return *failure; }
  Error takeError() { return std::move(*failure); }

private:
  std::optional<Error> failure;
};

} // namespace flowc

#endif // FLOWC_SUPPORT_EXPECTED_H
