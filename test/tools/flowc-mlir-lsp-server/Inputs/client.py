"""Opens one bad document in a language server and prints what the server says."""

import json
import subprocess
import sys

TEXT = 'func.func @f() {\n  "flow.no_such_op"() : () -> ()\n  flow.no_such_op\n  return\n}\n'

MESSAGES = [
    {"id": 0, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}},
    {
        "method": "textDocument/didOpen",
        "params": {"textDocument": {"uri": "test:///f.mlir", "languageId": "mlir", "version": 1, "text": TEXT}},
    },
    {"id": 1, "method": "shutdown"},
    {"method": "exit"},
]

stream = ""
for message in MESSAGES:
    body = json.dumps({"jsonrpc": "2.0", **message})
    stream += f"Content-Length: {len(body)}\r\n\r\n{body}"
print(subprocess.run([sys.argv[1]], input=stream, capture_output=True, text=True, timeout=60).stdout)
