//===- VerifiedKernelsTest.cpp - Every kernel, verified after every pass --===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled kernels are not verified, which would cost time: a pass that makes wrong IR
// may go unseen. Here every kernel of the table is, of every golden flow, and of flows
// that have one of everything: one coordinate, one knot, one unit, one layer.
//
//===----------------------------------------------------------------------===//

#include "GoldenFlows.h"

#include "flowc/ExecutionEngine/KernelCompiler.h"

using namespace flowc;
using namespace flowc::test;

static void expectKernelsVerify(const std::string &text) {
  Flow flow = parse(text);
  Flow target = take(
      Flow::parseDensity("density t(x[" + std::to_string(flow.dim()) + "]) = -sum(log1p((x - 0.3)^2)) - 0.1*x[0]^4"));
  for (const KernelSpec &spec : kKernels) {
    KernelRequest request{.flow = flow, .kernel = spec.kernel, .dtype = F32, .target = &target};
    if (!checkKernelExists(request))
      continue;
    auto code = emitKernel(request, "tile");
    EXPECT_TRUE(code) << text << ": " << spec.name << ": " << code.error().message;
  }
}

class GoldenKernels : public testing::TestWithParam<std::string> {};
TEST_P(GoldenKernels, Verify) { expectKernelsVerify(goldenText(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Cases, GoldenKernels, testing::ValuesIn(goldenCases()),
                         [](const auto &info) { return info.param; });

class SmallestKernels : public testing::TestWithParam<const char *> {};
TEST_P(SmallestKernels, Verify) { expectKernelsVerify(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Splines, SmallestKernels,
    testing::Values(
        "flow f = transformed(standard_normal(), rational_quadratic_spline(knots = 1, interval = 2))",
        "flow f = transformed(standard_normal(), invert(rational_quadratic_spline(knots = 1, interval = 2)))",
        "flow f = transformed(standard_normal([1]), vmap(rational_quadratic_spline(knots = 1, interval = 2), "
        "axis_size = 1))",
        "flow f = transformed(standard_normal([3]), vmap(rational_quadratic_spline(knots = 1, interval = 2), "
        "axis_size = 3))",
        "flow f = masked_autoregressive_flow(standard_normal([1]), transformer = rational_quadratic_spline(knots = 1, "
        "interval = 2), flow_layers = 1, nn_width = 1)",
        "flow f = masked_autoregressive_flow(standard_normal([1]), transformer = rational_quadratic_spline(knots = 1, "
        "interval = 2), flow_layers = 2, nn_width = 1, cond_dim = 1, invert = false)",
        "flow f = coupling_flow(standard_normal([2]), transformer = rational_quadratic_spline(knots = 1, "
        "interval = 2), flow_layers = 1, nn_width = 1)",
        "flow f = coupling_flow(standard_normal([2]), transformer = rational_quadratic_spline(knots = 1, "
        "interval = 2), flow_layers = 2, nn_width = 1, cond_dim = 1, invert = false)",
        "flow f = triangular_spline_flow(standard_normal([1]), flow_layers = 1, knots = 1)",
        "flow f = triangular_spline_flow(standard_normal([2]), flow_layers = 1, knots = 1)"));

/// Nothing but the target reads what the last layer gives: weights are ignored with it.
INSTANTIATE_TEST_SUITE_P(
    LastLayers, SmallestKernels,
    testing::Values(
        "flow f = transformed(standard_normal([3]), triangular_affine([1, 2, 3], [[1, 0, 0], [0.5, 2, 0], [1, 1, 3]]))",
        "flow f = transformed(standard_normal([3]), householder([0.3, -1, 0.7]))",
        "flow f = block_neural_autoregressive_flow(standard_normal([2]), flow_layers = 1, invert = false)",
        "flow f = transformed(standard_normal([2]), block_autoregressive_network(2, depth = 1, block_dim = 3))",
        "flow f = coupling_flow(standard_normal([3]), flow_layers = 1, nn_width = 4, invert = false)",
        "flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 1, nn_width = 4, invert = false)",
        "flow f = planar_flow(standard_normal([3]), flow_layers = 1, invert = false)"));

INSTANTIATE_TEST_SUITE_P(
    Networks, SmallestKernels,
    testing::Values(
        "flow f = block_neural_autoregressive_flow(standard_normal([1]), nn_block_dim = 1, nn_depth = 1)",
        "flow f = block_neural_autoregressive_flow(standard_normal([1]), nn_block_dim = 1, nn_depth = 0, "
        "invert = false)",
        "flow f = transformed(standard_normal([1]), block_autoregressive_network(1, depth = 1, block_dim = 1, "
        "cond_dim = 1))",
        "flow f = transformed(standard_normal([1]), masked_autoregressive(affine(), 1, nn_width = 1, nn_depth = 0))",
        "flow f = planar_flow(standard_normal([1]), flow_layers = 1)",
        "flow f = planar_flow(standard_normal([1]), flow_layers = 2, cond_dim = 1, width_size = 1, depth = 1, "
        "invert = false)",
        "flow f = planar_flow(standard_normal([1]), flow_layers = 1, negative_slope = 0.1, cond_dim = 1, "
        "width_size = 1, depth = 1)"));

INSTANTIATE_TEST_SUITE_P(OneCoordinate, SmallestKernels,
                         testing::Values("flow f = transformed(normal(1, 2), exp())",
                                         "flow f = transformed(normal([1], [2]), triangular_affine([1], [[2]]))",
                                         "flow f = transformed(normal([1], [2]), householder([1]))",
                                         "flow f = transformed(gamma(2, 1), affine(1, 2))",
                                         "flow f = transformed(beta([2], 3), sigmoid([1]))",
                                         "flow f = transformed(student_t(3, 1, 2), scan(affine(), layers = 1))",
                                         "flow f = transformed(normal([1], [2]), discrete_cosine([1]))",
                                         "flow f = transformed(normal([1], [2]), concatenate([affine([1], [2])]))",
                                         "flow f = transformed(normal([1], [2]), ordered(1))",
                                         "flow f = transformed(normal([1], [2]), permute([0]))",
                                         "flow f = transformed(normal([[1]], [[2]]), stack([affine([1], [2])]))",
                                         "flow f = vmap_mixture(normal([0, 1], [1, 2]), weights = [1, 2])",
                                         "flow f = multivariate_normal([1], [[2]])",
                                         "flow f = transformed(uniform(0, 1), power(2))"));
