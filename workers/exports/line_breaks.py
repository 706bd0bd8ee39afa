"""How wide a line of a subtitle may be, and where it may end in scripts without spaces.

Widths and reading speeds are those of Netflix's Timed Text Style Guides for each language. They are
counted in cells: a full-width character takes two, a combining mark none.

Chinese, Japanese and Thai are cut into phrases by BudouX, whose small models were trained for that.
Khmer, Lao and Burmese need a dictionary. ICU has one, but is large, so the extra ``icu`` brings it;
without it, they are cut between clusters of letters. No cut separates what belongs together at the
edge of a line, such as a full stop from its sentence; in Japanese these rules are called kinsoku.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class LineRules:
    """How subtitles in one language look."""

    max_cells: int
    """Widest line of a cue."""
    chars_per_s: int
    """Reading speed, in characters."""
    ambiguous_cells: int = 1
    """Cells of characters such as “…”, which are wide in East Asian fonts only."""

    def width(self, text: str) -> int:
        """The cells that a text takes."""
        if text.isascii():
            return len(text)
        return sum(self._char_width(char) for char in text)

    def _char_width(self, char: str) -> int:
        if unicodedata.category(char) in ("Mn", "Me", "Cf"):
            return 0
        kind = unicodedata.east_asian_width(char)
        return self.ambiguous_cells if kind == "A" else 2 if kind in "WF" else 1


ALPHABETIC = LineRules(max_cells=42, chars_per_s=17)
CHINESE = LineRules(max_cells=32, chars_per_s=9, ambiguous_cells=2)
JAPANESE = LineRules(max_cells=26, chars_per_s=4, ambiguous_cells=2)
KOREAN = LineRules(max_cells=32, chars_per_s=12, ambiguous_cells=2)
THAI = LineRules(max_cells=35, chars_per_s=17)

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_KANA = "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_WIDE_SIGNS = "\u3000-\u3004\u3008-\u303f\uff01-\uff65\uffe0-\uffe6"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7af"
_THAI = "\u0e00-\u0e7f"
_LAO_BURMESE_KHMER = (
    "\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"
)
_BREAK_OPPORTUNITY = "\u200b"
"""The zero-width space, with which Khmer texts may mark their words."""

_UNSPACED = re.compile(f"[{_HAN}{_KANA}{_THAI}{_LAO_BURMESE_KHMER}{_BREAK_OPPORTUNITY}]")
_RUNS = re.compile(
    f"(?P<cjk>[{_HAN}{_KANA}{_WIDE_SIGNS}]+)|(?P<thai>[{_THAI}]+)"
    f"|(?P<dictionary>[{_LAO_BURMESE_KHMER}{_BREAK_OPPORTUNITY}]+)"
    f"|[^{_HAN}{_KANA}{_WIDE_SIGNS}{_THAI}{_LAO_BURMESE_KHMER}{_BREAK_OPPORTUNITY}]+"
)
_LETTERS = re.compile(r"[^\W\d_]")

_NO_LINE_START = frozenset(
    "、。，．・：；？！,.:;?!…‥‼⁇⁈⁉%％‰°℃-–—～〜ー々〻ゝゞヽヾ"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
    "ｧｨｩｪｫｬｭｮｯｰﾞﾟ｡､･\"'ๆฯໆຯ។៕៖ៗ၊။" + _BREAK_OPPORTUNITY
)
_NO_LINE_END = frozenset("¥$£€#＃＄￥")
_VOWELS_BEFORE = frozenset("เแโใไເແໂໃໄ")
"""Written before the consonant after which they are spoken."""
_STACKERS = frozenset("\u1039\u17d2")
"""The next consonant is written below."""
_BURMESE_FINAL = re.compile("[\u1000-\u1021]\u1037?[\u1039\u103a]")
"""A consonant that ends its syllable, or has another one below it."""


def line_rules(text: str) -> LineRules:
    """The rules for the script in which most letters of a text are."""
    if text.isascii():
        return ALPHABETIC
    letters = len(_LETTERS.findall(text))
    kana, han = _count(_KANA, text), _count(_HAN, text)
    for count, rules in (
        (kana + han, JAPANESE if 10 * kana > han else CHINESE),
        (_count(_HANGUL, text), KOREAN),
        (_count(_THAI, text), THAI),
    ):
        if 2 * count > letters:
            return rules
    return ALPHABETIC


def breakable_pieces(word: str, rules: LineRules) -> list[str]:
    """Divides a word, as written between two spaces, where a line may end.

    A word of a script with spaces is one piece. The pieces of others fit into a line.
    """
    if word.isascii() or not _UNSPACED.search(word):
        return [word]
    pieces: list[str] = []
    for run in _RUNS.finditer(word):
        divide = _DIVIDERS.get(run.lastgroup or "")
        pieces += divide(run[0], rules) if divide else [run[0]]
    fitting: list[str] = []
    for piece in _join_inseparable(pieces):
        too_wide = rules.width(piece) > rules.max_cells
        fitting += _join_inseparable(_clusters(piece)) if too_wide else [piece]
    return fitting


def _divide_cjk(run: str, rules: LineRules) -> list[str]:
    if rules is JAPANESE or re.search(f"[{_KANA}]", run):
        return _parser("ja")(run)
    lacking = {code: len(run) - len(run.encode(code, "ignore").decode(code)) for code in _CHARSETS}
    return _parser(_CHARSETS[min(lacking, key=lambda code: lacking[code])])(run)


_CHARSETS = {"gb2312": "zh-hans", "big5": "zh-hant"}
"""The usual characters of both ways to write Chinese, and BudouX's model for each."""


def _divide_thai(run: str, rules: LineRules) -> list[str]:
    return _parser("th")(run)


def _divide_by_dictionary(run: str, rules: LineRules) -> list[str]:
    if _BREAK_OPPORTUNITY in run:
        return re.findall(f"[^{_BREAK_OPPORTUNITY}]*{_BREAK_OPPORTUNITY}*", run)[:-1]
    try:
        from icu4py.breakers import LineBreaker
    except ImportError:  # the extra `icu` is not installed
        return _clusters(run)
    return [run[start:end] for start, end in LineBreaker(run, "en").segments()]


_DIVIDERS: dict[str, Callable[[str, LineRules], list[str]]] = {
    "cjk": _divide_cjk,
    "thai": _divide_thai,
    "dictionary": _divide_by_dictionary,
}


_LOADERS = {
    "ja": "load_default_japanese_parser",
    "zh-hans": "load_default_simplified_chinese_parser",
    "zh-hant": "load_default_traditional_chinese_parser",
    "th": "load_default_thai_parser",
}


@cache
def _parser(language: str) -> Callable[[str], list[str]]:
    import budoux

    parse: Callable[[str], list[str]] = getattr(budoux, _LOADERS[language])().parse
    return parse


def _clusters(text: str) -> list[str]:
    """Divides a text between letters, each with its marks."""
    cuts = [0]
    for at, (before, char) in enumerate(pairwise(text), 1):
        if not (
            unicodedata.category(char).startswith("M")
            or before in _VOWELS_BEFORE
            or before in _STACKERS
            or _BURMESE_FINAL.match(text, at)
            or (_is_alphabetic(before) and _is_alphabetic(char))
        ):
            cuts.append(at)
    return [text[start:end] for start, end in pairwise([*cuts, len(text)])]


def _is_alphabetic(char: str) -> bool:
    """Whether it is a letter or digit of a script with spaces."""
    return char.isalnum() and not _UNSPACED.match(char)


def _join_inseparable(pieces: Iterable[str]) -> list[str]:
    """Joins pieces between which no line may end."""
    joined: list[str] = []
    for piece in pieces:
        if joined and (_is_no_start(piece[0]) or _is_no_end(joined[-1][-1])):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _is_no_start(char: str) -> bool:
    kind = unicodedata.category(char)
    return char in _NO_LINE_START or kind in ("Pe", "Pf") or kind.startswith("M")


def _is_no_end(char: str) -> bool:
    return char in _NO_LINE_END or unicodedata.category(char) in ("Ps", "Pi")


def _count(chars: str, text: str) -> int:
    return len(re.findall(f"[{chars}]", text))
