#include "flowc/Dialect/Flow/IR/FlowVjp.h"
#include "flowc/Dialect/Flow/IR/FlowDialect.h"
using namespace mlir;
using namespace flowc::flow;
LogicalResult SweepOp::buildVjp(VjpBuilder &, ValueRange) { return emitOpError("has no derivative"); }
