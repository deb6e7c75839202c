"""The tokenizer that comes with weights: its file, or its parts, and whether it fits them."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from flexpad.encoders.clip import ClipConfig
from flexpad.encoders.text import read_tokenizer
from flexpad.types import BadInput

TOKENIZER = "tokenizer.json"
VOCABULARY, MERGES = "vocab.json", "merges.txt"
# Sets of files that make a tokenizer, the first of which is complete in itself.
FILES = ((TOKENIZER,), (VOCABULARY, MERGES))

_START, _END = "<|startoftext|>", "<|endoftext|>"
# How CLIP cuts a sentence into words before they become pieces: OpenAI's simple_tokenizer.py.
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def find_tokenizer(folder: Path, config: ClipConfig) -> Tokenizer:
    """Read the tokenizer in a folder of weights.

    Args:
        folder: Holds ``tokenizer.json``, or ``vocab.json`` and ``merges.txt`` of CLIP's byte pairs.
        config: Sizes of the weights.

    Raises:
        BadInput: There is none, it is damaged, lacks the tokens a sentence begins and ends with,
            or knows more word pieces than the weights.
    """
    if (folder / TOKENIZER).is_file():
        path = folder / TOKENIZER
        tokenizer = read_tokenizer(path)
    elif (folder / VOCABULARY).is_file() and (folder / MERGES).is_file():
        path = folder / VOCABULARY
        tokenizer = byte_pairs(path, folder / MERGES)
    else:
        raise BadInput(
            f"{folder}: holds no tokenizer, which is {TOKENIZER}, or {VOCABULARY} and {MERGES};"
            " any repository of a CLIP with as many word pieces has them"
            f" ({config.vocabulary} here; OpenAI's, and most of open_clip's, have 49408)"
        )
    tokenizer.no_padding()  # whoever saved it may have left either on, and ends would move
    tokenizer.no_truncation()
    _check(tokenizer, config, path)
    return tokenizer


def byte_pairs(vocabulary: Path, merges: Path) -> Tokenizer:
    """Make CLIP's tokenizer from its word pieces and how letters are merged into them.

    Raises:
        BadInput: A file is damaged, or lacks the start or the end token.
    """
    try:
        pieces, pairs = models.BPE.read_file(str(vocabulary), str(merges))
        model = models.BPE(pieces, pairs, unk_token=_END, end_of_word_suffix="</w>")
    except Exception as error:  # the library raises plain Exception
        raise BadInput(f"{vocabulary} and {merges.name}: are no byte pairs ({error})") from error
    for token in (_START, _END):
        if token not in pieces:
            raise BadInput(f"{vocabulary}: lacks the token {token!r}")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A {_END}", special_tokens=[(t, pieces[t]) for t in (_START, _END)]
    )
    return tokenizer


def _check(tokenizer: Tokenizer, config: ClipConfig, path: Path) -> None:
    """Refuse a tokenizer that would only fail, or mislead, once sentences are encoded."""
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest >= config.vocabulary:
        raise BadInput(
            f"{path}: numbers word pieces up to {highest}, but the weights have"
            f" {config.vocabulary}; it belongs to others"
        )
    around = tokenizer.encode("").ids
    if len(around) != 2 or around[0] == around[1]:
        raise BadInput(
            f"{path}: does not put a start and an end token around a sentence"
            f" (an empty one becomes {around})"
        )
