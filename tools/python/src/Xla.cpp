//===- Xla.cpp - Flows in programs of XLA ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function for XLA's foreign-function interface, which runs any kernel. A program has
// everything in it that the function needs: the text of the flow as an attribute, all
// parameters as arrays. It can be kept, and run in another process, like any other.
//
//===----------------------------------------------------------------------===//

#include "Functional.h"

#include "xla/ffi/api/ffi.h"

using namespace flowc::python;
namespace ffi = xla::ffi;

namespace {

/// What stands before a kernel's own arrays.
enum Operand { Trainable, Frozen, Stream, Inputs };

int64_t sizeOf(std::span<const int64_t> sizes) {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

/// An array whose first axis is that of rows, as `flowc_input` or `flowc_output`.
template <typename Array>
Array rowsOf(const ffi::AnyBuffer &buffer) {
  std::span<const int64_t> sizes(buffer.dimensions().begin(), buffer.dimensions().size());
  if (sizes.empty())
    throw FlowError("an array has no axis of rows");
  flowc_dtype dtype = buffer.element_type() == ffi::DataType::F32 ? FLOWC_F32 : FLOWC_F64;
  return {buffer.untyped_data(), sizes[0], sizeOf(sizes.subspan(1)), dtype, 0};
}

template <typename T>
T get(ffi::ErrorOr<T> array) {
  if (array.has_error())
    throw FlowError(array.error().message());
  return *array;
}

ffi::AnyBuffer argument(const ffi::RemainingArgs &arguments, size_t i) { return get(arguments.get<ffi::AnyBuffer>(i)); }

void run(std::string_view text, std::string_view name, std::string_view kernel, int32_t threads,
         const ffi::RemainingArgs &arguments, const ffi::RemainingRets &results) {
  Functional::Call call{.kernel = std::string(kernel),
                        .trainable = rowsOf<flowc_input>(argument(arguments, Trainable)),
                        .frozen = rowsOf<flowc_input>(argument(arguments, Frozen))};
  // Seed and first draw, 32 bits each time.
  ffi::AnyBuffer stream = argument(arguments, Stream);
  if (stream.element_type() != ffi::DataType::U32 || stream.element_count() != 4)
    throw FlowError("the stream of draws has to be 4 numbers of uint32");
  const auto *words = static_cast<const uint32_t *>(stream.untyped_data());
  call.seed = words[0] | uint64_t{words[1]} << 32;
  call.first = words[2] | uint64_t{words[3]} << 32;
  for (size_t i = Inputs; i < arguments.size(); ++i)
    call.inputs.push_back(rowsOf<flowc_input>(argument(arguments, i)));
  for (size_t i = 0; i < results.size(); ++i)
    call.outputs.push_back(rowsOf<flowc_output>(*get(results.get<ffi::AnyBuffer>(i))));
  Functional::find(text, name, static_cast<flowc_dtype>(call.trainable.dtype), threads)->run(call);
}

ffi::Error runForXla(std::string_view text, std::string_view name, std::string_view kernel, int32_t threads,
                     ffi::RemainingArgs arguments, ffi::RemainingRets results) noexcept {
  try {
    run(text, name, kernel, threads, arguments, results);
    return ffi::Error::Success();
  } catch (const std::bad_alloc &) {
    return {ffi::ErrorCode::kResourceExhausted, "flowc: out of memory"};
  } catch (const std::exception &error) {
    return ffi::Error::InvalidArgument(error.what());
  }
}

XLA_FFI_DEFINE_HANDLER(handler, runForXla,
                       ffi::Ffi::Bind()
                           .Attr<std::string_view>("text")
                           .Attr<std::string_view>("name")
                           .Attr<std::string_view>("kernel")
                           .Attr<int32_t>("threads")
                           .RemainingArgs()
                           .RemainingRets());

} // namespace

void flowc::python::addXla(nb::module_ &module) {
  module.def(
      "xla_handler", [] { return nb::capsule(reinterpret_cast<void *>(handler)); },
      "The function for XLA that runs kernels, for jax.ffi.register_ffi_target.");
}
