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
  std::vector<std::string> columns() const override {
    std::vector<std::string> names = terms;
    if (targetTerm >= 0)
      names.erase(names.begin() + targetTerm);
    return names;
  }
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    return withType(model.dtype(), [&]<typename T>() { return lossAndGradientAs<T>(model, batch, gradient); });
  }

  Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction) override {
    return withType(model.dtype(), [&]<typename T>() { return lossAndSlopeAs<T>(model, batch, direction); });
  }
  /// Detached parts of the formula are those of `held`.
  Expected<double> surrogate(const Model &model, const Model &held, const Batch &batch) override;

  /// Of draws that are compared with a target, log q - target.
  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    if (targetTerm < 0 || terms.size() > 1)
      return Objective::rowLosses(model, batch, losses);
    auto values = termsAt(model, batch);
    if (!values)
      return values.takeError();
    for (int64_t i = 0; i < batch.rows; ++i)
      losses[i] = (*values)[i] - (*values)[batch.rows + i];
    return {};
  }

private:
  /// The formula for a number of rows; or the same with detached parts at an input of
  /// their own, if it has any.
  struct Compiled {
    Model model;
    std::shared_ptr<Kernels> kernels;
  };

  Expected<Compiled *> formulaFor(int64_t rows);
  Expected<Compiled *> splitFormulaFor(int64_t rows);
  Expected<Compiled> compileFormula(const Flow &formula) const;
  bool isDrawn(const Batch &batch) const { return targetTerm >= 0 || !batch.x; }
  /// The kernel call that gives the terms of the flow, or their tangents too.
  Kernels::Call termsCall(const Batch &batch, bool withTangents) const;
  /// Runs it: y (if drawn), log q(y) and the target (if compared), each followed in
  /// `tangents`, unless that is null, by its derivative along `direction`.
  template <typename T>
  Expected<void> computeTerms(const Model &model, const Batch &batch, std::vector<double> &values,
                              std::span<const double> direction = {}, std::vector<double> *tangents = nullptr);
  Expected<std::vector<double>> termsAt(const Model &model, const Batch &batch);
  template <typename T>
  Expected<void> addColumns(const Batch &batch, std::vector<double> &values) const;
  template <typename T>
  Expected<double> lossAndGradientAs(const Model &model, const Batch &batch, void *gradient);
  template <typename T>
  Expected<LossSlope> lossAndSlopeAs(const Model &model, const Batch &batch, std::span<const double> direction);
  template <typename T>
  Expected<void> pullBack(const Model &model, const Batch &batch, const std::vector<double> &slopes, void *gradient);

  std::string text, label, file;
  std::vector<std::string> terms;
  int64_t targetTerm = -1;
  std::shared_ptr<Kernels> kernels;
  CompileOptions options;
  std::map<int64_t, Compiled> formulas;
  std::map<int64_t, std::optional<Compiled>> splitFormulas;
};

Expected<FormulaObjective::Compiled *> FormulaObjective::formulaFor(int64_t rows) {
  if (auto known = formulas.find(rows); known != formulas.end())
    return &known->second;
  auto formula = Flow::parseObjective(text, rows, label, file);
  if (!formula)
    return formula.takeError();
  auto compiled = compileFormula(*formula);
  if (!compiled)
    return compiled.takeError();
  return &formulas.emplace(rows, std::move(*compiled)).first->second;
}

/// Null if the formula detaches nothing.
Expected<FormulaObjective::Compiled *> FormulaObjective::splitFormulaFor(int64_t rows) {
  auto known = splitFormulas.find(rows);
  if (known == splitFormulas.end()) {
    auto whole = formulaFor(rows);
    if (!whole)
      return whole.takeError();
    auto split = (*whole)->model.flow().splitDetached();
    if (!split)
      return split.takeError();
    std::optional<Compiled> compiled;
    if (*split) {
      auto made = compileFormula(**split);
      if (!made)
        return made.takeError();
      compiled = std::move(*made);
    }
    known = splitFormulas.emplace(rows, std::move(compiled)).first;
  }
  return known->second ? &*known->second : nullptr;
}

Expected<FormulaObjective::Compiled> FormulaObjective::compileFormula(const Flow &formula) const {
  CompileOptions plain = options;
  plain.target.reset();
  plain.dtype = F64;
  auto compiled = compile(formula, plain);
  if (!compiled)
    return compiled.takeError();
  return Compiled{Model::zeros(formula, F64), std::move(*compiled)};
}

Kernels::Call FormulaObjective::termsCall(const Batch &batch, bool withTangents) const {
  RowSource source = batch.x ? RowSource::Given : RowSource::Drawn;
  Program program = !isDrawn(batch) ? Program::LogProb : targetTerm >= 0 ? Program::Weigh : Program::SampleAndLogProb;
  Kernels::Call call{.kernel = withTangents ? findTangentKernel(program, source) : findPlainKernel(program, source),
                     .rows = batch.rows,
                     .first = batch.first,
                     .seed = batch.seed};
  addRows(batch, call);
  return call;
}

/// The log-density of each row, and its target if the formula has that term.
template <typename T>
Expected<void> FormulaObjective::computeTerms(const Model &model, const Batch &batch, std::vector<double> &values,
                                              std::span<const double> direction, std::vector<double> *tangents) {
  auto rows = static_cast<size_t>(batch.rows), dim = static_cast<size_t>(model.flow().dim());
  Kernels::Call call = termsCall(batch, tangents);
  call.tangent = direction;
  // Values, then tangents, of y, log q(y) and the target.
  std::vector<T> y[2], logProb[2], logTarget[2];
  for (int part = 0; part < (tangents ? 2 : 1); ++part) {
    auto add = [&](std::vector<T> &array, size_t size) {
      array.resize(size);
      call.outputs.push_back(array.data());
    };
    if (isDrawn(batch))
      add(y[part], rows * dim);
    add(logProb[part], rows);
    if (targetTerm >= 0)
      add(logTarget[part], rows);
  }
  if (auto ok = kernels->run(model, call); !ok)
    return ok;
  auto store = [&](std::vector<double> &to, int part) {
    to.assign(rows * (1 + terms.size()), 0.0);
    std::ranges::copy(logProb[part], to.begin());
    if (targetTerm >= 0)
      std::ranges::copy(logTarget[part], to.begin() + (1 + targetTerm) * batch.rows);
  };
  store(values, 0);
  if (tangents)
    store(*tangents, 1);
  return addColumns<T>(batch, values);
}

Expected<std::vector<double>> FormulaObjective::termsAt(const Model &model, const Batch &batch) {
  std::vector<double> values;
  auto ok = withType(model.dtype(), [&]<typename T>() { return computeTerms<T>(model, batch, values); });
  if (!ok)
    return ok.takeError();
  return values;
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

template <typename T>
Expected<LossSlope> FormulaObjective::lossAndSlopeAs(const Model &model, const Batch &batch,
                                                     std::span<const double> direction) {
  std::vector<double> values, tangents;
  auto formula = formulaFor(batch.rows);
  if (!formula)
    return formula.takeError();
  if (auto ok = computeTerms<T>(model, batch, values, direction, &tangents); !ok)
    return ok.takeError();
  LossSlope result;
  Kernels::Call call{.kernel = Kernel::LogProbJvpInputs,
                     .inputs = {values.data(), tangents.data()},
                     .outputs = {&result.loss, &result.slope},
                     .rows = 1};
  if (auto ok = (*formula)->kernels->run((*formula)->model, call); !ok)
    return ok.takeError();
  return result;
}

Expected<double> FormulaObjective::surrogate(const Model &model, const Model &held, const Batch &batch) {
  auto split = splitFormulaFor(batch.rows);
  if (!split)
    return split.takeError();
  auto values = termsAt(model, batch);
  if (!values)
    return values.takeError();
  Compiled *formula = *split;
  if (formula) {
    auto heldValues = termsAt(held, batch);
    if (!heldValues)
      return heldValues.takeError();
    values->insert(values->end(), heldValues->begin(), heldValues->end());
  } else {
    formula = *formulaFor(batch.rows);
  }
  double loss = 0;
  Kernels::Call call{.kernel = Kernel::LogProb, .inputs = {values->data()}, .outputs = {&loss}, .rows = 1};
  if (auto ok = formula->kernels->run(formula->model, call); !ok)
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
  auto objective = std::make_unique<FormulaObjective>(std::string(text), formula->name(), std::string(file), terms,
                                                      std::move(*kernels), options);
  objective->addIdentity({{"formula", std::string(text)}});
  if (needsTarget)
    objective->addIdentity(identityOf(*options.target, "target"));
  return std::unique_ptr<Objective>(std::move(objective));
}
