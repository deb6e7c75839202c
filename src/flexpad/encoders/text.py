"""Words to word pieces: the tokenizer that comes with the weights, or a small one of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

from flexpad.types import BadInput

# What stands for the attack and the bona fide class in a sentence: the words of the public code of
# the FM-ViT and FM-CLIP authors. Index 0 is attack, 1 is bona fide, as in Batch.target.
CLASS_WORDS = ("fake", "live")

PLACEHOLDER = "x"  # one word piece in CLIP's vocabulary and in ours
_START, _END, _UNKNOWN = "<start>", "<end>", "<unknown>"
SMALL_WORDS = (PLACEHOLDER, *CLASS_WORDS, "face", "a", "of", ".")


@dataclass(frozen=True, slots=True)
class ClassSentences:
    """Sentences ``[start | context | what names the class | end]``, one a class.

    Attributes:
        ids: Word pieces, (K, L) int64.
        ends: Place of the end token, (K,) int64.
        context: How many word pieces stand between the start token and the class word, be they
            placeholders or words.
    """

    ids: Tensor
    ends: Tensor
    context: int


def small_tokenizer() -> Tokenizer:
    """Make the tokenizer of the built-in small encoder, which has no file."""
    return word_tokenizer(SMALL_WORDS)


def word_tokenizer(words: Sequence[str]) -> Tokenizer:
    """Make a tokenizer that knows whole words, given in lower case, and nothing below them."""
    vocabulary = {word: index for index, word in enumerate((_START, _END, _UNKNOWN, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(r"[.,]"), "isolated")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A {_END}",
        special_tokens=[(word, vocabulary[word]) for word in (_START, _END)],
    )
    return tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json``.

    Raises:
        BadInput: The file is missing or is none.
    """
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # the library raises plain Exception
        raise BadInput(f"{path}: is not a tokenizer file ({error})") from error


def class_sentences(
    tokenizer: Tokenizer, context: int, words: Sequence[str] = CLASS_WORDS
) -> ClassSentences:
    """Write one sentence a class, with room for learned context.

    Args:
        tokenizer: Splits words; has to add a start and an end token.
        context: Number of placeholders, whose embeddings a method replaces.
        words: One a class.

    Raises:
        BadInput: The tokenizer splits a placeholder, so that context has no fixed place, or does
            not know a word, so that classes could come to mean the same.
    """
    pieces = [tokenizer.encode(f"{PLACEHOLDER} " * context + f"{word} face.") for word in words]
    for piece in pieces:
        if len(set(piece.ids[1 : 1 + context])) > 1:
            raise BadInput(f"the tokenizer does not keep {PLACEHOLDER!r} as one word piece")
    return _in_one_table(tokenizer, [piece.ids for piece in pieces], context)


def written_sentences(
    tokenizer: Tokenizer, templates: Sequence[str], words: Sequence[str] = CLASS_WORDS
) -> ClassSentences:
    """Write one whole sentence a class, from the first template whose words are all known.

    A tokenizer of whole words, such as the built-in ones, may not have what others have.

    Args:
        tokenizer: Splits words; has to add a start and an end token.
        templates: With ``{}`` where the class word stands, e.g. ``a photo of a {} face.``.
        words: One a class.

    Raises:
        BadInput: A template has no one place for the class word, or the tokenizer does not know
            every word of any of them.
    """
    refused = BadInput("there should be at least one sentence")
    for template in templates:
        if template.count("{}") != 1:
            raise BadInput(f"sentence {template!r} should have one {{}} for the class word")
        pieces = [tokenizer.encode(template.replace("{}", word)).ids for word in words]
        before = tokenizer.encode(template.partition("{}")[0].rstrip()).ids
        try:
            # The end token is no part of what stands before the class word, nor is the start token.
            return _in_one_table(tokenizer, pieces, len(before) - 2)
        except BadInput as error:
            refused = error
    raise refused


def template_sentences(
    tokenizer: Tokenizer, templates: Sequence[str], words: Sequence[str] = CLASS_WORDS
) -> ClassSentences:
    """Write whole sentences, without learned context.

    Args:
        tokenizer: Splits words; has to add a start and an end token.
        templates: Each with one ``{}``, where the class word stands.
        words: One a class.

    Returns:
        A sentence for each template and class; the classes of a template stand side by side.

    Raises:
        BadInput: The tokenizer does not know a word.
    """
    said = [template.replace("{}", word) for template in templates for word in words]
    return _in_one_table(
        tokenizer, [tokenizer.encode(sentence).ids for sentence in said], context=0
    )


def require_room(sentences: ClassSentences, context_length: int) -> None:
    """Refuse sentences that are longer than what a text tower reads.

    Raises:
        BadInput: One is.
    """
    length = sentences.ids.shape[1]
    if length > context_length:
        raise BadInput(
            f"a class sentence has {length} word pieces, but the encoder reads {context_length} at"
            " most; choose fewer prompts or a shorter template"
        )


def padded(pieces: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Put the word pieces of sentences into one table; what follows an end is never read.

    Returns:
        Word pieces, (K, L), and the place of each sentence's end token, (K,).
    """
    ids = torch.zeros(len(pieces), max(map(len, pieces)), dtype=torch.int64)
    for row, piece in zip(ids, pieces, strict=True):
        row[: len(piece)] = torch.tensor(piece)
    return ids, torch.tensor([len(piece) - 1 for piece in pieces])


def _in_one_table(
    tokenizer: Tokenizer, pieces: Sequence[Sequence[int]], context: int
) -> ClassSentences:
    """Put class sentences into one table, if every word of them is known."""
    for piece in pieces:
        _refuse_unknown(tokenizer, piece[1:-1])
    ids, ends = padded(pieces)
    return ClassSentences(ids, ends, context)


def _refuse_unknown(tokenizer: Tokenizer, said: Sequence[int]) -> None:
    """Refuse a sentence, without its start and end token, that holds the unknown token."""
    unknown = getattr(tokenizer.model, "unk_token", None)
    if unknown is not None and tokenizer.token_to_id(unknown) in said:
        known = [str(tokenizer.id_to_token(piece)) for piece in said]
        raise BadInput(
            f"the tokenizer does not know every word of a class sentence: {' '.join(known)!r}"
            f" has {unknown!r} in it"
        )
