//===- Onnx.cpp - Functions of a model as ONNX ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Onnx/Onnx.h"

#include "Converter.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Dialect/Sample/IR/SampleDialect.h"
#include "flowc/ExecutionEngine/KernelCompiler.h"
#include "flowc/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace flowc;
using namespace flowc::onnx;

//===----------------------------------------------------------------------===//
// Which functions
//===----------------------------------------------------------------------===//

/// Philox is none of ONNX's generators, and its graphs are not differentiated.
static bool isPlain(const KernelSpec &spec) {
  return spec.rows == RowSource::Given && spec.derivative == Derivative::None && spec.tangent == Derivative::None &&
         !spec.getProgram().needsTarget;
}

Expected<void> flowc::checkOnnxFunction(Kernel function) {
  const KernelSpec *spec = findKernel(function);
  if (spec && isPlain(*spec))
    return {};
  auto names = llvm::map_range(llvm::make_filter_range(kKernels, isPlain),
                               [](const KernelSpec &other) { return llvm::StringRef(other.name); });
  std::string instead = spec && spec->rows == RowSource::Drawn
                            ? "; a sample is the push of draws of the base distribution, which ONNX has no Philox for"
                            : "";
  return Error{"ONNX has no " + std::string(getKernelName(function)) +
               ", only functions of given rows, without derivatives and targets: " + llvm::join(names, ", ") + instead};
}

std::vector<Kernel> flowc::getDefaultOnnxFunctions(const Flow &flow) {
  if (flow.isDistribution())
    return {Kernel::LogProb, Kernel::Push};
  return {Kernel::Transform, Kernel::Inverse};
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

static const Patterns &getPatterns() {
  static const Patterns *patterns = [] {
    auto *all = new Patterns;
    addArithmetic(*all);
    addBlocks(*all);
    addFunctions(*all);
    addLoops(*all);
    addMoves(*all);
    addParameters(*all);
    addRoot(*all);
    addSmall(*all);
    addSweep(*all);
    return all;
  }();
  return *patterns;
}

static const mlir::DialectRegistry &getRegistry() {
  static const mlir::DialectRegistry *registry = [] {
    auto *result = new mlir::DialectRegistry;
    registerPipelineDialects(*result);
    return result;
  }();
  return *registry;
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

namespace {
/// Makes a graph of the function of a program.
class GraphMaker {
public:
  GraphMaker(const Model &model, const KernelSpec &spec)
      : model(model), spec(spec), graph(parts, nullptr),
        builder(parts, graph, model.dtype() == F32 ? ElementType::Float : ElementType::Double),
        converter(builder, getPatterns()) {}

  mlir::LogicalResult make(mlir::func::FuncOp function);
  const Graph &get() const { return graph; }

private:
  std::vector<int64_t> findShape(const RowArray &array) const;
  void addParameters(mlir::func::FuncOp function);
  void addInput(const RowArray &array, mlir::Value argument);
  void addOutput(const RowArray &array, mlir::Value value, Tensor tensor);

  const Model &model;
  const KernelSpec &spec;
  ModelParts parts;
  Graph graph;
  GraphBuilder builder;
  Converter converter;
};
} // namespace

/// The shape of a row.
std::vector<int64_t> GraphMaker::findShape(const RowArray &array) const {
  const Flow &flow = model.flow();
  if (array.width == RowWidth::Condition)
    return *flow.condShape();
  return array.width == RowWidth::Event ? flow.shape() : std::vector<int64_t>();
}

/// Leaves become initializers under their paths, if the program uses them.
void GraphMaker::addParameters(mlir::func::FuncOp function) {
  llvm::StringMap<size_t> indices;
  for (auto [i, info] : llvm::enumerate(model.parameters()))
    indices[info.path] = i;
  std::vector<const void *> leaves = model.getImpl().leafPointers();
  for (mlir::BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(), sample::SampleDialect::kNameAttr);
    if (!name || argument.use_empty())
      continue;
    size_t leaf = indices.at(name.getValue());
    ElementType type = converter.convertType(argument.getType());
    size_t bytes = static_cast<size_t>(countElements(argument)) * (type == ElementType::Double ? 8 : 4);
    std::string_view data(static_cast<const char *>(leaves[leaf]), bytes);
    converter.set(argument, {parts.addInitializer(type, shapeOf(argument), data, name.str()), type});
  }
}

void GraphMaker::addInput(const RowArray &array, mlir::Value argument) {
  std::string name(array.name);
  std::vector<int64_t> shape = findShape(array);
  graph.addInput(name, builder.real, makeDimensions(shape, /*hasRows=*/true));
  if (builder.rows.empty())
    builder.rows = graph.addNode("Shape", {name}, {{"start", int64_t(0)}, {"end", int64_t(1)}}).front();
  Tensor input{name, builder.real, /*hasRows=*/true};
  bool isFlat = llvm::ArrayRef<int64_t>(shape) == shapeOf(argument);
  converter.set(argument, isFlat ? input : builder.reshape(input, shapeOf(argument)));
}

void GraphMaker::addOutput(const RowArray &array, mlir::Value value, Tensor tensor) {
  std::vector<int64_t> shape = findShape(array);
  tensor = builder.withRows(tensor, rankOf(value));
  if (llvm::ArrayRef<int64_t>(shape) != shapeOf(value))
    tensor = builder.reshape(tensor, shape);
  std::string name(array.name);
  graph.addAlias(tensor.name, name);
  graph.addOutput(name, builder.real, makeDimensions(shape, /*hasRows=*/true));
}

mlir::LogicalResult GraphMaker::make(mlir::func::FuncOp function) {
  RowArrays inputs = inputsOf(spec, model.flow().condShape().has_value());
  size_t next = 0;
  for (mlir::BlockArgument argument : function.getArguments())
    if (function.getArgAttr(argument.getArgNumber(), sample::SampleDialect::kRowAttr))
      addInput(inputs.arrays[next++], argument);
  addParameters(function);
  mlir::Block &block = function.getBody().front();
  mlir::FailureOr<std::vector<Tensor>> results = converter.convert(block);
  if (failed(results))
    return mlir::failure();
  RowArrays outputs = outputsOf(spec);
  for (auto [i, value] : llvm::enumerate(block.getTerminator()->getOperands()))
    addOutput(outputs.arrays[i], value, (*results)[i]);
  return mlir::success();
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static Expected<std::string> convertModule(const Model &model, const KernelSpec &spec, mlir::ModuleOp module,
                                           const std::vector<std::pair<std::string, std::string>> &metadata) {
  std::string message;
  mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    llvm::raw_string_ostream(message) << (message.empty() ? "" : "; ") << diagnostic.str();
  });
  GraphMaker maker(model, spec);
  if (failed(maker.make(module.lookupSymbol<mlir::func::FuncOp>("kernel"))))
    return Error{"cannot export " + std::string(spec.name) + " of '" + model.flow().name() + "': " + message};
  std::vector<std::pair<std::string, std::string>> all{{"flowc.version", FLOWC_VERSION},
                                                       {"flowc.function", std::string(spec.name)},
                                                       {"flowc.flow", model.flow().text()}};
  llvm::append_range(all, metadata);
  std::string file = makeModelFile(maker.get(), model.flow().name() + "." + std::string(spec.name), FLOWC_VERSION, all);
  // Readers take no message of more.
  if (file.size() > std::numeric_limits<int32_t>::max())
    return Error{"the parameters of '" + model.flow().name() + "' take " + std::to_string(file.size()) +
                 " bytes, and a file of ONNX 2147483647 at most"};
  return file;
}

Expected<std::string> flowc::makeOnnx(const Model &model, Kernel function,
                                      const std::vector<std::pair<std::string, std::string>> &metadata) {
  if (auto ok = checkOnnxFunction(function); !ok)
    return ok.takeError();
  const Flow &flow = model.flow();
  if (flow.isDensity())
    return Error{"'" + flow.name() +
                 "' is a density, whose data is no part of a model: expected a flow or a bijection"};
  if (auto exists = checkKernelExists({flow, function, model.dtype()}); !exists)
    return exists.takeError();
  mlir::MLIRContext context(getRegistry(), mlir::MLIRContext::Threading::DISABLED);
  PipelineOptions options{.dtype = model.dtype(), .kernel = function, .isWhole = true};
  std::string error;
  mlir::OwningOpRef<mlir::ModuleOp> module = buildKernelModule(context, flow, EmitLevel::Sample, options, error);
  if (!module)
    return Error{error};
  return convertModule(model, *findKernel(function), *module, metadata);
}
