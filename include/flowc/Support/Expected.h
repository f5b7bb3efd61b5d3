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

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace flowc {

namespace detail {
/// Ends the program with a message: the caller asks for what does not exist, where no
/// error can be returned.
[[noreturn]] inline void endMisuse(const std::string &what) {
  std::fprintf(stderr, "flowc: %s\n", what.c_str());
  std::abort();
}
} // namespace detail

/// What went wrong, where, what was expected and the likely fix: one message
/// in lower case without a final full stop.
struct Error {
  std::string message;
};

/// A `T`, or the error that kept it from being made. To ask for the one that is not there
/// ends the program with a message.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : state(std::move(value)) {}
  Expected(Error error) : state(std::move(error)) {}

  explicit operator bool() const { return std::holds_alternative<T>(state); }
  T &operator*() { return *operator->(); }
  const T &operator*() const { return *operator->(); }
  T *operator->() { return const_cast<T *>(std::as_const(*this).operator->()); }
  const T *operator->() const {
    const T *value = std::get_if<T>(&state);
    if (!value)
      detail::endMisuse("a result was used that is an error: " + error().message);
    return value;
  }

  /// The error; only if there is no value.
  const Error &error() const {
    const Error *failure = std::get_if<Error>(&state);
    if (!failure)
      detail::endMisuse("error() of a success");
    return *failure;
  }
  Error takeError() { return std::move(const_cast<Error &>(error())); }

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
  const Error &error() const {
    if (!failure)
      detail::endMisuse("error() of a success");
    return *failure;
  }
  Error takeError() { return std::move(const_cast<Error &>(error())); }

private:
  std::optional<Error> failure;
};

} // namespace flowc

#endif // FLOWC_SUPPORT_EXPECTED_H
