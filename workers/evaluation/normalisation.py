"""Normalises texts before they are compared, so that case and punctuation do not count as errors.

The choice changes every word error rate by more than most recognisers differ, so a normaliser has a
name with a version, which stands beside every figure.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from workers.errors import MissingExtra, UsageProblem

DEFAULT_NORMALISER = "whisper-en"

_UNCERTAIN = re.compile(
    r"\[(?:unclear|inaudible|masked|crosstalk|noise|laughter|music)\]|<unk>", re.I
)
"""Marks of a transcriber for what nobody could write down. They are no words; the vendor's recipe
for pre-recorded evaluations removes them too."""

_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "＇": "'"})


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Turns a text into the words that are compared."""

    name: str
    """Its name and version, such as ``whisper-en@0.1.15``."""
    normalise: Callable[[str], str]

    def words(self, text: str) -> list[str]:
        """The words of a text, normalised, without marks such as ``[unclear]``."""
        return self.normalise(_UNCERTAIN.sub(" ", text)).split()

    def with_equivalences(self, path: Path) -> "Normaliser":
        """This normaliser, after which phrases count as the same that a file has on one line, such
        as ``ok, okay, o k``. Raises `UsageProblem` for an unusable file."""
        first = self.normalise
        then = _load_equivalences(path, first)
        name = f"{self.name}+{then.name}"
        return Normaliser(name, lambda text: then.normalise(" ".join(first(text).split())))


PLAIN = Normaliser("none", str)
"""Changes nothing but marks such as ``[unclear]``."""


def count_uncertain(text: str) -> int:
    """How many marks such as ``[unclear]`` a text has."""
    return len(_UNCERTAIN.findall(text))


def load_normaliser(name: str) -> Normaliser:
    """The normaliser called ``whisper-en``, ``basic`` or ``none``, or the rules in a file.

    Raises `UsageProblem` for any other name, and `MissingExtra` without its package.
    """
    if name == "whisper-en":
        return _load_whisper_normaliser()
    if name == "basic":
        return Normaliser("basic@1", normalise_basic)
    if name == "none":
        return PLAIN
    if Path(name).is_file():
        return _load_rules(Path(name))
    hint = "Choose whisper-en, basic, none or a file of rules."
    raise UsageProblem(f"there is no normaliser “{name}”", hint)


def normalise_basic(text: str) -> str:
    """Lower case, compatibility forms unified, no punctuation; for any language.

    Keeps combining marks, which are vowels in many scripts, and apostrophes and hyphens between two
    letters or digits.
    """
    folded = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    kept = []
    for index, character in enumerate(folded):
        if unicodedata.category(character)[0] in "LMN" or (
            character in "'-"
            and folded[index - 1 : index].isalnum()
            and folded[index + 1 : index + 2].isalnum()
        ):
            kept.append(character)
        else:
            kept.append(" ")
    return "".join(kept)


def _load_equivalences(path: Path, normalise: Callable[[str], str]) -> Normaliser:
    """Replaces each phrase by the first of its line, after normalising; longer phrases win."""
    text = _read_text(path)
    replacements: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        first, *others = (" ".join(normalise(phrase).split()) for phrase in line.split(","))
        if not first or not others or not all(others):
            reason = f"{path}, line {number} does not name two phrases"
            raise UsageProblem(reason, "Write them with a comma: ok, okay")
        replacements.update((other, first) for other in others if other != first)
    longest_first = sorted(replacements, key=len, reverse=True)
    alternatives = "|".join(map(re.escape, longest_first)) or "(?!)"
    pattern = re.compile(rf"(?<!\S)(?:{alternatives})(?!\S)")
    return Normaliser(
        f"{path.name}@{_digest(text)}",
        lambda normalised: pattern.sub(lambda match: replacements[match[0]], normalised),
    )


def _load_whisper_normaliser() -> Normaliser:
    try:
        from whisper_normalizer.english import EnglishTextNormalizer
    except ImportError as error:
        raise MissingExtra("evaluation", "the normaliser whisper-en") from error
    normalise = EnglishTextNormalizer()
    return Normaliser(f"whisper-en@{version('whisper-normalizer')}", normalise)


def _load_rules(path: Path) -> Normaliser:
    """A normaliser from lines of ``PATTERN<tab>REPLACEMENT``: regular expressions, applied in order
    to the text in lower case."""
    text = _read_text(path)
    rules: list[tuple[re.Pattern[str], str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        pattern, tab, replacement = line.partition("\t")
        try:
            if not tab:
                raise re.error("no tab between pattern and replacement")
            rules.append((re.compile(pattern), replacement))
        except re.error as error:
            raise UsageProblem(f"{path}, line {number} is not a rule ({error})") from error

    def normalise(text: str) -> str:
        text = text.casefold()
        for pattern, replacement in rules:
            text = pattern.sub(replacement, text)
        return text

    return Normaliser(f"{path.name}@{_digest(text)}", normalise)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(
            f"{path} cannot be read ({error})", "It should be UTF-8 text."
        ) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
