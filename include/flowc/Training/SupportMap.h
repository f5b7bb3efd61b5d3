//===- SupportMap.h - Events in coordinates over all of R^D -----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A flow `transformed(D, B)` whose last bijections B map R^D onto its support has its
// units between D and B: there every affine map is harmless. In the language the two
// parts are `unconstrained(flow)` and `support_map(flow)`.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_SUPPORTMAP_H
#define FLOWC_TRAINING_SUPPORTMAP_H

#include "flowc/Targets.h"

namespace flowc {

/// The map x = B(u) of a flow's last bijections, which have nothing to train, from R^D
/// onto its support. Cheap to copy.
class SupportMap {
public:
  /// That of `flow`; nothing if it does not end so. The identity, for which nothing is
  /// compiled, if it covers R^D.
  static Expected<std::optional<SupportMap>> create(const Flow &flow, CompileOptions options = {});

  bool isIdentity() const { return !kernels; }
  /// u of the events in row-major `x`. A row outside of the support has numbers that are
  /// not finite.
  Expected<Rows<double>> invert(Rows<double> x) const;
  /// The log-density over u of one over x: log p(B(u)) + log |det dB/du|, with its slope.
  TargetFunction pullBack(TargetFunction target) const;

private:
  /// Of the standard normal distribution behind B, whose base draws are u.
  std::shared_ptr<Kernels> kernels;
  std::shared_ptr<const Model> model;
};

/// `text` and one more item, `definition` with @ for its name, which begins with `stem`.
/// Returns the whole and the name.
std::pair<std::string, std::string> addItem(std::string text, std::string stem, std::string definition);

} // namespace flowc

#endif // FLOWC_TRAINING_SUPPORTMAP_H
