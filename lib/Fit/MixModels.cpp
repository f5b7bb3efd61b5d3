//===- MixModels.cpp - Several trainings as one model ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MixModels.h"

#include "flowc/Training/SupportMap.h"

#include <algorithm>

using namespace flowc;

Expected<Model> flowc::mixModels(std::span<const Model> models) {
  const Flow &one = models.front().flow();
  auto [text, name] = addItem(one.text(), one.name() + "_mixture",
                              "\n# Trainings of the same flow, in equal parts.\nflow @ = vmap_mixture(" + one.name() +
                                  ", weights = ones(" + std::to_string(models.size()) + "))");
  auto flow = Flow::parse(text, name, "mixture of trainings");
  if (!flow)
    return flow.takeError();
  auto mixture = Model::initialise(*flow, {.seed = 0, .dtype = models.front().dtype()});
  if (!mixture)
    return mixture;
  // Each array of the copies holds those of the models, one after the other.
  const std::string copies = ".dist";
  const std::vector<ParameterInfo> &parts = models.front().parameters();
  for (size_t i = 0; i < mixture->parameters().size(); ++i) {
    auto part = std::ranges::find_if(
        parts, [&](const ParameterInfo &info) { return copies + info.path == mixture->parameters()[i].path; });
    if (part == parts.end())
      continue; // The weights.
    std::vector<double> values;
    for (const Model &model : models) {
      std::vector<double> own = model.values(static_cast<size_t>(part - parts.begin()));
      values.insert(values.end(), own.begin(), own.end());
    }
    if (auto ok = mixture->setValues(i, values); !ok)
      return ok.takeError();
  }
  return mixture;
}
