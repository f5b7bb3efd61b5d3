"""Sends a language server what no editor should, and checks that it goes on."""

import json
import random
import resource
import subprocess
import sys

TEXT = """# Größe 🎲 of things
bijection step = coupling(affine(), untransformed_dim = 1, dim = 2, nn_width = 8, nn_depth = 1)
flow f = transformed(standard_normal([2]), invert(step))
bijection cubic(x; a = positive(0.1)) = x^3 + a*x
density d(x[2]) = let r = x[1] - x[0] in -0.5*sum(x^2) - r^2
objective o(q, x; w) = -mean(w*log_prob(q, x))
"""
QUESTIONS = ["completion", "signatureHelp", "hover", "definition", "documentSymbol", "formatting"]


def frame(body):
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


class Conversation:
    """Messages, and what comes back."""

    def __init__(self):
        self.stream, self.asked = b"", 0

    def raw(self, data):
        self.stream += data

    def notify(self, method, params):
        self.raw(frame(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode()))

    def ask(self, method, params):
        self.asked += 1
        message = {"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}
        self.raw(frame(json.dumps(message).encode()))

    def open(self, uri, text):
        document = {"uri": uri, "languageId": "flow", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def ask_all(self, uri, position):
        for question in QUESTIONS:
            self.ask(f"textDocument/{question}", {"textDocument": {"uri": uri}, "position": position})

    def run(self, server):
        """Says goodbye; the answers by number, and what was published last of each text."""
        self.ask("shutdown", None)
        self.notify("exit", None)
        result = subprocess.run([server], input=self.stream, capture_output=True, timeout=300)
        assert result.returncode == 0, (result.returncode, result.stderr[-2000:])
        answers, published, rest = {}, {}, result.stdout
        while rest:
            head, rest = rest.split(b"\r\n\r\n", 1)
            length = int(head.split(b":")[1])
            message, rest = json.loads(rest[:length]), rest[length:]
            if "id" in message:
                answers[message["id"]] = message
            else:
                published[message["params"]["uri"]] = message["params"]["diagnostics"]
        assert sorted(answers) == list(range(1, self.asked + 1)), "every question has an answer"
        return answers, published


def check_damaged_messages(server):
    talk = Conversation()
    talk.ask("initialize", {})
    talk.open("test:a", TEXT)
    bodies = [b"", b"{", b"[]", b"7", b"null", b"\xff\xfe", b"[" * 100000, b'{"a":' * 100000, b'{"jsonrpc": "2.0"}']
    bodies += [b'{"jsonrpc": "2.0", "method": 7}', b'{"jsonrpc": "1.0", "id": 1, "method": "shutdown"}']
    for body in bodies:
        talk.raw(frame(body))
    talk.raw(b"Content-Length: 99999999999999999999\r\n\r\n")
    talk.raw(b"X-Header: 1\r\nContent-Length: 2\r\n\r\n{}")
    for params in [None, 7, [], {}, {"textDocument": 1}, {"textDocument": {"uri": "test:a"}, "position": {"line": "x"}}]:
        for question in QUESTIONS:
            talk.ask(f"textDocument/{question}", params)
        for message in ["didOpen", "didChange", "didClose"]:
            talk.notify(f"textDocument/{message}", params)
    talk.ask("no/such/request", {})
    talk.notify("$/cancelRequest", {"id": 1})
    talk.ask_all("test:a", {"line": 2, "character": 12})
    answers, published = talk.run(server)
    assert published["test:a"] == [], published
    assert all("error" in answers[i] for i in range(2, talk.asked - 7)), "nonsense is an error"
    assert all("result" in answers[i] for i in range(talk.asked - 6, talk.asked)), "sense is answered after it"
    print("damaged messages: ok")


def check_after_shutdown(server):
    talk = Conversation()
    talk.open("test:a", TEXT)
    talk.ask_all("test:a", {"line": 2, "character": 12})
    talk.ask("shutdown", None)
    talk.ask_all("test:a", {"line": 2, "character": 12})
    answers, _ = talk.run(server)
    count = len(QUESTIONS)
    assert all("result" in answers[i] for i in range(1, count + 2)), answers
    assert all("has been shut down" in answers[i]["error"]["message"] for i in range(count + 2, 2 * count + 2)), answers
    print("after the shutdown: ok")


def check_places(server):
    talk = Conversation()
    for i, text in enumerate([TEXT, "", "\n", "🎲", "#", '"', "flow", "flow f = normal(", "\x00", "\ufeff" + TEXT, "é" * 9]):
        uri = f"untitled:Untitled-{i}"
        talk.open(uri, text)
        for line in [-1, 0, 1, 2, 7, 2**31 - 1]:
            for character in [-1, 0, 1, 9, 10, 50, 2**31 - 1]:
                talk.ask_all(uri, {"line": line, "character": character})
    talk.run(server)
    print("places outside: ok")


def to_offset(text, position):
    lines = text.split("\n")
    line = min(max(position["line"], 0), len(lines) - 1)
    before = sum(len(part) + 1 for part in lines[:line])
    units, offset = 0, 0
    while offset < len(lines[line]) and units < position["character"]:
        units += 2 if lines[line][offset] > "\uffff" else 1
        if units > position["character"]:
            break
        offset += 1
    return len(text) if position["line"] >= len(lines) else before + offset


def check_edits(server, seed):
    chance = random.Random(seed)
    words = ["flow ", "(", ")", "[", "]", ",", "=", "\n", "🎲", "é", "x", "affine", "density d(x[2]) = ", "#", '"', " in ", "let a = ", "."]
    talk, text = Conversation(), TEXT
    talk.open("test:a", text)
    for version in range(2, 300):
        place = lambda: {"line": chance.randrange(9), "character": chance.randrange(60)}
        changes = []
        for _ in range(chance.randrange(1, 4)):
            start, end = sorted([place(), place()], key=lambda p: (p["line"], p["character"]))
            if chance.random() < 0.7:
                end = start
            new = "".join(chance.choice(words) for _ in range(chance.randrange(3)))
            begin, stop = to_offset(text, start), to_offset(text, end)
            text = text[:begin] + new + text[max(begin, stop) :]
            changes.append({"range": {"start": start, "end": end}, "text": new})
        if version % 40 == 0:
            text = TEXT
            changes.append({"text": text})
        document = {"uri": "test:a", "version": version}
        talk.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        talk.ask_all("test:a", place())
    talk.open("test:b", text)
    # Hovering waits until a text has been checked; what has been published then is about these.
    talk.ask_all("test:a", {"line": 0, "character": 0})
    answers, _ = talk.run(server)
    again = Conversation()
    again.open("test:b", text)
    again.ask("textDocument/documentSymbol", {"textDocument": {"uri": "test:b"}})
    expected = again.run(server)[0][1]["result"]
    assert answers[talk.asked - 2]["result"] == expected, "the server has the text of the editor"


def check_large_texts(server):
    talk = Conversation()
    many = "".join(f"flow f{i} = nromal()\n" for i in range(20000))
    for i, text in enumerate([many, "x" * 2_000_000, "(" * 200_000, "flow f = " + "[" * 200_000, "#" * 17_000_000]):
        talk.open(f"test:{i}", text)
        for line, character in [(0, 5), (10000, 12)]:
            talk.ask_all(f"test:{i}", {"line": line, "character": character})
        talk.notify("textDocument/didClose", {"textDocument": {"uri": f"test:{i}"}})
    _, published = talk.run(server)
    assert all(found == [] for found in published.values()), "what is closed has no mistakes"
    print("large texts: ok")


def check_hard_texts(server):
    """Texts whose proofs take minutes, changed and left while they are looked at."""
    talk = Conversation()
    hard = " + ".join(f"tanh({i}*x)" for i in range(160))
    text = "".join(f"bijection f{k}(x) = x + {hard}\n" for k in range(200))
    begin = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for uri in ["test:a", "test:b"]:
        talk.open(uri, text)
    for version in range(2, 9):
        document = {"uri": "test:a", "version": version}
        talk.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text + "#"}]})
        talk.ask("textDocument/completion", {"textDocument": {"uri": "test:a"}, "position": {"line": 1, "character": 3}})
    talk.run(server)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begin
    assert seconds < 60, f"{seconds} s of work"
    print("hard texts: ok")


server = sys.argv[1]
check_damaged_messages(server)
check_after_shutdown(server)
check_places(server)
for seed in range(3):
    check_edits(server, seed)
print("edits: ok")
check_large_texts(server)
check_hard_texts(server)
