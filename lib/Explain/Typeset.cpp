//===- Typeset.cpp - An explanation for LaTeX and Markdown ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The text of an explanation is plain enough to be read again: lines that begin with a
// word are headings, `#` begins a step, and of the lines below those that state
// something have ` = `, ` ← ` or a loop's `for`.
//
//===----------------------------------------------------------------------===//

#include "flowc/Explain/Explain.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

using namespace flowc;

namespace {

/// Signs, and how TeX's mathematics writes them.
constexpr std::pair<std::string_view, std::string_view> kSigns[] = {
    {"·", "\\cdot "},   {"−", "-"},     {"∂", "\\partial "},   {"…", "\\ldots "}, {"Σ", "\\textstyle\\sum"},
    {"≥", "\\ge "},     {"≤", "\\le "}, {"≠", "\\ne "},        {"ℓ", "\\ell "},   {"∞", "\\infty "},
    {"φ", "\\varphi "}, {"π", "\\pi "}, {"←", "\\leftarrow "}, {"′", "'"},        {"ᵀ", "^{\\top}"},
};
/// Functions with a command of their own.
constexpr std::string_view kCommands[] = {"log",  "exp",  "sin", "cos", "tan", "sinh",
                                          "cosh", "tanh", "max", "min", "det"};
/// Words between formulas.
constexpr std::string_view kWords[] = {"if",        "else",  "for",  "and",       "or",         "where",
                                       "weights",   "exist", "with", "in",        "solves",     "is",
                                       "undefined", "at",    "by",   "increases", "increasing", "decreases"};
constexpr std::string_view kSuperscripts[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "⁻"};
constexpr std::string_view kSubscripts[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};

bool isLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool isDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool isNameCharacter(char c) { return isLetter(c) || isDigit(c) || c == '_'; }

/// One formula on its way to TeX.
class FormulaWriter {
public:
  explicit FormulaWriter(std::string_view text) : rest(text) {}
  std::string write();

private:
  template <typename Signs>
  bool takeDigits(const Signs &signs, std::string &digits);
  bool takeSign();
  void takeName();
  /// The indices after a name, `[i][1]`, and a subscript that it has already.
  void takeIndices(std::string subscript);
  /// What stands between the brackets that `rest` begins with.
  std::string_view takeBrackets(char open, char close);
  void takeRoot();

  std::string_view rest;
  std::string tex;
};

} // namespace

template <typename Signs>
bool FormulaWriter::takeDigits(const Signs &signs, std::string &digits) {
  bool found = true, any = false;
  while (found) {
    found = false;
    for (size_t i = 0; i < std::size(signs); ++i)
      if (rest.starts_with(signs[i])) {
        digits += i == 10 ? "-" : std::to_string(i);
        rest.remove_prefix(signs[i].size());
        found = any = true;
        break;
      }
  }
  return any;
}

std::string_view FormulaWriter::takeBrackets(char open, char close) {
  size_t depth = 0;
  for (size_t at = 0; at < rest.size(); ++at) {
    depth += rest[at] == open;
    if (rest[at] != close || --depth > 0)
      continue;
    std::string_view inside = rest.substr(1, at - 1);
    rest.remove_prefix(at + 1);
    return inside;
  }
  return std::exchange(rest, {}).substr(1);
}

void FormulaWriter::takeIndices(std::string subscript) {
  takeDigits(kSubscripts, subscript);
  std::string primes;
  while (rest.starts_with("′")) {
    primes += "'";
    rest.remove_prefix(std::string_view("′").size());
  }
  while (rest.starts_with("["))
    subscript += (subscript.empty() ? "" : ",") + FormulaWriter(takeBrackets('[', ']')).write();
  tex += primes;
  if (!subscript.empty())
    tex += "_{" + subscript + "}";
}

void FormulaWriter::takeName() {
  size_t length = 0;
  while (length < rest.size() && isNameCharacter(rest[length]))
    ++length;
  std::string_view name = rest.substr(0, length);
  rest.remove_prefix(length);
  if (std::ranges::find(kWords, name) != std::end(kWords) && !rest.starts_with("(")) {
    tex += "\\text{ " + std::string(name) + " }";
    return;
  }
  if (std::ranges::find(kCommands, name) != std::end(kCommands)) {
    tex += "\\" + std::string(name) + " ";
    return;
  }
  // v12: the letter and a number.
  size_t letters = 0;
  while (letters < name.size() && isLetter(name[letters]))
    ++letters;
  if (letters == 1 && std::ranges::all_of(name.substr(1), isDigit)) {
    tex += name[0];
    return takeIndices(std::string(name.substr(1)));
  }
  std::string escaped;
  for (char c : name)
    escaped += c == '_' ? "\\_" : std::string(1, c);
  tex += (rest.starts_with("(") ? "\\operatorname{" : "\\mathrm{") + escaped + "}";
  takeIndices({});
}

/// √(…), √2 or √π.
void FormulaWriter::takeRoot() {
  rest.remove_prefix(std::string_view("√").size());
  if (rest.starts_with("(")) {
    tex += "\\sqrt{" + FormulaWriter(takeBrackets('(', ')')).write() + "}";
    return;
  }
  size_t length = rest.starts_with("π") ? std::string_view("π").size() : 1;
  tex += "\\sqrt{" + FormulaWriter(rest.substr(0, length)).write() + "}";
  rest.remove_prefix(std::min(length, rest.size()));
}

bool FormulaWriter::takeSign() {
  std::string digits;
  if (takeDigits(kSuperscripts, digits)) {
    tex += "^{" + digits + "}";
    return true;
  }
  if (rest.starts_with("√")) {
    takeRoot();
    return true;
  }
  for (auto [sign, command] : kSigns)
    if (rest.starts_with(sign)) {
      tex += command;
      rest.remove_prefix(sign.size());
      return true;
    }
  return false;
}

std::string FormulaWriter::write() {
  while (!rest.empty()) {
    char c = rest.front();
    if (isLetter(c)) {
      takeName();
    } else if (takeSign()) {
      continue;
    } else if (c == '^') {
      rest.remove_prefix(1);
      size_t length = 0;
      while (length < rest.size() && (isNameCharacter(rest[length]) || rest[length] == '.'))
        ++length;
      tex += length ? "^{" + std::string(rest.substr(0, length)) + "}" : "^";
      rest.remove_prefix(length);
    } else if (c == '_') { // Σ_i
      rest.remove_prefix(1);
      tex += "_";
    } else {
      bool isSpecial = std::string_view("#%&${}\\").find(c) != std::string_view::npos;
      tex += isSpecial ? "\\" + std::string(1, c) : std::string(1, c);
      rest.remove_prefix(1);
    }
  }
  return tex;
}

namespace {

bool isFormula(std::string_view line) {
  for (std::string_view sign : {" = ", " ← ", " ≤ ", " ≥ ", " > ", " < "})
    if (line.find(sign) != std::string_view::npos)
      return true;
  return line.starts_with("for ");
}

/// Writes an explanation line by line.
class Typesetter {
public:
  explicit Typesetter(ExplainFormat format) : isLatex(format == ExplainFormat::Latex) {}

  void add(std::string_view line);
  std::string finish() {
    closeFormulas();
    return std::move(out);
  }

private:
  void addHeading(std::string_view line);
  void addFormula(std::string_view line, size_t depth);
  void closeFormulas();
  /// Words, with the signs of mathematics among them.
  std::string prose(std::string_view text) const;

  bool isLatex, isFirst = true, isOpen = false;
  std::string out;
};

} // namespace

std::string Typesetter::prose(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && static_cast<unsigned char>(text[plain]) < 0x80)
      ++plain;
    for (char c : text.substr(0, plain)) {
      bool isSpecial = std::string_view(isLatex ? "#%&$_{}" : "_*$#").find(c) != std::string_view::npos;
      result += isSpecial ? "\\" + std::string(1, c) : std::string(1, c);
    }
    text.remove_prefix(plain);
    size_t signs = 0;
    while (signs < text.size() && static_cast<unsigned char>(text[signs]) >= 0x80)
      ++signs;
    if (signs)
      result += "$" + FormulaWriter(text.substr(0, signs)).write() + "$";
    text.remove_prefix(signs);
  }
  return result;
}

void Typesetter::closeFormulas() {
  if (std::exchange(isOpen, false))
    out += isLatex ? "\\end{align*}\n" : "\\end{aligned}\n$$\n";
}

void Typesetter::addHeading(std::string_view line) {
  closeFormulas();
  size_t colon = line.find(": ");
  std::string text;
  if (colon != std::string_view::npos && isFormula(line.substr(colon)) && !isFirst) {
    std::string_view formula = line.substr(colon + 2), note;
    if (size_t gap = formula.find("   "); gap != std::string_view::npos) {
      note = formula.substr(gap + 2);
      formula = formula.substr(0, gap);
    }
    text = prose(line.substr(0, colon + 2)) + "$" + FormulaWriter(formula).write() + "$" + prose(note);
  } else {
    text = prose(line);
  }
  std::string_view level = isLatex ? (isFirst ? "\\section*{" : "\\subsection*{") : isFirst ? "# " : "## ";
  out += (out.empty() ? "" : "\n") + std::string(level) + text + (isLatex ? "}\n" : "\n");
  isFirst = false;
}

void Typesetter::addFormula(std::string_view line, size_t depth) {
  if (!isOpen)
    out += isLatex ? "\\begin{align*}\n" : "\n$$\n\\begin{aligned}\n";
  else
    out.insert(out.size() - 1, " \\\\"); // ends the line before
  isOpen = true;
  out += "& ";
  for (size_t i = 0; i < depth; ++i)
    out += "\\quad ";
  std::string_view range;
  if (size_t gap = line.find("   for "); gap != std::string_view::npos) {
    range = line.substr(gap + 3);
    line = line.substr(0, gap);
  }
  // How it is solved.
  std::string_view manner;
  if (size_t comma = line.find(", by "); comma != std::string_view::npos) {
    manner = line.substr(comma);
    line = line.substr(0, comma);
  }
  out += FormulaWriter(line).write();
  if (!manner.empty())
    out += "\\text{" + prose(manner) + "}";
  if (!range.empty())
    out += " \\qquad " + FormulaWriter(range).write();
  out += "\n";
}

void Typesetter::add(std::string_view line) {
  size_t indent = line.find_first_not_of(' ');
  if (indent == std::string_view::npos)
    return closeFormulas();
  if (indent == 0)
    return addHeading(line);
  line.remove_prefix(indent);
  if (line.starts_with("# ")) {
    closeFormulas();
    std::string text = prose(line.substr(2));
    out += isLatex ? "\\paragraph{" + text + "}\n" : "\n**" + text + "**\n";
    return;
  }
  if (isFormula(line))
    return addFormula(line, indent / 2 - 1);
  closeFormulas();
  out += "\n" + prose(line) + "\n";
}

std::string flowc::typeset(const std::string &explanation, ExplainFormat format) {
  if (format == ExplainFormat::Text)
    return explanation;
  Typesetter typesetter(format);
  std::string_view rest = explanation;
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    typesetter.add(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return typesetter.finish();
}
