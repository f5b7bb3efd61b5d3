//===- Loops.cpp - Maps, dense layers and loops over layers, in ONNX ------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

//===----------------------------------------------------------------------===//
// Maps: elements are an axis
//===----------------------------------------------------------------------===//

/// What the body sees of an operand whose elements it runs over: `element` is its argument.
static Tensor splitElements(Converter &c, Value operand, Value element, int64_t extent) {
  SmallVector<int64_t> shape{extent};
  llvm::append_range(shape, shapeOf(element));
  Tensor whole = c.get(operand);
  Tensor elements = ArrayRef<int64_t>(shape) == shapeOf(operand) ? whole : c.b.reshape(whole, shape);
  elements.hasElements = true;
  return elements;
}

/// What a map gives out of the values that its body yields.
static void joinElements(Converter &c, sample::MapOp op, ArrayRef<Tensor> yielded) {
  Block &body = *op.getBlock();
  auto values = body.getTerminator()->getOperands();
  size_t stacked = op.getStacked().size();
  auto leave = [](Tensor t) {
    t.hasElements = false;
    return t;
  };
  for (auto [i, result] : llvm::enumerate(op.getStacked())) {
    SmallVector<int64_t> shape{static_cast<int64_t>(op.getExtent())};
    llvm::append_range(shape, shapeOf(values[i]));
    Tensor whole = leave(yielded[i]);
    c.set(result, ArrayRef<int64_t>(shape) == shapeOf(result) ? whole : c.b.reshape(whole, shapeOf(result)));
  }
  for (auto [i, result] : llvm::enumerate(op.getSums())) {
    int64_t axis = -1 - rankOf(values[stacked + i]);
    Tensor sum = c.b.sum(leave(yielded[stacked + i]), axis);
    c.set(result, c.b.make("Add", {c.get(op.getInit()[i]), sum}));
  }
}

static LogicalResult convertMap(Converter &c, sample::MapOp op) {
  Block &body = *op.getBlock();
  int64_t extent = static_cast<int64_t>(op.getExtent());
  size_t indexed = op.getIndexed().size();
  for (auto [operand, argument] : llvm::zip(op.getIndexed(), body.getArguments()))
    c.set(argument, splitElements(c, operand, argument, extent));
  for (auto [operand, argument] : llvm::zip_equal(op.getShared(), body.getArguments().drop_front(indexed)))
    c.set(argument, c.b.enterElements(c.get(operand)));
  FailureOr<std::vector<Tensor>> yielded = failure();
  c.b.withElements(c.b.integers(extent).name, [&] {
    yielded = c.convert(body);
    if (failed(yielded))
      return;
    for (auto [tensor, value] : llvm::zip_equal(*yielded, body.getTerminator()->getOperands()))
      tensor = c.b.expand(tensor, rankOf(value), false, true);
  });
  if (failed(yielded))
    return failure();
  joinElements(c, op, *yielded);
  return success();
}

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

/// The weights that exist; others are zero.
static Tensor maskWeight(Converter &c, const Tensor &weight, sample::RankMaskAttr mask) {
  ArrayRef<int64_t> out = mask.getOut(), in = mask.getIn();
  Tensor outRanks = c.b.integers(out, {static_cast<int64_t>(out.size()), 1}), inRanks = c.b.integers(in);
  Tensor exists = c.b.makeAs(ElementType::Bool, mask.getStrict() ? "Greater" : "GreaterOrEqual", {outRanks, inRanks});
  return select({&c.b, exists}, {&c.b, weight}, 0);
}

/// The function of each output.
static FailureOr<Tensor> applyActivation(Converter &c, Block &body, const Tensor &t, int64_t extent) {
  FailureOr<Tensor> result = failure();
  Tensor elements = t;
  elements.hasElements = true;
  c.set(body.getArgument(0), elements);
  c.b.withElements(c.b.integers(extent).name, [&] {
    FailureOr<std::vector<Tensor>> yielded = c.convert(body);
    if (failed(yielded))
      return;
    result = c.b.expand(yielded->front(), 0, false, true);
    result->hasElements = false;
  });
  return result;
}

static LogicalResult convertDense(Converter &c, sample::DenseOp op) {
  Tensor weight = c.get(op.getWeight());
  if (weight.hasRows)
    return op.emitError("'") << op->getName() << "' with weights that differ by row has no form in ONNX";
  if (op.getMask())
    weight = maskWeight(c, weight, *op.getMask());
  if (!op.getTransposed())
    weight = c.b.transpose(weight, 2);
  Tensor y = c.b.make("MatMul", {c.get(op.getX()), weight});
  if (op.getBias())
    y = c.b.make("Add", {y, c.get(op.getBias())});
  if (!op.getActivation().empty()) {
    FailureOr<Tensor> activated = applyActivation(c, op.getActivation().front(), y, countElements(op.getY()));
    if (failed(activated))
      return failure();
    y = *activated;
  }
  c.set(op.getY(), y);
  return success();
}

//===----------------------------------------------------------------------===//
// Loops over layers
//===----------------------------------------------------------------------===//

namespace {
/// Scan: its carries are state variables, its stacks scanned tensors. These have the layers as
/// first axis: where the rows are the first, ONNX Runtime divides by their number, which may be 0.
class ScanConverter {
public:
  ScanConverter(Converter &c, sample::ScanOp op)
      : c(c), op(op), body(*op.getBlock()), carries(c.getAll(op.getCarries())), over(c.getAll(op.getOver())) {
    for (auto [stack, operand] : llvm::zip_equal(over, op.getOver()))
      if (stack.hasRows)
        stack = c.b.swapFirstAxes(stack, rankOf(operand) + 1);
    // Something has to say how often.
    if (over.empty())
      over.push_back(c.b.integers(std::vector<int64_t>(op.getLayers(), 0)));
  }

  LogicalResult convert();

private:
  /// One body for carries as they are. Fails to `isDone` if one of them gets rows in it.
  FailureOr<Message> convertBody(bool &isDone);
  void addNode(const Message &message);

  Converter &c;
  sample::ScanOp op;
  Block &body;
  std::vector<Tensor> carries, over, stacked;
};
} // namespace

FailureOr<Message> ScanConverter::convertBody(bool &isDone) {
  GraphBuilder::Body graph(c.b);
  unsigned sliced = op.getCarries().size() + op.getOver().size();
  for (auto [tensor, argument] : llvm::zip(llvm::concat<Tensor>(carries, over), body.getArguments().take_front(sliced)))
    c.set(argument, graph.addInput(tensor, shapeOf(argument)));
  if (op.getOver().empty())
    graph.addInput(over.front(), ArrayRef<int64_t>());
  for (auto [operand, argument] : llvm::zip_equal(op.getShared(), body.getArguments().drop_front(sliced)))
    c.set(argument, c.get(operand));
  FailureOr<std::vector<Tensor>> yielded = c.convert(body);
  if (failed(yielded))
    return failure();
  isDone = true;
  for (auto [i, carry] : llvm::enumerate(carries)) {
    Tensor &next = (*yielded)[i];
    isDone &= carry.hasRows || !next.hasRows;
    carry.hasRows |= next.hasRows;
    next = c.b.expand(next, rankOf(op.getFinals()[i]), carry.hasRows, false);
  }
  for (auto [tensor, value] : llvm::zip_equal(*yielded, body.getTerminator()->getOperands()))
    graph.addOutput(tensor, shapeOf(value));
  stacked.assign(yielded->begin() + static_cast<ptrdiff_t>(carries.size()), yielded->end());
  return graph.finish();
}

void ScanConverter::addNode(const Message &message) {
  std::vector<std::string> inputs;
  for (const Tensor &tensor : llvm::concat<const Tensor>(carries, over))
    inputs.push_back(tensor.name);
  int64_t backwards = op.getReverse();
  std::vector<int64_t> inputDirections(over.size(), backwards), outputDirections(stacked.size(), backwards);
  std::vector<NodeAttribute> attributes{{"body", message},
                                        {"num_scan_inputs", static_cast<int64_t>(over.size())},
                                        {"scan_input_directions", inputDirections}};
  if (!stacked.empty())
    attributes.push_back({"scan_output_directions", outputDirections});
  std::vector<std::string> names = c.b.graph->addNode("Scan", inputs, attributes, op->getNumResults());
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    bool isStacked = i >= carries.size();
    Tensor tensor = isStacked ? stacked[i - carries.size()] : carries[i];
    tensor.name = names[i];
    c.set(result, isStacked && tensor.hasRows ? c.b.swapFirstAxes(tensor, rankOf(result) + 1) : tensor);
  }
}

LogicalResult ScanConverter::convert() {
  for (bool isDone = false; !isDone;) {
    FailureOr<Message> message = convertBody(isDone);
    if (failed(message))
      return failure();
    if (isDone)
      addNode(*message);
    for (auto [i, carry] : llvm::enumerate(carries)) {
      Tensor initial = c.get(op.getCarries()[i]);
      if (!isDone && carry.hasRows)
        carry = c.b.withRows(initial, rankOf(op.getFinals()[i]));
    }
  }
  return success();
}

static LogicalResult convertScan(Converter &c, sample::ScanOp op) { return ScanConverter(c, op).convert(); }

void flowc::onnx::addLoops(Patterns &patterns) {
  patterns.add(convertMap);
  patterns.add(convertDense);
  patterns.add(convertScan);
}
