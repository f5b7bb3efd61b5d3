//===- Graph.cpp - Reading a graph function -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Graph.h"

#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

using namespace mlir;
using namespace flowc::flow;

/// Whether a function is one block that returns one value.
static bool returnsOne(func::FuncOp function) {
  return function.getBody().hasOneBlock() && !function.getBody().front().empty() &&
         isa<func::ReturnOp>(function.getBody().front().back()) && function.getNumResults() == 1;
}

FailureOr<Graph> flowc::flow::readGraph(func::FuncOp function, func::FuncOp density) {
  Graph graph;
  graph.function = function;
  graph.density = density;
  if (density && (!returnsOne(density) || density.getNumArguments() == 0 ||
                  !isEventType(density.getArgumentTypes()[0]) || !isa<FloatType>(density.getResultTypes().front())))
    return density.emitError("a density must be one block that takes an event, then data, and returns a float");
  if (graph.isDensity()) {
    graph.event = density.getArgument(0);
    return graph;
  }
  if (!returnsOne(function))
    return function.emitError("a flow graph must be one block with one result");
  for (BlockArgument argument : function.getArguments()) {
    bool isRow = function.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr) != nullptr;
    bool isCondition = function.getArgAttr(argument.getArgNumber(), SampleDialect::kConditionAttr) != nullptr;
    if (isRow && !isCondition && graph.event)
      return function.emitError("a flow graph takes one event, but arguments ")
             << graph.event.getArgNumber() << " and " << argument.getArgNumber() << " are rows";
    if (isRow && !isCondition)
      graph.event = argument;
    else
      graph.arguments.push_back(argument);
  }
  Value first;
  graph.chain = Specializer::getChain(function.getBody().front().getTerminator()->getOperand(0), first);
  llvm::copy_if(graph.chain, std::back_inserter(graph.own),
                [](Operation *op) { return !op->hasAttr(FlowDialect::kBaseAttr); });
  if (graph.event) {
    if (first != graph.event)
      return function.emitError("the result must be the event after bijections");
    return graph;
  }
  graph.base = first.getDefiningOp<DistributionOpInterface>();
  if (!graph.base)
    return function.emitError("the result must be a draw of a base distribution after bijections");
  return graph;
}
