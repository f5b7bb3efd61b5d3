//===- BridgeStan.cpp - Compiled Stan models as targets -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E. A. Roualdes, B. Ward, B. Carpenter, A. Seyboldt, S. D. Axen, "BridgeStan: efficient
// in-memory access to the methods of a Stan model", JOSS 8(87), 2023. The C interface of
// version 2, of which this is what a target needs.
//
//===----------------------------------------------------------------------===//

#include "SharedLibrary.h"

#include <algorithm>
#include <limits>

using namespace flowc;

namespace {
struct StanModel; // Opaque: the library's bs_model.

/// The library's functions and its model.
struct Bridge {
  std::shared_ptr<SharedLibrary> library;
  StanModel *(*construct)(const char *data, unsigned seed, char **error) = nullptr;
  void (*destruct)(StanModel *) = nullptr;
  void (*freeError)(char *) = nullptr;
  const char *(*name)(const StanModel *) = nullptr;
  const char *(*info)(const StanModel *) = nullptr;
  int (*numUnconstrained)(const StanModel *) = nullptr;
  int (*logDensity)(const StanModel *, bool propto, bool jacobian, const double *x, double *value,
                    char **error) = nullptr;
  int (*logDensityGradient)(const StanModel *, bool propto, bool jacobian, const double *x, double *value,
                            double *gradient, char **error) = nullptr;
  StanModel *model = nullptr;

  Bridge() = default;
  Bridge(const Bridge &) = delete;
  Bridge &operator=(const Bridge &) = delete;
  ~Bridge() {
    if (model)
      destruct(model);
  }

  Expected<void> findFunctions();
  std::string takeMessage(char *error) const;
  Expected<void> evaluate(int64_t dim, const double *x, int64_t rows, double *values, double *gradients) const;
};
} // namespace

Expected<void> Bridge::findFunctions() {
  std::string missing;
  auto find = [&]<typename FunctionType>(FunctionType *&function, const char *name) {
    function = library->find<FunctionType>(name);
    if (!function && missing.empty())
      missing = name;
  };
  find(construct, "bs_model_construct");
  find(destruct, "bs_model_destruct");
  find(freeError, "bs_free_error_msg");
  find(name, "bs_name");
  find(info, "bs_model_info");
  find(numUnconstrained, "bs_param_unc_num");
  find(logDensity, "bs_log_density");
  find(logDensityGradient, "bs_log_density_gradient");
  if (!missing.empty())
    return Error{"the target '" + library->path() + "' has bs_model_construct, but no " + missing +
                 ": expected BridgeStan 2.0 or later"};
  return {};
}

/// The library's message, in one line; it is freed.
std::string Bridge::takeMessage(char *error) const {
  if (!error)
    return "no message";
  std::string text = error;
  freeError(error);
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Rows that the model rejects (an exception in Stan) have the density 0, as for Stan's
/// samplers. If it rejects all of several, something else is wrong.
Expected<void> Bridge::evaluate(int64_t dim, const double *x, int64_t rows, double *values, double *gradients) const {
  std::string message;
  int64_t failed = 0;
  for (int64_t row = 0; row < rows; ++row) {
    char *error = nullptr;
    const double *at = x + row * dim;
    double *gradient = gradients ? gradients + row * dim : nullptr;
    int code = gradient
                   ? logDensityGradient(model, /*propto=*/false, /*jacobian=*/true, at, values + row, gradient, &error)
                   : logDensity(model, /*propto=*/false, /*jacobian=*/true, at, values + row, &error);
    if (code == 0)
      continue;
    values[row] = -std::numeric_limits<double>::infinity();
    if (gradient)
      std::fill_n(gradient, dim, 0.0);
    std::string text = takeMessage(error);
    if (failed++ == 0)
      message = std::move(text);
  }
  if (failed == rows && rows > 1)
    return Error{"the Stan model '" + library->path() + "' rejects all of " + std::to_string(rows) +
                 " points: " + message};
  return {};
}

Expected<ExternalTarget> flowc::loadBridgeStan(std::shared_ptr<SharedLibrary> library, const std::string &data) {
  auto bridge = std::make_shared<Bridge>();
  bridge->library = std::move(library);
  if (auto ok = bridge->findFunctions(); !ok)
    return ok.takeError();
  char *error = nullptr;
  bridge->model = bridge->construct(data.empty() ? nullptr : data.c_str(), /*seed=*/0, &error);
  if (!bridge->model)
    return Error{"cannot make the Stan model of '" + bridge->library->path() + "'" +
                 (data.empty() ? " without data (--target-data)" : " with the data '" + data + "'") + ": " +
                 bridge->takeMessage(error)};
  ExternalTarget target;
  const char *name = bridge->name(bridge->model);
  target.name = name ? name : bridge->library->path();
  target.dim = bridge->numUnconstrained(bridge->model);
  if (target.dim < 1)
    return Error{"the Stan model '" + target.name + "' has no parameters"};
  // Stan's automatic differentiation has one stack for all threads, unless it is built otherwise.
  const char *info = bridge->info(bridge->model);
  target.threadSafe = info && std::string(info).find("STAN_THREADS=true") != std::string::npos;
  target.function = [bridge, dim = target.dim](const double *x, int64_t rows, double *values, double *gradients) {
    return bridge->evaluate(dim, x, rows, values, gradients);
  };
  return target;
}
