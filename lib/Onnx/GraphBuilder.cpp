//===- GraphBuilder.cpp - Tensors with rows, and what makes them ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphBuilder.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace flowc::onnx;
using llvm::ArrayRef;

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::vector<Tensor> GraphBuilder::makeAll(std::string_view op, ArrayRef<Tensor> inputs,
                                          const std::vector<NodeAttribute> &attributes, size_t outputs) {
  std::vector<std::string> names;
  Tensor like{{}, inputs.front().type};
  for (const Tensor &input : inputs) {
    names.push_back(input.name);
    like.hasRows |= input.hasRows;
    like.hasElements |= input.hasElements;
  }
  std::vector<Tensor> results;
  for (const std::string &name : graph->addNode(op, names, attributes, outputs)) {
    results.push_back(like);
    results.back().name = name;
  }
  return results;
}

Tensor GraphBuilder::make(std::string_view op, ArrayRef<Tensor> inputs, const std::vector<NodeAttribute> &attributes) {
  return makeAll(op, inputs, attributes, 1).front();
}

Tensor GraphBuilder::makeAs(ElementType type, std::string_view op, ArrayRef<Tensor> inputs,
                            const std::vector<NodeAttribute> &attributes) {
  Tensor result = make(op, inputs, attributes);
  result.type = type;
  return result;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

template <typename T>
static std::string_view bytesOf(ArrayRef<T> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

Tensor GraphBuilder::constants(ArrayRef<double> values, ArrayRef<int64_t> shape, ElementType type) {
  if (type == ElementType::Double)
    return {parts.addInitializer(type, shape, bytesOf(values)), type};
  std::vector<float> rounded(values.begin(), values.end());
  return {parts.addInitializer(type, shape, bytesOf(ArrayRef<float>(rounded))), type};
}

Tensor GraphBuilder::constant(double value, ElementType type) { return constants(value, {}, type); }

Tensor GraphBuilder::integers(ArrayRef<int64_t> values, ArrayRef<int64_t> shape) {
  return {parts.addInitializer(ElementType::Int64, shape, bytesOf(values)), ElementType::Int64};
}

Tensor GraphBuilder::integers(ArrayRef<int64_t> values) {
  return integers(values, static_cast<int64_t>(values.size()));
}

Tensor GraphBuilder::integer(int64_t value) { return integers(value, {}); }

Tensor GraphBuilder::truth(bool value) {
  char byte = value;
  return {parts.addInitializer(ElementType::Bool, {}, {&byte, 1}), ElementType::Bool};
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Tensor GraphBuilder::reshape(const Tensor &t, ArrayRef<int64_t> shape) {
  // Zeros keep the axes in front.
  std::vector<int64_t> all(countLeadingAxes(t), 0);
  all.insert(all.end(), shape.begin(), shape.end());
  return make("Reshape", {t, integers(all)});
}

Tensor GraphBuilder::addLastAxis(const Tensor &t) { return make("Unsqueeze", {t, integers(-1)}); }

Tensor GraphBuilder::dropLastAxis(const Tensor &t) { return make("Squeeze", {t, integers(-1)}); }

Tensor GraphBuilder::transpose(const Tensor &t, int64_t rank) {
  std::vector<int64_t> order(countLeadingAxes(t) + rank);
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return make("Transpose", {t}, {{"perm", order}});
}

Tensor GraphBuilder::swapFirstAxes(const Tensor &t, int64_t axes) {
  std::vector<int64_t> order(axes);
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[0], order[1]);
  return make("Transpose", {t}, {{"perm", order}});
}

Tensor GraphBuilder::slice(const Tensor &t, int64_t axis, const Tensor &begin, const Tensor &end) {
  return make("Slice", {t, begin, end, integers(axis)});
}

Tensor GraphBuilder::concat(ArrayRef<Tensor> pieces, int64_t axis) {
  return pieces.size() == 1 ? pieces.front() : make("Concat", pieces, {{"axis", axis}});
}

Tensor GraphBuilder::gather(const Tensor &t, const Tensor &indices, int64_t axis) {
  return make("Gather", {t, indices}, {{"axis", axis}});
}

Tensor GraphBuilder::sum(const Tensor &t, ArrayRef<int64_t> axes, bool keepAxes) {
  return make("ReduceSum", {t, integers(axes)}, {{"keepdims", keepAxes}});
}

Tensor GraphBuilder::max(const Tensor &t) {
  return make("ReduceMax", {t}, {{"axes", std::vector<int64_t>{-1}}, {"keepdims", int64_t(0)}});
}

/// A shape of these axes in front of `rank` of extent 1.
std::string GraphBuilder::findAxes(int64_t rank, bool withRows, bool withElements) {
  Tensor one = integers(1);
  std::vector<Tensor> sizes;
  if (withRows)
    sizes.push_back({rows, ElementType::Int64});
  if (!elements.empty() && (withRows || withElements))
    sizes.push_back(withElements ? Tensor{elements, ElementType::Int64} : one);
  if (rank > 0)
    sizes.push_back(integers(std::vector<int64_t>(rank, 1)));
  return concat(sizes, 0).name;
}

Tensor GraphBuilder::expand(const Tensor &t, int64_t rank, bool withRows, bool withElements) {
  if (t.hasRows >= withRows && t.hasElements >= withElements)
    return t;
  Tensor shape{findAxes(rank, withRows, withElements), ElementType::Int64};
  Tensor result = make("Expand", {t, shape});
  result.hasRows |= withRows;
  result.hasElements |= withElements;
  return result;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

Tensor GraphBuilder::enterElements(const Tensor &t) { return t.hasRows ? make("Unsqueeze", {t, integers(1)}) : t; }

void GraphBuilder::withElements(const std::string &count, llvm::function_ref<void()> body) {
  std::string outside = std::exchange(elements, count);
  body();
  elements = outside;
}

std::vector<Dimension> flowc::onnx::makeDimensions(ArrayRef<int64_t> shape, bool hasRows) {
  std::vector<Dimension> dimensions;
  if (hasRows)
    dimensions.push_back({0, "N"});
  for (int64_t size : shape)
    dimensions.push_back({size});
  return dimensions;
}

Tensor GraphBuilder::Body::addInput(const Tensor &t, std::optional<ArrayRef<int64_t>> shape) {
  Tensor input = t;
  input.name = builder.parts.makeName();
  if (shape)
    graph.addInput(input.name, t.type, makeDimensions(*shape, t.hasRows));
  else
    graph.addInput(input.name, t.type);
  return input;
}

void GraphBuilder::Body::addOutput(const Tensor &t, std::optional<ArrayRef<int64_t>> shape) {
  std::string name = builder.parts.makeName();
  graph.addAlias(t.name, name);
  if (shape)
    graph.addOutput(name, t.type, makeDimensions(*shape, t.hasRows));
  else
    graph.addOutput(name, t.type);
}

std::vector<Tensor> GraphBuilder::loop(int64_t rounds, ArrayRef<Tensor> initial,
                                       llvm::function_ref<Round(Tensor, ArrayRef<Tensor>)> build) {
  Message message;
  {
    Body body(*this);
    ArrayRef<int64_t> scalar;
    Tensor number = body.addInput({{}, ElementType::Int64}, scalar);
    body.addInput({{}, ElementType::Bool}, scalar);
    std::vector<Tensor> carried;
    for (const Tensor &t : initial)
      carried.push_back(body.addInput(t));
    Round round = build(number, carried);
    round.goesOn.hasRows = round.goesOn.hasElements = false;
    body.addOutput(round.goesOn, scalar);
    for (const Tensor &t : round.carried)
      body.addOutput(t);
    message = body.finish();
  }
  std::vector<std::string> names{integer(rounds).name, truth(true).name};
  for (const Tensor &t : initial)
    names.push_back(t.name);
  std::vector<Tensor> results(initial.begin(), initial.end());
  for (auto [result, name] :
       llvm::zip_equal(results, graph->addNode("Loop", names, {{"body", message}}, results.size())))
    result.name = name;
  return results;
}
