//===- SharedLibrary.h - Functions of a shared library ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TARGETS_SHAREDLIBRARY_H
#define FLOWC_LIB_TARGETS_SHAREDLIBRARY_H

#include "flowc/Targets.h"

#include <memory>

namespace flowc {

/// A shared library that stays loaded as long as this lives.
class SharedLibrary {
public:
  static Expected<std::shared_ptr<SharedLibrary>> open(const std::string &path);
  SharedLibrary(const SharedLibrary &) = delete;
  SharedLibrary &operator=(const SharedLibrary &) = delete;
  ~SharedLibrary();

  const std::string &path() const { return ourPath; }

  /// A function, or null if there is none of this name.
  template <typename FunctionType>
  FunctionType *find(const char *name) const {
    return reinterpret_cast<FunctionType *>(lookUp(name));
  }

private:
  SharedLibrary(std::string path, void *handle) : ourPath(std::move(path)), handle(handle) {}
  void *lookUp(const char *name) const;

  std::string ourPath;
  void *handle;
};

/// The target of a library with BridgeStan's C interface.
Expected<ExternalTarget> loadBridgeStan(std::shared_ptr<SharedLibrary> library, const std::string &data);

} // namespace flowc

#endif // FLOWC_LIB_TARGETS_SHAREDLIBRARY_H
