//===- Arrays.cpp - Functions that make arrays ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <numeric>

namespace flowc {

/// `shape` filled with one value.
static ArrayValue filled(Shape shape, double value) {
  ArrayValue result;
  result.init.values.assign(numElements(shape), value);
  result.shape = std::move(shape);
  return result;
}

static ArrayValue randomArray(Shape shape, Init::Kind kind, double scale) {
  ArrayValue result;
  result.shape = std::move(shape);
  result.init.kind = kind;
  result.init.scale = scale;
  result.integral = false;
  return result;
}

static Value::Data buildArange(Call &call) {
  int64_t size = call.integer("n");
  ArrayValue result = filled({size}, 0);
  std::iota(result.init.values.begin(), result.init.values.end(), 0.0);
  return result;
}

static Value::Data buildEye(Call &call) {
  constexpr int64_t maxRows = 4096; // its square is maxArrayElements
  int64_t size = call.integer("n", 1, maxRows);
  ArrayValue result = filled({size, size}, 0);
  for (int64_t i = 0; i < size; ++i)
    result.init.values[i * size + i] = 1;
  return result;
}

static Value::Data buildFull(Call &call) {
  Shape shape = call.shapeOrSize("shape");
  ArrayValue value = call.array("fill_value");
  if (!value.shape.empty() || value.init.kind != Init::Kind::Values)
    call.failAt("fill_value", "`fill_value` of `full` must be a number");
  if (call.failed())
    return {};
  ArrayValue result = filled(std::move(shape), value.init.values[0]);
  result.integral = value.integral;
  return result;
}

static Value::Data buildGlorotUniform(Call &call) {
  Shape shape = call.shape("shape");
  if (!call.failed() && shape.size() < 2)
    call.failAt("shape", "`glorot_uniform` needs a shape with at least two sizes, found " + formatShape(shape));
  if (call.failed())
    return {};
  // As in JAX: the last two axes are inputs and outputs, the others a receptive
  // field that multiplies both.
  double in = shape[shape.size() - 2], out = shape.back();
  double field = numElements(shape) / (in * out);
  return randomArray(std::move(shape), Init::Kind::Uniform, std::sqrt(6.0 / (field * (in + out))));
}

static Value::Data buildRandomNormal(Call &call) {
  Shape shape = call.shapeOrSize("shape");
  double scale = call.real("scale");
  if (scale <= 0)
    call.failAt("scale", "`scale` of `random_normal` must be positive, found " + formatNumber(scale));
  return randomArray(std::move(shape), Init::Kind::Normal, scale);
}

static Value::Data buildSlice(Call &call) {
  auto bound = [&](llvm::StringRef argument) -> std::optional<int64_t> {
    if (!call.has(argument))
      return std::nullopt;
    return call.integer(argument, -maxArrayElements);
  };
  SliceValue slice{bound("start"), bound("stop"), bound("step")};
  if (!call.failed() && slice.step == 0)
    call.failAt("step", "`step` of `slice` must not be 0");
  return slice;
}

llvm::ArrayRef<Constructor> arrayFunctions() {
  static const std::vector<Constructor> table = {
      {"zeros",
       {{"shape"}},
       [](Call &call) -> Value::Data { return filled(call.shapeOrSize("shape"), 0); },
       "An array of zeros. A number n as `shape` stands for `[n]`."},
      {"ones",
       {{"shape"}},
       [](Call &call) -> Value::Data { return filled(call.shapeOrSize("shape"), 1); },
       "An array of ones. A number n as `shape` stands for `[n]`."},
      {"full", {{"shape"}, {"fill_value"}}, buildFull, "An array that holds `fill_value` everywhere."},
      {"arange", {{"n"}}, buildArange, "The numbers 0, 1, …, n − 1."},
      {"eye", {{"n"}}, buildEye, "The identity matrix of n rows."},
      {"shuffled",
       {{"n"}},
       [](Call &call) -> Value::Data {
         ArrayValue result = randomArray({call.integer("n")}, Init::Kind::Shuffled, 1);
         result.integral = true;
         return result;
       },
       "A random permutation of 0 … n − 1, drawn when a model is initialised; only for `permute`."},
      {"glorot_uniform",
       {{"shape"}},
       buildGlorotUniform,
       "An array of Glorot's uniform distribution, drawn when a model is initialised; two or more axes."},
      {"slice",
       {{"start"}, {"stop"}, {"step", std::monostate()}},
       buildSlice,
       "Python's `start:stop:step`; only for `indexed`."},
      {"random_normal",
       {{"shape"}, {"scale", number(1)}},
       buildRandomNormal,
       "An array of scale · N(0, 1), drawn when a model is initialised."},
  };
  return table;
}

} // namespace flowc
