//===- Contrastive.cpp - The loss of sequential inference -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlowJAX's `ContrastiveLoss` (C. Durkan, I. Murray, G. Papamakarios, "On contrastive
// learning for likelihood-free inference", 2020): with g(x, c) = log q(x | c) - log
// prior(x), of every row i and n_contrastive other rows j, drawn without replacement,
//
//   mean_i log(exp g(x_i, c_i) + sum_j exp g(x_j, c_i)) - g(x_i, c_i).
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include "flowc/Support/Philox.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

class Contrastive : public Objective {
public:
  Contrastive(std::shared_ptr<Kernels> kernels, CompileOptions options, int64_t others)
      : kernels(std::move(kernels)), options(std::move(options)), others(others) {}

  std::string name() const override { return contrastiveInfo.name; }
  Expected<void> prepare() override;
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    return model.dtype() == F32 ? lossAndGradientAs<float>(model, batch, gradient)
                                : lossAndGradientAs<double>(model, batch, gradient);
  }

private:
  template <typename T>
  Expected<double> lossAndGradientAs(const Model &model, const Batch &batch, void *gradient);
  /// The rows that row `row` is compared with: itself, then others.
  void choose(const Batch &batch, int64_t row, std::span<int64_t> chosen) const;

  std::shared_ptr<Kernels> kernels, prior;
  CompileOptions options;
  int64_t others;
};

Expected<void> Contrastive::prepare() {
  CompileOptions plain = options;
  plain.target.reset();
  auto compiled = compile(*options.target, plain);
  if (!compiled)
    return compiled.takeError();
  prior = std::move(*compiled);
  for (Kernel kernel : {Kernel::LogProb, Kernel::LogProbVjpParams})
    if (auto seconds = kernels->prepare(kernel); !seconds)
      return seconds.takeError();
  return {};
}

/// Floyd's algorithm: draws from a growing range; a number that is there already gives
/// way to the range's last one.
void Contrastive::choose(const Batch &batch, int64_t row, std::span<int64_t> chosen) const {
  chosen[0] = row;
  for (int64_t k = 0; k < others; ++k) {
    auto last = static_cast<uint64_t>(batch.rows - 1 - others + k);
    auto word = philox4x32({static_cast<uint32_t>(row), static_cast<uint32_t>(k), static_cast<uint32_t>(batch.first),
                            static_cast<uint32_t>(batch.first >> 32)},
                           {static_cast<uint32_t>(batch.seed), static_cast<uint32_t>(batch.seed >> 32) ^ 0x636f6e74U});
    uint64_t random = static_cast<uint64_t>(word[0]) << 32 | word[1];
    auto position = static_cast<int64_t>(static_cast<unsigned __int128>(random) * (last + 1) >> 64);
    // Positions leave out the row itself.
    auto toRow = [&](int64_t at) { return at < row ? at : at + 1; };
    std::span<int64_t> before = chosen.subspan(1, static_cast<size_t>(k));
    bool isThere = std::ranges::find(before, toRow(position)) != before.end();
    chosen[static_cast<size_t>(1 + k)] = toRow(isThere ? static_cast<int64_t>(last) : position);
  }
}

template <typename T>
Expected<double> Contrastive::lossAndGradientAs(const Model &model, const Batch &batch, void *gradient) {
  if (batch.rows <= others)
    return Error{"the objective 'contrastive' compares every row with " + std::to_string(others) +
                 " others, but a step has " + std::to_string(batch.rows) + " rows: expected a larger batch"};
  auto rows = static_cast<size_t>(batch.rows), size = static_cast<size_t>(1 + others);
  auto dim = static_cast<size_t>(model.flow().dim()), condDim = static_cast<size_t>(model.flow().condDim());
  const T *x = static_cast<const T *>(batch.x), *condition = static_cast<const T *>(batch.condition);
  std::vector<int64_t> chosen(rows * size);
  std::vector<T> pairX(rows * size * dim), pairC(rows * size * condDim), logProb(rows * size), logPrior(rows);
  for (size_t i = 0; i < rows; ++i) {
    std::span<int64_t> own(chosen.data() + i * size, size);
    choose(batch, static_cast<int64_t>(i), own);
    for (size_t k = 0; k < size; ++k) {
      std::copy_n(x + static_cast<size_t>(own[k]) * dim, dim, pairX.data() + (i * size + k) * dim);
      std::copy_n(condition + i * condDim, condDim, pairC.data() + (i * size + k) * condDim);
    }
  }
  Kernels::Call judge{.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {logPrior.data()}, .rows = batch.rows};
  if (auto ok = prior->run(Model::zeros(*options.target, model.dtype()), judge); !ok)
    return ok.takeError();
  Kernels::Call score{.kernel = Kernel::LogProb,
                      .inputs = {pairX.data()},
                      .outputs = {logProb.data()},
                      .rows = static_cast<int64_t>(rows * size)};
  if (condDim)
    score.inputs.push_back(pairC.data());
  if (auto ok = kernels->run(model, score); !ok)
    return ok.takeError();

  double loss = 0;
  std::vector<double> ratios(size);
  std::vector<T> derivatives(rows * size);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < size; ++k)
      ratios[k] = static_cast<double>(logProb[i * size + k]) -
                  static_cast<double>(logPrior[static_cast<size_t>(chosen[i * size + k])]);
    double total = logSumExp(ratios);
    loss += (total - ratios[0]) / static_cast<double>(rows);
    for (size_t k = 0; k < size; ++k)
      derivatives[i * size + k] =
          static_cast<T>((std::exp(ratios[k] - total) - (k == 0 ? 1 : 0)) / static_cast<double>(rows));
  }
  double unused = 0;
  Kernels::Call pull{
      .kernel = Kernel::LogProbVjpParams, .inputs = score.inputs, .rows = score.rows, .mean = false, .loss = &unused};
  pull.inputs.push_back(derivatives.data());
  pull.rawGradient = gradient;
  if (auto ok = kernels->run(model, pull); !ok)
    return ok.takeError();
  return loss;
}

} // namespace

const ObjectiveInfo flowc::contrastiveInfo = {
    .name = "contrastive",
    .formula = "-mean_i log(e(x_i, c_i) / sum_j e(x_j, c_i)), e(x, c) = q(x | c) / prior(x)",
    .rows = RowSource::Given,
    .needsDensity = true,
    .settings = {{"n_contrastive", 10, 1, 1e6, "rows that each row is compared with"}},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double> settings) -> std::unique_ptr<Objective> {
      return std::make_unique<Contrastive>(std::move(kernels), options, static_cast<int64_t>(settings[0]));
    }};
