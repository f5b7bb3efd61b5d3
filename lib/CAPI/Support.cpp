//===- Support.cpp - Errors and versions for C ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"

using namespace flowc;
using namespace flowc::capi;

/// Made when the library is loaded, and never freed.
static flowc_error memoryError = {FLOWC_OUT_OF_MEMORY, "out of memory"};

flowc_error *capi::outOfMemory() noexcept { return &memoryError; }

flowc_error *capi::makeError(flowc_status status, const char *function, const char *message) noexcept {
  try {
    return new flowc_error{status, std::string(function) + ": " + message};
  } catch (const std::bad_alloc &) {
    return outOfMemory();
  }
}

Outcome capi::checkPointers(const char *function, std::initializer_list<Needed> needed) {
  for (const Needed &argument : needed)
    if (!argument.pointer)
      return Outcome::invalid(std::string(function) + ": '" + argument.name + "' is a null pointer");
  return {};
}

Outcome capi::checkDType(int32_t dtype) {
  if (isDType(dtype))
    return {};
  return Outcome::invalid("there is no element type " + std::to_string(dtype) + ", expected FLOWC_F32 or FLOWC_F64");
}

int flowc_c_api_major(void) { return FLOWC_C_API_MAJOR; }
int flowc_c_api_minor(void) { return FLOWC_C_API_MINOR; }
const char *flowc_version(void) { return FLOWC_VERSION; }

flowc_status flowc_error_status(const flowc_error *error) { return error ? error->status : FLOWC_OK; }
const char *flowc_error_message(const flowc_error *error) { return error ? error->message.c_str() : ""; }
void flowc_error_free(flowc_error *error) {
  if (error != &memoryError)
    delete error;
}
