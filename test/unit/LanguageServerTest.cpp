//===- LanguageServerTest.cpp - Answers to editors ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Messages.h"
#include "TemporaryDirectory.h"

#include "flowc/Frontend/Vocabulary.h"
#include "flowc/LanguageServer/Services.h"

#include "llvm/ADT/STLExtras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowc::editor {
namespace {

namespace lsp = llvm::lsp;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

/// A text with a cursor where it has `|`.
struct Marked {
  explicit Marked(std::string text) : cursor(text.find('|')), document(text.erase(cursor, 1), "") {}

  lsp::Position position() const { return document.positionOf(cursor); }

  size_t cursor;
  Document document;
};

std::vector<std::string> labelsAt(const std::string &text) {
  Marked marked(text);
  std::vector<std::string> labels;
  for (const lsp::CompletionItem &item : complete(marked.document, marked.position()).items)
    labels.push_back(item.label);
  return labels;
}

std::string signatureAt(const std::string &text) {
  Marked marked(text);
  lsp::SignatureHelp help = helpWithCall(marked.document, marked.position());
  if (help.signatures.empty())
    return "none";
  std::string label = help.signatures[0].label;
  size_t active = help.activeParameter;
  if (active >= help.signatures[0].parameters.size())
    return label + ": none";
  auto [begin, end] = *help.signatures[0].parameters[active].labelOffsets;
  return label + ": " + label.substr(begin, end - begin);
}

std::string definitionAt(const std::string &text) {
  Marked marked(text);
  std::optional<lsp::Range> range = findDefinition(marked.document, marked.position());
  return range ? std::to_string(range->start.line) + ":" + std::to_string(range->start.character) : "none";
}

std::string hoverAt(const std::string &text) {
  Marked marked(text);
  std::optional<lsp::Hover> hover = explain(marked.document, analyze(marked.document), marked.position());
  return hover ? hover->contents.value : "none";
}

TEST(Document, CountsUtf16) {
  Document document("a\xC3\xA9\xF0\x9F\x8E\xB2z\r\n\xE2\x88\x92y", "");
  EXPECT_EQ(document.positionOf(0), lsp::Position(0, 0));
  EXPECT_EQ(document.positionOf(3), lsp::Position(0, 2));
  EXPECT_EQ(document.positionOf(7), lsp::Position(0, 4)); // behind the die
  EXPECT_EQ(document.positionOf(10), lsp::Position(1, 0));
  EXPECT_EQ(document.positionOf(13), lsp::Position(1, 1));
  EXPECT_EQ(document.positionOf(1000), lsp::Position(1, 2));
  for (size_t offset : {0, 1, 3, 7, 8, 10, 13, 14})
    EXPECT_EQ(document.offsetOf(document.positionOf(offset)), offset);
  EXPECT_EQ(document.offsetOf(lsp::Position(0, 3)), 3u); // in the middle of the die
  EXPECT_EQ(document.offsetOf(lsp::Position(0, 99)), 9u);
  EXPECT_EQ(document.offsetOf(lsp::Position(-1, -1)), 0u);
  EXPECT_EQ(document.offsetOf(lsp::Position(1, -1)), 10u);
  EXPECT_EQ(document.offsetOf(lsp::Position(9, 0)), document.text().size());
  EXPECT_EQ(document.replace({lsp::Position(0, 2), lsp::Position(0, 4)}, "!"), "a\xC3\xA9!z\r\n\xE2\x88\x92y");
  EXPECT_EQ(document.replace({lsp::Position(1, 1), lsp::Position(0, 0)}, "!").size(), document.text().size() + 1);
}

TEST(Document, FindsPlacesOfMessages) {
  Document document("a\xC3\xA9z\nb", "");
  EXPECT_EQ(document.offsetOf(SourceLocation{1, 3}), 3u);
  EXPECT_EQ(document.offsetOf(SourceLocation{2, 1}), 5u);
  EXPECT_EQ(document.offsetOf(SourceLocation{0, 0}), 0u) << "of no place";
  EXPECT_EQ(document.offsetOf(SourceLocation{9, 1}), 0u);
}

TEST(Messages, NeedATextToBeAbout) {
  namespace json = llvm::json;
  auto isRead = [](const json::Value &value) {
    TextParams params;
    json::Path::Root root;
    return fromJSON(value, params, root);
  };
  EXPECT_TRUE(isRead(json::Object{{"textDocument", json::Object{{"uri", "test:a"}}}}));
  EXPECT_FALSE(isRead(json::Object{{"textDocument", json::Object{}}}));
  EXPECT_FALSE(isRead(json::Object{{"textDocument", 1}}));
  EXPECT_FALSE(isRead(json::Object{}));
  EXPECT_FALSE(isRead(7));
}

TEST(Document, HasThePathOfItsFile) {
  EXPECT_EQ(pathOf("file:///a/b%20c.flow"), "/a/b c.flow");
  EXPECT_EQ(pathOf("untitled:Untitled-1"), "");
  EXPECT_EQ(pathOf("test:///a.flow"), "") << "of no file";
}

TEST(Analysis, HoldsMistakesAndWarnings) {
  const std::string masked =
      "flow m = transformed(normal([0]), masked_autoregressive(affine(), dim = 1, nn_width = 2, nn_depth = 1))\n";
  Analysis analysis = analyze(Document(masked + "flow f = nromal()\n", ""));
  ASSERT_EQ(analysis.diagnostics.size(), 2u);
  auto of = [&](lsp::DiagnosticSeverity severity) {
    return *llvm::find_if(analysis.diagnostics, [&](const lsp::Diagnostic &one) { return one.severity == severity; });
  };
  EXPECT_EQ(of(lsp::DiagnosticSeverity::Warning).range.start.line, 0);
  EXPECT_THAT(of(lsp::DiagnosticSeverity::Error).message, HasSubstr("unknown constructor `nromal`"));
}

TEST(Completion, KnowsTheColumnsOfATable) {
  test::TemporaryDirectory folder;
  folder.write("kids.csv", "score,school\n1,2\n");
  std::string text = "data kid = table(\"kids.csv\")\ndensity d(x[2]) = sum(kid.";
  Document document(text, folder / "a.flow");
  std::vector<std::string> labels;
  for (const lsp::CompletionItem &item : complete(document, document.positionOf(text.size())).items)
    labels.push_back(item.label);
  EXPECT_THAT(labels, UnorderedElementsAre("score", "school"));
}

TEST(Completion, KnowsWhatCanFollow) {
  EXPECT_THAT(labelsAt("|"), UnorderedElementsAre("flow", "bijection", "density", "objective", "data"));
  EXPECT_THAT(labelsAt("flow f = normal()\nfl|"),
              UnorderedElementsAre("flow", "bijection", "density", "objective", "data"));
  EXPECT_THAT(labelsAt("flow |"), IsEmpty());
  EXPECT_THAT(labelsAt("bijection b = tanh()\nflow f = |"), testing::IsSupersetOf({"b", "normal", "none"}));
  EXPECT_THAT(labelsAt("bijection b = tanh()\nflow f = nor|"), Contains("normal"));
  EXPECT_THAT(labelsAt("flow f = normal(|"), testing::IsSupersetOf({"loc", "scale", "zeros"}));
  EXPECT_THAT(labelsAt("flow f = uniform(1, |"), Not(Contains("minval")));
  EXPECT_THAT(labelsAt("flow f = normal(scale = 1, |"), testing::IsSupersetOf({"loc"}));
  EXPECT_THAT(labelsAt("flow f = uniform(minval = |"), Not(Contains("maxval")));
  EXPECT_THAT(labelsAt("flow f = coupling_flow(standard_normal([2]), nn_activation = |"), Contains("silu"));
  EXPECT_THAT(labelsAt("flow f = transformed(normal(), chain([|"), Not(Contains("base_dist")));
  EXPECT_THAT(labelsAt("bijection b(x; a = |"), UnorderedElementsAre("positive", "interval"));
  EXPECT_THAT(labelsAt("bijection b(x; a = positive(1)) = |"), testing::IsSupersetOf({"x", "a", "asinh", "let"}));
  EXPECT_THAT(labelsAt("bijection b(x) = let y = x in |"), testing::IsSupersetOf({"x", "y"}));
  EXPECT_THAT(labelsAt("bijection b(x) = let y = x |"), Contains("in"));
  EXPECT_THAT(labelsAt("data t = array(\"x.npy\")\ndensity d(x[2]) = sum(|"), testing::IsSupersetOf({"t", "x", "dot"}));
  EXPECT_THAT(labelsAt("data t = |"), UnorderedElementsAre("table", "array"));
  EXPECT_THAT(labelsAt("objective o(q, x; |"), UnorderedElementsAre("target"));
  EXPECT_THAT(labelsAt("# flow f = |"), IsEmpty());
  EXPECT_THAT(labelsAt("data t = table(\"a|"), IsEmpty());
  EXPECT_THAT(labelsAt("data t = table(\"#\")\nflow f = |"), Contains("normal"));
}

TEST(SignatureHelp, FollowsTheCursor) {
  EXPECT_EQ(signatureAt("flow f = normal(|"), "normal(loc = 0, scale = 1): loc = 0");
  EXPECT_EQ(signatureAt("flow f = normal([1, 2], |)"), "normal(loc = 0, scale = 1): scale = 1");
  EXPECT_EQ(signatureAt("flow f = normal([1, |"), "normal(loc = 0, scale = 1): loc = 0");
  EXPECT_EQ(signatureAt("flow f = normal(scale = |"), "normal(loc = 0, scale = 1): scale = 1");
  EXPECT_EQ(signatureAt("flow f = normal(sclae = |"), "normal(loc = 0, scale = 1): none");
  EXPECT_EQ(signatureAt("density d(x[2]) = sum(normal_log(x, |"), "normal_log(y, loc = 0, scale = 1): loc = 0");
  EXPECT_EQ(signatureAt("bijection c(x) = x^3\nbijection d = c(|"), "c(shape = []): shape = []");
  EXPECT_EQ(signatureAt("flow f = normal()|"), "none");
  EXPECT_EQ(signatureAt("flow f = foo(|"), "none");
  EXPECT_EQ(signatureAt("bijection b(x|"), "none");
}

TEST(Definition, FindsNames) {
  EXPECT_EQ(definitionAt("bijection b = tanh()\nflow f = transformed(normal(), |b)"), "0:10");
  EXPECT_EQ(definitionAt("bijection b = tanh()\nflow f = transformed(normal(), b|)"), "0:10");
  EXPECT_EQ(definitionAt("flow f|oo = normal()"), "0:5");
  EXPECT_EQ(definitionAt("density d(x[2]) = let y = x in sum(|y)"), "0:22");
  EXPECT_EQ(definitionAt("density d(x[2]) = let y = |x in sum(y)"), "0:10");
  EXPECT_EQ(definitionAt("density d(x[2]) = sum(scan s = 0 over (a = x) in s + |a)"), "0:39");
  EXPECT_EQ(definitionAt("bijection b(x; a = 1) = x + |a"), "0:15");
  EXPECT_EQ(definitionAt("flow f = normal(|loc = 1)"), "none");
  EXPECT_EQ(definitionAt("flow f = |normal()"), "none");
  EXPECT_EQ(definitionAt("# f|oo"), "none");
}

TEST(Hover, SaysWhatObjectsAre) {
  std::string coupling = hoverAt("bijection b = cou|pling(affine(), untransformed_dim = 1, dim = 2, cond_dim = 3, "
                                 "nn_width = 8, nn_depth = 1)");
  EXPECT_THAT(coupling, HasSubstr("coupling(transformer, untransformed_dim, dim, cond_dim = none,"));
  EXPECT_THAT(coupling, HasSubstr("event `[2]`, condition `[3]`"));
  EXPECT_THAT(coupling, HasSubstr("parameters: 58 trainable"));
  EXPECT_THAT(coupling, HasSubstr("transform: analytic"));
  EXPECT_THAT(hoverAt("flow f = masked_autoregressive_flow(standard_normal([2]))\nflow g = |f"),
              HasSubstr("transform: sweep (one network pass, coordinate by coordinate), used by `sample`"));
  // Also where another item has a mistake.
  EXPECT_THAT(hoverAt("flow f = nromal()\nbijection b = tan|h([4])"),
              testing::AllOf(HasSubstr("event `[4]`"), Not(HasSubstr("condition"))));
  EXPECT_THAT(hoverAt("flow f = |normal(foo)"), Not(HasSubstr("event")));
  EXPECT_THAT(hoverAt("density d(x[3]) = sum(x)\ndensity |e(x[2]) = sum(x)"), HasSubstr("event `[2]`"));
  EXPECT_EQ(hoverAt("flow f = normal(|1)"), "none");
  // The name of an argument is explained by its call, a name of a formula by its line.
  EXPECT_THAT(hoverAt("flow f = normal(lo|c = 1)"), HasSubstr("normal(loc = 0, scale = 1)"));
  EXPECT_THAT(hoverAt("density d(x[2]) =\n  let y = x[0] in\n  |y"), HasSubstr("let y = x[0] in"));
}

TEST(Vocabulary, EveryConstructorSaysWhatItIs) {
  for (llvm::StringRef name : constructorNames())
    EXPECT_FALSE(describeConstructor(name)->documentation.empty()) << name.str();
  for (llvm::StringRef name : functionNames())
    EXPECT_FALSE(describeFunction(name)->arguments.empty()) << name.str();
  EXPECT_EQ(describeConstructor("coupling_flow")->describe(),
            "coupling_flow(base_dist, transformer = none, cond_dim = none, flow_layers = 8, nn_width = 50, "
            "nn_depth = 1, nn_activation = relu, invert = true)");
  EXPECT_EQ(describeFunction("student_t_log")->describe(), "student_t_log(y, df, loc = 0, scale = 1)");
}

TEST(Layout, ChangesTheLinesThatDiffer) {
  auto editOf = [](const std::string &text) {
    std::vector<lsp::TextEdit> edits = format(Document(text, ""));
    if (edits.empty())
      return std::string("none");
    const lsp::Range &range = edits[0].range;
    return std::to_string(range.start.line) + "-" + std::to_string(range.end.line) + ": " + edits[0].newText;
  };
  EXPECT_EQ(editOf("flow f = normal()\n"), "none");
  EXPECT_EQ(editOf("flow f = normal()\nflow g =normal()\nflow h = normal()\n"), "1-2: flow g = normal()\n");
  EXPECT_EQ(editOf("flow f = normal()"), "0-0: flow f = normal()\n");
  EXPECT_EQ(editOf("\n\nflow f = normal()\n"), "0-2: ");
  EXPECT_EQ(editOf("flow f = nromal( )\n"), "none");
  for (const char *text : {"\n\nflow f=normal()\n\n", "flow f= normal()\n\n\n\nflow g=normal()  # x", "# a\n\n\n# b"}) {
    Document document(text, "");
    std::vector<lsp::TextEdit> edits = format(document);
    ASSERT_EQ(edits.size(), 1u) << text;
    EXPECT_THAT(format(Document(document.replace(edits[0].range, edits[0].newText), "")), IsEmpty()) << text;
  }
}

} // namespace
} // namespace flowc::editor
