//===- SampleInterpreter.cpp - Runs sample programs in tests --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleInterpreter.h"

#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowc::test {

using namespace mlir;
using namespace sample;

using Scalar = long double;

//===----------------------------------------------------------------------===//
// Values and blocks
//===----------------------------------------------------------------------===//

[[noreturn]] static void fail(const Twine &message) { llvm::report_fatal_error("sample interpreter: " + message); }

const Array &SampleInterpreter::get(Value value) const {
  auto it = values.find(value);
  if (it == values.end())
    fail("a value is used before it is computed");
  return it->second;
}

void SampleInterpreter::set(Value value, Array array) {
  if (int64_t(array.size()) != getNumElements(value.getType()))
    fail("a value has " + Twine(array.size()) + " elements, its type " + Twine(getNumElements(value.getType())));
  values[value] = std::move(array);
}

Array SampleInterpreter::getPart(Value value, int64_t i, int64_t parts) const {
  const Array &array = get(value);
  int64_t size = int64_t(array.size()) / parts;
  return Array(array.begin() + i * size, array.begin() + (i + 1) * size);
}

std::vector<Array> SampleInterpreter::runBlock(Block &block, ArrayRef<Array> arguments) {
  for (auto [argument, array] : llvm::zip_equal(block.getArguments(), arguments))
    set(argument, array);
  for (Operation &op : block.without_terminator())
    runOp(op);
  std::vector<Array> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(get(value));
  return results;
}

std::vector<Array> SampleInterpreter::run(func::FuncOp function, std::vector<Array> arguments) {
  return runBlock(function.getBody().front(), arguments);
}

void SampleInterpreter::runOp(Operation &op) {
  llvm::TypeSwitch<Operation *>(&op)
      .Case<MapOp, ScanOp, DenseOp, OuterOp, SweepOp, RootOp, arith::ConstantOp, arith::CmpFOp, arith::SelectOp,
            SplitOp, ConcatOp, GatherOp, ReverseOp, ReorderOp, ReshapeOp, ClipOp, ReduceSumOp, ReduceMaxOp, SplatOp,
            CumsumOp, BinSearchOp, TakeOp, OneHotOp, RowWeightOp, RandomNormalOp, BlockDenseOp, BlockSweepOp>(
          [&](auto known) { runOn(known); })
      .Case<WeightNormalizeOp, DiagonalOp, TriangleOp, TriangularInverseOp, CosineMatrixOp>(
          [&](auto matrixOp) { runMatrixOp(*matrixOp); })
      .Case<BlockDiagonalOp, BlockTriangleOp>([&](auto matrixOp) { runBlockMatrixOp(*matrixOp); })
      .Default([&](Operation *other) { runElementwise(*other); });
}

static void append(Array &to, const Array &from) { to.insert(to.end(), from.begin(), from.end()); }

static void addTo(Array &sum, const Array &summand) {
  for (auto [a, b] : llvm::zip_equal(sum, summand))
    a += b;
}

//===----------------------------------------------------------------------===//
// Structured ops
//===----------------------------------------------------------------------===//

void SampleInterpreter::runOn(MapOp op) {
  int64_t extent = op.getExtent();
  std::vector<Array> stacked(op.getStacked().size()), sums;
  for (Value init : op.getInit())
    sums.push_back(get(init));
  for (int64_t i = 0; i < extent; ++i) {
    std::vector<Array> arguments;
    for (Value value : op.getIndexed())
      arguments.push_back(getPart(value, i, extent));
    for (Value value : op.getShared())
      arguments.push_back(get(value));
    std::vector<Array> yields = runBlock(*op.getBlock(), arguments);
    for (size_t j = 0; j < stacked.size(); ++j)
      append(stacked[j], yields[j]);
    for (size_t j = 0; j < sums.size(); ++j)
      addTo(sums[j], yields[stacked.size() + j]);
  }
  for (auto [value, array] : llvm::zip_equal(op.getStacked(), stacked))
    set(value, array);
  for (auto [value, array] : llvm::zip_equal(op.getSums(), sums))
    set(value, array);
}

/// By bisection alone, in a bracket that grows where the op has no bound.
void SampleInterpreter::runOn(RootOp op) {
  std::vector<Array> arguments{{0}};
  for (Value value : op.getInputs())
    arguments.push_back(get(value));
  auto valueAt = [&](Scalar t) {
    arguments[0] = {t};
    return runBlock(*op.getBlock(), arguments)[0][0];
  };
  Scalar lower = op.getLower() ? get(op.getLower())[0] : 0, upper = op.getUpper() ? get(op.getUpper())[0] : 0;
  for (Scalar reach = 1; !op.getLower() && valueAt(lower) > 0; reach *= 2)
    lower -= reach;
  for (Scalar reach = 1; !op.getUpper() && valueAt(upper) < 0; reach *= 2)
    upper += reach;
  for (Scalar middle; (middle = lower + (upper - lower) / 2) > lower && middle < upper;)
    (valueAt(middle) > 0 ? upper : lower) = middle;
  set(op.getRoot(), {lower});
}

void SampleInterpreter::runOn(ScanOp op) {
  int64_t layers = op.getLayers();
  std::vector<Array> carries;
  for (Value value : op.getCarries())
    carries.push_back(get(value));
  // Slices by layer, whatever the direction.
  std::vector<std::vector<Array>> slices(op.getStacked().size(), std::vector<Array>(layers));
  for (int64_t step = 0; step < layers; ++step) {
    int64_t layer = op.getReverse() ? layers - 1 - step : step;
    std::vector<Array> arguments = carries;
    for (Value value : op.getOver())
      arguments.push_back(getPart(value, layer, layers));
    for (Value value : op.getShared())
      arguments.push_back(get(value));
    std::vector<Array> yields = runBlock(*op.getBlock(), arguments);
    for (size_t j = 0; j < slices.size(); ++j)
      slices[j][layer] = yields[carries.size() + j];
    yields.resize(carries.size());
    carries = std::move(yields);
  }
  for (auto [value, array] : llvm::zip_equal(op.getFinals(), carries))
    set(value, array);
  for (auto [value, layersOfValue] : llvm::zip_equal(op.getStacked(), slices)) {
    Array stack;
    for (const Array &slice : layersOfValue)
      append(stack, slice);
    set(value, stack);
  }
}

static int64_t getDim(Value value, unsigned axis) { return cast<RankedTensorType>(value.getType()).getDimSize(axis); }

void SampleInterpreter::runOn(DenseOp op) {
  const Array &weight = get(op.getWeight()), &x = get(op.getX());
  int64_t rows = getDim(op.getWeight(), 0), columns = getDim(op.getWeight(), 1);
  Array y = op.getBias() ? get(op.getBias()) : Array(getNumElements(op.getY().getType()));
  for (int64_t o = 0; o < rows; ++o)
    for (int64_t i = 0; i < columns; ++i)
      if (!op.getMask() || op.getMask()->exists(o, i))
        y[op.getTransposed() ? i : o] += weight[o * columns + i] * x[op.getTransposed() ? o : i];
  if (!op.getActivation().empty())
    for (Scalar &unit : y)
      unit = runBlock(op.getActivation().front(), {Array{unit}})[0][0];
  set(op.getY(), y);
}

void SampleInterpreter::runOn(OuterOp op) {
  const Array &g = get(op.getG()), &x = get(op.getX());
  Array weight;
  for (size_t o = 0; o < g.size(); ++o)
    for (size_t i = 0; i < x.size(); ++i)
      weight.push_back(!op.getMask() || op.getMask()->exists(o, i) ? g[o] * x[i] : 0);
  set(op.getWeight(), weight);
  set(op.getBias(), g);
}

void SampleInterpreter::runOn(SweepOp op) {
  int64_t steps = op.getExtent(), stages = op.getNumStages(), group = op.getStatePerStep();
  int64_t prefix = op.getPrefix() ? getNumElements(op.getPrefix().getType()) : 0;
  // inputs[t] is what stage t reads: the state, then the units of each stage.
  std::vector<Array> inputs(stages), sums;
  if (op.getPrefix())
    inputs[0] = get(op.getPrefix());
  inputs[0].resize(prefix + steps * group);
  for (int64_t t = 1; t < stages; ++t)
    inputs[t].resize(op.getStageRowEnds(t - 1).back());
  for (Value init : op.getInit())
    sums.push_back(get(init));
  // extras[t][j][i]: what body t yields for unit i (step i in the last stage).
  std::vector<std::vector<std::vector<Array>>> extras(stages);
  for (int64_t t = 0; t < stages; ++t) {
    bool last = t == stages - 1;
    size_t count = op.getStageBlock(t)->getTerminator()->getNumOperands() - 1 - (last ? sums.size() : 0);
    extras[t].assign(count, std::vector<Array>(last ? steps : op.getStageRowEnds(t).back()));
  }

  for (int64_t step = 0; step < steps; ++step) {
    int64_t s = op.getReverse() ? steps - 1 - step : step;
    for (int64_t t = 0; t < stages; ++t) {
      bool last = t == stages - 1;
      ArrayRef<int64_t> ends = op.getStageRowEnds(t);
      // The inputs that are there; some units are never computed.
      int64_t begin = t == 0 ? 0 : op.getStageRowEnds(t - 1).front(), end = inputs[t].size();
      if (op.getReverse())
        begin = t == 0 ? prefix + (s + 1) * group : op.getStageRowEnds(t - 1)[s];
      else
        end = t == 0 ? prefix + s * group : op.getStageRowEnds(t - 1)[s + 1];
      const Array &weight = get(op.getWeights()[t]);
      int64_t columns = getDim(op.getWeights()[t], 1);
      Array accumulated;
      for (int64_t row = ends[s]; row < ends[s + 1]; ++row) {
        Scalar value = op.getBiases().empty() ? 0 : get(op.getBiases()[t])[row];
        for (int64_t i = begin; i < end; ++i)
          value += (op.getTransposed() ? weight[i * columns + row] : weight[row * columns + i]) * inputs[t][i];
        accumulated.push_back(value);
      }
      auto runBody = [&](const Array &unit, int64_t i, int64_t count) {
        std::vector<Array> arguments{unit};
        for (auto [value, stage] : llvm::zip_equal(op.getIndexed(), op.getIndexedStage()))
          if (stage == t)
            arguments.push_back(getPart(value, i, count));
        for (Value value : op.getShared())
          arguments.push_back(get(value));
        std::vector<Array> yields = runBlock(*op.getStageBlock(t), arguments);
        for (size_t j = 0; j < extras[t].size(); ++j)
          extras[t][j][i] = yields[1 + j];
        return yields;
      };
      if (!last) {
        for (int64_t row = ends[s]; row < ends[s + 1]; ++row)
          inputs[t + 1][row] = runBody({accumulated[row - ends[s]]}, row, ends.back())[0][0];
        continue;
      }
      std::vector<Array> yields = runBody(accumulated, s, steps);
      std::copy(yields[0].begin(), yields[0].end(), inputs[0].begin() + prefix + s * group);
      for (size_t j = 0; j < sums.size(); ++j)
        addTo(sums[j], yields[1 + extras[t].size() + j]);
    }
  }

  for (int64_t t = 0; t + 1 < stages; ++t)
    set(op.getUnits()[t], inputs[t + 1]);
  set(op.getState(), Array(inputs[0].begin() + prefix, inputs[0].end()));
  size_t next = 0;
  for (const auto &stage : extras)
    for (const std::vector<Array> &parts : stage) {
      Value extra = op.getExtras()[next++];
      Array stack, missing(getNumElements(extra.getType()) / int64_t(parts.size()));
      for (const Array &part : parts)
        append(stack, part.empty() ? missing : part);
      set(extra, stack);
    }
  for (auto [value, array] : llvm::zip_equal(op.getSums(), sums))
    set(value, array);
}

//===----------------------------------------------------------------------===//
// Moving rows
//===----------------------------------------------------------------------===//

void SampleInterpreter::runOn(SplitOp op) {
  const Array x = get(op.getX());
  auto begin = x.begin();
  for (Value piece : op.getPieces()) {
    auto end = begin + getNumElements(piece.getType());
    set(piece, Array(begin, end));
    begin = end;
  }
}

void SampleInterpreter::runOn(ConcatOp op) {
  Array y;
  for (Value piece : op.getPieces())
    append(y, get(piece));
  set(op.getY(), y);
}

void SampleInterpreter::runOn(GatherOp op) {
  Array y;
  for (Scalar index : get(op.getIndices()))
    y.push_back(get(op.getX())[size_t(index)]);
  set(op.getY(), y);
}

void SampleInterpreter::runOn(ReverseOp op) {
  Array y = get(op.getX());
  std::reverse(y.begin(), y.end());
  set(op.getY(), y);
}

void SampleInterpreter::runOn(ReorderOp op) {
  const Array &x = get(op.getX());
  auto type = cast<RankedTensorType>(op.getX().getType());
  int64_t rows = type.getDimSize(0), columns = type.getNumElements() / rows;
  Array y;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      y.push_back(x[(op.getRows().empty() ? i : op.getRows()[i]) * columns +
                    (op.getColumns().empty() ? j : op.getColumns()[j])]);
  set(op.getY(), y);
}

void SampleInterpreter::runOn(ReshapeOp op) { set(op.getY(), Array(get(op.getX()))); }

//===----------------------------------------------------------------------===//
// Small tensors and floats
//===----------------------------------------------------------------------===//

void SampleInterpreter::runOn(arith::ConstantOp op) {
  auto toScalar = [](llvm::APFloat value) -> Scalar {
    bool losesInfo;
    value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return value.convertToDouble();
  };
  Attribute value = op.getValue();
  if (auto number = dyn_cast<FloatAttr>(value))
    return set(op.getResult(), {toScalar(number.getValue())});
  if (auto number = dyn_cast<IntegerAttr>(value))
    return set(op.getResult(), {Scalar(number.getInt())});
  auto elements = cast<DenseElementsAttr>(value);
  Array array;
  if (isa<FloatType>(elements.getElementType()))
    for (const llvm::APFloat &element : elements.getValues<llvm::APFloat>())
      array.push_back(toScalar(element));
  else
    for (const llvm::APInt &element : elements.getValues<llvm::APInt>())
      array.push_back(element.getSExtValue());
  set(op.getResult(), array);
}

void SampleInterpreter::runOn(arith::CmpFOp op) {
  // Ordered predicates are sets of relations: equal 1, greater 2, less 4. The
  // unordered ones follow in the same order (UEQ = 8), but for UNO and true.
  unsigned predicate = unsigned(op.getPredicate());
  bool unordered = predicate >= 8;
  unsigned relations = predicate;
  if (unordered)
    relations = op.getPredicate() == arith::CmpFPredicate::UNO          ? 0
                : op.getPredicate() == arith::CmpFPredicate::AlwaysTrue ? 7
                                                                        : predicate - 7;
  Array result;
  for (auto [a, b] : llvm::zip_equal(get(op.getLhs()), get(op.getRhs()))) {
    if (std::isnan(a) || std::isnan(b))
      result.push_back(unordered);
    else
      result.push_back((relations & (a == b ? 1 : a > b ? 2 : 4)) != 0);
  }
  set(op.getResult(), result);
}

void SampleInterpreter::runOn(arith::SelectOp op) {
  const Array &condition = get(op.getCondition());
  Array result = get(op.getTrueValue());
  for (size_t i = 0; i < result.size(); ++i)
    if (condition[condition.size() == 1 ? 0 : i] == 0)
      result[i] = get(op.getFalseValue())[i];
  set(op.getResult(), result);
}

void SampleInterpreter::runOn(ClipOp op) {
  Scalar lower = op.getLower().convertToDouble(), upper = op.getUpper().convertToDouble();
  Array y = get(op.getX());
  for (Scalar &value : y)
    value = value < lower ? lower : value > upper ? upper : value;
  set(op.getY(), y);
}

void SampleInterpreter::runOn(ReduceSumOp op) {
  Scalar sum = 0;
  for (Scalar value : get(op.getX()))
    sum += value;
  set(op.getY(), {sum});
}

void SampleInterpreter::runOn(ReduceMaxOp op) {
  const Array &x = get(op.getX());
  set(op.getY(), {*std::max_element(x.begin(), x.end())});
}

void SampleInterpreter::runOn(SplatOp op) {
  set(op.getY(), Array(getNumElements(op.getY().getType()), get(op.getX())[0]));
}

void SampleInterpreter::runOn(CumsumOp op) {
  Array y = get(op.getX());
  int64_t size = y.size();
  for (int64_t i = 1; i < size; ++i)
    if (op.getReverse())
      y[size - 1 - i] += y[size - i];
    else
      y[i] += y[i - 1];
  set(op.getY(), y);
}

void SampleInterpreter::runOn(BinSearchOp op) {
  const Array &knots = get(op.getKnots());
  Scalar v = get(op.getV())[0];
  int64_t below = std::count_if(knots.begin(), knots.end(), [&](Scalar knot) { return knot < v; });
  set(op.getBin(), {Scalar(std::clamp<int64_t>(below - 1, 0, int64_t(knots.size()) - 2))});
}

void SampleInterpreter::runOn(TakeOp op) {
  set(op.getY(), {get(op.getX()).at(size_t(get(op.getIndex())[0]) + op.getOffset())});
}

void SampleInterpreter::runOn(OneHotOp op) {
  Array y(getNumElements(op.getY().getType()));
  y.at(size_t(get(op.getIndex())[0]) + op.getOffset()) = get(op.getX())[0];
  set(op.getY(), y);
}

void SampleInterpreter::runOn(RowWeightOp op) { set(op.getWeight(), {1}); }

void SampleInterpreter::runOn(RandomNormalOp op) { set(op.getZ(), draws); }

void SampleInterpreter::runElementwise(Operation &op) {
  using UnaryFn = Scalar (*)(Scalar);
  using BinaryFn = Scalar (*)(Scalar, Scalar);
  static const llvm::StringMap<UnaryFn> unary = {
      {"arith.negf", [](Scalar x) { return -x; }},
      {"math.absf", [](Scalar x) { return std::fabs(x); }},
      {"math.exp", [](Scalar x) { return std::exp(x); }},
      {"math.expm1", [](Scalar x) { return std::expm1(x); }},
      {"math.log", [](Scalar x) { return std::log(x); }},
      {"math.log1p", [](Scalar x) { return std::log1p(x); }},
      {"math.sqrt", [](Scalar x) { return std::sqrt(x); }},
      {"math.tanh", [](Scalar x) { return std::tanh(x); }},
      {"sample.log1p_exp", [](Scalar x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }},
      {"sample.inv_logit", [](Scalar x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }},
      {"sample.detach", [](Scalar x) { return x; }},
      {"sample.lgamma", [](Scalar x) { return std::lgamma(x); }},
      {"sample.stirling",
       [](Scalar x) {
         Scalar logTwoPi = std::log(2 * std::acos(Scalar(-1)));
         return std::lgamma(x) - ((x - 0.5L) * std::log(x) - x + logTwoPi / 2);
       }},
  };
  static const llvm::StringMap<BinaryFn> binary = {
      {"arith.addf", [](Scalar a, Scalar b) { return a + b; }},
      {"arith.subf", [](Scalar a, Scalar b) { return a - b; }},
      {"arith.mulf", [](Scalar a, Scalar b) { return a * b; }},
      {"arith.divf", [](Scalar a, Scalar b) { return a / b; }},
      {"arith.addi", [](Scalar a, Scalar b) { return a + b; }},
      {"arith.muli", [](Scalar a, Scalar b) { return a * b; }},
      {"arith.andi", [](Scalar a, Scalar b) -> Scalar { return a != 0 && b != 0; }},
      {"arith.ori", [](Scalar a, Scalar b) -> Scalar { return a != 0 || b != 0; }},
      {"sample.log_minus", [](Scalar r, Scalar t) { return std::log(r) - t; }},
      {"arith.maximumf", [](Scalar a, Scalar b) { return std::max(a, b); }},
      {"math.copysign", [](Scalar a, Scalar b) { return std::copysign(a, b); }},
      {"math.powf", [](Scalar a, Scalar b) { return std::pow(a, b); }},
  };
  StringRef name = op.getName().getStringRef();
  Array result = get(op.getOperand(0));
  if (UnaryFn function = unary.lookup(name)) {
    for (Scalar &value : result)
      value = function(value);
  } else if (BinaryFn function = binary.lookup(name)) {
    for (auto [value, other] : llvm::zip_equal(result, get(op.getOperand(1))))
      value = function(value, other);
  } else {
    fail("does not know " + name);
  }
  set(op.getResult(0), result);
}

} // namespace flowc::test
