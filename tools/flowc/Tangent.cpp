//===- Tangent.cpp - flowc jvp, hvp ---------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

using namespace flowc;
using namespace flowc::tool;

namespace {

struct TangentOptions {
  ModelOptions model;
  DataOptions data;
  std::string tangent, of = "inputs", output, logDet;
};

/// Opens the file of directions, whose rows are `shape`; `what` says of what.
Expected<std::unique_ptr<RowReader>> openTangent(const std::string &path, const Shape &shape, const std::string &what) {
  auto reader = openRows(path);
  if (!reader)
    return reader;
  if (auto ok = checkRowShape(**reader, shape, what); !ok)
    return ok.takeError();
  return reader;
}

/// A direction in the parameters, as `flowc gradient` writes gradients.
Expected<std::vector<double>> readParameters(const Loaded &loaded, const std::string &path) {
  auto reader = openTangent(path, {}, "one number for each trainable parameter");
  if (!reader)
    return reader.takeError();
  auto values = readAllRows<double>(**reader, /*finite=*/true);
  if (!values)
    return values;
  if (int64_t expected = loaded.model.numTrainable(); static_cast<int64_t>(values->size()) != expected)
    return Error{"'" + path + "' has " + std::to_string(values->size()) + " numbers, expected " +
                 std::to_string(expected) + ": one for each trainable parameter of '" + loaded.flow().name() + "'"};
  return values;
}

/// Row outputs of a kernel, of which some are written.
class Outputs {
public:
  /// An output of rows of `shape`: written to `path`, unless it is null.
  Expected<void> add(const Loaded &loaded, const Shape &shape, const std::string *path, const std::string &column) {
    std::unique_ptr<RowWriter> writer;
    if (path) {
      auto created = createRowWriter(*path, loaded.dtype(), shape, defaultColumnNames(column, numElements(shape)));
      if (!created)
        return created.takeError();
      writer = std::move(*created);
    }
    outputs.push_back({numElements(shape), std::move(writer), {}});
    return {};
  }

  /// Runs `call` on all rows of `sources`.
  Expected<void> write(const Loaded &loaded, RowSources &sources, const std::string &label, Kernels::Call call) {
    auto rows = forEachChunk(sources, label, [&](int64_t count) -> Expected<void> {
      call.inputs = sources.pointers();
      call.outputs.clear();
      call.rows = count;
      for (Output &output : outputs) {
        output.values.resize(static_cast<size_t>(count * output.width));
        call.outputs.push_back(output.values.data());
      }
      if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
        return ok;
      for (Output &output : outputs)
        if (output.writer)
          if (auto ok = output.writer->append(output.values.data(), count); !ok)
            return ok;
      return {};
    });
    if (!rows)
      return rows.takeError();
    for (Output &output : outputs)
      if (output.writer)
        if (auto ok = output.writer->finish(); !ok)
          return ok;
    return {};
  }

private:
  struct Output {
    int64_t width;
    std::unique_ptr<RowWriter> writer;
    std::vector<double> values; ///< Doubles are as well aligned as floats.
  };
  std::vector<Output> outputs;
};

Expected<int> runJvp(const TangentOptions &options) {
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  auto sources = openSources(*loaded, options.data, 2 * flow.dim() + 2);
  if (!sources)
    return sources.takeError();
  Kernels::Call call{.kernel = options.of == "inputs" ? Kernel::JvpInputs : Kernel::JvpParams};
  std::vector<double> direction;
  if (options.of == "inputs") {
    auto tangent = openTangent(options.tangent, flow.shape(), "a direction in the event of '" + flow.name() + "'");
    if (!tangent)
      return tangent.takeError();
    sources->add(std::move(*tangent), /*mayRepeat=*/true);
  } else {
    auto tangent = readParameters(*loaded, options.tangent);
    if (!tangent)
      return tangent.takeError();
    direction = std::move(*tangent);
    call.tangent = direction;
  }
  const std::string *logDet = options.logDet.empty() ? nullptr : &options.logDet;
  Outputs outputs;
  for (auto ok :
       {outputs.add(*loaded, flow.shape(), nullptr, {}), outputs.add(*loaded, {}, nullptr, {}),
        outputs.add(*loaded, flow.shape(), &options.output, "dy"), outputs.add(*loaded, {}, logDet, "dlog_det")})
    if (!ok)
      return ok.takeError();
  if (auto ok = outputs.write(*loaded, *sources, "jvp", std::move(call)); !ok)
    return ok.takeError();
  return 0;
}

Expected<int> runHvp(const TangentOptions &options) {
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  if (!flow.isDistribution() && !flow.isDensity())
    return Error{"'" + flow.name() + "' is a bijection, expected a flow: it has no density"};
  auto sources = openSources(*loaded, options.data, 2 * flow.dim());
  if (!sources)
    return sources.takeError();
  auto tangent = openTangent(options.tangent, flow.shape(), "a vector of the event of '" + flow.name() + "'");
  if (!tangent)
    return tangent.takeError();
  sources->add(std::move(*tangent), /*mayRepeat=*/true);
  Outputs outputs;
  for (auto ok :
       {outputs.add(*loaded, flow.shape(), nullptr, {}), outputs.add(*loaded, flow.shape(), &options.output, "hvp")})
    if (!ok)
      return ok.takeError();
  if (auto ok = outputs.write(*loaded, *sources, "hvp", {.kernel = Kernel::Hvp}); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addTangentCommands(CLI::App &app, Action &action) {
  auto [command, jvp] =
      addCommand(app, action, "jvp", "Jacobian-vector product of transform",
                 "  flowc jvp model.safetensors z.npy --tangent dy.npy -o tangent.npy\n"
                 "  flowc jvp model.safetensors z.npy --tangent dy.npy -o tangent.npy --log-det dlog_det.npy\n"
                 "  flowc jvp model.safetensors z.npy --of params --tangent gradient.npy -o tangent.npy\n\n"
                 "How the result of each row, and its log-determinant, change along a direction.",
                 runJvp);
  jvp->model.add(*command);
  jvp->data.add(*command);
  command
      ->add_option("--tangent", jvp->tangent,
                   "The direction: a row for each row of DATA, or one for all; of params a number for each parameter")
      ->required();
  command->add_option("--of", jvp->of, "inputs (default), or params: flat in leaf order, as gradient writes them")
      ->check(CLI::IsMember({"params", "inputs"}));
  markOutput(command->add_option("--log-det", jvp->logDet, "File for the tangent of the log-determinant of each row"));
  addOutput(*command, jvp->output);

  auto [hvpCommand, hvp] = addCommand(app, action, "hvp", "Hessian of the log-density times a vector, of each row",
                                      "  flowc hvp model.safetensors data.npy --tangent dy.npy -o hvp.npy\n\n"
                                      "The second derivatives of log_prob in the row, at the row, along the vector.",
                                      runHvp);
  hvp->model.add(*hvpCommand);
  hvp->data.add(*hvpCommand);
  hvpCommand->add_option("--tangent", hvp->tangent, "The vector: a row for each row of DATA, or one for all")
      ->required();
  addOutput(*hvpCommand, hvp->output);
}
