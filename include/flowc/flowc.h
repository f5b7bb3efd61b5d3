//===- flowc.h - The public C++ interface of flowc --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parse a flow, make or load a model of it, compile kernels, run and train
// them. Rows are samples throughout. Errors are values (`flowc::Expected`).
//
//   auto flow = flowc::Flow::parse("flow f = coupling_flow(standard_normal([2]))");
//   auto model = flowc::Model::initialise(*flow, {.seed = 1});
//   auto kernels = flowc::compile(*flow, {.dtype = flowc::F32});
//   auto logProb = (*kernels)->logProb<float>(*model, x);
//
// Every object may be used from several threads at once, except that a `Model`
// must not be written while another thread uses it. Where no error can be returned
// (the value of an error, a parameter that does not exist, an object that was moved
// from), misuse ends the program with a message.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FLOWC_H
#define FLOWC_FLOWC_H

#include "flowc/Kernel.h"
#include "flowc/Support/DType.h"
#include "flowc/Support/Expected.h"
#include "flowc/Support/Held.h"

#include <Eigen/Core>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowc {

struct Node;

/// Rows are samples, columns are coordinates of the flattened event.
template <typename T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename T>
using Column = Eigen::Matrix<T, Eigen::Dynamic, 1>;
template <typename T>
using ConstRows = Eigen::Ref<const Rows<T>>;

/// A parsed and checked flow, bijection or density; immutable and cheap to copy.
class Flow {
public:
  /// Parses `text`; `name` selects one of several items (default: the last
  /// `flow`, else the last `bijection`, else the last `density`). `file` is used
  /// in messages, which show the line with a caret, and data files are looked for
  /// beside it.
  static Expected<Flow> parse(std::string_view text, std::string_view name = {}, std::string_view file = "<text>");
  /// The same for a `density` item (default: the last one), a log-density without
  /// parameters: a target of the ELBO (`CompileOptions::target`).
  static Expected<Flow> parseDensity(std::string_view text, std::string_view name = {},
                                     std::string_view file = "<text>");

  /// An `objective` item (default: the last one) for a batch of `rows` rows, as a density
  /// over the terms of all rows: their log-densities, then each of `terms()`. Its value is
  /// the loss.
  static Expected<Flow> parseObjective(std::string_view text, int64_t rows, std::string_view name = {},
                                       std::string_view file = "<text>");
  /// Most rows of an objective.
  static constexpr int64_t maxObjectiveRows = 1000000;

  /// Of a density f(x) with `detach`: the density over (x, h), twice as many numbers,
  /// that is f but for the detached parts, which are those of f(h). Nothing if nothing is
  /// detached. Errors: no density; a `detach` of what a scan changes.
  Expected<std::optional<Flow>> splitDetached() const;

  /// Whether this is a distribution (a `flow` item).
  bool isDistribution() const;
  /// Whether this is a `density` item; if it is no distribution either, it is a
  /// bare bijection.
  bool isDensity() const;
  const std::string &name() const;
  /// Of an objective: the names of what a row has beside its log-density.
  const std::vector<std::string> &terms() const;
  /// The text it was parsed from.
  const std::string &text() const;
  /// Shape of an event, and number of its elements.
  const std::vector<int64_t> &shape() const;
  int64_t dim() const;
  /// Shape of the condition and its number of elements (none: 0).
  const std::optional<std::vector<int64_t>> &condShape() const;
  int64_t condDim() const;
  /// The constructed object (see Frontend/Node.h).
  const Node &root() const;

  struct Impl;

private:
  explicit Flow(std::shared_ptr<const Impl> impl) : impl(std::move(impl)) {}
  detail::Held<std::shared_ptr<const Impl>> impl;
};

/// One array of a model, in FlowJAX's leaf order.
struct ParameterInfo {
  std::string path;
  std::vector<int64_t> shape;
  bool trainable;
  bool integer; ///< A permutation.
};

/// How parameters are initialised.
struct InitOptions {
  uint64_t seed = 0;
  DType dtype = F32;
};

/// Parameters of a flow. Copies are deep.
class Model {
public:
  static Expected<Model> initialise(const Flow &flow, InitOptions options = {});
  /// All parameters zero (no valid model before its permutations are set).
  static Model zeros(const Flow &flow, DType dtype);
  /// Reads a `.safetensors` model; everything in it is checked.
  static Expected<Model> load(const std::string &path, std::string_view name = {});
  /// Reads what `equinox.tree_serialise_leaves` wrote; every constant leaf is
  /// compared with the flow.
  static Expected<Model> importEquinox(const Flow &flow, const std::string &path);
  /// Writes atomically. `record` is stored as the training record (JSON).
  Expected<void> save(const std::string &path, const std::string &record = {}) const;
  /// The training record (JSON) of the file it was loaded from, or empty.
  const std::string &record() const;

  Model(const Model &);
  Model(Model &&) noexcept;
  Model &operator=(const Model &);
  Model &operator=(Model &&) noexcept;
  ~Model();

  const Flow &flow() const;
  DType dtype() const;
  /// The same model in another element type. What is out of the range of float32 becomes
  /// infinite, which `save` refuses.
  Model astype(DType dtype) const;
  /// Arrays that are data (trainable, frozen, permutations), in leaf order.
  const std::vector<ParameterInfo> &parameters() const;
  /// Values of parameter `i` of `parameters()` (a permutation as whole numbers).
  std::vector<double> values(size_t i) const;
  Expected<void> setValues(size_t i, std::span<const double> values);
  /// Trainable parameters, flat in leaf order (as gradients are).
  int64_t numTrainable() const;
  std::vector<double> trainable() const;
  Expected<void> setTrainable(std::span<const double> values);

  struct Impl;
  Impl &getImpl() const { return *impl; }

private:
  explicit Model(std::unique_ptr<Impl> impl);
  detail::Held<std::unique_ptr<Impl>> impl;
};

/// What kernels are compiled for.
struct CompileOptions {
  DType dtype = F32;
  int threads = 0;      ///< 0: all processors.
  std::string cpu = {}; ///< LLVM's CPU name; empty: this machine.
  bool useCache = true; ///< The object cache on disk.
  /// What the flow is to approximate: a density of as many coordinates.
  std::optional<Flow> target = {};
};

/// Pointers to row-major data: `rows` rows of x and, for a conditional flow,
/// of the condition (null otherwise).
struct RowsIn {
  const void *x = nullptr;
  const void *condition = nullptr;
  int64_t rows = 0;
};

/// What a pull-back is asked for.
struct PullBackOptions {
  bool parameters = true, inputs = false, condition = false;
};

/// The derivatives of a scalar L in what a flow was computed from; empty what was not
/// asked for.
template <typename T>
struct PullBack {
  std::vector<double> parameters; ///< Summed over the rows, flat in leaf order.
  Rows<T> inputs, condition;      ///< By row.
};

/// y = T(x) and its log-determinant, and their derivatives along a direction, by row.
template <typename T>
struct TransformTangent {
  Rows<T> y;
  Column<T> logDet;
  Rows<T> yTangent;
  Column<T> logDetTangent;
};

/// Compiled kernels of a flow; thread-safe.
class Kernels {
public:
  virtual ~Kernels() = default;
  virtual DType dtype() const = 0;
  virtual const Flow &flow() const = 0;

  /// Compiles (or loads) a kernel now; seconds it took.
  virtual Expected<double> prepare(Kernel kernel) = 0;

  /// Runs `kernel` on rows. `inputs` and `outputs` point to row-major arrays of
  /// this object's dtype in the order of `inputsOf` and `outputsOf`. Kernels that
  /// draw rows draw samples `first` ... of stream `seed`. A sum output is given as
  /// the value `loss` (mean over rows) and `gradient` (flat, in leaf order).
  struct Call {
    Kernel kernel;
    std::vector<const void *> inputs = {};
    std::vector<void *> outputs = {};
    int64_t rows = 0;
    uint64_t first = 0, seed = 0;
    bool mean = true; ///< Divide sums by the number of rows.
    double *loss = nullptr;
    double *gradient = nullptr;
    void *rawGradient = nullptr; ///< The same in this object's dtype, not converted.
    /// The direction in which kernels with tangents of parameters differentiate: a number
    /// for each trainable parameter, flat in leaf order. Empty for all others.
    std::span<const double> tangent = {};
  };
  virtual Expected<void> run(const Model &model, const Call &call) = 0;
  /// Multiply-adds of a kernel's layers for one row, with weights that no mask
  /// removes (docs/ABI.md).
  virtual Expected<int64_t> macsPerRow(Kernel kernel) = 0;

  template <typename T>
  Expected<Column<T>> logProb(const Model &model, ConstRows<T> x, const Rows<T> &condition = {});
  template <typename T>
  Expected<Rows<T>> sample(const Model &model, int64_t n, uint64_t seed, const Rows<T> &condition = {},
                           uint64_t first = 0);
  template <typename T>
  Expected<std::pair<Rows<T>, Column<T>>> sampleAndLogProb(const Model &model, int64_t n, uint64_t seed,
                                                           const Rows<T> &condition = {}, uint64_t first = 0);
  template <typename T>
  Expected<std::pair<Rows<T>, Column<T>>> transform(const Model &model, ConstRows<T> x, const Rows<T> &condition = {});
  template <typename T>
  Expected<std::pair<Rows<T>, Column<T>>> inverse(const Model &model, ConstRows<T> y, const Rows<T> &condition = {});
  template <typename T>
  Expected<std::pair<double, std::vector<double>>> nllValueAndGradient(const Model &model, ConstRows<T> x,
                                                                       const Rows<T> &condition = {});
  template <typename T>
  Expected<Rows<T>> score(const Model &model, ConstRows<T> x, const Rows<T> &condition = {});

  // Forward mode: derivatives along one direction, which cost about as much as two
  // evaluations, however many coordinates or parameters there are.

  /// Jacobian-vector product of `transform` in x: `tangent` is a direction for each row.
  template <typename T>
  Expected<TransformTangent<T>> jvp(const Model &model, ConstRows<T> x, ConstRows<T> tangent,
                                    const Rows<T> &condition = {});
  /// The same in the parameters: `tangent` is one direction for all rows, flat in leaf
  /// order as gradients are.
  template <typename T>
  Expected<TransformTangent<T>> jvpParams(const Model &model, ConstRows<T> x, std::span<const double> tangent,
                                          const Rows<T> &condition = {});
  /// log q(x), and its derivative along a direction in the parameters, by row.
  template <typename T>
  Expected<std::pair<Column<T>, Column<T>>>
  logProbJvpParams(const Model &model, ConstRows<T> x, std::span<const double> tangent, const Rows<T> &condition = {});
  /// The score d log q / dx, and the product of the Hessian d^2 log q / dx^2 with `v`, a
  /// vector for each row: forward mode over reverse mode.
  template <typename T>
  Expected<std::pair<Rows<T>, Rows<T>>> hvp(const Model &model, ConstRows<T> x, ConstRows<T> v,
                                            const Rows<T> &condition = {});

  // Any objective is made of two pull-backs: of log q(x), and of draws y = T(z) with
  // log q(y). They take the derivatives of L in these results, by row, and give those in
  // parameters, inputs (x or z) and condition.

  /// Base draws z to y = T(z) and log q(y).
  template <typename T>
  Expected<std::pair<Rows<T>, Column<T>>> push(const Model &model, ConstRows<T> z, const Rows<T> &condition = {});
  /// `cotangent`: dL / d log q(x), a number for each row of `x`. A row of cotangent 0
  /// counts for nothing, wherever it lies.
  template <typename T>
  Expected<PullBack<T>> pullBackLogProb(const Model &model, ConstRows<T> x, const Column<T> &cotangent,
                                        const Rows<T> &condition = {}, PullBackOptions options = {});
  /// `cotY`: dL / dy; `cotLogProb`: dL / d log q(y), at given base draws `z`.
  template <typename T>
  Expected<PullBack<T>> pullBackPush(const Model &model, ConstRows<T> z, const Rows<T> &cotY,
                                     const Column<T> &cotLogProb, const Rows<T> &condition = {},
                                     PullBackOptions options = {});
  /// The same for the draws `first` ... of stream `seed`, those of `sampleAndLogProb`,
  /// as many as `cotY` has rows. The draws of the base follow its parameters.
  template <typename T>
  Expected<std::vector<double>> pullBackSample(const Model &model, uint64_t seed, const Rows<T> &cotY,
                                               const Column<T> &cotLogProb, const Rows<T> &condition = {},
                                               uint64_t first = 0);

  /// The negative ELBO at given base draws `z`, mean(log q(T(z)) - target(T(z))),
  /// and its gradient; `stl` asks for the gradient that sticks the landing.
  template <typename T>
  Expected<std::pair<double, std::vector<double>>>
  elboValueAndGradient(const Model &model, ConstRows<T> z, const Rows<T> &condition = {}, bool stl = false);
};

/// Compiles `flow` (kernels themselves on first use).
Expected<std::shared_ptr<Kernels>> compile(const Flow &flow, CompileOptions options = {});

} // namespace flowc

#include "flowc/KernelsInline.h"
#include "flowc/Training/Training.h"

#endif // FLOWC_FLOWC_H
