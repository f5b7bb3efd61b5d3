//===- Gradient.cpp - flowc gradient, vjp ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"

#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

struct GradientOptions {
  ModelOptions model;
  DataOptions data;
  std::string loss = "nll", of = "params", target, output;
  GradientMode mode = GradientMode::Reverse;
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
  sources.refuseNaN();
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

/// The objective that a loss names: `nll` is what the likelihood has always been called.
Expected<std::unique_ptr<Objective>> makeLoss(const GradientOptions &options, const Loaded &loaded) {
  auto source = readObjective(options.loss == "nll" ? "likelihood" : options.loss);
  if (!source)
    return source.takeError();
  auto target = loadTarget(options.target);
  if (!target)
    return target.takeError();
  CompileOptions compileOptions = options.model.compileOptions(loaded.dtype());
  compileOptions.target = std::move(*target);
  if (!source->text.empty())
    return parseObjective(source->text, loaded.flow(), compileOptions, {}, options.loss);
  auto info = findObjective(source->choice.name);
  if (!info)
    return info.takeError();
  if ((*info)->needsDensity && options.target.empty())
    return Error{"the loss " + source->choice.name + " needs --target DENSITY.flow, a file with a 'density'"};
  if (!(*info)->needsDensity && !options.target.empty())
    return Error{"the loss " + options.loss + " is about no target: add a --loss that is, such as elbo"};
  return makeObjective(source->choice, loaded.flow(), compileOptions);
}

/// A running mean of losses and gradients.
struct Mean {
  ValueAndGradient mean;
  int64_t rows = 0;

  void add(const ValueAndGradient &part, int64_t count) {
    rows += count;
    double share = static_cast<double>(count) / static_cast<double>(rows);
    mean.gradient.resize(part.gradient.size());
    mean.value += (part.value - mean.value) * share;
    for (size_t i = 0; i < part.gradient.size(); ++i)
      mean.gradient[i] += (part.gradient[i] - mean.gradient[i]) * share;
  }
};

/// Columns of the data that an objective names, in the model's element type.
class OtherColumns {
public:
  Expected<void> read(const Objective &objective, const DataOptions &data, DType dtype) {
    for (const std::string &name : objective.columns()) {
      auto reader = openRows(data.path, {name});
      if (!reader)
        return reader.takeError();
      auto values = readAllRows<double>(**reader, /*finite=*/true);
      if (!values)
        return values.takeError();
      if (dtype == F32)
        floats.emplace_back(values->begin(), values->end());
      else
        doubles.push_back(std::move(*values));
    }
    return {};
  }
  std::vector<const void *> pointers() const {
    std::vector<const void *> result;
    for (const auto &column : floats)
      result.push_back(column.data());
    for (const auto &column : doubles)
      result.push_back(column.data());
    return result;
  }

private:
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<double>> doubles;
};

/// Loss and gradient of all rows: in parts if the loss is a mean over them, else of one
/// batch.
Expected<Mean> computeMean(const GradientOptions &options, const Loaded &loaded, Objective &objective) {
  auto data = withoutColumns(options.data, loaded.record, objective.columns());
  if (!data)
    return data.takeError();
  auto sources = openSources(loaded, *data, loaded.flow().dim());
  if (!sources)
    return sources.takeError();
  sources->refuseNaN();
  OtherColumns others;
  if (auto ok = others.read(objective, options.data, loaded.dtype()); !ok)
    return ok.takeError();
  Mean mean;
  auto add = [&](const std::vector<const void *> &rows, int64_t count) -> Expected<void> {
    Batch batch{
        .x = rows[0], .condition = rows.size() > 1 ? rows[1] : nullptr, .columns = others.pointers(), .rows = count};
    auto part = valueAndGradient(objective, loaded.model, batch, {.mode = options.mode});
    if (!part)
      return part.takeError();
    mean.add(*part, count);
    return {};
  };
  std::vector<std::vector<char>> whole;
  auto rows = forEachChunk(*sources, "gradient", [&](int64_t count) -> Expected<void> {
    if (objective.isMeanOfRows())
      return add(sources->pointers(), count);
    sources->appendTo(whole, count);
    return {};
  });
  if (!rows)
    return rows.takeError();
  if (*rows == 0)
    return Error{"'" + options.data.path + "' has no rows: there is no mean loss"};
  if (!whole.empty()) {
    std::vector<const void *> pointers;
    for (const std::vector<char> &array : whole)
      pointers.push_back(array.data());
    if (auto ok = add(pointers, *rows); !ok)
      return ok.takeError();
  }
  return mean;
}

Expected<int> runGradient(const GradientOptions &given) {
  GradientOptions options = given;
  bool isNll = options.loss == "nll" || options.loss == "likelihood";
  if (!isNll && options.of == "inputs")
    return Error{"the loss " + options.loss + " has a gradient in parameters only, leave out --of inputs"};
  if (options.of == "inputs" && (options.mode != GradientMode::Reverse || !options.target.empty()))
    return Error{"the score by row has one mode and no target, leave out --mode and --target"};
  // Differences have no digits in float32.
  if (options.mode == GradientMode::Differences && options.model.dtype.empty())
    options.model.dtype = "f64";
  auto loaded = loadKernels(options.model, options.data.path);
  if (!loaded)
    return loaded.takeError();
  const Flow &flow = loaded->flow();
  if (flow.isDensity() && options.of == "params")
    return Error{"'" + flow.name() + "' is a density, which has no parameters: ask for --of inputs"};
  if (!flow.isDistribution() && !flow.isDensity())
    return Error{"'" + flow.name() +
                 "' is a bijection, expected a flow: it has no density (flowc vjp differentiates bijections)"};
  if (options.of == "inputs") {
    auto sources = openInput(*loaded, options.data, options.output);
    if (!sources)
      return sources.takeError();
    return writeByRow(*loaded, *sources, Kernel::Score, options.output);
  }
  auto objective = makeLoss(options, *loaded);
  if (!objective)
    return objective.takeError();
  if (!options.output.empty())
    if (auto ok = checkWritable(options.output); !ok)
      return ok.takeError();
  if (auto ok = checkOutputFormat(options.output); !ok)
    return ok.takeError();
  auto mean = computeMean(options, *loaded, **objective);
  if (!mean)
    return mean.takeError();
  if (auto ok = writeFlat(mean->mean.gradient, loaded->dtype(), options.output); !ok)
    return ok.takeError();
  std::fprintf(options.output.empty() ? stderr : stdout, "loss: %s\n",
               formatNumber(mean->mean.value, loaded->dtype()).c_str());
  return 0;
}

Expected<int> runVjp(const VjpOptions &options) {
  auto loaded = loadKernels(options.model, options.data.path);
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

/// --mode: which way the gradient is computed.
void addModeOption(CLI::App &command, GradientMode &mode) {
  std::map<std::string, GradientMode> modes;
  std::string help = "How:";
  for (const GradientModeInfo &info : kGradientModes) {
    modes[info.name] = info.mode;
    help += (modes.size() > 1 ? "; " : " ") + std::string(info.name) + (modes.size() > 1 ? ", " : " (default), ") +
            info.help;
  }
  command.add_option("--mode", mode, help)->transform(CLI::Transformer(modes))->option_text("NAME");
}

} // namespace

void tool::addGradientCommands(CLI::App &app, Action &action) {
  auto [command, gradient] = addCommand(
      app, action, "gradient", "Gradient of the mean loss, or the score of each row",
      "  flowc gradient model.safetensors data.npy -o gradient.npy\n"
      "  flowc gradient model.safetensors data.npy --of inputs -o score.npy\n"
      "  flowc gradient model.safetensors z.npy --loss elbo --target banana.flow -o gradient.npy\n"
      "  flowc gradient model.safetensors z.npy --loss iwae:draws=8 --target banana.flow --mode forward \\\n"
      "      -o gradient.npy\n\n"
      "The gradient in parameters is flat, in the order of FlowJAX's leaves; the loss is printed. A loss is nll\n"
      "(likelihood) or another objective of 'flowc train --help', or a .flow file with an 'objective'. For\n"
      "losses about a target the rows are draws of the base distribution.",
      runGradient);
  gradient->model.add(*command);
  gradient->data.add(*command);
  command->add_option("--loss", gradient->loss, "Whose gradient: nll (default), elbo, stl, iwae, ... or a .flow file");
  addModeOption(*command, gradient->mode);
  command->add_option("--of", gradient->of, "params (default), or inputs: d log_prob / dx by row")
      ->check(CLI::IsMember({"params", "inputs"}));
  command->add_option("--target", gradient->target,
                      "The density (.flow) that the loss is about: a target, or the prior of contrastive");
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
