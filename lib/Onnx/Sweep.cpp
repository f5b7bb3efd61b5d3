//===- Sweep.cpp - Sweeps in ONNX -----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over steps. What is there, of the state and of the units of each stage, is carried
// and grows by what a step computes; so each unit is computed once, from slices of the
// weights.
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

namespace {
/// A range of places, [begin, end): tensors of one int64.
struct Places {
  Tensor begin, end;
};

class SweepConverter {
public:
  SweepConverter(Converter &c, sample::SweepOp op)
      : c(c), b(c.b), op(op), extent(op.getExtent()), stages(op.getNumStages()),
        prefix(op.getPrefix() ? countElements(op.getPrefix()) : 0) {}

  LogicalResult convert();

private:
  /// One extra, or the units of a stage, or the state: how it grows.
  struct Growing {
    Value result;
    int64_t stage;
    /// Axes that a part of it has.
    int64_t rank;
    SmallVector<int64_t> shape;
  };

  void addGrowing();
  std::vector<Tensor> start();
  LogicalResult step(const Tensor &number, std::vector<Tensor> &carried);
  FailureOr<std::vector<Tensor>> convertUnits(int64_t t, const Tensor &sums, const Places &range);
  FailureOr<std::vector<Tensor>> convertStep(const Tensor &sums, const Places &step);
  Tensor accumulate(int64_t t, const Tensor &input, const Places &inputs, const Places &units);
  void setOperands(int64_t t, const Places &range, bool isStep);
  Places findRange(int64_t t, const Tensor &number);
  Tensor append(const Tensor &all, const Tensor &part, int64_t axis) {
    std::vector<Tensor> parts{all, part};
    if (op.getReverse())
      std::swap(parts[0], parts[1]);
    return b.concat(parts, axis);
  }
  void setResults(ArrayRef<Tensor> last);
  Block &getBody(int64_t t) { return *op.getStageBlock(t); }
  Value getYielded(int64_t t, size_t i) { return getBody(t).getTerminator()->getOperand(i); }

  Converter &c;
  GraphBuilder &b;
  sample::SweepOp op;
  int64_t extent, stages, prefix;
  /// The state, the units of each stage but the last, all extras.
  std::vector<Growing> growing;
  std::vector<Tensor> weights;
};
} // namespace

void SweepConverter::addGrowing() {
  auto extras = op.getExtras().begin();
  auto add = [&](Value result, int64_t stage, Value part) {
    growing.push_back({result, stage, rankOf(part), llvm::to_vector(shapeOf(part))});
  };
  add(op.getState(), stages - 1, getYielded(stages - 1, 0));
  for (int64_t t = 0; t < stages - 1; ++t)
    add(op.getUnits()[t], t, getYielded(t, 0));
  for (int64_t t = 0; t < stages; ++t) {
    size_t yields = getBody(t).getTerminator()->getNumOperands() - (t + 1 == stages ? op.getSums().size() : 0);
    for (size_t i = 1; i < yields; ++i)
      add(*extras++, t, getYielded(t, i));
  }
}

/// Nothing is there but the prefix.
std::vector<Tensor> SweepConverter::start() {
  std::vector<Tensor> carried;
  for (const Growing &all : growing) {
    SmallVector<int64_t> shape{0};
    llvm::append_range(shape, all.shape);
    carried.push_back(b.withRows(b.constants({}, shape, b.real), all.rank + 1));
  }
  // The state in one axis, since stage 0 reads it whole.
  carried[0] = op.getPrefix() ? c.get(op.getPrefix()) : b.constants({}, 0, b.real);
  carried[0] = b.withRows(carried[0], 1);
  for (Value sum : op.getInit())
    carried.push_back(b.withRows(c.get(sum), rankOf(sum)));
  for (auto [t, weight] : llvm::enumerate(op.getWeights()))
    weights.push_back(op.getTransposed() ? c.get(weight) : b.transpose(c.get(weight), 2));
  return carried;
}

/// The units of stage `t` at a step.
Places SweepConverter::findRange(int64_t t, const Tensor &number) {
  ArrayRef<int64_t> ends = op.getStageRowEnds(t);
  Tensor at = b.make("Reshape", {number, b.integers(1)}), table = b.integers(ends);
  return {b.gather(table, at, 0), b.gather(table, b.make("Add", {at, b.integers(1)}), 0)};
}

/// Weights and biases of `units`, applied to `input`, which has the places `inputs`.
Tensor SweepConverter::accumulate(int64_t t, const Tensor &input, const Places &inputs, const Places &units) {
  Tensor weight = b.slice(b.slice(weights[t], -2, inputs.begin, inputs.end), -1, units.begin, units.end);
  Tensor sums = b.make("MatMul", {input, weight});
  if (op.getBiases().empty())
    return sums;
  return b.make("Add", {sums, b.slice(c.get(op.getBiases()[t]), -1, units.begin, units.end)});
}

/// What the body of stage `t` sees of operands: of the units in `range`, or of a step.
void SweepConverter::setOperands(int64_t t, const Places &range, bool isStep) {
  Block &body = getBody(t);
  unsigned next = 1;
  int64_t parts = isStep ? extent : op.getStageRowEnds(t).back();
  for (auto [operand, stage] : llvm::zip_equal(op.getIndexed(), op.getIndexedStage())) {
    if (stage != t)
      continue;
    BlockArgument argument = body.getArgument(next++);
    SmallVector<int64_t> shape{parts};
    llvm::append_range(shape, shapeOf(argument));
    int64_t axis = -static_cast<int64_t>(shape.size());
    Tensor slice = b.slice(b.reshape(c.get(operand), shape), axis, range.begin, range.end);
    if (isStep)
      slice = b.make("Squeeze", {slice, b.integers(axis)});
    slice.hasElements = !isStep;
    c.set(argument, slice);
  }
  for (auto [operand, argument] : llvm::zip_equal(op.getShared(), body.getArguments().drop_front(next)))
    c.set(argument, isStep ? c.get(operand) : b.enterElements(c.get(operand)));
}

/// The body of a stage for all units of a step at once.
FailureOr<std::vector<Tensor>> SweepConverter::convertUnits(int64_t t, const Tensor &sums, const Places &range) {
  Tensor elements = sums;
  elements.hasElements = true;
  c.set(getBody(t).getArgument(0), elements);
  setOperands(t, range, /*isStep=*/false);
  FailureOr<std::vector<Tensor>> yielded = failure();
  b.withElements(b.make("Sub", {range.end, range.begin}).name, [&] {
    yielded = c.convert(getBody(t));
    if (failed(yielded))
      return;
    for (auto [i, tensor] : llvm::enumerate(*yielded)) {
      tensor = b.expand(tensor, rankOf(getYielded(t, i)), true, true);
      tensor.hasElements = false;
    }
  });
  return yielded;
}

/// The last body, for a step.
FailureOr<std::vector<Tensor>> SweepConverter::convertStep(const Tensor &sums, const Places &step) {
  Block &body = getBody(stages - 1);
  c.set(body.getArgument(0), rankOf(body.getArgument(0)) == 0 ? b.dropLastAxis(sums) : sums);
  setOperands(stages - 1, step, /*isStep=*/true);
  FailureOr<std::vector<Tensor>> yielded = c.convert(body);
  if (failed(yielded))
    return failure();
  for (auto [i, tensor] : llvm::enumerate(*yielded))
    tensor = b.withRows(tensor, rankOf(getYielded(stages - 1, i)));
  return yielded;
}

LogicalResult SweepConverter::step(const Tensor &round, std::vector<Tensor> &carried) {
  Tensor number = op.getReverse() ? b.make("Sub", {b.integer(extent - 1), round}) : round;
  Tensor at = b.make("Reshape", {number, b.integers(1)}), next = b.make("Add", {at, b.integers(1)});
  int64_t group = op.getStatePerStep();
  auto place = [&](const Tensor &step) {
    return b.make("Add", {b.make("Mul", {step, b.integers(group)}), b.integers(prefix)});
  };
  Places inputs{b.integers(0), place(at)};
  if (op.getReverse())
    inputs = {place(next), b.integers(prefix + extent * group)};
  size_t extra = stages;
  for (int64_t t = 0; t < stages; ++t) {
    bool isLast = t + 1 == stages;
    Places units = findRange(t, number);
    Tensor sums = accumulate(t, carried[t], inputs, units);
    auto yielded = isLast ? convertStep(sums, {at, next}) : convertUnits(t, sums, units);
    if (failed(yielded))
      return failure();
    size_t count = yielded->size() - (isLast ? op.getSums().size() : 0);
    for (size_t i = 0; i < count; ++i) {
      size_t index = i > 0 ? extra++ : isLast ? 0 : static_cast<size_t>(t) + 1;
      int64_t axis = -1 - growing[index].rank;
      Tensor part = (*yielded)[i];
      if (index == 0)
        axis = -1;
      if (isLast && (index > 0 || growing[0].rank == 0))
        part = b.make("Unsqueeze", {part, b.integers(axis)});
      carried[index] = append(carried[index], part, axis);
    }
    for (size_t i = count; i < yielded->size(); ++i) {
      Tensor &sum = carried[growing.size() + i - count];
      sum = b.make("Add", {sum, (*yielded)[i]});
    }
    ArrayRef<int64_t> ends = op.getStageRowEnds(t);
    inputs =
        op.getReverse() ? Places{units.begin, b.integers(ends.back())} : Places{b.integers(ends.front()), units.end};
  }
  return success();
}

/// Units that are never computed are zero.
void SweepConverter::setResults(ArrayRef<Tensor> last) {
  for (auto [i, all] : llvm::enumerate(growing)) {
    Tensor result = last[i];
    bool isOfSteps = all.stage + 1 == stages;
    int64_t first = isOfSteps ? 0 : op.getStageRowEnds(all.stage).front();
    if (i == 0)
      result = b.slice(result, -1, prefix, prefix + extent * op.getStatePerStep());
    if (first > 0) {
      SmallVector<int64_t> shape{first};
      llvm::append_range(shape, all.shape);
      Tensor zeros = b.constants(std::vector<double>(ShapedType::getNumElements(shape), 0), shape, b.real);
      result = b.concat({b.withRows(zeros, all.rank + 1), result}, -1 - all.rank);
    }
    c.set(all.result, b.reshape(result, shapeOf(all.result)));
  }
  for (auto [sum, tensor] : llvm::zip_equal(op.getSums(), last.drop_front(growing.size())))
    c.set(sum, tensor);
}

LogicalResult SweepConverter::convert() {
  if (op.getReverse() && prefix > 0)
    return op.emitError("'") << op->getName() << "' backwards to a prefix has no form in ONNX";
  addGrowing();
  LogicalResult status = success();
  std::vector<Tensor> last =
      b.loop(extent, start(), [&](Tensor round, ArrayRef<Tensor> initial) -> GraphBuilder::Round {
        std::vector<Tensor> carried(initial.begin(), initial.end());
        status = step(round, carried);
        return {b.truth(true), carried};
      });
  if (succeeded(status))
    setResults(last);
  return status;
}

static LogicalResult convertSweep(Converter &c, sample::SweepOp op) { return SweepConverter(c, op).convert(); }

void flowc::onnx::addSweep(Patterns &patterns) { patterns.add(convertSweep); }
