//===- Html.cpp - Parts of a page -----------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"

#include "flowc/Support/Format.h"

#include <cmath>

using namespace flowc;
using namespace flowc::report;

void Table::add(const std::vector<std::string> &cells, bool isMarked) {
  body += isMarked ? "<tr class=\"marked\">" : "<tr>";
  for (size_t i = 0; i < cells.size(); ++i)
    body += i == 0 ? "<th scope=\"row\">" + cells[i] + "</th>" : "<td>" + cells[i] + "</td>";
  body += "</tr>\n";
}

std::string Table::finish() const {
  // What is wider than the page is scrolled, by keys, too.
  std::string text = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string &head : heads)
    text += "<th scope=\"col\">" + head + "</th>";
  return text + "</tr></thead><tbody>\n" + body + "</tbody></table></div>\n";
}

std::string report::figure(const std::string &svg, const std::string &caption, std::string_view classes) {
  return "<figure class=\"" + std::string(classes) + "\">" + svg +
         (caption.empty() ? "" : "<figcaption>" + caption + "</figcaption>") + "</figure>\n";
}

std::string report::section(std::string_view id, std::string_view title, const std::string &body) {
  return "<section id=\"" + std::string(id) + "\">\n<h2>" + escapeHtml(title) + "</h2>\n" + body + "</section>\n";
}

std::string report::paragraph(const std::string &html) { return "<p>" + html + "</p>\n"; }
std::string report::note(const std::string &html) { return "<p class=\"note\">" + html + "</p>\n"; }

/// With a minus that is as wide as a plus.
static std::string withMinus(std::string text) {
  for (size_t at = text.find('-'); at != std::string::npos; at = text.find('-', at + 1))
    if (at == 0 || text[at - 1] == ' ')
      text.replace(at, 1, "\u2212");
  return text;
}

std::string report::number(double value) {
  if (std::isnan(value))
    return "\u2013";
  if (value == 0)
    return "0"; // also for -0
  if (std::isinf(value))
    return value > 0 ? "\u221e" : "\u2212\u221e";
  return withMinus(print("%.5g", value));
}

std::string report::within(double value, double deviation) {
  if (!std::isfinite(value) || !(deviation > 0) || std::isinf(deviation))
    return number(value);
  double digits = 3 - std::floor(std::log10(deviation));
  bool isPlain = std::abs(value) < 1e7 && digits <= 8;
  if (!isPlain)
    return number(value);
  std::string text = print("%.*f", static_cast<int>(std::max(0.0, digits)), value);
  return withMinus(text.find_first_not_of("-0.") == std::string::npos ? text.substr(text.starts_with('-')) : text);
}

std::string report::withError(double value, double error) {
  constexpr double large = 1e7; // Beyond, digits say nothing.
  return withMinus(std::abs(value) < large ? formatWithError(value, error, "\u00b1")
                                           : print("%.4g \u00b1 %.2g", value, error));
}

std::string report::probability(double value) {
  if (std::isnan(value))
    return "\u2013";
  return value < 0.001 ? "&lt; 0.001" : print("%.3f", value);
}

std::string report::percent(double share, int digits) { return print("%.*f\u202f%%", digits, 100 * share); }

std::string report::counted(int64_t count, const std::string &one) {
  return formatCount(count) + " " + one + (count == 1 ? "" : "s");
}

const char *const report::kStyleSheet = R"css(
:root { color-scheme: light dark; --paper: #fff; --card: #f5f6f8; --ink: #1b1f24; --soft: #59616c; --rule: #d8dde3;
  --data: #2360a5; --model: #c0420f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --card: #1e2227; --ink: #e7eaee; --soft: #a5aeb9;
  --rule: #363c44; --data: #6fb0f2; --model: #f4935a; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 20px 16px 48px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 40px 0 8px; padding-top: 12px; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 20px 0 4px; }
p { margin: 8px 0; max-width: 76ch; }
.note, figcaption { color: var(--soft); font-size: 0.875rem; }
nav { display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 14px 0 0; font-size: 0.9rem; }
a { color: var(--data); }
ul { padding-left: 1.2em; max-width: 76ch; }
li { margin: 4px 0; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr)); margin: 16px 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 0.875rem; }
.charts { display: grid; gap: 12px 20px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 310px), 1fr)); }
figure { margin: 8px 0; min-width: 0; }
figure.pairs { max-width: 860px; }
figure.wide { max-width: 600px; }
figure.compact { max-width: 480px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 12px 2px; min-width: 0; }
.card h3 { margin: 0; }
.twin { display: grid; gap: 0 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr)); }
.beside { display: grid; gap: 0 28px; align-items: start; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 900px) { .beside { grid-template-columns: minmax(0, 4fr) minmax(0, 5fr); } }
.twins { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); }
svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; max-width: 100%; margin: 8px 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 600; }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--paper); }
th:first-child { text-align: left; padding-left: 0; }
tr.marked th, tr.marked td, td b { color: var(--bad); }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 12px; overflow-x: auto;
  font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; margin: 12px 0; }
.key { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; margin: 0 0.3em 0 0.6em; }
.key.data { background: var(--data); }
.key.model { background: var(--model); }
svg text { fill: var(--ink); font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
svg .tick { font-size: 10.5px; fill: var(--soft); }
svg .axis { font-size: 12px; }
svg .strong { font-weight: 700; }
svg .frame { fill: none; stroke: var(--soft); stroke-width: 0.8; }
svg .grid { stroke: var(--rule); stroke-width: 0.7; }
svg .mark { stroke: var(--soft); stroke-width: 0.8; }
svg .reference { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 3; }
svg .area { stroke: none; fill-opacity: 0.3; }
svg .cells { stroke: none; shape-rendering: crispEdges; }
svg .stroke { fill: none; stroke-width: 1.6; }
svg .faint { fill-opacity: 0.35; }
svg .data { fill: var(--data); }
svg .model { fill: var(--model); }
svg .data.stroke { fill: none; stroke: var(--data); }
svg .model.stroke { fill: none; stroke: var(--model); }
@media (max-width: 640px) { figure.pairs svg { min-width: 540px; } }
@media print { body { max-width: none; } section { break-inside: avoid-page; } nav { display: none; } }
)css";
