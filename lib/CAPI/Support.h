//===- Support.h - What all functions of the C interface share --*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function of flowc-c.h that can fail is one `call` or one `make`: they check the
// pointers, run the body, and turn what it returns or throws into a `flowc_error`.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CAPI_SUPPORT_H
#define FLOWC_LIB_CAPI_SUPPORT_H

#include "flowc/Table/TableSchema.h"
#include "flowc/Training/TrainingTarget.h"
#include "flowc/flowc-c.h"
#include "flowc/flowc.h"

#include <concepts>
#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>

/// What C sees as an error.
struct flowc_error {
  flowc_status status;
  std::string message;
};

namespace flowc::capi {

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

/// How a training went, for C.
struct Training {
  std::vector<double> trainLosses = {}, valLosses = {};
  std::vector<flowc_step> steps = {};
  int64_t bestRound = 0;
  bool interrupted = false, converged = false;
  std::string record = {};
};

/// Columns of a table that a model knows, for C.
struct Table {
  TableSchema schema;
  std::vector<std::string> columns = {};
  std::string description = {};
};

/// The C++ object that a handle points to.
template <typename Handle>
struct ObjectOf;
template <>
struct ObjectOf<flowc_flow> {
  using Type = Flow;
};
template <>
struct ObjectOf<flowc_model> {
  using Type = Model;
};
template <>
struct ObjectOf<flowc_kernels> {
  using Type = std::shared_ptr<Kernels>;
};
template <>
struct ObjectOf<flowc_target> {
  using Type = TrainingTarget;
};
template <>
struct ObjectOf<flowc_objective> {
  using Type = std::unique_ptr<Objective>;
};
template <>
struct ObjectOf<flowc_training> {
  using Type = Training;
};

template <>
struct ObjectOf<flowc_table> {
  using Type = Table;
};

template <typename Handle>
auto *unwrap(Handle *handle) {
  return reinterpret_cast<typename ObjectOf<Handle>::Type *>(handle);
}
template <typename Handle>
auto *unwrap(const Handle *handle) {
  return reinterpret_cast<const typename ObjectOf<Handle>::Type *>(handle);
}
template <typename Handle, typename Object>
Handle *wrap(Object *object) {
  static_assert(std::same_as<std::remove_const_t<Object>, typename ObjectOf<std::remove_const_t<Handle>>::Type>);
  return reinterpret_cast<Handle *>(object);
}
template <typename Handle>
void destroy(Handle *handle) {
  delete unwrap(handle);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Nothing, or an error of some kind.
class Outcome {
public:
  Outcome() = default;
  Outcome(Error error) : error(new flowc_error{FLOWC_FAILED, std::move(error.message)}) {}
  Outcome(Expected<void> result) {
    if (!result)
      *this = result.takeError();
  }
  /// The call itself is wrong.
  static Outcome invalid(std::string message) {
    Outcome outcome;
    outcome.error.reset(new flowc_error{FLOWC_INVALID_ARGUMENT, std::move(message)});
    return outcome;
  }

  explicit operator bool() const { return !error; }
  flowc_error *release() { return error.release(); }

private:
  std::unique_ptr<flowc_error> error;
};

/// A T, or an error of some kind.
template <typename T>
class Made {
public:
  Made(T value) : value(std::move(value)) {}
  Made(Expected<T> result) {
    if (result)
      value.emplace(std::move(*result));
    else
      failure = result.takeError();
  }
  Made(Outcome failure) : failure(std::move(failure)) {}

  explicit operator bool() const { return value.has_value(); }
  T &operator*() { return *value; }
  T *operator->() { return &*value; }
  Outcome takeFailure() { return std::move(failure); }

private:
  std::optional<T> value;
  Outcome failure;
};

/// An error of the caller's memory; the text is static, since there may be no other.
flowc_error *outOfMemory() noexcept;
/// An error of this kind, or `outOfMemory()` if there is no memory for its text.
flowc_error *makeError(flowc_status status, const char *function, const char *message) noexcept;

/// A pointer that a function needs, and what the header calls it.
struct Needed {
  const char *name;
  const void *pointer;
};
Outcome checkPointers(const char *function, std::initializer_list<Needed> needed);

/// Runs `body`, which gives something that an `Outcome` can be made of, unless something
/// that `function` needs is null.
template <typename Body>
flowc_error *call(const char *function, std::initializer_list<Needed> needed, Body &&body) noexcept {
  try {
    if (Outcome ok = checkPointers(function, needed); !ok)
      return ok.release();
    return Outcome(body()).release();
  } catch (const std::bad_alloc &) {
    return outOfMemory();
  } catch (const std::length_error &) { // beyond what memory could ever hold
    return outOfMemory();
  } catch (const std::exception &error) {
    return makeError(FLOWC_INTERNAL, function, error.what());
  }
}

/// The same for a function that makes an object: `body` gives something that a `Made` of it
/// can be made of.
template <typename Handle, typename Body>
flowc_error *make(const char *function, std::initializer_list<Needed> needed, Handle **result, Body &&body) noexcept {
  if (result)
    *result = nullptr;
  return call(function, needed, [&]() -> Outcome {
    if (Outcome ok = checkPointers(function, {{"result", result}}); !ok)
      return ok;
    Made<typename ObjectOf<Handle>::Type> object = body();
    if (!object)
      return object.takeFailure();
    *result = wrap<Handle>(new typename ObjectOf<Handle>::Type(std::move(*object)));
    return {};
  });
}

//===----------------------------------------------------------------------===//
// Small things
//===----------------------------------------------------------------------===//

inline const char *orEmpty(const char *text) { return text ? text : ""; }

/// Whether an integer from C is an element type.
inline bool isDType(int32_t dtype) { return dtype == FLOWC_F32 || dtype == FLOWC_F64; }
Outcome checkDType(int32_t dtype);
inline DType toDType(int32_t dtype) { return dtype == FLOWC_F32 ? F32 : F64; }
inline flowc_dtype fromDType(DType dtype) { return dtype == F32 ? FLOWC_F32 : FLOWC_F64; }

/// The shape of something for C.
inline const int64_t *giveShape(const std::vector<int64_t> *shape, size_t *rank) {
  if (rank)
    *rank = shape ? shape->size() : 0;
  return shape ? shape->data() : nullptr;
}

} // namespace flowc::capi

#endif // FLOWC_LIB_CAPI_SUPPORT_H
