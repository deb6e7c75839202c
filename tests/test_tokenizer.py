"""Tokenizers that come with weights, and class sentences from them."""

import json
from dataclasses import replace

import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from flexpad.encoders.text import class_sentences, small_tokenizer, template_sentences
from flexpad.encoders.tokenizer import byte_pairs, find_tokenizer
from flexpad.types import BadInput

from .clips import TINY


@pytest.fixture
def parts(tmp_path):
    """``vocab.json`` and ``merges.txt`` the way CLIP's are made: bytes, their ends, then merges."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = ["l i", "v e</w>", "li ve</w>", "f a", "c e</w>", "fa ce</w>", "k e</w>", "fa ke</w>"]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters)]
    pieces += [merge.replace(" ", "") for merge in merges]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    return tmp_path


def read(folder, vocabulary=600):
    return find_tokenizer(folder, replace(TINY, vocabulary=vocabulary))


class TestBytePairs:
    @pytest.mark.parametrize(
        "sentence",
        [
            "live face.",
            "A FAKE  Face,\n it's 2024!",
            "x x x live face.",
            "naïve cafe\u0301 — 你好 🙂",
            "a.b,c'd 'll",
            "",
        ],
    )
    def test_as_transformers_cuts(self, sentence, parts):
        theirs = transformers.CLIPTokenizer.from_pretrained(str(parts))
        found = byte_pairs(parts / "vocab.json", parts / "merges.txt").encode(sentence)
        assert found.ids == theirs(sentence)["input_ids"]

    def test_merges_are_used(self, parts):
        tokens = read(parts).encode("Live face").tokens
        assert tokens == ["<|startoftext|>", "live</w>", "face</w>", "<|endoftext|>"]
        sentences = class_sentences(read(parts), 3)
        assert sentences.ends.tolist() == [7, 7]

    def test_whole_sentences(self, parts):
        theirs = transformers.CLIPTokenizer.from_pretrained(str(parts))
        templates = ("This is an image of {} face.", "{} face.")
        sentences = template_sentences(read(parts), templates)
        said = [template.format(word) for template in templates for word in ("fake", "live")]
        for ids, end, sentence in zip(sentences.ids, sentences.ends, said, strict=True):
            assert ids[: end + 1].tolist() == theirs(sentence)["input_ids"]

    def test_a_whole_tokenizer_goes_before_its_parts(self, parts):
        small_tokenizer().save(str(parts / "tokenizer.json"))
        assert read(parts).to_str() == small_tokenizer().to_str()

    @pytest.mark.parametrize(
        ("file", "text", "message"),
        [
            ("vocab.json", "{}", "vocab.json"),
            ("vocab.json", "[", "vocab.json and merges.txt: are no byte pairs"),
            ("merges.txt", "l i v\n", "vocab.json and merges.txt: are no byte pairs"),
            ("merges.txt", "no such\n", "vocab.json and merges.txt: are no byte pairs"),
        ],
    )
    def test_a_damaged_part(self, file, text, message, parts):
        (parts / file).write_text(text)
        with pytest.raises(BadInput, match=message):
            read(parts)

    def test_no_start_token(self, parts):
        vocabulary = json.loads((parts / "vocab.json").read_text())
        del vocabulary["<|startoftext|>"]
        (parts / "vocab.json").write_text(json.dumps(vocabulary))
        with pytest.raises(BadInput, match=r"vocab\.json: lacks the token '<\|startoftext\|>'"):
            read(parts)


class TestWhatDoesNotFit:
    def test_none(self, parts):
        (parts / "merges.txt").unlink()
        with pytest.raises(BadInput, match=r"holds no tokenizer, which is tokenizer\.json, or voc"):
            read(parts)

    def test_of_other_weights(self, parts):
        with pytest.raises(BadInput, match=r"word pieces up to 521, but the weights have 49;"):
            read(parts, vocabulary=49)

    def test_nothing_around_a_sentence(self, tmp_path):
        bare = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
        bare.save(str(tmp_path / "tokenizer.json"))
        with pytest.raises(BadInput, match="does not put a start and an end token around"):
            read(tmp_path)

    def test_a_file_that_is_none(self, tmp_path):
        (tmp_path / "tokenizer.json").write_text("{}")
        with pytest.raises(BadInput, match=r"tokenizer\.json: is not a tokenizer file"):
            read(tmp_path)

    def test_words_that_are_not_known_make_no_class(self):
        """Else both classes could be the same sentence."""
        with pytest.raises(BadInput, match=r"not know every word .* 'x x <unknown> face \.'"):
            class_sentences(small_tokenizer(), 2, ("spoofed", "live"))
