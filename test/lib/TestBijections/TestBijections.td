//===- TestBijections.td - A bijection of another dialect --*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_LIB_TESTBIJECTIONS
#define FLOWC_TEST_LIB_TESTBIJECTIONS

include "flowc/Dialect/Flow/IR/FlowOpBase.td"

def Test_Dialect : Dialect {
  let name = "test";
  let cppNamespace = "::flowc::test";
}

def Test_SinhOp : ElementwiseBijectionOp<Test_Dialect, "sinh"> {
  let summary = "y = amplitude * sinh(x)";
  let arguments = (ins Flow_Event:$x, Flow_Parameter:$amplitude);
  let assemblyFormat = "$x `,` $amplitude attr-dict `:` type($x) `,` type($amplitude)";
}

#endif // FLOWC_TEST_LIB_TESTBIJECTIONS
