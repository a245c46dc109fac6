import inspect

import click
import generated

from procur.cli import COMMANDS, root

SHARED = ("as_json", "debug", "home", "who", "organization")
INTRODUCTION = """# The commands

{note}

Every command except `demo` works on one folder: the database `procur.db` and the folder `documents/` with
contracts and orders. Run it in that folder, or name the folder with `--home`. How errors look:
[errors](errors.md). Every variable: [environment](environment.md).

## Options that all commands take

`demo` takes `--json` and `--debug` of these, and a `--home` of its own.

{shared}
"""


def commands():
    """Yield every command that does something, with its words: ("vendors import", command)."""
    for name in COMMANDS:
        command = root.get_command(click.Context(root), name)
        if isinstance(command, click.Group):
            for sub in command.list_commands(click.Context(command)):
                yield f"{name} {sub}", command.commands[sub]
        else:
            yield name, command


def written(parameter):
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    kind = parameter.type
    if getattr(parameter, "is_flag", False):
        return names
    if isinstance(kind, click.Choice):
        return f"{names} {', '.join(f'`{choice}`' for choice in kind.choices)}"
    name = "NUMBER" if isinstance(kind, click.IntRange) else kind.name.upper()
    return f"{names} {parameter.metavar or name}"


def told(parameter):
    """Return an option's help, with what `--help` adds to it."""
    parts = [parameter.help] if parameter.help else []
    if parameter.required:
        parts.append("Required.")
    if parameter.multiple:
        parts.append("May be repeated.")
    if isinstance(parameter.type, click.IntRange):
        parts.append(f"From {parameter.type.min} to {parameter.type.max}.")
    if parameter.show_default and parameter.default is not None:
        parts.append(f"Default: `{parameter.default}`.")
    if parameter.envvar:
        parts.append(f"Variable: `{parameter.envvar}`.")
    return " ".join(parts)


def options(parameters):
    return "\n".join(generated.table(["option", "what it does"], [[written(p), told(p)] for p in parameters]))


def section(words, command):
    usage = " ".join(
        p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)
    )
    own = [p for p in command.params if isinstance(p, click.Option)]
    if words != "demo":
        own = [p for p in own if p.name not in SHARED]
    text = inspect.cleandoc(command.help or "")
    return "\n".join(
        [f"## {words}", "", f"`procur {words} {usage}".rstrip() + "`", "", text, "", options(own)]
    )


def page():
    every = list(commands())
    shared = [p for p in dict(every)["init"].params if p.name in SHARED]
    introduction = INTRODUCTION.format(note=generated.NOTE, shared=options(shared))
    return (
        "\n".join([introduction, *(section(*each) for each in every)]).replace("\n\n\n", "\n\n").rstrip()
        + "\n"
    )


def test_the_page_of_commands_is_what_the_commands_say():
    assert generated.is_up_to_date("cli.md", page()), "PROCUR_WRITE_DOCS=1 pytest tests/docs rewrites it"


def test_all_commands_take_the_shared_options():
    lacking = {
        words: set(SHARED) - {p.name for p in command.params}
        for words, command in commands()
        if words != "demo"
    }
    assert {words for words, names in lacking.items() if names} == set()
