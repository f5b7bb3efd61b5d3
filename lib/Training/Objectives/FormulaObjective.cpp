//===- FormulaObjective.cpp - A loss written in the language --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Terms of all rows, then the compiled formula with its gradient in the terms, then the
// pull-back of that to the parameters. The formula is computed in float64 whatever the
// flow's type is: it is a small part of the work and sums over all rows.
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace flowc;

namespace {

class FormulaObjective : public Objective {
public:
  FormulaObjective(std::string text, std::string label, std::string file, std::vector<std::string> terms,
                   std::shared_ptr<Kernels> kernels, const CompileOptions &options)
      : text(std::move(text)), label(std::move(label)), file(std::move(file)), terms(std::move(terms)),
        kernels(std::move(kernels)), options(options) {
    auto target = std::ranges::find(this->terms, "target");
    if (target != this->terms.end())
      targetTerm = target - this->terms.begin();
  }

  std::string name() const override { return label; }
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    return model.dtype() == F32 ? lossAndGradientAs<float>(model, batch, gradient)
                                : lossAndGradientAs<double>(model, batch, gradient);
  }

  /// Of draws that are compared with a target, log q - target.
  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    if (targetTerm < 0 || terms.size() > 1)
      return Objective::rowLosses(model, batch, losses);
    std::vector<double> values;
    auto ok =
        model.dtype() == F32 ? computeTerms<float>(model, batch, values) : computeTerms<double>(model, batch, values);
    for (int64_t i = 0; ok && i < batch.rows; ++i)
      losses[i] = values[i] - values[batch.rows + i];
    return ok;
  }

private:
  /// The formula for a number of rows.
  struct Compiled {
    Model model;
    std::shared_ptr<Kernels> kernels;
  };

  Expected<Compiled *> formulaFor(int64_t rows);
  bool isDrawn(const Batch &batch) const { return targetTerm >= 0 || !batch.x; }
  template <typename T>
  Expected<void> computeTerms(const Model &model, const Batch &batch, std::vector<double> &values);
  template <typename T>
  Expected<void> addColumns(const Batch &batch, std::vector<double> &values) const;
  template <typename T>
  Expected<double> lossAndGradientAs(const Model &model, const Batch &batch, void *gradient);
  template <typename T>
  Expected<void> pullBack(const Model &model, const Batch &batch, const std::vector<double> &slopes, void *gradient);

  std::string text, label, file;
  std::vector<std::string> terms;
  int64_t targetTerm = -1;
  std::shared_ptr<Kernels> kernels;
  CompileOptions options;
  std::map<int64_t, Compiled> formulas;
};

Expected<FormulaObjective::Compiled *> FormulaObjective::formulaFor(int64_t rows) {
  if (auto known = formulas.find(rows); known != formulas.end())
    return &known->second;
  auto formula = Flow::parseObjective(text, rows, label, file);
  if (!formula)
    return formula.takeError();
  CompileOptions plain = options;
  plain.target.reset();
  plain.dtype = F64;
  auto compiled = compile(*formula, plain);
  if (!compiled)
    return compiled.takeError();
  return &formulas.emplace(rows, Compiled{Model::zeros(*formula, F64), std::move(*compiled)}).first->second;
}

/// The log-density of each row, and its target if the formula has that term.
template <typename T>
Expected<void> FormulaObjective::computeTerms(const Model &model, const Batch &batch, std::vector<double> &values) {
  auto rows = static_cast<size_t>(batch.rows);
  std::vector<T> y, logProb(rows), logTarget(rows);
  Kernels::Call call{.kernel = Kernel::LogProb,
                     .outputs = {logProb.data()},
                     .rows = batch.rows,
                     .first = batch.first,
                     .seed = batch.seed};
  addRows(batch, call);
  if (isDrawn(batch)) {
    y.resize(rows * static_cast<size_t>(model.flow().dim()));
    call.outputs.insert(call.outputs.begin(), y.data());
    if (targetTerm >= 0) {
      call.kernel = batch.x ? Kernel::Weigh : Kernel::SampleAndWeigh;
      call.outputs.push_back(logTarget.data());
    } else {
      call.kernel = Kernel::SampleAndLogProb;
    }
  }
  if (auto ok = kernels->run(model, call); !ok)
    return ok;
  values.resize(rows * (1 + terms.size()));
  std::ranges::copy(logProb, values.begin());
  if (targetTerm >= 0)
    std::ranges::copy(logTarget, values.begin() + (1 + targetTerm) * batch.rows);
  return addColumns<T>(batch, values);
}

template <typename T>
Expected<void> FormulaObjective::addColumns(const Batch &batch, std::vector<double> &values) const {
  size_t column = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (static_cast<int64_t>(i) == targetTerm)
      continue;
    bool isGiven = column < batch.columns.size();
    const void *from = isGiven ? batch.columns[column] : column == 0 && batch.columns.empty() ? batch.weights : nullptr;
    if (!from)
      return Error{"the objective '" + label + "' needs the column '" + terms[i] + "', a number for each row"};
    std::copy_n(static_cast<const T *>(from), batch.rows, values.begin() + static_cast<int64_t>(1 + i) * batch.rows);
    ++column;
  }
  return {};
}

template <typename T>
Expected<void> FormulaObjective::pullBack(const Model &model, const Batch &batch, const std::vector<double> &slopes,
                                          void *gradient) {
  auto rows = static_cast<size_t>(batch.rows);
  std::vector<T> ofY, ofLogProb(slopes.begin(), slopes.begin() + batch.rows), ofTarget;
  double unused = 0;
  Kernels::Call call{.kernel = Kernel::LogProbVjpParams,
                     .rows = batch.rows,
                     .first = batch.first,
                     .seed = batch.seed,
                     .mean = false,
                     .loss = &unused};
  call.rawGradient = gradient;
  addRows(batch, call);
  if (isDrawn(batch)) {
    ofY.resize(rows * static_cast<size_t>(model.flow().dim()));
    call.kernel = targetTerm < 0 ? Kernel::SampleVjpParams
                  : batch.x      ? Kernel::WeighVjpParams
                                 : Kernel::SampleWeighVjpParams;
    call.inputs.push_back(ofY.data());
  }
  call.inputs.push_back(ofLogProb.data());
  if (targetTerm >= 0) {
    auto begin = slopes.begin() + (1 + targetTerm) * batch.rows;
    ofTarget.assign(begin, begin + batch.rows);
    call.inputs.push_back(ofTarget.data());
  }
  return kernels->run(model, call);
}

template <typename T>
Expected<double> FormulaObjective::lossAndGradientAs(const Model &model, const Batch &batch, void *gradient) {
  std::vector<double> values, slopes;
  auto formula = formulaFor(batch.rows);
  if (!formula)
    return formula.takeError();
  if (auto ok = computeTerms<T>(model, batch, values); !ok)
    return ok.takeError();
  slopes.resize(values.size());
  double loss = 0;
  Kernels::Call value{.kernel = Kernel::LogProb, .inputs = {values.data()}, .outputs = {&loss}, .rows = 1};
  Kernels::Call slope{.kernel = Kernel::Score, .inputs = {values.data()}, .outputs = {slopes.data()}, .rows = 1};
  for (const Kernels::Call &call : {value, slope})
    if (auto ok = (*formula)->kernels->run((*formula)->model, call); !ok)
      return ok.takeError();
  if (auto ok = pullBack<T>(model, batch, slopes, gradient); !ok)
    return ok.takeError();
  return loss;
}

} // namespace

Expected<std::unique_ptr<Objective>> flowc::parseObjective(std::string_view text, const Flow &flow,
                                                           const CompileOptions &options, std::string_view name,
                                                           std::string_view file) {
  auto formula = Flow::parseObjective(text, 1, name, file);
  if (!formula)
    return formula.takeError();
  const std::vector<std::string> &terms = formula->terms();
  bool needsTarget = std::ranges::find(terms, "target") != terms.end();
  if (needsTarget && !options.target)
    return Error{"the objective '" + formula->name() + "' needs a target density"};
  auto kernels = compile(flow, options);
  if (!kernels)
    return kernels.takeError();
  return std::unique_ptr<Objective>(std::make_unique<FormulaObjective>(
      std::string(text), formula->name(), std::string(file), terms, std::move(*kernels), options));
}
