//===- FlowElementwise.td - Elementwise bijections ---------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bijections of one element at a time. The definition of such an op is all that
// the compiler needs to know of it but its formulas, which are in
// FlowElementwise.cpp: its constructor in the language, its leaves and its
// emission follow from `fields`. docs/AddingABijection.md adds one.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWELEMENTWISE
#define FLOWC_DIALECT_FLOW_IR_FLOWELEMENTWISE

include "flowc/Dialect/Flow/IR/FlowOpBase.td"
include "llvm/TableGen/SearchableTable.td"

//===----------------------------------------------------------------------===//
// With trained parameters
//===----------------------------------------------------------------------===//

def Flow_LocOp : Flow_ElementwiseBijectionOp<"loc"> {
  let summary = "y = x + loc";
  let arguments = (ins Flow_Event:$x, Flow_Parameter:$loc);
  let assemblyFormat = "$x `,` $loc attr-dict `:` type($x) `,` type($loc)";
  let hasVerifier = 1;
  let fields = [{ {trained("loc", Domain::Real), shape()} }];
  let behaviour = [{ {
    .map = {line, line, [](double x, Numbers n) { return x + n[0]; }, [](double y, Numbers n) { return y - n[0]; }}
  } }];
}

def Flow_ScaleOp : Flow_ElementwiseBijectionOp<"scale"> {
  let summary = "y = scale * x";
  let arguments = (ins Flow_Event:$x, Flow_Parameter:$scale);
  let assemblyFormat = "$x `,` $scale attr-dict `:` type($x) `,` type($scale)";
  let hasVerifier = 1;
  let fields = [{ {shape(), trained("scale", Domain::Positive)} }];
  let behaviour = [{ {
    .map = {line, line, [](double x, Numbers n) { return x == 0 ? 0 : x * n[0]; },
            [](double y, Numbers n) { return y == 0 ? 0 : y / n[0]; }},
    .isAffine = true
  } }];
}

def Flow_BoundedAffineOp : Flow_ElementwiseBijectionOp<"bounded_affine"> {
  let summary = "y = exp(s) x + loc, where |s| stays below a bound";
  let description = [{
    An affine map whose log|det| cannot run away: s = bound tanh(log_scale / bound), as
    real NVP (Dinh et al. 2017, arXiv:1605.08803, section 4.1) squashes the outputs of
    its networks. s = log_scale near 0.
  }];
  let arguments = (ins Flow_Event:$x, Flow_Parameter:$loc, Flow_Parameter:$log_scale, F64Attr:$bound);
  let assemblyFormat = "$x `,` $loc `,` $log_scale `bound` $bound attr-dict `:` type($x) `,` type($loc) `,` type($log_scale)";
  let hasVerifier = 1;
  let fields = [{
    {shape(), trained("loc", Domain::Real, 0), trained("log_scale", Domain::Real, 0),
     number("bound", Domain::Exponent, 2)}
  }];
  let behaviour = [{ {.isAffine = true} }];
}

//===----------------------------------------------------------------------===//
// Without
//===----------------------------------------------------------------------===//

def Flow_IdentityOp : Flow_ElementwiseBijectionOp<"identity"> {
  let summary = "y = x";
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let behaviour = [{ {
    .map = {line, line, [](double x, Numbers) { return x; }, [](double y, Numbers) { return y; }},
    .keepsValues = true
  } }];
}

def Flow_ExpOp : Flow_ElementwiseBijectionOp<"exp"> {
  let summary = "y = exp(x)";
  let description = "FlowJAX's `Exp`; log|det| = sum x.";
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let behaviour = [{ {
    .map = {line, positive, [](double x, Numbers) { return std::exp(x); }, [](double y, Numbers) { return std::log(y); }}
  } }];
}

def Flow_SigmoidOp : Flow_ElementwiseBijectionOp<"sigmoid"> {
  let summary = "y = 1 / (1 + exp(-x))";
  let description = "FlowJAX's `Sigmoid`; log|det| = -sum (x + 2 softplus(-x)).";
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let behaviour = [{ {
    .map = {line, unit, [](double x, Numbers) { return 1 / (1 + std::exp(-x)); },
            [](double y, Numbers) { return std::log(y) - std::log1p(-y); }},
    .squashes = true
  } }];
}

def Flow_SoftplusOp : Flow_ElementwiseBijectionOp<"softplus"> {
  let summary = "y = log(1 + exp(x))";
  let description = "FlowJAX's `SoftPlus`; log|det| = -sum softplus(-x).";
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let behaviour = [{ {
    .map = {line, positive, [](double x, Numbers) { return softplus(x); },
            [](double y, Numbers) { return inverseSoftplus(y); }}
  } }];
}

def Flow_TanhOp : Flow_ElementwiseBijectionOp<"tanh"> {
  let summary = "y = tanh(x)";
  let description = "FlowJAX's `Tanh`; log|det| = sum -2 (x + softplus(-2x) - log 2).";
  let arguments = (ins Flow_Event:$x);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let behaviour = [{ {
    .map = {line, symmetric, [](double x, Numbers) { return std::tanh(x); },
            [](double y, Numbers) { return std::atanh(y); }},
    .squashes = true
  } }];
}

def Flow_LeakyTanhOp : Flow_ElementwiseBijectionOp<"leaky_tanh"> {
  let summary = "y = tanh(x) for |x| < max_val, its tangents beyond";
  let description = [{
    FlowJAX's `LeakyTanh`: with slope g = 1 / cosh(max_val)^2 the tails are
    g x + sign(x) (tanh(max_val) - g max_val).
  }];
  let arguments = (ins Flow_Event:$x, F64Attr:$max_val);
  let assemblyFormat = "$x `max` $max_val attr-dict `:` type($x)";
  let hasVerifier = 1;
  let fields = [{
    {number("max_val", Domain::Positive),
     derived("intercept", [](Numbers n) { return std::tanh(n[0]) - n[0] * std::pow(std::cosh(n[0]), -2); }),
     derived("linear_grad", [](Numbers n) { return std::pow(std::cosh(n[0]), -2); }), shape()}
  }];
  let behaviour = [{ {.squashes = true} }];
}

def Flow_PowerOp : Flow_ElementwiseBijectionOp<"power"> {
  let summary = "y = x^exponent for x >= 0";
  let description = [{
    FlowJAX's `Power`; log|det| = sum log|exponent| + (exponent - 1) log x. NaN for
    negative elements, in both directions.
  }];
  let arguments = (ins Flow_Event:$x, F64Attr:$exponent);
  let assemblyFormat = "$x `exponent` $exponent attr-dict `:` type($x)";
  let hasVerifier = 1;
  let fields = [{ {number("exponent", Domain::NonZero), shape()} }];
  let behaviour = [{ {.map = {positive, positive}, .falls = [](Numbers n) { return n[0] < 0; }} }];
}

/// What the language knows of all of them (lib/Frontend/Elementwise.cpp).
def ElementwiseTable : GenericTable {
  let FilterClass = "Flow_ElementwiseBijectionOp";
  let CppTypeName = "ElementwiseClass";
  let Fields = ["opName", "summary", "fields", "behaviour"];
}

#endif // FLOWC_DIALECT_FLOW_IR_FLOWELEMENTWISE
