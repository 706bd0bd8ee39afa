"""Subtitles in scripts without spaces: where their lines end, and how wide they are."""

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exports.test_cues import heard
from workers.exports.cues import MAX_CUE_LINES, MAX_CUE_MS, cues
from workers.exports.line_breaks import (
    ALPHABETIC,
    CHINESE,
    JAPANESE,
    KOREAN,
    THAI,
    LineRules,
    breakable_pieces,
    line_rules,
)
from workers.jobs.job_state import JobState
from workers.protocol.messages import Turn, Word

CHINESE_TURN = (
    "大家好欢迎收听今天的节目我们今天要聊一聊人工智能在日常生活中的应用特别是语音识别技术"
    "它已经走进了千家万户无论是在手机上还是在汽车里我们都可以用说话的方式来完成各种各样的操作"
)
JAPANESE_TURN = (
    "今日は皆さんにお集まりいただきましてありがとうございますこれから新しい音声認識の仕組みに"
    "ついてお話ししたいと思いますのでどうぞ最後までお聞きください"
)
THAI_TURN = "วันนี้อากาศดีมากดังนั้นเราจึงตัดสินใจไปเดินเล่นในสวนสาธารณะแล้วไปห้องสมุดเพื่อยืมหนังสือ"
KHMER_TURN = "ថ្ងៃនេះអាកាសធាតុល្អណាស់ដូច្នេះយើងសម្រេចចិត្តទៅដើរលេងនៅសួនសាធារណៈហើយយើងទៅបណ្ណាល័យ"
LAO_TURN = "ມື້ນີ້ອາກາດດີຫຼາຍດັ່ງນັ້ນພວກເຮົາຕັດສິນໃຈໄປຍ່າງຫຼິ້ນຢູ່ສວນສາທາລະນະ"
BURMESE_TURN = "ဒီနေ့ရာသီဥတုသာယာတဲ့အတွက်ပန်းခြံကိုသွားပြီးလမ်းလျှောက်ကြမယ်ပြီးတော့စာကြည့်တိုက်ကိုသွားမယ်"
TURNS = [
    (CHINESE_TURN, CHINESE),
    (JAPANESE_TURN, JAPANESE),
    (THAI_TURN, THAI),
    (KHMER_TURN, ALPHABETIC),
    (LAO_TURN, ALPHABETIC),
    (BURMESE_TURN, ALPHABETIC),
]
SIGNS = "。、！？「」『』（）“”…—ーっゃ々％"


def said_in_one_word(text: str, end_ms: int = 18_000) -> JobState:
    """A turn for which the server sent the time of the whole only."""
    return heard(Turn(0, True, text, words=(Word(text, 0, end_ms),)))


def is_covered(job_state: JobState, end_ms: int) -> bool:
    """Whether cues follow each other from the first ms to the last one, without overlaps."""
    shown = cues(job_state)
    return (
        shown[0].start_ms == 0
        and all(cue.end_ms == following.start_ms for cue, following in pairwise(shown))
        and shown[-1].end_ms >= end_ms
    )


@pytest.mark.parametrize(("text", "rules"), TURNS, ids=["zh", "ja", "th", "km", "lo", "my"])
def test_a_turn_without_spaces_becomes_cues_that_can_be_read(text: str, rules: LineRules):
    """At most two lines, none too wide; every letter is there, and all of the speech is covered."""
    job_state = said_in_one_word(text)
    shown = cues(job_state)

    assert line_rules(text) is rules
    assert "".join(line for cue in shown for line in cue.lines) == text
    assert all(len(cue.lines) <= MAX_CUE_LINES for cue in shown)
    assert all(rules.width(line) <= rules.max_cells for cue in shown for line in cue.lines)
    assert all(cue.end_ms - cue.start_ms <= MAX_CUE_MS for cue in shown)
    assert is_covered(job_state, 18_000)


def test_lines_hold_16_chinese_13_japanese_and_16_korean_characters():
    """A full-width character takes two cells; an English line has 42."""
    assert [16, 13, 16, 42, 35] == [
        CHINESE.max_cells // 2,
        JAPANESE.max_cells // 2,
        KOREAN.max_cells // 2,
        ALPHABETIC.max_cells,
        THAI.max_cells,
    ]
    assert (
        max(len(line) for cue in cues(said_in_one_word(CHINESE_TURN)) for line in cue.lines) <= 16
    )
    assert (
        max(len(line) for cue in cues(said_in_one_word(JAPANESE_TURN)) for line in cue.lines) <= 13
    )


def test_chinese_is_cut_at_punctuation_first():
    """A full stop is the best place, then a comma, though lines could be longer."""
    shown = cues(said_in_one_word("我们今天先说第一件事情。说完以后，我们再来说第二件事情。", 8000))

    assert [
        ("我们今天先说第一件事情。",),
        ("说完以后，我们再来说第二件事情。",),
    ] == [cue.lines for cue in shown]


def test_words_and_names_stay_whole():
    """Lines end between phrases, and numbers and English names are one piece."""
    assert ["我", "在", "GitHub", "上", "看到", "3.5", "版本，"] == breakable_pieces(
        "我在GitHub上看到3.5版本，", CHINESE
    )
    assert ["公園を", "散歩してから", "図書館に", "行って、"] == breakable_pieces(
        "公園を散歩してから図書館に行って、", JAPANESE
    )


@pytest.mark.parametrize(
    ("text", "model_cuts"),
    [
        ("我們決定去圖書館", ["我們", "決定", "去", "圖書館"]),
        ("我们决定去公园", ["我们", "决定", "去", "公园"]),
    ],
)
def test_both_ways_to_write_chinese_are_known(text: str, model_cuts: list[str]):
    """Traditional characters are cut by a model of their own."""
    assert model_cuts == breakable_pieces(text, CHINESE)


def test_the_words_of_the_server_keep_their_times():
    """A pause between two of its words is a place to cut."""
    words = (Word("现在", 0, 900), Word("开始", 900, 2000), Word("结束", 8000, 9500))
    shown = cues(heard(Turn(0, True, "现在开始结束", words=words)))

    assert [("现在开始",), ("结束",)] == [cue.lines for cue in shown]
    assert [0, 8000] == [cue.start_ms for cue in shown]


def test_a_line_of_korean_has_spaces_and_full_width():
    """Its words are not divided."""
    text = "오늘은 날씨가 아주 좋아서 우리는 공원에 산책하러 가기로 했습니다."
    (cue,) = cues(heard(Turn(0, True, text, words=(Word(text, 0, 5000),))))

    assert ("오늘은 날씨가 아주 좋아서 우리는", "공원에 산책하러 가기로 했습니다.") == cue.lines


def test_one_chinese_name_makes_no_turn_chinese():
    """What most letters are decides."""
    assert ALPHABETIC is line_rules("The capital of China is called 北京 in Chinese.")
    assert CHINESE is line_rules("我在 GitHub 上看到这个项目，很有意思。")


@pytest.mark.parametrize("text", [KHMER_TURN, LAO_TURN, BURMESE_TURN])
def test_without_a_dictionary_no_cluster_is_divided(text: str, monkeypatch: pytest.MonkeyPatch):
    """Marks stay with their letter, as does what is written below it."""
    by_words = breakable_pieces(text, ALPHABETIC)
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)  # as if the extra was missing
    by_clusters = breakable_pieces(text, ALPHABETIC)

    assert "".join(by_words) == "".join(by_clusters) == text
    assert len(by_words) < len(by_clusters)
    assert not [piece for piece in by_clusters if piece[0] in "\u17d2\u1039\u103a\u17b6\u0eb5"]
    assert not [piece for piece in by_clusters if piece[-1] in "\u17d2\u1039ເແໂໃໄ"]


def test_zero_width_spaces_tell_words():
    """A text that has them needs no dictionary."""
    assert ["ថ្ងៃ\u200b", "នេះ\u200b", "ល្អ"] == breakable_pieces("ថ្ងៃ\u200bនេះ\u200bល្អ", ALPHABETIC)


@given(st.text(st.sampled_from("大家好新图書今日はがカタアーกเาดี้សួ្នကျန်A1 " + SIGNS), min_size=1))
def test_any_mixture_keeps_its_letters_and_the_limits(text: str):
    """No line begins with what closes, or ends with what opens, unless the text does."""
    if not text.split():
        return
    rules = line_rules(text)
    shown = cues(said_in_one_word(text))
    lines = [line for cue in shown for line in cue.lines]
    fitting = [line for line in lines if rules.width(line) <= rules.max_cells]

    assert "".join(text.split()) == "".join("".join(lines).split())
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(shown))
    assert not [
        line
        for line in lines[1:]
        if line[0] in "。、！？」』）”ーっゃ々％" and not _after_space(line, text)
    ]
    assert not [line for line in lines[:-1] if line[-1] in "「『（“" and f"{line[-1]} " not in text]
    # Only signs that must not be separated, or a word of Latin letters, are wider than a line.
    assert all(len(breakable_pieces(line, rules)) == 1 for line in lines if line not in fitting)


def _after_space(line: str, text: str) -> bool:
    """Whether the text has a space before what the line begins with."""
    return f" {line[0]}" in text
