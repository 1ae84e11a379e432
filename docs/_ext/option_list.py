"""The directive `option-list`: every setting, from the table that the program itself reads."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from pytest_reqleak.options import COMMAND, INI, MARKER, OPTIONS, PYTEST, Option


class OptionList(SphinxDirective):
    """A definition list with one entry per setting."""

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        # A page that has not changed would keep the settings of yesterday.
        self.env.note_reread()
        entries = nodes.definition_list()
        for option in OPTIONS:
            entries += nodes.definition_list_item("", _term(option), _definition(option))
        return [entries]


def _term(option: Option) -> nodes.term:
    return nodes.term("", "", nodes.literal(text=option.name))


def _definition(option: Option) -> nodes.definition:
    about = nodes.paragraph(text=option.help)
    if option.choices:
        about += nodes.Text(" One of ")
        for number, choice in enumerate(option.choices):
            about += [nodes.Text(", ") if number else nodes.Text(""), nodes.literal(text=choice)]
        about += nodes.Text(".")
    if option.shown_default:
        about += [nodes.Text(" Default: "), nodes.literal(text=option.shown_default), nodes.Text(".")]
    forms = nodes.paragraph()
    for number, (place, form) in enumerate(_forms(option)):
        forms += [nodes.Text(f"{'; ' if number else ''}{place} "), nodes.literal(text=form)]
    return nodes.definition("", about, forms)


def _forms(option: Option) -> list[tuple[str, str]]:
    value = f"={option.metavar}" if option.metavar else ""
    known = {
        PYTEST: ("pytest", f"{option.flag}{value}"),
        INI: ("ini", option.ini),
        MARKER: ("marker", f"no_leak({option.name}=…)"),
        COMMAND: ("command", f"reqleak check --{option.name}{value}"),
    }
    return [form for place, form in known.items() if place in option.forms]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("option-list", OptionList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
