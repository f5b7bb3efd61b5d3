//===- Model.cpp - Models for C -------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

#include "flowc/API/CheckModel.h"
#include "flowc/Support/Shape.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::capi;

//===----------------------------------------------------------------------===//
// Making and writing
//===----------------------------------------------------------------------===//

flowc_error *flowc_model_init(const flowc_flow *flow, flowc_dtype dtype, uint64_t seed, flowc_model **result) {
  return make(__func__, {{"flow", flow}}, result, [&]() -> Made<Model> {
    if (Outcome ok = checkDType(dtype); !ok)
      return ok;
    return Model::initialise(*unwrap(flow), {.seed = seed, .dtype = toDType(dtype)});
  });
}

flowc_error *flowc_model_load(const char *path, const char *name, flowc_model **result) {
  return make(__func__, {{"path", path}}, result, [&] { return Model::load(path, orEmpty(name)); });
}

flowc_error *flowc_model_import_equinox(const flowc_flow *flow, const char *path, flowc_model **result) {
  return make(__func__, {{"flow", flow}, {"path", path}}, result,
              [&] { return Model::importEquinox(*unwrap(flow), path); });
}

flowc_error *flowc_model_save(const flowc_model *model, const char *path, const char *record) {
  return call(__func__, {{"model", model}, {"path", path}}, [&] { return unwrap(model)->save(path, orEmpty(record)); });
}

flowc_error *flowc_model_copy(const flowc_model *model, flowc_model **result) {
  return make(__func__, {{"model", model}}, result, [&] { return *unwrap(model); });
}

flowc_error *flowc_model_astype(const flowc_model *model, flowc_dtype dtype, flowc_model **result) {
  return make(__func__, {{"model", model}}, result, [&]() -> Made<Model> {
    if (Outcome ok = checkDType(dtype); !ok)
      return ok;
    Model converted = unwrap(model)->astype(toDType(dtype));
    if (auto ok = checkParameters(converted); !ok)
      return Outcome(ok);
    return converted;
  });
}

void flowc_model_free(flowc_model *model) { destroy(model); }

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

const flowc_flow *flowc_model_flow(const flowc_model *model) {
  return model ? wrap<const flowc_flow>(&unwrap(model)->flow()) : nullptr;
}
flowc_dtype flowc_model_dtype(const flowc_model *model) {
  return model ? fromDType(unwrap(model)->dtype()) : FLOWC_F32;
}
const char *flowc_model_record(const flowc_model *model) { return model ? unwrap(model)->record().c_str() : ""; }
int64_t flowc_model_num_trainable(const flowc_model *model) { return model ? unwrap(model)->numTrainable() : 0; }
size_t flowc_model_num_parameters(const flowc_model *model) { return model ? unwrap(model)->parameters().size() : 0; }

/// Parameter `i`, or null.
static const ParameterInfo *findParameter(const flowc_model *model, size_t i) {
  return i < flowc_model_num_parameters(model) ? &unwrap(model)->parameters()[i] : nullptr;
}

const char *flowc_model_parameter_name(const flowc_model *model, size_t i) {
  const ParameterInfo *info = findParameter(model, i);
  return info ? info->path.c_str() : "";
}
const int64_t *flowc_model_parameter_shape(const flowc_model *model, size_t i, size_t *rank) {
  const ParameterInfo *info = findParameter(model, i);
  return giveShape(info ? &info->shape : nullptr, rank);
}
int64_t flowc_model_parameter_size(const flowc_model *model, size_t i) {
  const ParameterInfo *info = findParameter(model, i);
  return info ? numElements(info->shape) : 0;
}
int flowc_model_parameter_is_trainable(const flowc_model *model, size_t i) {
  const ParameterInfo *info = findParameter(model, i);
  return info && info->trainable;
}
int flowc_model_parameter_is_integer(const flowc_model *model, size_t i) {
  const ParameterInfo *info = findParameter(model, i);
  return info && info->integer;
}

flowc_error *flowc_model_find_parameter(const flowc_model *model, const char *name, size_t *i) {
  return call(__func__, {{"model", model}, {"name", name}, {"i", i}}, [&]() -> Outcome {
    std::vector<std::string> names;
    for (const ParameterInfo &info : unwrap(model)->parameters()) {
      if (info.path == name) {
        *i = names.size();
        return {};
      }
      names.push_back(info.path);
    }
    return unknownName("parameter", name, names);
  });
}

/// Whether parameter `i` has as many numbers as an array.
static Outcome checkParameter(const flowc_model *model, size_t i, const ArrayRef &values) {
  const ParameterInfo *info = findParameter(model, i);
  if (!info)
    return Outcome::invalid("the model has " + std::to_string(flowc_model_num_parameters(model)) +
                            " parameters, there is none of number " + std::to_string(i));
  return checkCount("values", values, numElements(info->shape));
}

flowc_error *flowc_model_get_parameter(const flowc_model *model, size_t i, flowc_output values) {
  return call(__func__, {{"model", model}}, [&]() -> Outcome {
    if (Outcome ok = checkParameter(model, i, values); !ok)
      return ok;
    writeNumbers(unwrap(model)->values(i), values);
    return {};
  });
}

/// Writes parameters, all or none. Kernels index memory with permutations, so that they
/// are looked at as a whole.
static Outcome setParameters(flowc_model *model, std::span<const size_t> which, std::span<const flowc_input> values) {
  std::vector<std::vector<double>> numbers;
  for (size_t i = 0; i < which.size(); ++i) {
    if (Outcome ok = checkParameter(model, which[i], values[i]); !ok)
      return ok;
    numbers.push_back(readNumbers(values[i]));
  }
  auto writeTo = [&](Model &written) -> Expected<void> {
    for (size_t i = 0; i < which.size(); ++i)
      if (auto ok = written.setValues(which[i], numbers[i]); !ok)
        return ok;
    return {};
  };
  Model &written = *unwrap(model);
  bool isInteger = std::ranges::any_of(which, [&](size_t i) { return written.parameters()[i].integer; });
  if (which.size() > 1 || isInteger) {
    Model trial = written;
    if (auto ok = writeTo(trial); !ok)
      return ok;
    if (auto ok = checkPermutations(trial); isInteger && !ok)
      return ok;
  }
  return writeTo(written);
}

flowc_error *flowc_model_set_parameter(flowc_model *model, size_t i, flowc_input values) {
  return call(__func__, {{"model", model}}, [&] { return setParameters(model, {&i, 1}, {&values, 1}); });
}

flowc_error *flowc_model_set_parameters(flowc_model *model, size_t count, const size_t *which,
                                        const flowc_input *values) {
  return call(__func__, {{"model", model}, {"which", which}, {"values", values}}, [&]() -> Outcome {
    // (No count to trust with memory.)
    if (count > flowc_model_num_parameters(model))
      return Outcome::invalid("'count' is " + std::to_string(count) + ", but the model has " +
                              std::to_string(flowc_model_num_parameters(model)) + " parameters");
    return setParameters(model, {which, count}, {values, count});
  });
}

flowc_error *flowc_model_get_trainable(const flowc_model *model, flowc_output values) {
  return call(__func__, {{"model", model}}, [&]() -> Outcome {
    if (Outcome ok = checkCount("values", values, unwrap(model)->numTrainable()); !ok)
      return ok;
    writeNumbers(unwrap(model)->trainable(), values);
    return {};
  });
}

flowc_error *flowc_model_set_trainable(flowc_model *model, flowc_input values) {
  return call(__func__, {{"model", model}}, [&]() -> Outcome {
    if (Outcome ok = checkCount("values", values, unwrap(model)->numTrainable()); !ok)
      return ok;
    return unwrap(model)->setTrainable(readNumbers(values));
  });
}
