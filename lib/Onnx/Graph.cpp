//===- Graph.cpp - Graphs of ONNX while they are built --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers of fields are those of onnx.proto (https://github.com/onnx/onnx, IR version 8).
//
//===----------------------------------------------------------------------===//

#include "Graph.h"

using namespace flowc::onnx;

/// The first versions that have all that is used: Shape has a range of axes since 15.
static constexpr int64_t kIrVersion = 8, kOpset = 15;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

// AttributeProto: name 1, i 3, g 6, ints 8, type 20.
NodeAttribute::NodeAttribute(std::string_view name, int64_t number) { message.add(1, name).add(3, number).add(20, 2); }

NodeAttribute::NodeAttribute(std::string_view name, std::span<const int64_t> numbers) {
  message.add(1, name).addEach(8, numbers).add(20, 7);
}

NodeAttribute::NodeAttribute(std::string_view name, const Message &graph) {
  message.add(1, name).add(6, graph).add(20, 5);
}

//===----------------------------------------------------------------------===//
// Initializers
//===----------------------------------------------------------------------===//

std::string ModelParts::addInitializer(ElementType type, std::span<const int64_t> shape, std::string_view bytes,
                                       std::string name) {
  // TensorProto: dims 1, data_type 2, name 8, raw_data 9.
  Message tensor;
  tensor.addEach(1, shape).add(2, static_cast<int64_t>(type)).add(9, bytes);
  if (name.empty()) {
    std::string &known = constants[tensor.str()];
    if (!known.empty())
      return known;
    name = known = makeName();
  }
  initializers.add(5, tensor.add(8, name));
  return name;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

const std::vector<std::string> *Graph::findNode(const std::string &key) const {
  for (const Graph *graph = this; graph; graph = graph->outer)
    if (auto it = graph->known.find(key); it != graph->known.end())
      return &it->second;
  return nullptr;
}

// NodeProto: input 1, output 2, op_type 4, attribute 5.
std::vector<std::string> Graph::addNode(std::string_view op, const std::vector<std::string> &inputs,
                                        const std::vector<NodeAttribute> &attributes, size_t outputs) {
  Message node;
  for (const std::string &input : inputs)
    node.add(1, input);
  node.add(4, op);
  for (const NodeAttribute &attribute : attributes)
    node.add(5, attribute.message);
  std::string key = node.str();
  if (const std::vector<std::string> *names = findNode(key))
    return *names;
  std::vector<std::string> &names = known[key];
  for (size_t i = 0; i < outputs; ++i)
    node.add(2, names.emplace_back(parts.makeName()));
  nodes.add(1, node);
  return names;
}

void Graph::addAlias(const std::string &value, const std::string &name) {
  nodes.add(1, Message().add(1, value).add(2, name).add(4, "Identity"));
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

// ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; its Tensor: elem_type 1, shape 2.
static Message makeValue(const std::string &name, ElementType type, const Message *shape) {
  Message tensor;
  tensor.add(1, static_cast<int64_t>(type));
  if (shape)
    tensor.add(2, *shape);
  return Message().add(1, name).add(2, Message().add(1, tensor));
}

// TensorShapeProto: dim 1; its Dimension: dim_value 1, dim_param 2.
static Message makeValue(const std::string &name, ElementType type, const std::vector<Dimension> &dimensions) {
  Message shape;
  for (const Dimension &dimension : dimensions)
    shape.add(1, dimension.name.empty() ? Message().add(1, dimension.size) : Message().add(2, dimension.name));
  return makeValue(name, type, &shape);
}

// GraphProto: node 1, name 2, initializer 5, input 11, output 12.
void Graph::addInput(const std::string &name, ElementType type) { inputs.add(11, makeValue(name, type, nullptr)); }
void Graph::addInput(const std::string &name, ElementType type, const std::vector<Dimension> &shape) {
  inputs.add(11, makeValue(name, type, shape));
}
void Graph::addOutput(const std::string &name, ElementType type) { outputs.add(12, makeValue(name, type, nullptr)); }
void Graph::addOutput(const std::string &name, ElementType type, const std::vector<Dimension> &shape) {
  outputs.add(12, makeValue(name, type, shape));
}

Message Graph::finish(std::string_view name) const {
  Message graph;
  graph.append(nodes).add(2, name);
  if (!outer)
    graph.append(parts.getInitializers());
  return graph.append(inputs).append(outputs);
}

// ModelProto: ir_version 1, producer_name 2, producer_version 3, graph 7, opset_import 8,
// metadata_props 14; OperatorSetIdProto: version 2; StringStringEntryProto: key 1, value 2.
std::string flowc::onnx::makeModelFile(const Graph &graph, std::string_view name, std::string_view version,
                                       const std::vector<std::pair<std::string, std::string>> &metadata) {
  Message model;
  model.add(1, kIrVersion).add(2, "flowc").add(3, version).add(7, graph.finish(name));
  model.add(8, Message().add(1, "").add(2, kOpset));
  for (const auto &[key, value] : metadata)
    model.add(14, Message().add(1, key).add(2, value));
  return model.str();
}
