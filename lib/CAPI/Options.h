//===- Options.h - Structs of options that grow -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program may have been compiled with fewer options than the library knows, or with
// more: the struct says its size.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CAPI_OPTIONS_H
#define FLOWC_LIB_CAPI_OPTIONS_H

#include "Support.h"

#include <algorithm>
#include <cstring>

namespace flowc::capi {

/// No struct of options becomes larger; what says so has not been initialised.
inline constexpr size_t kLargestOptions = 4096;

/// Sets the first `size` bytes of `options` to the defaults; what is unknown to 0.
template <typename Options>
void initOptions(Options *options, size_t size, Options defaults) {
  if (!options || size < sizeof(size_t) || size > kLargestOptions)
    return;
  defaults.size = size;
  std::memset(static_cast<void *>(options), 0, size);
  std::memcpy(static_cast<void *>(options), &defaults, std::min(size, sizeof(Options)));
}

/// Replaces the defaults in `options` by what the caller gives, if anything.
template <typename Options>
Outcome readOptions(const Options *given, Options &options) {
  if (!given)
    return {};
  size_t size = given->size;
  if (size < sizeof(size_t) || size > kLargestOptions)
    return Outcome::invalid("'options' has a size of " + std::to_string(size) +
                            ": call the function with _options_init behind its name first");
  const auto *bytes = reinterpret_cast<const unsigned char *>(given);
  if (size > sizeof(Options) && std::any_of(bytes + sizeof(Options), bytes + size, [](auto byte) { return byte != 0; }))
    return Outcome::invalid("'options' sets something that this version of flowc (" FLOWC_VERSION ") does not know");
  std::memcpy(static_cast<void *>(&options), bytes, std::min(size, sizeof(Options)));
  return {};
}

/// The options of `compile` that the caller gives.
Made<CompileOptions> readCompileOptions(const flowc_compile_options *given);

} // namespace flowc::capi

#endif // FLOWC_LIB_CAPI_OPTIONS_H
