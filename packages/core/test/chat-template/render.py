"""Makes fixtures.json: what Python's Jinja2, set up as transformers does, renders from the conversations here.

Usage: python render.py FOLDER_OF_TEMPLATES > fixtures.json   (needs the package jinja2)
Outputs of other projects' templates are kept as SHA-256 only; "error" where the template fails.
"""
import datetime
import glob
import hashlib
import json
import os
import sys

from jinja2.exceptions import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def load(name):
    with open(os.path.join(HERE, name), encoding="utf8") as file:
        return json.load(file)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = lambda form: datetime.datetime(2026, 11, 5, 9, 7, 3).strftime(form)


def render(source, conversation):
    return environment.from_string(source).render(
        messages=conversation["messages"],
        tools=conversation.get("tools"),
        documents=None,
        add_generation_prompt=conversation.get("addGenerationPrompt", False),
        bos_token="<BOS>",
        eos_token="<EOS>",
        **conversation.get("extra", {}),
    )


def digest(source, conversation):
    try:
        return hashlib.sha256(render(source, conversation).encode("utf8")).hexdigest()
    except Exception:
        return "error"


conversations = load("conversations.json")
templates = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.jinja"))):
    with open(path, encoding="utf8") as file:
        text = file.read()
    templates[os.path.basename(path)] = {name: digest(text, item) for name, item in conversations.items()}
own = [render(source, conversations["turns"]) for source in load("own-templates.json")]
json.dump({"templates": templates, "own": own}, sys.stdout, ensure_ascii=False, indent=2)
print()
