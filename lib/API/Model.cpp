//===- Model.cpp - Parameters of a flow -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/API/ModelImpl.h"
#include "flowc/Frontend/Initialise.h"
#include "flowc/Frontend/Source.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

/// Whether a parameter of this type can be `value`.
static bool isFinite(double value, DType dtype) {
  double largest = dtype == F32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  return std::abs(value) <= largest;
}

static uint64_t nextVersion() {
  static std::atomic<uint64_t> counter = 0;
  return ++counter;
}

Model::Impl::Impl(Flow flow, DType dtype) : flow(std::move(flow)), dtype(dtype), currentVersion(nextVersion()) {
  const std::vector<PlacedLeaf> &leaves = Flow::Impl::of(this->flow).leaves;
  for (size_t i = 0; i < leaves.size(); ++i) {
    Leaf::Kind kind = leaves[i].leaf->kind;
    if (kind == Leaf::Kind::Constant)
      continue;
    infos.push_back({leaves[i].path, leaves[i].shape, kind == Leaf::Kind::Trainable, kind == Leaf::Kind::Permutation});
    leafIndex.push_back(i);
  }
  offsets.resize(infos.size());
  int64_t numFloats = 0, numInts = 0;
  for (size_t i = 0; i < infos.size(); ++i)
    if (infos[i].trainable) {
      offsets[i] = numFloats;
      numFloats += numElements(infos[i].shape);
    }
  numTrainable = numFloats;
  for (size_t i = 0; i < infos.size(); ++i)
    if (!infos[i].trainable) {
      int64_t &end = infos[i].integer ? numInts : numFloats;
      offsets[i] = end;
      end += numElements(infos[i].shape);
    }
  (dtype == F32 ? f32.resize(numFloats) : f64.resize(numFloats));
  ints.resize(numInts);
}

// The copy has its own cache of prepared parameters, but the same version.
Model::Impl::Impl(const Impl &other)
    : flow(other.flow), dtype(other.dtype), infos(other.infos), leafIndex(other.leafIndex), offsets(other.offsets),
      numTrainable(other.numTrainable), f32(other.f32), f64(other.f64), ints(other.ints), record(other.record),
      currentVersion(other.currentVersion) {
  std::lock_guard<std::mutex> lock(other.preparedMutex);
  prepared = other.prepared;
}

std::vector<const void *> Model::Impl::leafPointers() const {
  std::vector<const void *> pointers;
  pointers.reserve(infos.size());
  for (size_t i = 0; i < infos.size(); ++i) {
    if (infos[i].integer)
      pointers.push_back(ints.data() + offsets[i]);
    else if (dtype == F32)
      pointers.push_back(f32.data() + offsets[i]);
    else
      pointers.push_back(f64.data() + offsets[i]);
  }
  return pointers;
}

void Model::Impl::bumpVersion() {
  currentVersion = nextVersion();
  std::lock_guard<std::mutex> lock(preparedMutex);
  for (auto &[kernel, memory] : prepared)
    if (memory.use_count() == 1)
      spare[kernel] = std::move(memory);
  prepared.clear();
}

std::shared_ptr<void> Model::Impl::takeSpare(uint64_t kernel) const {
  auto it = spare.find(kernel);
  return it == spare.end() ? nullptr : std::exchange(it->second, nullptr);
}

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

Model::Model(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Model::Model(const Model &other) : impl(std::make_unique<Impl>(*other.impl)) {}
Model::Model(Model &&) noexcept = default;
Model &Model::operator=(const Model &other) {
  if (this != &other)
    impl = std::make_unique<Impl>(*other.impl);
  return *this;
}
Model &Model::operator=(Model &&) noexcept = default;
Model::~Model() = default;

Model Model::zeros(const Flow &flow, DType dtype) { return Model(std::make_unique<Impl>(flow, dtype)); }

Expected<Model> Model::initialise(const Flow &flow, InitOptions options) {
  Model model = zeros(flow, options.dtype);
  std::vector<PlacedLeaf> initial = initialParameters(flow.root(), options.seed);
  for (size_t i = 0; i < initial.size(); ++i) {
    for (double value : initial[i].values)
      if (options.dtype == F32 && !isFinite(value, F32) && isFinite(value, F64))
        return Error{"'" + initial[i].path + "' would start at " + formatNumber(value) +
                     ", which is out of the range of float32: make a float64 model"};
    if (auto ok = model.setValues(i, initial[i].values); !ok)
      return ok.takeError();
  }
  return model;
}

//===----------------------------------------------------------------------===//
// Access
//===----------------------------------------------------------------------===//

const Flow &Model::flow() const { return impl->flow; }
DType Model::dtype() const { return impl->dtype; }
const std::string &Model::record() const { return impl->record; }
const std::vector<ParameterInfo> &Model::parameters() const { return impl->infos; }
int64_t Model::numTrainable() const { return impl->numTrainable; }

Model Model::astype(DType dtype) const {
  if (dtype == impl->dtype)
    return *this;
  Model result = zeros(impl->flow, dtype);
  if (dtype == F32)
    result.impl->f32.assign(impl->f64.begin(), impl->f64.end());
  else
    result.impl->f64.assign(impl->f32.begin(), impl->f32.end());
  result.impl->ints = impl->ints;
  result.impl->record = impl->record;
  return result;
}

std::vector<double> Model::values(size_t i) const {
  if (i >= impl->infos.size())
    detail::endMisuse("values of parameter " + std::to_string(i) + " of a model that has " +
                      std::to_string(impl->infos.size()));
  int64_t begin = impl->offsets[i], end = begin + numElements(impl->infos[i].shape);
  if (impl->infos[i].integer)
    return {impl->ints.begin() + begin, impl->ints.begin() + end};
  if (impl->dtype == F32)
    return {impl->f32.begin() + begin, impl->f32.begin() + end};
  return {impl->f64.begin() + begin, impl->f64.begin() + end};
}

Expected<void> Model::setValues(size_t i, std::span<const double> values) {
  if (i >= impl->infos.size())
    return Error{"the model has " + std::to_string(impl->infos.size()) + " parameters, there is none of number " +
                 std::to_string(i)};
  const ParameterInfo &info = impl->infos[i];
  if (static_cast<int64_t>(values.size()) != numElements(info.shape))
    return Error{"parameter '" + info.path + "' has " + std::to_string(numElements(info.shape)) +
                 " elements, but got " + std::to_string(values.size())};
  for (double value : values) {
    bool valid = info.integer ? value == std::floor(value) && std::abs(value) <= std::numeric_limits<int32_t>::max()
                              : isFinite(value, impl->dtype);
    if (!valid)
      return Error{"parameter '" + info.path + "' would become " + std::to_string(value) + ", expected " +
                   (info.integer ? "whole" : "finite") + " numbers"};
  }
  if (info.integer)
    std::copy(values.begin(), values.end(), impl->ints.begin() + impl->offsets[i]);
  else if (impl->dtype == F32)
    std::copy(values.begin(), values.end(), impl->f32.begin() + impl->offsets[i]);
  else
    std::copy(values.begin(), values.end(), impl->f64.begin() + impl->offsets[i]);
  impl->bumpVersion();
  return {};
}

std::vector<double> Model::trainable() const {
  if (impl->dtype == F32)
    return {impl->f32.begin(), impl->f32.begin() + impl->numTrainable};
  return {impl->f64.begin(), impl->f64.begin() + impl->numTrainable};
}

Expected<void> Model::setTrainable(std::span<const double> values) {
  if (static_cast<int64_t>(values.size()) != impl->numTrainable)
    return Error{"the model has " + std::to_string(impl->numTrainable) + " trainable parameters, but got " +
                 std::to_string(values.size())};
  if (!std::all_of(values.begin(), values.end(), [&](double value) { return isFinite(value, impl->dtype); }))
    return Error{"trainable parameters would become infinite or NaN, expected finite numbers"};
  if (impl->dtype == F32)
    std::copy(values.begin(), values.end(), impl->f32.begin());
  else
    std::copy(values.begin(), values.end(), impl->f64.begin());
  impl->bumpVersion();
  return {};
}
