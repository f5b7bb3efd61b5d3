//===- Objective.h - What training minimises --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_OBJECTIVE_H
#define FLOWC_TRAINING_OBJECTIVE_H

#ifndef FLOWC_FLOWC_H
#error "include flowc/flowc.h instead"
#endif

#include "flowc/Training/Settings.h"

namespace flowc {

/// The rows of one step, in the model's element type: given ones, or the numbers
/// of those to be drawn.
struct Batch {
  const void *x = nullptr;         ///< `rows` rows of the event, or of base draws; null: drawn.
  const void *condition = nullptr; ///< `rows` rows, for a conditional flow.
  const void *weights = nullptr;   ///< A number for each row, of mean 1 over all data; null: 1.
  /// Other columns, `rows` numbers each: what an objective in the language names, in its
  /// order, without the target.
  std::vector<const void *> columns = {};
  int64_t rows = 0;
  uint64_t first = 0, seed = 0; ///< Draws `first` ... of stream `seed`.
};

/// A loss and its derivative along a direction.
struct LossSlope {
  double loss = 0, slope = 0;
};

/// A loss of a model: the mean over the rows of a batch. Stateless between calls.
class Objective {
public:
  virtual ~Objective() = default;
  /// Its name in the table, or what its author calls it.
  virtual std::string name() const = 0;
  /// What a checkpoint must agree on: its name under "objective", and what it was made of.
  std::map<std::string, std::string> identity() const;
  /// Adds to that; for whoever makes an objective: its settings, and texts, data and code
  /// that it reads.
  void addIdentity(const std::map<std::string, std::string> &parts);
  /// Compiles what the steps need; others are compiled when they are used.
  virtual Expected<void> prepare() { return {}; }
  /// The loss, and its gradient in the trainable parameters: flat in leaf order, in
  /// the model's element type.
  virtual Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) = 0;
  /// The loss, and the product of its gradient with `direction` (a number for each
  /// trainable parameter), by forward mode. By default an error.
  virtual Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction);
  /// What the gradient at `held` is the derivative of: the loss of `model`, but for the
  /// parts that the gradient holds constant, which are those of `held` (docs/Derivatives.md).
  /// By default the loss, as fits a gradient that holds nothing constant.
  virtual Expected<double> surrogate(const Model &model, const Model &held, const Batch &batch);
  /// Whether the loss is the mean of `rowLosses`, so that a batch can be taken in parts.
  virtual bool isMeanOfRows() const { return false; }
  /// The names of what it reads as `Batch::columns`.
  virtual std::vector<std::string> columns() const { return {}; }
  /// The terms whose mean is the loss, one for each row: for validation, and to find
  /// the row that went wrong. By default an error.
  virtual Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses);

private:
  std::map<std::string, std::string> origin;
};

/// A row of the table of objectives.
struct ObjectiveInfo {
  const char *name;
  const char *formula;
  RowSource rows;    ///< Rows of data, or draws of the flow.
  bool needsDensity; ///< A target, or the prior of `contrastive`.
  std::vector<Setting> settings;
  /// `settings`: the values of the settings, in their order.
  std::unique_ptr<Objective> (*make)(std::shared_ptr<Kernels> kernels, const CompileOptions &options,
                                     std::span<const double> settings);
};

/// All objectives.
std::span<const ObjectiveInfo *const> objectiveTable();
Expected<const ObjectiveInfo *> findObjective(std::string_view name);
/// An objective of the table for models of `flow`; `options.target` is the density that
/// it needs, if it needs one.
Expected<std::unique_ptr<Objective>> makeObjective(const Choice &objective, const Flow &flow,
                                                   const CompileOptions &options);
/// The `objective` item `name` (default: the last one) of a text, for models of `flow`;
/// `options.target` is its term `target`, if it has that.
Expected<std::unique_ptr<Objective>> parseObjective(std::string_view text, const Flow &flow,
                                                    const CompileOptions &options, std::string_view name = {},
                                                    std::string_view file = "<text>");

/// An objective given by a function: the loss, and its gradient into `gradient`
/// (flat, in leaf order). It is called by one thread.
using LossFunction =
    std::function<Expected<double>(const Model &model, const Batch &batch, std::span<double> gradient)>;
std::unique_ptr<Objective> makeObjective(std::string name, LossFunction function);

} // namespace flowc

#endif // FLOWC_TRAINING_OBJECTIVE_H
