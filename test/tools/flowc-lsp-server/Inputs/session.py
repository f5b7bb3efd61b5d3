"""A session of an editor with the language server, held by the client library pygls."""

import asyncio
import pathlib
import sys
import tempfile

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

TEXT = """# Größe 🎲
bijection step = coupling(affine(), untransformed_dim = 1, dim = 2, nn_width = 8, nn_depth = 1)
flow f = transformed(standard_normal([2]), invert(step))
bijection cubic(x; a = positive(0.1)) = x^3 + a*x
data kid = table("kids.csv")
density d(x[2]) =
    let r = x[1] - x[0] in -0.5*sum(x^2) - r^2 + sum(kid.score)
"""


class Session:
    def __init__(self, server):
        self.server = server
        self.client = LanguageClient("flowc-test", "1")
        self.published = asyncio.Queue()

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def receive(params):
            self.published.put_nowait(params)

    async def start(self):
        await self.client.start_io(self.server)
        result = await self.client.initialize_async(
            lsp.InitializeParams(capabilities=lsp.ClientCapabilities(), process_id=None, root_uri=None)
        )
        self.client.initialized(lsp.InitializedParams())
        return result

    async def open(self, uri, text, version=1):
        item = lsp.TextDocumentItem(uri=uri, language_id="flow", version=version, text=text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))
        return await self.diagnostics(version)

    async def change(self, uri, version, *changes):
        document = lsp.VersionedTextDocumentIdentifier(uri=uri, version=version)
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(text_document=document, content_changes=list(changes))
        )
        return await self.diagnostics(version)

    async def diagnostics(self, version):
        """What is said of this version; versions that came too late are left out."""
        while True:
            published = await asyncio.wait_for(self.published.get(), 30)
            if published.version == version:
                return published.diagnostics


def at(text, needle, offset=0):
    """The position of `needle` in a text, in UTF-16 code units."""
    before = text[: text.index(needle) + offset]
    line = before.rsplit("\n", 1)[-1]
    return lsp.Position(line=before.count("\n"), character=len(line.encode("utf-16-le")) // 2)


def question(kind, uri, position):
    return kind(text_document=lsp.TextDocumentIdentifier(uri=uri), position=position)


def check(condition, found):
    if not condition:
        raise AssertionError(found)


async def check_diagnostics(session, uri):
    found = await session.open(uri, TEXT)
    check(not found, found)
    # A word is inserted behind a character of two code units.
    start = lsp.Position(line=0, character=len("# Größe 🎲".encode("utf-16-le")) // 2)
    insert = lsp.TextDocumentContentChangePartial(
        range=lsp.Range(start=start, end=start), text="\nflow é = nromal() flow g = tahn()"
    )
    found = await session.change(uri, 2, insert)
    check([d.message.split(";")[0] for d in found] == ["unexpected character `é`", "unknown constructor `tahn`"], found)
    check(found[1].range.start == lsp.Position(line=1, character=27), found[1])
    check(found[1].range.end == lsp.Position(line=1, character=31), found[1])
    check(found[0].severity == lsp.DiagnosticSeverity.Error and found[0].source == "flowc", found[0])
    whole = lsp.TextDocumentContentChangeWholeDocument(text=TEXT)
    check(not await session.change(uri, 3, whole), "the text is right again")
    masked = "flow m = transformed(normal(), masked_autoregressive(affine(), dim = 1, nn_width = 2, nn_depth = 1))"
    found = await session.open("untitled:Untitled-1", masked.replace("normal()", "normal([0])"))
    check([d.severity for d in found] == [lsp.DiagnosticSeverity.Warning], found)
    print("diagnostics: ok")


async def labels(session, uri, position):
    params = question(lsp.CompletionParams, uri, position)
    result = await session.client.text_document_completion_async(params)
    return {item.label: item for item in result.items}


async def check_completion(session, uri):
    found = await labels(session, uri, at(TEXT, "untransformed_dim"))
    check(found["dim"].detail == "required" and found["cond_dim"].detail == "default: none", found["dim"])
    check(found["dim"].insert_text == "dim = " and "transformer" not in found, found)
    check("standard_normal" in found and "f" not in found and "step" not in found, list(found))
    check("affine(loc = 0, scale = 1)" == found["affine"].detail, found["affine"])
    check("scale · x + loc" in found["affine"].documentation.value, found["affine"])
    found = await labels(session, uri, at(TEXT, "(step)", 1))
    check("step" in found and "relu" in found, list(found))
    found = await labels(session, uri, at(TEXT, "-0.5"))
    check({"r", "x", "kid", "sum", "normal_log", "pi"} <= set(found) and "affine" not in found, list(found))
    found = await labels(session, uri, at(TEXT, "kid.score", 4))
    check(set(found) == {"score", "school"}, list(found))
    check("flow" in await labels(session, uri, at(TEXT, "data kid", 2)), "keywords begin items")
    check(await labels(session, uri, lsp.Position(line=0, character=3)) == {}, "nothing in a comment")
    check(await labels(session, uri, at(TEXT, "kids.csv", 2)) == {}, "nothing in quotes")
    print("completion: ok")


async def hover(session, uri, position):
    result = await session.client.text_document_hover_async(question(lsp.HoverParams, uri, position))
    return result.contents.value if result else None


async def check_hover(session, uri):
    found = await hover(session, uri, at(TEXT, "coupling", 3))
    for part in [
        "coupling(transformer, untransformed_dim, dim, cond_dim = none,",
        "a network of them and the condition gives the parameters",
        "event `[2]`",
        "parameters: 34 trainable",
        "transform: analytic",
    ]:
        check(part in found, found)
    found = await hover(session, uri, at(TEXT, "invert(step", 8))
    check("bijection step" in found and "parameters: 34 trainable" in found, found)
    found = await hover(session, uri, at(TEXT, "cubic"))
    check("cubic(shape = [])" in found and "inverse: root" in found, found)
    check("sum(a)" in await hover(session, uri, at(TEXT, "sum(x^2)")), "functions of formulas are explained")
    check("let r = x[1]" in await hover(session, uri, at(TEXT, "- r^2", 2)), "names of formulas show their line")
    check("coupling(transformer" in await hover(session, uri, at(TEXT, "nn_width")), "an argument shows its call")
    check(await hover(session, uri, at(TEXT, "0.1")) is None, "a number is nothing to explain")
    print("hover: ok")


async def check_others(session, uri):
    client = session.client

    async def define(position):
        found = await client.text_document_definition_async(question(lsp.DefinitionParams, uri, position))
        return found and found.range.start

    check(await define(at(TEXT, "(step)", 2)) == at(TEXT, "step ="), "an item is defined by its name")
    check(await define(at(TEXT, "- r^2", 2)) == at(TEXT, "r = x[1]"), "a let binds its name")
    check(await define(at(TEXT, "a*x")) == at(TEXT, "a = positive"), "a parameter is defined in the head")
    check(await define(at(TEXT, "kid.score")) == at(TEXT, "kid = table"), "data are items")
    check(await define(at(TEXT, "nn_width")) is None, "the name of an argument is defined nowhere")

    async def help_at(position):
        return await client.text_document_signature_help_async(question(lsp.SignatureHelpParams, uri, position))

    found = await help_at(at(TEXT, "nn_width = 8", 12))
    check(found.signatures[0].label.startswith("coupling(transformer") and found.active_parameter == 4, found)
    check((await help_at(at(TEXT, "affine()", 7))).active_parameter == 0, "no argument yet")
    check(await help_at(at(TEXT, "flow f", 5)) is None, "nothing is called in a head")

    document = lsp.TextDocumentIdentifier(uri=uri)
    symbols = await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(text_document=document))
    check([s.name for s in symbols] == ["step", "f", "cubic", "kid", "d"], symbols)
    check([s.detail for s in symbols] == ["bijection", "flow", "bijection", "data", "density"], symbols)
    check(symbols[4].range.end == lsp.Position(line=6, character=63), symbols[4])

    async def edits():
        options = lsp.FormattingOptions(tab_size=4, insert_spaces=True)
        params = lsp.DocumentFormattingParams(text_document=document, options=options)
        return await client.text_document_formatting_async(params)

    check(not await edits(), "the text has its layout")
    untidy = TEXT.replace("f = transformed", "f   =  transformed")
    await session.change(uri, 4, lsp.TextDocumentContentChangeWholeDocument(text=untidy))
    (edit,) = await edits()
    check(edit.new_text == TEXT.split("\n")[2] + "\n", edit)
    check((edit.range.start.line, edit.range.end.line) == (2, 3), edit)
    await session.change(uri, 5, lsp.TextDocumentContentChangeWholeDocument(text="flow f = nromal( )"))
    check(not await edits(), "a text with mistakes is left alone")
    print("definition, signature, symbols, layout: ok")


async def check_cancelled(session, uri):
    waiting = asyncio.ensure_future(labels(session, uri, lsp.Position(line=0, character=9)))
    await asyncio.sleep(0)
    for request in [*session.client.protocol._request_futures, "no-such-request", 7, None]:
        session.client.protocol.notify("$/cancelRequest", {"id": request})
    check("standard_normal" in await waiting, "an answer that was on its way arrives")
    check("standard_normal" in await labels(session, uri, lsp.Position(line=0, character=9)), "goes on")
    print("cancelled requests: ok")


async def main():
    session = Session(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "kids.csv").write_text("score,school\n1,2\n3,4\n")
        uri = pathlib.Path(folder, "a b.flow").as_uri()
        capabilities = (await session.start()).capabilities
        check(capabilities.document_formatting_provider and capabilities.position_encoding == "utf-16", capabilities)
        await check_diagnostics(session, uri)
        await check_completion(session, uri)
        await check_hover(session, uri)
        await check_others(session, uri)
        await check_cancelled(session, uri)
    await session.client.shutdown_async(None)
    session.client.exit(None)
    await session.client.stop()
    print("session: ok")


asyncio.run(asyncio.wait_for(main(), 120))
