"""What scripts/doctor prints: bad things first, each with what it does and how to mend it."""

from __future__ import annotations

import itertools
import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from poolmark_scripts import machine_facts
from poolmark_scripts.fact import BAD, GOOD, UNKNOWN, Fact

HEADINGS = {
    BAD: ("bad", "bold red"),
    UNKNOWN: ("unknown: cannot be seen from here, which is not the same as good", "bold yellow"),
    GOOD: ("good", "bold green"),
}
NARROWEST_VALUE, WIDEST_VALUE = 16, 44


def print_report(facts: list[Fact], console: Console) -> None:
    """The head of a run, then everything, then what to make of it."""
    console.print(machine_facts.headline(facts), soft_wrap=not console.is_terminal)
    names = max(len(fact.name) for fact in facts)
    values = min(WIDEST_VALUE, max(NARROWEST_VALUE, max(len(fact.value) for fact in facts), console.width // 4))
    for verdict, (heading, style) in HEADINGS.items():
        chosen = [fact for fact in machine_facts.sort(facts) if fact.verdict == verdict]
        if chosen:
            console.print()
            console.print(Text(heading, style=style))
            console.print(_table(chosen, names, min(values, max(NARROWEST_VALUE, console.width // 3))))
    console.print()
    console.print(_conclusion(facts), soft_wrap=not console.is_terminal)


def _table(facts: list[Fact], names: int, values: int) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(width=2)
    made.add_column(width=names, no_wrap=True)
    made.add_column(width=values)
    made.add_column()
    for mend, group in itertools.groupby(facts, key=lambda fact: fact.mend):
        together = list(group)
        for fact in together:
            told = Text(fact.effect, style="dim" if fact.verdict == GOOD else "")
            if mend and len(together) == 1:
                told.append("\n").append(_mend(mend))
            made.add_row("", fact.name, _wrapped(fact.value, values), told)
        if mend and len(together) > 1:
            made.add_row("", "", "", _mend(f"{'both' if len(together) == 2 else f'all {len(together)}'}: {mend}"))
    return made


def _mend(mend: str) -> Text:
    return Text("-> ", style="bold").append(mend, style="not bold")


def _wrapped(value: str, width: int) -> str:
    """Lines of at most `width`; a number and its unit stay together."""
    lines = textwrap.wrap(value.replace(" %", "\0%"), width)
    return "\n".join(lines).replace("\0%", " %")


def _conclusion(facts: list[Fact]) -> str:
    bad = [fact.name for fact in facts if fact.verdict == BAD]
    unseen = sum(fact.verdict == UNKNOWN for fact in facts)
    rest = f"{unseen} cannot be seen" if unseen else "everything can be seen"
    if not bad:
        return f"Nothing is bad; {rest}."
    return f"{len(bad)} of {len(facts)} are bad ({', '.join(bad)}); {rest}."
