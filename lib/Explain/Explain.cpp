//===- Explain.cpp - A flow as mathematics --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Explain/Explain.h"

#include "ExplainImpl.h"

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Frontend/Emit.h"
#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/Node.h"
#include "flowc/Pipelines/Pipelines.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;
using Step = SpecializerTrace::Step;

namespace {

/// Explains one graph function.
class Explainer {
public:
  Explainer(llvm::raw_ostream &os, ModuleOp module, func::FuncOp function)
      : os(os), module(module), function(function) {}

  /// A distribution or a bijection.
  LogicalResult explainFlow();
  LogicalResult explainDensity(StringRef event);

private:
  LogicalResult explainDirection(bool inverse);
  LogicalResult explainGradients(bool inverse);
  void explainFormulas();
  void printSection(const llvm::Twine &title) { os << '\n' << title << '\n'; }

  llvm::raw_ostream &os;
  ModuleOp module;
  func::FuncOp function;
  size_t numBijections = 0;
  DistributionOpInterface base;
};

} // namespace

LogicalResult Explainer::explainFlow() {
  Value first;
  numBijections = Specializer::getChain(function.getBody().front().getTerminator()->getOperand(0), first).size();
  base = first.getDefiningOp<DistributionOpInterface>();
  explainFormulas();
  // The derivatives that users ask for are those of log_prob, or of transform.
  return failure(failed(explainDirection(/*inverse=*/false)) || failed(explainDirection(/*inverse=*/true)) ||
                 failed(explainGradients(/*inverse=*/bool(base))));
}

/// What was derived from formulas of the user.
void Explainer::explainFormulas() {
  llvm::StringSet<> done;
  function.walk([&](FormulaOp op) {
    std::unique_ptr<FormulaDerivation> derived = deriveFormula(op);
    const symbolic::Derivation &result = derived->result;
    std::string text;
    llvm::raw_string_ostream lines(text);
    lines << "  y = " << derived->algebra.print(result.function) << "\n";
    for (const symbolic::Rewriting &rewriting : result.rewritings)
      lines << "  " << rewriting.rule << ": " << rewriting.from << " = " << rewriting.to << "\n";
    lines << "  dy/dx = " << derived->algebra.print(result.derivative) << "\n";
    for (const symbolic::Step &step : result.steps)
      lines << "  " << step.rule << ": " << step.result << "\n";
    if (!done.insert(text).second)
      return;
    printSection("Formula");
    os << text;
  });
}

FailureOr<EmittedDirection> flowc::emitDirection(func::FuncOp function, bool inverse) {
  ImplicitLocOpBuilder builder(function.getLoc(), function);
  EmittedDirection direction;
  Value first;
  SmallVector<Operation *> chain =
      Specializer::getChain(function.getBody().front().getTerminator()->getOperand(0), first);
  direction.base = first.getDefiningOp<DistributionOpInterface>();
  SmallVector<Type> types{first.getType()};
  for (BlockArgument argument : function.getArguments())
    if (argument != first) {
      direction.inputs.push_back(argument);
      types.push_back(argument.getType());
    }
  direction.program = func::FuncOp::create(builder, "direction", builder.getFunctionType(types, {}));
  Block &block = *direction.program.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  Specializer specializer(builder);
  for (auto [input, argument] : llvm::zip_equal(direction.inputs, block.getArguments().drop_front()))
    specializer.getMapping().map(input, argument);
  SmallVector<Operation *> users(chain);
  if (direction.base)
    users.push_back(direction.base);
  if (failed(specializer.cloneParameterOps(function.getBody().front(), users)))
    return failure();
  FailureOr<Transformed> result = specializer.apply(chain, inverse, block.getArgument(0));
  if (failed(result))
    return failure();
  direction.result = *result;
  if (direction.base && inverse) {
    direction.lastOfBijections = block.empty() ? nullptr : &block.back();
    direction.logDensity = direction.base.buildLogProb(specializer, result->event);
  }
  return direction;
}

LogicalResult Explainer::explainDirection(bool inverse) {
  std::string from = inverse ? "x" : "z", to = inverse ? "z" : "x";
  if (!base)
    from = inverse ? "y" : "x", to = inverse ? "x" : "y";
  SpecializerTrace trace;
  FailureOr<EmittedDirection> direction = emitDirection(function, inverse);
  if (failed(direction))
    return failure();
  Block &block = direction->program.getBody().front();
  GraphNames names(function, from);
  MathPrinter printer(os, &trace);
  printer.setName(block.getArgument(0), from);
  for (auto [input, argument] : llvm::zip_equal(direction->inputs, block.getArguments().drop_front()))
    printer.setName(argument, names.get(input));

  const char *map = inverse ? "T⁻¹" : "T";
  const char *use = !base ? "" : inverse ? "   (log_prob)" : "   (sample)";
  printSection(llvm::Twine(inverse ? "Inverse: " : "Transform: ") + to + " = " + map + "(" + from + ")" + use);
  printer.setIndent(2);
  if (inverse && numBijections > 1)
    printer.printLine("The inverse of a chain is the chain of the inverses, from the last to the first.");
  std::string logDet = "log|det ∂" + to + "/∂" + from + "|";
  const Transformed &result = direction->result;
  printer.setTarget(result.event, to);
  if (result.logDet)
    printer.setTarget(result.logDet, logDet);
  Block::iterator end = block.end();
  if (direction->logDensity)
    end = direction->lastOfBijections ? std::next(direction->lastOfBijections->getIterator()) : block.begin();
  printer.printOps(block.begin(), end);
  printer.printResult(result.event, to);
  if (result.logDet)
    printer.printResult(result.logDet, logDet);
  else
    printer.printLine(logDet + " = 0");

  if (direction->logDensity) {
    printSection("Density: log q(x) = log p(z) + " + logDet);
    printer.printLine("# " + base->getName().stripDialect());
    printer.setTarget(direction->logDensity, "log p(z)");
    printer.printOps(end, block.end());
    printer.printResult(direction->logDensity, "log p(z)");
  }
  direction->program.erase();
  return success();
}

LogicalResult Explainer::explainGradients(bool inverse) {
  printSection(llvm::Twine("Gradient of ") + (base ? "log_prob" : "transform") +
               ", from the last step to the first: ∂v is the derivative by v, ℓ a step's log-determinant");
  GraphNames names(function, inverse ? "x" : "z");
  if (base && failed(explainBaseGradient(os, module, base, names)))
    return failure();
  SpecializerTrace trace;
  FailureOr<EmittedDirection> direction = emitDirection(function, inverse);
  if (failed(direction))
    return failure();
  trace.stop();
  LogicalResult explained = success();
  // Bijections inside of the base distribution belong to its density.
  for (const auto &step : llvm::reverse(trace.getRoot().steps))
    if (step->bijection->getParentOp() == function && failed(explainGradient(os, module, *step, names)))
      explained = failure();
  direction->program.erase();
  return explained;
}

LogicalResult Explainer::explainDensity(StringRef event) {
  // In the form that is compiled.
  PassManager pm(module.getContext());
  pm.addPass(createStabilizePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (failed(pm.run(module)))
    return failure();
  Block &block = function.getBody().front();
  printSection("Log-density");
  MathPrinter printer(os);
  printer.setIndent(2);
  printer.setName(block.getArgument(0), event.str());
  for (BlockArgument data : block.getArguments().drop_front())
    printer.setName(data, function.getArgAttrOfType<StringAttr>(data.getArgNumber(), SampleDialect::kNameAttr).str());
  Value result = block.getTerminator()->getOperand(0);
  printer.setTarget(result, "log p");
  printer.printBlock(block);
  printer.printResult(result, "log p");
  printSection("Gradient: ∂v is the derivative of log p by v");
  return explainDensityGradient(os, function, event);
}

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerPipelineDialects(registry);
  return registry;
}

FlowGraph::FlowGraph(const Flow &flow, DType dtype)
    : context(makeRegistry(), MLIRContext::Threading::DISABLED), handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error && error.empty())
          error = diagnostic.str();
        return success();
      }) {
  module = emitFlowGraph(context, flow.root(), dtype, flow.name(), error);
}

Expected<std::string> flowc::explain(const Flow &flow) {
  // In float64, numbers of the text are printed as they were written.
  FlowGraph graph(flow, F64);
  if (!graph.getModule())
    return Error{graph.getError()};
  std::string text;
  llvm::raw_string_ostream os(text);
  Explainer explainer(os, graph.getModule(), graph.getFunction());
  const char *kind = flow.isDistribution() ? "flow " : flow.isDensity() ? "density " : "bijection ";
  os << kind << flow.name() << ": event " << formatShape(flow.shape());
  if (flow.condShape())
    os << ", condition c " << formatShape(*flow.condShape());
  os << '\n';
  LogicalResult done = failure();
  if (flow.isDensity())
    done = explainer.explainDensity(flow.root().formula->item.variable);
  else
    done = explainer.explainFlow();
  if (failed(done))
    return Error{"cannot explain '" + flow.name() + "': " + graph.getError()};
  return text;
}
