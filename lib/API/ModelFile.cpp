//===- ModelFile.cpp - Models as .safetensors files -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parameters are stored under FlowJAX's paths; `__metadata__` holds what is
// needed to use them: the text of the flow, the item, the element type.
//
//===----------------------------------------------------------------------===//

#include "flowc/API/CheckModel.h"
#include "flowc/API/ModelImpl.h"
#include "flowc/IO/Safetensors.h"
#include "flowc/Support/Format.h"

#include <cmath>
#include <set>

using namespace flowc;

static constexpr const char *formatName = "flowc model";
static constexpr const char *formatVersion = "1";

Expected<void> Model::save(const std::string &path, const std::string &record) const {
  if (auto ok = checkParameters(*this); !ok)
    return Error{"a model that could not be loaded is not written to '" + path + "': " + ok.error().message};
  std::vector<TensorToWrite> tensors;
  std::vector<const void *> data = impl->leafPointers();
  for (size_t i = 0; i < data.size(); ++i)
    tensors.push_back({impl->infos[i].path, impl->infos[i].integer ? ElementType::I32 : elementTypeOf(impl->dtype),
                       impl->infos[i].shape, data[i]});
  std::map<std::string, std::string> metadata = {{"format", formatName},
                                                 {"format_version", formatVersion},
                                                 {"flow", impl->flow.text()},
                                                 {"item", impl->flow.name()},
                                                 {"dtype", elementTypeName(elementTypeOf(impl->dtype))}};
  const std::string &text = record.empty() ? impl->record : record;
  if (!text.empty())
    metadata["record"] = text;
  return writeSafetensors(path, tensors, metadata);
}

namespace {

/// What a model file says about itself.
struct Description {
  std::string text, item, record;
  DType dtype = F32;
};

Expected<Description> readDescription(const SafetensorsReader &file) {
  auto fail = [&](const std::string &problem) { return Error{"'" + file.path() + "' is no flowc model: " + abbreviate(problem, 400)}; };
  const auto &metadata = file.metadata();
  auto get = [&](const char *key) {
    auto it = metadata.find(key);
    return it == metadata.end() ? std::string() : it->second;
  };
  if (get("format") != formatName)
    return fail("its metadata has no entry 'format' = '" + std::string(formatName) + "'");
  if (get("format_version") != formatVersion)
    return fail("its format version is '" + get("format_version") + "', this flowc reads version " + formatVersion);
  Description description{get("flow"), get("item"), get("record")};
  if (description.text.empty() || description.item.empty())
    return fail("its metadata lacks the text of the flow ('flow') or its name ('item')");
  std::string dtype = get("dtype");
  if (dtype != "float32" && dtype != "float64")
    return fail("its dtype is '" + dtype + "', expected float32 or float64");
  description.dtype = dtype == "float32" ? F32 : F64;
  return description;
}

Expected<void> readParameter(const SafetensorsReader &file, Model &model, size_t i) {
  const ParameterInfo &info = model.parameters()[i];
  auto fail = [&](const std::string &problem) {
    return Error{"'" + file.path() + "': parameter '" + info.path + "' " + problem};
  };
  const ArrayLayout *layout = file.find(info.path);
  if (!layout)
    return fail("is missing");
  if (layout->shape != info.shape)
    return fail("has shape " + formatShape(layout->shape) + ", its flow expects " + formatShape(info.shape));
  ElementType expected = info.integer ? ElementType::I32 : elementTypeOf(model.dtype());
  bool matches = layout->type == expected || (info.integer && layout->type == ElementType::I64);
  if (!matches)
    return fail("is stored as " + std::string(elementTypeName(layout->type)) + ", expected " +
                elementTypeName(expected));
  auto values = readArray(file.file(), *layout);
  if (!values)
    return values.takeError();
  for (size_t k = 0; k < values->size(); ++k)
    if (!std::isfinite((*values)[k]))
      return fail("holds " + std::string(std::isnan((*values)[k]) ? "NaN" : "an infinite number") + " (element " +
                  std::to_string(k) + "), expected finite numbers");
  if (auto ok = model.setValues(i, *values); !ok)
    return Error{"'" + file.path() + "': " + ok.error().message};
  return {};
}

} // namespace

Expected<Model> Model::load(const std::string &path, std::string_view name) {
  auto file = SafetensorsReader::open(path);
  if (!file)
    return file.takeError();
  auto description = readDescription(*file);
  if (!description)
    return description.takeError();
  if (!name.empty() && name != description->item)
    return Error{"'" + path + "' is a model of '" + abbreviate(description->item) + "', not of '" + std::string(name) + "'"};
  auto flow = Flow::parse(description->text, description->item, path);
  if (!flow)
    return Error{"the flow text in '" + path + "' cannot be read:\n" + flow.error().message};

  Model model = zeros(*flow, description->dtype);
  std::set<std::string> expected;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    expected.insert(model.parameters()[i].path);
    if (auto ok = readParameter(*file, model, i); !ok)
      return ok.takeError();
  }
  for (const auto &[tensor, layout] : file->tensors())
    if (!expected.count(tensor))
      return Error{"'" + path + "' has a tensor '" + abbreviate(tensor) + "' that its flow '" + flow->name() + "' does not have"};
  if (auto ok = checkPermutations(model); !ok)
    return Error{"'" + path + "': " + ok.error().message};
  model.impl->record = std::move(description->record);
  return model;
}
