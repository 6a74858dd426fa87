"""Counting, sampling and training of `lm_core`, each beside a named peer in the same run."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from tests.benchmarks.measure import medians, table

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = 5_000

TEXT = """
import resource, sys, time
from pathlib import Path
import numpy as np
rng = np.random.default_rng(0)
n, vocabulary = int(sys.argv[1]), 5_000
ids = np.empty(n, np.int32)
for start in range(0, n, 1_000_000):
    drawn = rng.pareto(1.0, min(1_000_000, n - start)) * 3
    ids[start : start + len(drawn)] = np.minimum(drawn, vocabulary - 3).astype(np.int32) + 2
lengths = np.full(n // 10, 10, np.int64)

def peak():  # of this process alone: getrusage also counts what its parent held when it was forked
    try:
        line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""
OURS = (
    TEXT
    + """
from lm_core.models.ngrams.counts import NgramCounts
start = time.perf_counter()
counts = NgramCounts(2, vocabulary, bos=0, eos=1)
counts.add_array(ids, lengths)
print(time.perf_counter() - start, peak(), counts.distinct)
"""
)
NUMPY = (
    TEXT
    + """
stream = np.empty(n + n // 10, np.int32)  # the same text with an end mark behind each sentence, written beforehand
stream.reshape(-1, 11)[:, :10] = ids.reshape(-1, 10)
stream.reshape(-1, 11)[:, 10] = 1
del ids
start = time.perf_counter()
keys = stream[:-1].astype(np.int64)
keys *= vocabulary
keys += stream[1:]
found, counts = np.unique(keys, return_counts=True)
print(time.perf_counter() - start, peak(), len(found))
"""
)


def bench_counting() -> None:
    """Bigrams of two million tokens against four peers, and of fifty million against numpy, with peak memory."""
    from nltk.lm import NgramCounter
    from nltk.util import ngrams

    from lm_core.models.ngrams.counts import NgramCounts

    rng = np.random.default_rng(0)
    ids = np.minimum(rng.pareto(1.0, 2_000_000) * 3, VOCABULARY - 3).astype(np.int32) + 2
    lengths = np.full(200_000, 10)
    sentences = ids.reshape(-1, 10).tolist()
    stream = np.insert(ids.reshape(-1, 10), 10, 1, axis=1).ravel()

    def array() -> None:
        NgramCounts(2, VOCABULARY, bos=0, eos=1).add_array(ids, lengths)

    def lists() -> None:
        NgramCounts(2, VOCABULARY, bos=0, eos=1).add(sentences)

    def bare() -> None:
        np.unique(stream[:-1].astype(np.int64) * VOCABULARY + stream[1:], return_counts=True)

    def counter() -> None:
        Counter(pair for sentence in sentences for pair in zip([0, *sentence], [*sentence, 1]))

    mine, peer = medians(array, bare)
    table([("2M tokens in an array -> bigrams", 1e3 * mine, "ms", 1e3 * peer, "<= 1.3x numpy's packed keys")])
    mine, peer = medians(lists, counter)
    table([("2M tokens in lists -> bigrams", 1e3 * mine, "ms", 1e3 * peer, "collections.Counter")])
    few = sentences[:20_000]  # a tenth: NLTK takes long
    nltk = medians(lambda: NgramCounter(ngrams([0, *sentence, 1], 2) for sentence in few))[0]
    table([("2M tokens in lists -> bigrams", 1e3 * mine, "ms", 1e4 * nltk, "NLTK, from a tenth of the text")])
    rows = [_process(code, 50_000_000) for code in (OURS, NUMPY)]
    (mine, peak, _), (peer, peer_peak, _) = rows
    table([("50M tokens in an array -> bigrams", mine, "s", peer, "numpy's packed keys")])
    table([("    peak memory of the process", peak / 2**20, "GiB", peer_peak / 2**20, "<= 1.2 GiB")])


def _process(code: str, tokens: int) -> tuple[float, float, float]:
    """Seconds, peak KiB and distinct bigrams, from a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", code, str(tokens)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    seconds, peak, distinct = map(float, run.stdout.split())
    unit = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes
    return seconds, peak / unit, distinct


def bench_sampling() -> None:
    """One sampling step over a real vocabulary: filters, draw and the record of it, beside transformers' filters."""
    import torch
    from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    from lm_core.decoding.strategies import strategy

    logits = (np.random.default_rng(0).standard_normal(49_152) * 3).astype(np.float32)
    row = torch.from_numpy(logits)[None]
    generator = torch.Generator().manual_seed(0)

    def theirs(*filters: object) -> None:
        scores = LogitsProcessorList(filters)(torch.tensor([[0]]), row)  # type: ignore[arg-type]
        torch.multinomial(scores.softmax(-1), 1, generator=generator)

    top_k = strategy("llama.cpp", seed=0, top_k=50, top_p=0.9, temperature=0.8)
    top_p = strategy(seed=0, top_p=0.9)
    generators = [plan.generator() for plan in (top_k, top_p)]
    chain = (TopKLogitsWarper(50), TopPLogitsWarper(0.9), TemperatureLogitsWarper(0.8))
    for _ in range(2):  # the first round only warms up
        first, peer_first, alone, peer_alone = medians(
            lambda: [top_k.decide(logits, generator=generators[0]) for _ in range(20)],
            lambda: [theirs(*chain) for _ in range(20)],
            lambda: [top_p.decide(logits, generator=generators[1]) for _ in range(20)],
            lambda: [theirs(TopPLogitsWarper(0.9)) for _ in range(20)],
        )
    table([("sampling step, top-k first", 50 * first, "ms", 50 * peer_first, "< 5 ms; transformers")])
    table([("sampling step, top-p alone", 50 * alone, "ms", 50 * peer_alone, "< 15 ms; transformers")])


def bench_training() -> None:
    """Steps of the small Transformer beside a bare torch loop over the same model, batches and threads."""
    import torch
    import torch.nn.functional as F

    from lm_core.training import Examples, Trainer, small_models

    learn, _ = small_models.learning_corpus()
    words = learn.tokenizer("word")
    rows = Examples(learn.encode(words), small_models.CONTEXT)
    recipe = small_models.settings(3e-3)
    ours, theirs = small_models.transformer(words), small_models.transformer(words)
    for model in (ours, theirs):
        model.initialise(torch.Generator().manual_seed(0))
    trainer = Trainer(ours, rows, recipe)
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=3e-3, weight_decay=0.0)
    generator = np.random.default_rng(0)

    def bare() -> None:
        batch = rows.draw(32, generator)
        optimiser.zero_grad()
        F.cross_entropy(theirs(batch.inputs).flatten(0, 1), batch.targets.flatten()).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        optimiser.step()

    for _ in range(2):  # the first round only warms up
        mine, peer = medians(lambda: [trainer.advance() for _ in range(60)], lambda: [bare() for _ in range(60)])
    table([("training step of the small Transformer", 1e3 * mine / 60, "ms", 1e3 * peer / 60, ">= 0.97x bare torch")])
    print(f"    that is {60 / mine:.1f} steps/s against {60 / peer:.1f}")
