//===- SupportMap.cpp - Events in coordinates over all of R^D -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/SupportMap.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Frontend/Support.h"

#include <cmath>
#include <numbers>

using namespace flowc;

std::pair<std::string, std::string> flowc::addItem(std::string text, std::string stem, std::string definition) {
  while (text.find(stem) != std::string::npos)
    stem += '_';
  if (!text.empty() && text.back() != '\n')
    text += '\n';
  definition.replace(definition.find('@'), 1, stem);
  return {text + definition + "\n", stem};
}

Expected<std::optional<SupportMap>> SupportMap::create(const Flow &flow, CompileOptions options) {
  auto split = splitSupport(Flow::Impl::of(flow).root);
  if (!split)
    return std::optional<SupportMap>();
  SupportMap map;
  if (split->maps.empty())
    return std::optional(map);
  auto [text, name] = addItem(flow.text(), flow.name() + "_support",
                              "flow @ = transformed(standard_normal(" + formatShape(flow.shape()) + "), support_map(" +
                                  flow.name() + "))");
  auto behind = Flow::parse(text, name, "map onto the support");
  if (!behind)
    return behind.takeError();
  auto model = Model::initialise(*behind, {.dtype = F64});
  if (!model)
    return model.takeError();
  options.dtype = F64;
  options.target.reset();
  auto kernels = compile(*behind, options);
  if (!kernels)
    return kernels.takeError();
  map.model = std::make_shared<const Model>(std::move(*model));
  map.kernels = std::move(*kernels);
  return std::optional(map);
}

Expected<Rows<double>> SupportMap::invert(Rows<double> x) const {
  if (isIdentity())
    return x;
  auto result = kernels->inverse<double>(*model, x);
  if (!result)
    return result.takeError();
  return std::move(result->first);
}

TargetFunction SupportMap::pullBack(TargetFunction target) const {
  if (isIdentity())
    return target;
  return [map = *this, target = std::move(target)](const double *u, int64_t rows, double *logDensity,
                                                   double *gradient) -> Expected<void> {
    int64_t dim = map.kernels->flow().dim();
    Rows<double> z = Eigen::Map<const Rows<double>>(u, rows, dim), slope(gradient ? rows : 0, dim);
    auto pushed = map.kernels->push<double>(*map.model, z);
    if (!pushed)
      return pushed.takeError();
    if (auto ok = target(pushed->first.data(), rows, logDensity, gradient ? slope.data() : nullptr); !ok)
      return ok;
    // log |det dB/du| is the log-density of the normal distribution at u less that behind B.
    double constant = 0.5 * static_cast<double>(dim) * std::log(2 * std::numbers::pi);
    Eigen::Map<Column<double>>(logDensity, rows) -= 0.5 * z.rowwise().squaredNorm() + pushed->second;
    Eigen::Map<Column<double>>(logDensity, rows).array() -= constant;
    if (!gradient)
      return {};
    auto pulled = map.kernels->pullBackPush<double>(*map.model, z, slope, Column<double>::Constant(rows, -1), {},
                                                    {.parameters = false, .inputs = true});
    if (!pulled)
      return pulled.takeError();
    Eigen::Map<Rows<double>>(gradient, rows, dim) = pulled->inputs - z;
    return {};
  };
}
