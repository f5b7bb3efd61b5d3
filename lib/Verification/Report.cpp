//===- Report.cpp - What was found, as text and as JSON -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace flowc;
using nlohmann::ordered_json;

int64_t Verification::count(Verdict verdict) const {
  return std::ranges::count(checks, verdict, &VerificationCheck::verdict);
}

static const char *getWord(Verdict verdict) {
  switch (verdict) {
  case Verdict::Pass:
    return "pass";
  case Verdict::Fail:
    return "FAIL";
  case Verdict::Undecided:
    return "open";
  case Verdict::NotApplicable:
    return "-";
  }
  return "";
}

/// E.g. 3 checks.
static std::string countChecks(int64_t count) {
  return print("%lld check%s", static_cast<long long>(count), count == 1 ? "" : "s");
}

std::string Verification::toText() const {
  size_t width = 0;
  for (const VerificationCheck &check : checks)
    width = std::max(width, check.claim.size());
  std::string text = "'" + name + "', a " + kind +
                     print(" of %lld coordinate%s, at %lld %s%s", (long long)dim, dim == 1 ? "" : "s", (long long)rows,
                           rowNoun.c_str(), rows == 1 ? "" : "s");
  text += rowNoun == "row" ? "" : print(" of seed %llu", static_cast<unsigned long long>(seed));
  if (leftOut > 0)
    text += print(" (%lld more outside of the domain)", static_cast<long long>(leftOut));
  text += "\n";
  for (const VerificationCheck &check : checks)
    text += print("  %-4s  ", getWord(check.verdict)) + check.claim + std::string(width - check.claim.size(), ' ') +
            "  " + (check.verdict == Verdict::NotApplicable ? "not applicable: " : "") + check.words + "\n";
  int64_t failed = count(Verdict::Fail), open = count(Verdict::Undecided), passed = count(Verdict::Pass);
  text += "  verdict: ";
  if (failed > 0)
    text += countChecks(failed) + " of " + countChecks(failed + open + passed) + (failed == 1 ? " fails" : " fail");
  else
    text += passed == 0 ? "nothing could be checked" : countChecks(passed) + (passed == 1 ? " passes" : " pass");
  if (open > 0)
    text += print(", %lld undecided", static_cast<long long>(open));
  return text + "\n";
}

/// JSON has no infinities and no NaN.
static ordered_json number(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(); }

std::string Verification::toJson() const {
  static constexpr const char *verdicts[] = {"pass", "fail", "undecided", "not applicable"};
  ordered_json list = ordered_json::array();
  for (const VerificationCheck &check : checks)
    list.push_back({{"name", check.name},
                    {"claim", check.claim},
                    {"verdict", verdicts[static_cast<int>(check.verdict)]},
                    {"words", check.words},
                    {"found", number(check.found)},
                    {"allowed", number(check.allowed)},
                    {"row", check.row ? ordered_json(check.row) : ordered_json()}});
  ordered_json json = {{"name", name},        {"kind", kind}, {"dim", dim},         {"rows", rows},
                       {"left_out", leftOut}, {"seed", seed}, {"passed", passed()}, {"checks", std::move(list)}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}
