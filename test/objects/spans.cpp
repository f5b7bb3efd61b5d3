// The header's functions for C++20.
#include "one.h"
#include "two.h"

#include <cstdio>
#include <vector>

int main() {
  std::vector<std::byte> workspace(one_workspace_size()), twoWorkspace(two_workspace_size());
  std::vector<float> x(10 * ONE_DIM), logProb(10), again(10);
  std::vector<double> y(5 * TWO_DIM), condition(5 * TWO_CONDITION_DIM, 0.5), twoLogProb(5);
  bool holds = one::sample_and_log_prob(7, 0, x, logProb, workspace) == ONE_OK &&
               one::log_prob(x, again, workspace) == ONE_OK &&
               two::sample_and_log_prob(condition, 7, 0, y, twoLogProb, twoWorkspace) == TWO_OK &&
               one::log_prob(std::span(x).first(3), again, workspace) == ONE_WRONG_SIZE &&
               one::log_prob(x, std::span(again).first(9), workspace) == ONE_WRONG_SIZE &&
               one::sample_and_log_prob(7, 0, std::span(x).first(19), logProb, workspace) == ONE_WRONG_SIZE &&
               one::log_prob(x, again, std::span(workspace).first(100)) == ONE_SMALL_WORKSPACE &&
               two::log_prob(y, std::span(condition).first(4), twoLogProb, twoWorkspace) == TWO_WRONG_SIZE &&
               one::log_prob({}, {}, {}) == ONE_OK;
  std::puts(holds ? "all holds" : "something does not hold");
  return !holds;
}
