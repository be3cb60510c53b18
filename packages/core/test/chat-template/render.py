"""Makes fixtures.json: what Python's Jinja2, set up as transformers does, renders from the conversations here.

Usage: python render.py FOLDER_OF_TEMPLATES > fixtures.json   (needs the package jinja2)
       python render.py FOLDER_OF_TEMPLATES NAME CONVERSATION  prints one rendering, to see a difference
Outputs of other projects' templates are kept as SHA-256 only; "error" where the template fails.
"""
import datetime
import glob
import hashlib
import json
import os
import sys

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))


class Generation(Extension):
    """{% generation %} marks what the assistant says; it writes its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def load(name):
    with open(os.path.join(HERE, name), encoding="utf8") as file:
        return json.load(file)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = lambda form: datetime.datetime(2026, 11, 5, 9, 7, 3).strftime(form)


def render(source, conversation):
    variables = {
        "messages": conversation["messages"],
        "tools": conversation.get("tools"),
        "documents": None,
        "add_generation_prompt": conversation.get("addGenerationPrompt", False),
        "bos_token": "<BOS>",
        "eos_token": "<EOS>",
        **conversation.get("extra", {}),
    }
    return environment.from_string(source).render(**variables)


def digest(source, conversation):
    try:
        return hashlib.sha256(render(source, conversation).encode("utf8")).hexdigest()[:32]
    except Exception:
        return "error"


def texts(source, conversation):
    try:
        return render(source, conversation)
    except Exception as error:
        return {"error": type(error).__name__}


def read(path):
    with open(path, encoding="utf8") as file:
        return file.read()


conversations = load("conversations.json")
folder = sys.argv[1]
if len(sys.argv) > 2:
    sys.stdout.write(render(read(os.path.join(folder, sys.argv[2])), conversations[sys.argv[3]]))
    sys.exit()
templates = {
    os.path.basename(path): {name: digest(read(path), item) for name, item in conversations.items()}
    for path in sorted(glob.glob(os.path.join(folder, "*.jinja")))
}
own = [render(source, conversations["turns"]) for source in load("own-templates.json")]
chats = {
    name: {key: texts("\n".join(lines), conversations[key]) for key in conversations}
    for name, lines in load("own-chats.json").items()
}
json.dump({"templates": templates, "own": own, "chats": chats}, sys.stdout, ensure_ascii=False, indent=2)
print()
