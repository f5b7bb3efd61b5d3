//===- Graph.h - Graphs of ONNX while they are built ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model is one graph with initializers; bodies of its loops are graphs, too, that see
// what is outside of them. Every name is given once in a model.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_ONNX_GRAPH_H
#define FLOWC_LIB_ONNX_GRAPH_H

#include "Protobuf.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flowc::onnx {

/// TensorProto.DataType.
enum class ElementType : int64_t { Float = 1, Int32 = 6, Int64 = 7, Bool = 9, Double = 11 };

/// An attribute of a node: its name, and the fields of AttributeProto that hold its value.
struct NodeAttribute {
  NodeAttribute(std::string_view name, int64_t number);
  NodeAttribute(std::string_view name, std::span<const int64_t> numbers);
  NodeAttribute(std::string_view name, ElementType type) : NodeAttribute(name, static_cast<int64_t>(type)) {}
  NodeAttribute(std::string_view name, const Message &graph);

  Message message;
};

/// One dimension of an input or output: a number, or the name of one that is not known.
struct Dimension {
  int64_t size = 0;
  std::string name = {};
};

/// What all graphs of a model share.
class ModelParts {
public:
  /// A name that nothing else in the model has.
  std::string makeName() { return "t" + std::to_string(count++); }
  /// The initializer with these bytes: a new one under `name`, or, without a name, maybe one
  /// that is there.
  std::string addInitializer(ElementType type, std::span<const int64_t> shape, std::string_view bytes,
                             std::string name = {});
  const Message &getInitializers() const { return initializers; }

private:
  int64_t count = 0;
  Message initializers;
  std::map<std::string, std::string> constants;
};

/// Nodes, inputs and outputs of one graph.
class Graph {
public:
  /// `outer` is null for the model's own graph.
  Graph(ModelParts &parts, Graph *outer) : parts(parts), outer(outer) {}

  /// Adds a node and returns the names of its outputs. A node like one that is there, or
  /// outside, is not added again.
  std::vector<std::string> addNode(std::string_view op, const std::vector<std::string> &inputs,
                                   const std::vector<NodeAttribute> &attributes, size_t outputs = 1);
  /// Gives `value` this name, too.
  void addAlias(const std::string &value, const std::string &name);

  /// Inputs and outputs; those of bodies have no known shape.
  void addInput(const std::string &name, ElementType type);
  void addInput(const std::string &name, ElementType type, const std::vector<Dimension> &shape);
  void addOutput(const std::string &name, ElementType type);
  void addOutput(const std::string &name, ElementType type, const std::vector<Dimension> &shape);

  /// GraphProto, with the initializers if it is the model's own.
  Message finish(std::string_view name) const;

private:
  const std::vector<std::string> *findNode(const std::string &key) const;

  ModelParts &parts;
  Graph *outer;
  Message nodes, inputs, outputs;
  /// Outputs by what a node computes.
  std::map<std::string, std::vector<std::string>> known;
};

/// The whole file. `metadata` goes to metadata_props.
std::string makeModelFile(const Graph &graph, std::string_view name, std::string_view version,
                          const std::vector<std::pair<std::string, std::string>> &metadata);

} // namespace flowc::onnx

#endif // FLOWC_LIB_ONNX_GRAPH_H
