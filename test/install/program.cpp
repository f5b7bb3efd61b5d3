// What an installed flowc is tried with: draws of a flow, and what it is fitted with.
#include <flowc/Fit.h>
#include <flowc/flowc.h>

#include <cstdio>

int main() {
  auto flow = flowc::Flow::parse("flow f = coupling_flow(standard_normal([2]), nn_width = 4)");
  auto model = flowc::Model::initialise(*flow, {.seed = 1});
  auto kernels = *flowc::compile(*flow, {.dtype = flowc::F32});
  auto x = *kernels->sample<float>(*model, 100, 7);
  std::printf("%d draws, %zu candidates\n", int(x.rows()), flowc::fitCandidates(2).size());
}
