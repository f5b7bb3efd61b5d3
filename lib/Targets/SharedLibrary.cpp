//===- SharedLibrary.cpp - Targets in shared libraries --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedLibrary.h"

#include "flowc/IO/File.h"
#include "flowc/Support/Hash.h"
#include "flowc/target.h"

#include <dlfcn.h>

using namespace flowc;

bool flowc::isTargetLibrary(const std::string &path) {
  return path.ends_with(".so") || path.ends_with(".dylib") || path.find(".so.") != std::string::npos;
}

Expected<std::shared_ptr<SharedLibrary>> SharedLibrary::open(const std::string &path) {
  // A name without a slash would be searched for in the system's folders.
  std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *problem = dlerror();
    return Error{"cannot load the target '" + path + "': " + (problem ? problem : "unknown error")};
  }
  return std::shared_ptr<SharedLibrary>(new SharedLibrary(path, handle));
}

SharedLibrary::~SharedLibrary() { dlclose(handle); }

void *SharedLibrary::lookUp(const char *name) const { return dlsym(handle, name); }

/// The target of a library with the functions of flowc/target.h.
static Expected<ExternalTarget> loadFunctions(std::shared_ptr<SharedLibrary> library, const std::string &data) {
  auto *dim = library->find<decltype(flowc_target_dim)>("flowc_target_dim");
  auto *logDensity = library->find<decltype(flowc_target_log_density)>("flowc_target_log_density");
  auto *load = library->find<decltype(flowc_target_load)>("flowc_target_load");
  auto *error = library->find<decltype(flowc_target_error)>("flowc_target_error");
  auto *isThreadSafe = library->find<decltype(flowc_target_is_thread_safe)>("flowc_target_is_thread_safe");
  auto fail = [library, error](const std::string &what) {
    const char *text = error ? error() : nullptr;
    return Error{what + " of the target '" + library->path() + "' failed" + (text ? std::string(": ") + text : "")};
  };
  if (!dim)
    return Error{"the target '" + library->path() + "' has no function flowc_target_dim, see flowc/target.h"};
  if (!data.empty() && !load)
    return Error{"the target '" + library->path() + "' takes no data: it has no function flowc_target_load"};
  if (load && load(data.empty() ? nullptr : data.c_str()) != 0)
    return fail("flowc_target_load");
  ExternalTarget target;
  target.name = library->path();
  target.dim = dim();
  target.threadSafe = isThreadSafe && isThreadSafe() != 0;
  if (target.dim < 1)
    return Error{"the target '" + library->path() + "' has " + std::to_string(target.dim) +
                 " coordinates, expected at least 1"};
  target.function = [logDensity, fail](const double *x, int64_t rows, double *result,
                                       double *gradient) -> Expected<void> {
    if (logDensity(x, rows, result, gradient) != 0)
      return fail("flowc_target_log_density");
    return {};
  };
  return target;
}

static uint64_t hashOf(const std::string &text) { return hashBytes(text.data(), static_cast<int64_t>(text.size())); }

/// Of what is in the file called `data` or, if there is none, of that text.
static uint64_t hashOfData(const std::string &data) {
  if (data.empty())
    return 0;
  auto contents = readFile(data);
  return hashOf(contents ? *contents : data);
}

Expected<ExternalTarget> flowc::loadTargetLibrary(const std::string &path, const std::string &data) {
  auto library = SharedLibrary::open(path);
  if (!library)
    return library.takeError();
  auto load = (*library)->find<void()>("flowc_target_log_density") ? loadFunctions
              : (*library)->find<void()>("bs_model_construct")     ? loadBridgeStan
                                                                   : nullptr;
  if (load) {
    auto code = readFile(path);
    if (!code)
      return code.takeError();
    auto target = load(std::move(*library), data);
    if (target) {
      target->dataHash = hashOfData(data);
      target->codeHash = hashOf(*code);
    }
    return target;
  }
  return Error{"'" + path + "' is no target: it has neither a function flowc_target_log_density (flowc/target.h) nor " +
               "BridgeStan's bs_model_construct"};
}
