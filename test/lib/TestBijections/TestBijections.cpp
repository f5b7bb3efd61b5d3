//===- TestBijections.cpp - A bijection of another dialect ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The definition of an op and its formulas are all that the compiler needs. This
// tool is flowc-opt with one op more.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/ElementFormula.h"
#include "flowc/Pipelines/Pipelines.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

#include "TestBijectionsDialect.h.inc"

#define GET_OP_CLASSES
#include "TestBijections.h.inc"

using namespace mlir;
using namespace flowc::flow;

#include "TestBijectionsDialect.cpp.inc"

#define GET_OP_CLASSES
#include "TestBijections.cpp.inc"

namespace flowc::test {

void TestDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "TestBijections.cpp.inc"
      >();
}

// log cosh(x) = x + softplus(-2x) - log 2.
Transformed SinhOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  Formula f = formula(builder, x);
  Value amplitude = parameters[0];
  Value logCosh = f.sub(f.add(x, f.softplus(f.mul(f.constant(-2), x))), f.constant(0.69314718055994531));
  return {f.mul(amplitude, math::SinhOp::create(builder, x)), f.add(f.logAbs(amplitude), logCosh)};
}

Transformed SinhOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange parameters) {
  Formula f = formula(builder, y);
  Value amplitude = parameters[0];
  Value x = math::AsinhOp::create(builder, f.div(y, amplitude));
  return {x, f.neg(buildElement(builder, x, parameters).logDet)};
}

} // namespace flowc::test

int main(int argc, char **argv) {
  DialectRegistry registry;
  flowc::registerPipelineDialects(registry);
  registry.insert<flowc::test::TestDialect>();
  flowc::registerAllPasses();
  return asMainReturnCode(MlirOptMain(argc, argv, "flowc optimizer driver with test bijections\n", registry));
}
