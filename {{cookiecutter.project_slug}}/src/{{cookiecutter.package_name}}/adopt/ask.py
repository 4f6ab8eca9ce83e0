"""Asks a person what the data cannot say; without a terminal takes the likelier answer, and says which option would change it."""

import sys
from collections.abc import Callable

from . import AdoptError


class Asker:
    """``assumed`` are the answers that nobody gave, one sentence each."""

    def __init__(self, ask: Callable[[str], str] | None) -> None:
        self.ask = ask
        self.assumed: list[str] = []

    def choose(self, question: str, answers: dict[str, str], likely: str, option: str, assumed: str) -> str:
        """One of the keys of ``answers`` (each with its meaning): the person's, or ``likely``.

        ``option`` is what would have said it beforehand; ``assumed`` the sentence for the summary when nobody answers.
        """
        if self.ask is None:
            self.assumed.append(f"{assumed} ({option} says otherwise)")
            return likely
        shown = "".join(f"\n  {key}{' (default)' if key == likely else ''}: {meaning}" for key, meaning in answers.items())
        while True:
            said = self.ask(f"{question}{shown}\n> ").strip()
            if not said:
                return likely
            for key in answers:
                if said.casefold() == key.casefold():
                    return key
            print(f"Answer with {' or '.join(answers)}.")


def on_terminal(quiet: bool) -> Asker:
    """Asks at the terminal, if there is one and ``quiet`` does not forbid it."""
    return Asker(_input if not quiet and sys.stdin.isatty() and sys.stdout.isatty() else None)


def _input(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:
        raise AdoptError("the question above was not answered; nothing was written") from None
