//===- Gradient.cpp - flowc gradient, vjp ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct GradientOptions {
  ModelOptions model;
  DataOptions data;
  std::string loss = "nll", of = "params", target, output;
};

struct VjpOptions {
  ModelOptions model;
  DataOptions data;
  std::string cotangent, logDetCotangent, of = "params", output;
};

/// The rows to differentiate at, after a look whether the output can be written.
Expected<RowSources> openInput(const Loaded &loaded, const DataOptions &data, const std::string &output) {
  if (!output.empty())
    if (auto ok = checkWritable(output); !ok)
      return ok.takeError();
  return openSources(loaded, data, loaded.flow().dim());
}

/// Gradients of `kernel` for each row go to the output as they come.
Expected<int> writeByRow(const Loaded &loaded, RowSources &sources, Kernel kernel, const std::string &output) {
  const Flow &flow = loaded.flow();
  RowOutput rows{"gradient", output, flow.shape(), defaultColumnNames("grad", flow.dim())};
  if (auto ok = writeRows(loaded, sources, kernel, rows); !ok)
    return ok.takeError();
  return 0;
}

/// A sum over all rows.
struct Sum {
  double loss = 0;
  std::vector<double> gradient;
  int64_t rows = 0;
};

Expected<Sum> sumOverRows(const Loaded &loaded, RowSources &sources, Kernel kernel) {
  Sum sum;
  std::vector<double> part(static_cast<size_t>(loaded.model.numTrainable()));
  sum.gradient.resize(part.size());
  auto rows = forEachChunk(sources, "gradient", [&](int64_t count) -> Expected<void> {
    double loss = 0;
    Kernels::Call call{.kernel = kernel,
                       .inputs = sources.pointers(),
                       .rows = count,
                       .mean = false,
                       .loss = &loss,
                       .gradient = part.data()};
    if (auto ok = loaded.kernels->run(loaded.model, call); !ok)
      return ok;
    sum.loss += loss;
    for (size_t i = 0; i < part.size(); ++i)
      sum.gradient[i] += part[i];
    return {};
  });
  if (!rows)
    return rows.takeError();
  sum.rows = *rows;
  return sum;
}

/// Writes a flat gradient as one column.
Expected<void> writeFlat(const std::vector<double> &gradient, DType dtype, const std::string &output) {
  auto writer = createRowWriter(output, dtype, {}, {"gradient"});
  if (!writer)
    return writer.takeError();
  auto count = static_cast<int64_t>(gradient.size());
  std::vector<float> narrow(gradient.begin(), gradient.end());
  const void *data = dtype == F32 ? static_cast<const void *>(narrow.data()) : gradient.data();
  if (auto ok = (*writer)->append(data, count); !ok)
    return ok;
  return (*writer)->finish();
}

Expected<int> runGradient(const GradientOptions &options) {
  bool isNll = options.loss == "nll";
  if (isNll != options.target.empty())
    return Error{isNll ? "--target is for the losses elbo and stl: add --loss elbo"
                       : "the loss " + options.loss + " needs --target DENSITY.flow, a file with a 'density'"};
  if (!isNll && options.of == "inputs")
    return Error{"the loss " + options.loss + " has a gradient in parameters only, leave out --of inputs"};
  auto loaded = loadKernels(options.model, options.target);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  if (flow.isDensity() && options.of == "params")
    return Error{"'" + flow.name() + "' is a density, which has no parameters: ask for --of inputs"};
  if (!flow.isDistribution() && !flow.isDensity())
    return Error{"'" + flow.name() +
                 "' is a bijection, expected a flow: it has no density (flowc vjp differentiates bijections)"};
  auto sources = openInput(*loaded, options.data, options.output);
  if (!sources)
    return sources.takeError();
  if (options.of == "inputs")
    return writeByRow(*loaded, *sources, Kernel::Score, options.output);
  if (auto ok = checkOutputFormat(options.output); !ok)
    return ok.takeError();
  Kernel kernel = isNll ? Kernel::NllGradient : options.loss == "elbo" ? Kernel::ElboGradient : Kernel::StlGradient;
  auto sum = sumOverRows(*loaded, *sources, kernel);
  if (!sum)
    return sum.takeError();
  if (sum->rows == 0)
    return Error{"'" + options.data.path + "' has no rows: there is no mean loss"};
  auto rows = static_cast<double>(sum->rows);
  for (double &entry : sum->gradient)
    entry /= rows;
  if (auto ok = writeFlat(sum->gradient, loaded->dtype(), options.output); !ok)
    return ok.takeError();
  std::fprintf(options.output.empty() ? stderr : stdout, "loss: %s\n",
               formatNumber(sum->loss / rows, loaded->dtype()).c_str());
  return 0;
}

Expected<int> runVjp(const VjpOptions &options) {
  auto loaded = loadKernels(options.model);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  auto sources = openInput(*loaded, options.data, options.output);
  if (!sources)
    return sources.takeError();
  auto cotangent = openRows(options.cotangent);
  if (!cotangent)
    return cotangent.takeError();
  if (auto ok = checkRowShape(**cotangent, flow.shape(), "the cotangent of what '" + flow.name() + "' gives"); !ok)
    return ok.takeError();
  auto logDetCotangent = openRows(options.logDetCotangent);
  if (!logDetCotangent)
    return logDetCotangent.takeError();
  if (auto ok = checkRowShape(**logDetCotangent, {}, "the cotangent of the log-determinant"); !ok)
    return ok.takeError();
  sources->add(std::move(*cotangent));
  sources->add(std::move(*logDetCotangent));
  if (options.of == "inputs")
    return writeByRow(*loaded, *sources, Kernel::VjpInputs, options.output);
  if (auto ok = checkOutputFormat(options.output); !ok)
    return ok.takeError();
  auto sum = sumOverRows(*loaded, *sources, Kernel::VjpParams);
  if (!sum)
    return sum.takeError();
  if (auto ok = writeFlat(sum->gradient, loaded->dtype(), options.output); !ok)
    return ok.takeError();
  return 0;
}

} // namespace

void tool::addGradientCommands(CLI::App &app, Action &action) {
  auto [command, gradient] =
      addCommand(app, action, "gradient", "Gradient of the mean loss, or the score of each row",
                 "  flowc gradient model.safetensors data.npy -o gradient.npy\n"
                 "  flowc gradient model.safetensors data.npy --of inputs -o score.npy\n"
                 "  flowc gradient model.safetensors z.npy --loss elbo --target banana.flow -o gradient.npy\n\n"
                 "The gradient in parameters is flat, in the order of FlowJAX's leaves; the loss is printed. For elbo\n"
                 "and stl the rows are draws of the base distribution.",
                 runGradient);
  gradient->model.add(*command);
  gradient->data.add(*command);
  command->add_option("--loss", gradient->loss, "nll (default), elbo or stl")
      ->check(CLI::IsMember({"nll", "elbo", "stl"}));
  command->add_option("--of", gradient->of, "params (default), or inputs: d log_prob / dx by row")
      ->check(CLI::IsMember({"params", "inputs"}));
  command->add_option("--target", gradient->target, "The target density (.flow) of the losses elbo and stl");
  addOutput(*command, gradient->output);

  auto [vjpCommand, vjp] =
      addCommand(app, action, "vjp", "Vector-Jacobian product of transform",
                 "  flowc vjp model.safetensors x.npy --cotangent dy.npy --log-det-cotangent dl.npy -o grad.npy\n"
                 "  flowc vjp model.safetensors x.npy --cotangent dy.npy --log-det-cotangent dl.npy --of inputs",
                 runVjp);
  vjp->model.add(*vjpCommand);
  vjp->data.add(*vjpCommand);
  vjpCommand->add_option("--cotangent", vjp->cotangent, "Cotangent of the result, a row for each row of DATA")
      ->required();
  vjpCommand
      ->add_option("--log-det-cotangent", vjp->logDetCotangent,
                   "Cotangent of the log-determinant, a number for each row")
      ->required();
  vjpCommand->add_option("--of", vjp->of, "params (default): summed over rows; inputs: by row")
      ->check(CLI::IsMember({"params", "inputs"}));
  addOutput(*vjpCommand, vjp->output);
}
