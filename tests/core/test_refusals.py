"""Bad input of every kind to every public function: one sentence that names the parameter, what is allowed, what came.

What each module refuses for reasons of its own is tested beside it; here stand shapes, types, emptiness, nan, ranges
and unknown tokens, for all of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from lm_core import InvalidInput, LmCoreError, Transformer, training
from lm_core.decoding import filters, strategies
from lm_core.distribution import Distribution
from lm_core.generation import beam_search, branch_tree, context_window, loop, repetition, trace_file
from lm_core.generation.trace import Trace
from lm_core.logits import log_softmax, omitted, softmax
from lm_core.models.config import TransformerConfig
from lm_core.models.grammar_model import GrammarModel
from lm_core.models.gru import GRUConfig, GRUModel
from lm_core.models.kv_cache import KVCache
from lm_core.models.neural_ngram import NeuralNgram, NeuralNgramConfig
from lm_core.models.ngrams.counts import NgramCounts
from lm_core.models.ngrams.model import AddK, KneserNey, NgramModel, StupidBackoff
from lm_core.models.table_model import ORDER_SHIPPED, TableModel
from lm_core.scoring import chain_rule, perplexity
from lm_core.text import corpus
from lm_core.text.grammar import TRACKING, Grammar
from lm_core.text.prompt import read_prompt
from lm_core.text.tokenizers import CharacterTokenizer, WordTokenizer, from_json

NAN, INF = math.nan, math.inf
WORDS = WordTokenizer(["a", "b"], special=["<bos>", "<eos>"])
SHAPE = TransformerConfig(4, 8, 1, 2, 1, 4, 8, 12)


def small(kind: str) -> Any:
    made: Any = {
        "transformer": lambda: Transformer(SHAPE, WORDS),
        "neural": lambda: NeuralNgram(NeuralNgramConfig(4), WORDS),
        "gru": lambda: GRUModel(GRUConfig(4), WORDS),
    }[kind]()
    made.initialise(torch.Generator().manual_seed(0))
    return made


TINY = small("transformer")
BIGRAM = NgramModel.fit([[2, 3]], 2, WORDS)
COUNTS = NgramCounts(2, 4, 0, 1)
BELIEF = Distribution([0.0, 1.0, 2.0])
GREEDY = strategies.Strategy()


@dataclass(frozen=True)
class Case:
    call: Callable[[], object]
    parameter: str
    came: str = ""


CASES = {
    # logits: shape, type, emptiness, nan
    "logits of two dimensions": Case(lambda: softmax([[1.0, 2.0]]), "logits", r"\(1, 2\)"),
    "no logits": Case(lambda: softmax([]), "logits", r"\(0,\)"),
    "one bare logit": Case(lambda: softmax(3.0), "logits", r"\(\)"),
    "logits of text": Case(lambda: softmax(["hub", "depot"]), "logits", "hub"),
    "ragged logits": Case(lambda: Distribution([[1.0], [1.0, 2.0]]), "logits"),
    "complex logits": Case(lambda: softmax([1j, 2.0]), "logits", "j"),
    "nan among logits": Case(lambda: log_softmax([NAN, 1.0]), "logits", "nan"),
    "an infinite logit": Case(lambda: Distribution([INF, 1.0]), "logits", "inf"),
    "nothing possible": Case(lambda: softmax([-INF, -INF]), "logits", "all -inf"),
    "temperature below 0": Case(lambda: softmax([1.0], -1), "temperature", "-1"),
    "temperature nan": Case(lambda: softmax([1.0], NAN), "temperature", "nan"),
    "temperature of text": Case(lambda: softmax([1.0], "hot"), "temperature", "hot"),  # type: ignore[arg-type]
    "more than 1 listed": Case(lambda: omitted([0.7, 0.7]), "probabilities", "1.4"),
    "no rows": Case(lambda: BELIEF.top(0), "n", "0"),
    "more rows than tokens": Case(lambda: BELIEF.top(4), "n", "4"),
    "half a row": Case(lambda: BELIEF.top(1.5), "n", "1.5"),  # type: ignore[arg-type]
    "an unknown token's rank": Case(lambda: BELIEF.rank(3), "token_id", "3"),
    "a token of another type": Case(lambda: BELIEF.row("hub"), "token_id", "hub"),  # type: ignore[arg-type]
    "an unknown unit": Case(lambda: BELIEF.entropy("bans"), "unit", "bans"),  # type: ignore[arg-type]
    "another vocabulary": Case(lambda: BELIEF.kl_divergence(Distribution([0.0]), "nats"), "other", "1"),
    # tokens and prompts
    "an unknown word": Case(lambda: WORDS.encode("a depot"), "text", "a depot"),
    "an unknown character": Case(lambda: CharacterTokenizer("ab").encode("abc"), "text", "abc"),
    "an unknown id": Case(lambda: WORDS.decode([4]), "token_id", "4"),
    "a negative id": Case(lambda: WORDS.token_bytes(-1), "token_id", "-1"),
    "a word twice": Case(lambda: WordTokenizer(["a", "a"]), "words"),
    "a foreign tokenizer": Case(lambda: from_json("[]"), "tokenizer"),
    "no prompt": Case(lambda: read_prompt("", WORDS, 5), "prompt"),
    "no room for a prompt": Case(lambda: read_prompt("a", WORDS, 0), "max_tokens", "0"),
    # models
    **{
        f"{kind}, {name}": Case(lambda kind=kind, ids=ids: small(kind).logits(ids), parameter)  # type: ignore[misc]
        for kind in ("transformer", "neural", "gru")
        for name, ids, parameter in (
            ("no ids", [], "ids"),
            ("an unknown id", [4], "token id"),
            ("an id of text", ["a"], "token id"),
            ("half an id", [0.5], "token id"),
            ("ids of two dimensions", [[0, 1]], "token id"),
        )
    },
    "no sequences": Case(lambda: TINY.next_logits([]), "ids"),
    "an empty sequence": Case(lambda: TINY.next_logits([[1], []]), "ids"),
    "too long a context": Case(lambda: TINY.logits([1] * 9), "tokens in the context", "9"),
    "too few caches": Case(lambda: TINY.next_logits([[1], [2]], [TINY.new_cache()]), "caches"),
    "a cache without layers": Case(lambda: KVCache(0, 1, 2), "layers", "0"),
    "a cache cut too long": Case(lambda: KVCache(1, 1, 2).trim(1), "length", "1"),
    "an unknown style": Case(
        lambda: TransformerConfig(4, 8, 1, 2, 1, 4, 8, 12, style="bert"),  # type: ignore[arg-type]
        "style", "bert"),
    "odd rotary heads": Case(lambda: TransformerConfig(4, 8, 1, 2, 1, 3, 8, 12), "head_dim", "3"),
    "n-grams of order 0": Case(lambda: NgramModel.fit([[2]], 0, WORDS), "order", "0"),
    "n-grams of nothing": Case(lambda: NgramModel.fit([], 2, WORDS).probabilities([2]), "context"),
    "an unseen context": Case(lambda: BIGRAM.probabilities([1]), "context", "<eos>"),
    "an unknown context": Case(lambda: BIGRAM.probabilities([9]), "token id", "9"),
    "counts of an unknown id": Case(lambda: COUNTS.add([[2, 4]]), "token id", "4"),
    "counts of text": Case(lambda: COUNTS.add(["ab"]), "ids"),
    "counts of floats": Case(lambda: COUNTS.add([[2.5]]), "ids"),  # type: ignore[list-item]
    "lengths that do not fit": Case(lambda: COUNTS.add_array(np.array([2, 3]), np.array([3])), "ids"),
    "a row of the wrong order": Case(lambda: COUNTS.row([2, 3]), "context"),
    "k below 0": Case(lambda: AddK(-0.1), "k", "-0.1"),
    "a discount of 0": Case(lambda: KneserNey(0), "d", "0"),
    "alpha nan": Case(lambda: StupidBackoff(NAN), "alpha", "nan"),
    "a table that does not sum to 1": Case(lambda: TableModel({"a": {"b": 0.5}}), "table"),
    "a text the table lacks": Case(lambda: TableModel(ORDER_SHIPPED).next_logits([[1]]), "context"),
    "no message begins so": Case(
        lambda: GrammarModel(TRACKING, WordTokenizer(TRACKING.words)).next_logits([[1, 1, 1]]), "context"),
    "a grammar without a start": Case(lambda: Grammar({}), "start"),
    # filters and decoding
    "top-k 0": Case(lambda: filters.TopK(0), "top_k", "0"),
    "top-k of a float": Case(lambda: filters.TopK(2.0), "top_k", "2.0"),  # type: ignore[arg-type]
    "top-p below 0": Case(lambda: filters.TopP(-0.1), "top_p", "-0.1"),
    "top-p above 1": Case(lambda: filters.TopP(1.1), "top_p", "1.1"),
    "min-p nan": Case(lambda: filters.MinP(NAN), "min_p", "nan"),
    "typical 1": Case(lambda: filters.Typical(1), "typical_p", "1"),
    "a repetition penalty of 0": Case(lambda: filters.RepetitionPenalty(0), "repetition_penalty", "0"),
    "an infinite penalty": Case(lambda: filters.FrequencyPenalty(INF), "frequency_penalty", "inf"),
    "no-repeat 0": Case(lambda: filters.NoRepeatNgram(0), "no_repeat_ngram", "0"),
    "a bias of +inf": Case(lambda: filters.LogitBias({0: INF}), "logit_bias", "inf"),
    "a bias for an unknown token": Case(
        lambda: filters.LogitBias({9: 1.0}).apply(np.zeros(3), filters.Context()), "logit_bias token", "9"),
    "a penalty for an unknown token": Case(
        lambda: filters.RepetitionPenalty(1.2).apply(np.zeros(3), filters.Context([9])), "context", "9"),
    "a penalty on an unknown generated token": Case(
        lambda: filters.PresencePenalty(1.2).apply(np.zeros(3), filters.Context([9])), "context", "9"),
    "an unknown order": Case(lambda: strategies.strategy("mlx"), "order", "mlx"),
    "an unknown setting": Case(lambda: strategies.strategy(heat=1.0), "setting", "heat"),
    "a seed below 0": Case(lambda: strategies.Sample(-1), "seed", "-1"),
    "u of 1": Case(lambda: strategies.draw([1.0], 1.0), "u", "1.0"),
    "nothing to draw from": Case(lambda: strategies.draw([], 0.5), "probabilities"),
    "only zeros to draw from": Case(lambda: strategies.draw([0.0, 0.0], 0.5), "probabilities"),
    "negative probabilities": Case(lambda: strategies.draw([1.5, -0.5], 0.5), "probabilities"),
    "probabilities with nan": Case(lambda: strategies.draw([NAN, 0.5], 0.5), "probabilities"),
    "deciding on nan": Case(lambda: GREEDY.decide([NAN]), "logits", "nan"),
    # generation, scoring
    "an empty prompt": Case(lambda: loop.run(TINY, [], GREEDY), "prompt_ids"),
    "a prompt of unknown ids": Case(lambda: loop.run(TINY, [7], GREEDY), "token id", "7"),
    "a prompt beyond the context": Case(lambda: loop.run(TINY, [1] * 9, GREEDY), "tokens in the prompt", "9"),
    "no tokens wanted": Case(lambda: loop.Limits(max_new_tokens=0), "max_new_tokens", "0"),
    "an empty stop string": Case(lambda: loop.Limits(stop_strings=("",)), "stop_strings"),
    "a policy without a word": Case(lambda: loop.Limits(policy_words=("",)), "policy_words"),
    "a window of 1": Case(lambda: loop.Limits(window=1), "window", "1"),
    "a prompt beyond the window": Case(
        lambda: context_window.apply_policy(9, 1, 8, context_window.ContextPolicy.STOP), "prompt", "9"),
    "a walk from nowhere": Case(lambda: branch_tree.BranchTree(TINY, []), "prompt_ids"),
    "a place beyond the branch": Case(lambda: branch_tree.BranchTree(TINY, [1]).move(1), "place", "1"),
    "an unknown token by hand": Case(lambda: branch_tree.BranchTree(TINY, [1]).take(9, GREEDY), "token id", "9"),
    "a circle of one": Case(lambda: repetition.repeated_phrase([1, 1], times=1), "times", "1"),
    "a recording of nothing": Case(lambda: trace_file.TraceFile.read(b"", "f"), "trace", "f"),
    "keeping less than nothing": Case(lambda: loop.Limits(keep=-1), "keep", "-1"),
    "no beam": Case(lambda: beam_search.beam_search(TINY, [1], 0), "width", "0"),
    "a trace of nothing": Case(lambda: Trace.from_json(""), "trace"),
    "a trace of something else": Case(lambda: Trace.from_json('{"steps": 3}'), "trace"),
    "nothing to score": Case(lambda: perplexity.score(TINY, [1]), "text"),
    "scoring an unknown id": Case(lambda: perplexity.score(TINY, [1, 9, 1]), "token id", "9"),
    "an unknown id at the end": Case(lambda: perplexity.score(TINY, [1, 9]), "token id", "9"),
    "a scoring window of 1": Case(lambda: list(chain_rule.windows(9, 1, 1)), "length", "1"),
    "a stride of 0": Case(lambda: list(chain_rule.windows(9, 4, 0)), "stride", "0"),
    "a probability above 1": Case(lambda: perplexity.Score.of_probabilities([1.2]), "probabilities"),
    "a probability nan": Case(lambda: perplexity.Score.of_probabilities([NAN]), "probabilities"),
    "no sentences": Case(lambda: perplexity.score_sentences(TINY, [], 0, 1), "text"),
    "no continuation": Case(lambda: perplexity.score_continuation(TINY, [1], []), "context and continuation"),
    # training
    "one token to shift": Case(lambda: training.shift([1]), "ids"),
    "targets of another shape": Case(
        lambda: training.cross_entropy(torch.zeros(2, 3), torch.tensor([1])), "targets", r"\(1,\)"),
    "targets beyond the vocabulary": Case(
        lambda: training.cross_entropy(torch.zeros(1, 3), torch.tensor([3])), "targets", "3"),
    "targets of floats": Case(lambda: training.cross_entropy(torch.zeros(1, 3), torch.zeros(1)), "targets", "float32"),
    "every target ignored": Case(
        lambda: training.cross_entropy(torch.zeros(1, 3), torch.tensor([-100])), "targets", "none"),
    "no rows at all": Case(lambda: training.Examples([], 4), "sentences"),
    "rows of text": Case(lambda: training.Examples(["ab"], 4), "sentences"),
    "a rate of nan": Case(lambda: training.TrainingSettings(learning_rate=NAN), "learning_rate", "nan"),
    "an unknown optimiser": Case(lambda: training.TrainingSettings(optimiser="lion"), "optimiser", "lion"),
    "a corpus by syllables": Case(lambda: corpus.SIX_MESSAGES.tokenizer("syllable"), "by", "syllable"),  # type: ignore[arg-type]
    "holding out everything": Case(lambda: corpus.SIX_MESSAGES.split(1.0), "held_out", "1.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_names_the_parameter_and_what_came(name: str) -> None:
    case = CASES[name]
    with pytest.raises(InvalidInput, match=f"`{case.parameter}` must be .*, but is .*{case.came}") as caught:
        case.call()
    assert isinstance(caught.value, LmCoreError)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
