//===- GraphBuilder.h - Tensors with rows, and what makes them --*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program of one sample becomes one of whole batches: a value gets axes in front of
// its own. Rows are the first of them. Where a body is applied to elements (that of a map,
// an activation), these are the second. A value that is the same for all rows or elements
// lacks the axis, or has it with an extent of 1, so that ONNX's rules of broadcasting
// (trailing axes are matched) do the rest:
//
//   differs by              outside of such bodies   inside
//   nothing                 [own]                    [own]
//   rows                    [N, own]                 [N, 1, own]
//   elements                                         [E, own]
//   both                                             [N, E, own]
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_ONNX_GRAPHBUILDER_H
#define FLOWC_LIB_ONNX_GRAPHBUILDER_H

#include "Graph.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace flowc::onnx {

/// A value of the program.
struct Tensor {
  std::string name = {};
  ElementType type = ElementType::Float;
  bool hasRows = false, hasElements = false;
};

/// Adds nodes to a graph, or to the body of a loop in it.
class GraphBuilder {
public:
  GraphBuilder(ModelParts &parts, Graph &graph, ElementType real) : parts(parts), graph(&graph), real(real) {}

  ModelParts &parts;
  Graph *graph;
  /// What the model computes in.
  ElementType real;
  /// The numbers of rows and, in a body, of elements: tensors of one int64. Empty: no such axis.
  std::string rows, elements;

  /// One output of a node whose axes are those of all inputs together; of the first input's type.
  Tensor make(std::string_view op, llvm::ArrayRef<Tensor> inputs, const std::vector<NodeAttribute> &attributes = {});
  /// The same of another type.
  Tensor makeAs(ElementType type, std::string_view op, llvm::ArrayRef<Tensor> inputs,
                const std::vector<NodeAttribute> &attributes = {});
  /// Adds all outputs of a node; axes and type as for `make`.
  std::vector<Tensor> makeAll(std::string_view op, llvm::ArrayRef<Tensor> inputs,
                              const std::vector<NodeAttribute> &attributes, size_t outputs);

  /// Constants: of floating-point type, integers, truths.
  Tensor constant(double value, ElementType type);
  Tensor constant(double value) { return constant(value, real); }
  Tensor integer(int64_t value);
  Tensor truth(bool value);
  Tensor constants(llvm::ArrayRef<double> values, llvm::ArrayRef<int64_t> shape, ElementType type);
  Tensor integers(llvm::ArrayRef<int64_t> values);
  Tensor integers(llvm::ArrayRef<int64_t> values, llvm::ArrayRef<int64_t> shape);

  /// Axes in front of the value's own.
  int64_t countLeadingAxes(const Tensor &t) const { return t.hasRows ? 1 + !elements.empty() : int64_t(t.hasElements); }
  Tensor reshape(const Tensor &t, llvm::ArrayRef<int64_t> shape);
  /// Adds or removes the last axis, of extent 1.
  Tensor addLastAxis(const Tensor &t);
  Tensor dropLastAxis(const Tensor &t);
  /// Swaps the last two axes of a tensor with `rank` of its own.
  Tensor transpose(const Tensor &t, int64_t rank);
  /// Swaps the first two of `axes` axes.
  Tensor swapFirstAxes(const Tensor &t, int64_t axes);
  /// Elements [begin, end) of an axis, which counts from the last: -1. Bounds are tensors of one
  /// int64, or numbers.
  Tensor slice(const Tensor &t, int64_t axis, const Tensor &begin, const Tensor &end);
  Tensor slice(const Tensor &t, int64_t axis, int64_t begin, int64_t end) {
    return slice(t, axis, integers(begin), integers(end));
  }
  Tensor concat(llvm::ArrayRef<Tensor> pieces, int64_t axis);
  Tensor gather(const Tensor &t, const Tensor &indices, int64_t axis);
  Tensor sum(const Tensor &t, llvm::ArrayRef<int64_t> axes, bool keepAxes = false);
  /// Of the last axis.
  Tensor max(const Tensor &t);
  /// Gives the axes that it lacks to a tensor with `rank` of its own.
  Tensor expand(const Tensor &t, int64_t rank, bool withRows, bool withElements);
  Tensor withRows(const Tensor &t, int64_t rank) { return expand(t, rank, true, t.hasElements); }

  /// What a body sees of a tensor from outside of it, and that of elements itself.
  Tensor enterElements(const Tensor &t);
  /// Runs `body` where values have `count` elements (a tensor of one int64).
  void withElements(const std::string &count, llvm::function_ref<void()> body);

  /// What the body of a loop makes: whether to go on, and what the next round starts from.
  struct Round {
    Tensor goesOn;
    std::vector<Tensor> carried;
  };
  /// Loop: `body` takes the number of the round, an int64, and what is carried. Carried tensors
  /// keep their type and their axes of rows and elements, but not their extents.
  std::vector<Tensor> loop(int64_t rounds, llvm::ArrayRef<Tensor> initial,
                           llvm::function_ref<Round(Tensor, llvm::ArrayRef<Tensor>)> body);
  /// An empty body of a loop, whose nodes are added until the end of its life.
  class Body {
  public:
    explicit Body(GraphBuilder &builder) : builder(builder), outer(builder.graph), graph(builder.parts, outer) {
      builder.graph = &graph;
    }
    ~Body() { builder.graph = outer; }
    Body(const Body &) = delete;
    Body &operator=(const Body &) = delete;

    /// An input like `t`. Where `shape` is the value's own, runtimes are told it.
    Tensor addInput(const Tensor &t, std::optional<llvm::ArrayRef<int64_t>> shape = {});
    /// Outputs are new names, since a graph may not give out what it got.
    void addOutput(const Tensor &t, std::optional<llvm::ArrayRef<int64_t>> shape = {});
    Message finish() const { return graph.finish("body"); }

  private:
    GraphBuilder &builder;
    Graph *outer;
    Graph graph;
  };

private:
  std::string findAxes(int64_t rank, bool withRows, bool withElements);
};

/// The shape of a tensor whose own is `shape`.
std::vector<Dimension> makeDimensions(llvm::ArrayRef<int64_t> shape, bool hasRows);

} // namespace flowc::onnx

#endif // FLOWC_LIB_ONNX_GRAPHBUILDER_H
