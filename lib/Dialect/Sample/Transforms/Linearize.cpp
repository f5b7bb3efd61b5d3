//===- Linearize.cpp - From a kernel to its tangents ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelSignature.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Jvp.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"
#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace flowc::sample {
#define GEN_PASS_DEF_LINEARIZEPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace flowc::sample;

/// The arguments of `kernel` that have tangents: the event, or the trained leaves.
static SmallVector<unsigned> findVaried(func::FuncOp kernel, bool ofParams) {
  SmallVector<unsigned> varied;
  for (BlockArgument argument : kernel.getArguments()) {
    unsigned i = argument.getArgNumber();
    bool isRow = bool(kernel.getArgAttr(i, SampleDialect::kRowAttr));
    if (ofParams ? kernel.getArgAttr(i, SampleDialect::kTrainableAttr) && isDifferentiable(argument.getType())
                 : isRow && i == 0)
      varied.push_back(i);
  }
  return varied;
}

/// The attributes of the argument that is the tangent of argument `i`.
static DictionaryAttr getTangentAttrs(func::FuncOp kernel, unsigned i, bool ofParams) {
  NamedAttrList attributes;
  if (!ofParams)
    attributes.append(SampleDialect::kRowAttr, UnitAttr::get(kernel.getContext()));
  if (Attribute name = kernel.getArgAttr(i, SampleDialect::kNameAttr))
    attributes.append(SampleDialect::kNameAttr, name);
  attributes.append(SampleDialect::kTangentAttr, UnitAttr::get(kernel.getContext()));
  return attributes.getDictionary(kernel.getContext());
}

/// Gives `kernel` the tangents of the arguments in `varied`, rows behind the rows and
/// parameters behind the parameters, and those of its results.
static LogicalResult linearize(func::FuncOp kernel, ArrayRef<unsigned> varied, bool ofParams) {
  Block &primal = kernel.getBody().front();
  Region region;
  Block &block = region.emplaceBlock();
  ImplicitLocOpBuilder builder(kernel.getLoc(), kernel.getContext());
  builder.setInsertionPointToEnd(&block);
  IRMapping mapping;
  JvpBuilder jvp(builder, mapping);
  Signature signature(kernel.getContext());

  auto addTangents = [&] {
    for (unsigned i : varied) {
      BlockArgument argument = primal.getArgument(i);
      jvp.addTangent(argument, block.addArgument(argument.getType(), argument.getLoc()));
      signature.addInput(argument.getType(), getTangentAttrs(kernel, i, ofParams));
    }
  };
  bool behindRows = !ofParams;
  for (BlockArgument argument : primal.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (behindRows && !kernel.getArgAttr(i, SampleDialect::kRowAttr)) {
      addTangents();
      behindRows = false;
    }
    mapping.map(argument, block.addArgument(argument.getType(), argument.getLoc()));
    signature.addInput(argument.getType(), kernel.getArgAttrDict(i));
  }
  if (behindRows || ofParams)
    addTangents();

  if (failed(buildBlockJvp(jvp, primal)))
    return failure();
  builder.setLoc(kernel.getLoc());
  ValueRange values = primal.getTerminator()->getOperands();
  SmallVector<Value> results = llvm::map_to_vector(values, [&](Value value) { return jvp.lookup(value); });
  for (Value value : values)
    results.push_back(jvp.getTangentOrZero(value));
  for (unsigned repetition = 0; repetition < 2; ++repetition)
    for (auto [i, value] : llvm::enumerate(values)) {
      signature.results.push_back(value.getType());
      signature.resultAttrs.push_back(kernel.getResultAttrDict(i));
    }
  func::ReturnOp::create(builder, results);
  eraseDeadOps(block);
  kernel.getBody().takeBody(region);
  signature.apply(kernel);
  return success();
}

namespace {
struct Linearize : flowc::sample::impl::LinearizePassBase<Linearize> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<KernelFunctions> functions = findDifferentiableKernel(module);
    if (failed(functions))
      return signalPassFailure();
    func::FuncOp kernel = functions->kernel;
    if (of != "params" && of != "inputs") {
      module.emitError("cannot differentiate with respect to '") << of << "', only to params or inputs";
      return signalPassFailure();
    }
    bool ofParams = of == "params";
    if (ofParams && functions->prepare) {
      kernel.emitError("must be linearised with respect to parameters before they are hoisted");
      return signalPassFailure();
    }
    SmallVector<unsigned> varied = findVaried(kernel, ofParams);
    if (!ofParams && varied.empty()) {
      kernel.emitError("has no row input to differentiate with respect to");
      return signalPassFailure();
    }
    expandActivations(kernel);
    if (failed(linearize(kernel, varied, ofParams)))
      signalPassFailure();
  }
};
} // namespace
