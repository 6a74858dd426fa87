"""Shannon's game: a hidden message, word by word; guesses are scored as models are, in nats and perplexity.

The browser is sent the words so far and no more.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.errors import InvalidInput, LmCoreError
from lm_core.models import LanguageModel
from lm_core.scoring import shannon_game
from lm_core.scoring.perplexity import Score
from lm_core.text.tokenizers import Tokenizer
from pages.shared import markup, on_demand, tables, url_state
from pages.shared.controls import offered_models
from pages.test_yourself import ten_questions

_GAMES, _OTHERS = "_shannon_games", ("transformer", "bigram")
_TOP = 5
_PLAYERS = {"me": "I guess", "room": "A room guesses"}


@dataclass
class Game:
    """One message, how far it is known, and what everybody gave the words that came."""

    ids: tuple[int, ...]
    at: int = 1
    mine: list[float] = field(default_factory=list)
    models: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in (*_OTHERS, "source")})
    said: str = ""
    problem: str = ""
    """What was wrong with the last guess, which was not taken."""

    @property
    def over(self) -> bool:
        return self.at == len(self.ids)


@lru_cache(maxsize=1)
def _messages() -> tuple[str, ...]:
    """Held out: the small models were not trained on them."""
    from lm_core.training.small_models import learning_corpus

    return tuple(line for line in learning_corpus()[1].lines if len(line.split()) >= 6)


def _tokenizer() -> Tokenizer:
    return offered_models.offered_model("bigram").model.tokenizer


def _word(text: str) -> int:
    """The id of one word. Raises InvalidInput for none, or one that no message uses."""
    tokenizer = _tokenizer()
    if not tokenizer.encodable(text) or len(tokenizer.encode(text)) != 1:
        raise InvalidInput("guess", f"made of the {tokenizer.vocab_size - 2} words of these messages", text)
    return tokenizer.encode(text)[0]


def render(toolbar: DeltaGenerator) -> Callable[[], None]:
    """Asks for the seed and who plays; returns what shows the game."""
    who = str(url_state.value("who"))
    if not url_state.presenting():
        with toolbar:
            who = on_demand.control(
                url_state.key_of("who"), st.segmented_control, "Who plays", tuple(_PLAYERS), starts="default",
                format_func=_PLAYERS.__getitem__, required=True, label_visibility="collapsed",
            )  # fmt: skip
    number = ten_questions.seed(toolbar, "The same seed hides the same message.")
    return lambda: _show(_game(number, who), who, number)


def _game(number: int, who: str) -> Game:
    games: dict[tuple[int, str], Game] = st.session_state.setdefault(_GAMES, {})
    if (number, who) not in games:
        messages = _messages()
        games[number, who] = Game(tuple(_tokenizer().encode(messages[number % len(messages)])))
        while len(games) > 16:
            games.pop(next(iter(games)))
    return games[number, who]


def _show(game: Game, who: str, number: int) -> None:
    tokenizer = _tokenizer()
    words = "".join(
        f'<span class="nte-token">{html.escape(tokenizer.token_bytes(i).decode())}</span> ' for i in game.ids[: game.at]
    )
    hidden = "" if game.over else '<span class="nte-token nte-unseen">?</span>'
    markup.show(f'<p class="nte-asked" role="status" aria-label="The message so far">{words}{hidden}</p>')
    if game.said:
        markup.show(f"<p>{game.said}</p>")
    if game.over:
        _end(game, who, number)
        return
    _ask(game, who)
    if game.mine:
        _standings(game, who)
    if not url_state.presenting():
        _words()


def _ask(game: Game, who: str) -> None:
    with st.form(f"_shannon_form_{who}_{game.at}", border=False, clear_on_submit=False):
        if who == "room":
            st.text_area(
                "The room’s guesses, one a line (or: word, number of people)",
                height=110,
                max_chars=5_000,
                key=f"_shannon_room_{game.at}",
            )
        else:
            st.text_input(
                "Which word comes next? Name some, with points out of 100", max_chars=200, key=f"_shannon_me_{game.at}",
                placeholder="hub 60, warehouse 30",
            )  # fmt: skip
        st.form_submit_button("Guess", type="primary", on_click=_guess, args=(game, who))
    if game.problem:
        markup.note(game.problem)


def _guess(game: Game, who: str) -> None:
    """Takes the guess that stands in the form, or says what is wrong with it."""
    text, unknown = str(st.session_state[f"_shannon_{who}_{game.at}"]), list[str]()
    game.problem = "" if text.strip() else "Write a word first."
    if game.problem:
        return
    try:
        if who == "room":
            guess, count, unknown = shannon_game.read_room(text, _word)
            whose = f"The room ({count} guess{'es' if count != 1 else ''})"
        else:
            guess, whose = shannon_game.read(text, _word), "You"
        _reveal(game, guess, whose, unknown)
    except LmCoreError as error:
        game.problem = str(error)


def _reveal(game: Game, guess: shannon_game.Guess, whose: str, unknown: list[str]) -> None:
    """Scores the word that came, for everybody, and lets it be seen."""
    tokenizer, token = _tokenizer(), game.ids[game.at]
    mine = guess.probability(token, tokenizer.vocab_size - 2)  # neither <bos> nor <eos> can come here
    game.mine.append(mine)
    for kind, p in _given(game).items():
        game.models[kind].append(p)
    loss = Score.of_probabilities([mine]).cross_entropy
    word = html.escape(tokenizer.token_bytes(token).decode())
    game.said = (
        f'It was <span class="nte-token">{word}</span>. {whose} gave it {markup.percent(mine)}: loss {loss:.3f} nats. '
        f"Small Transformer {markup.percent(game.models['transformer'][-1])}, "
        f"bigram {markup.percent(game.models['bigram'][-1])}."
    )
    if unknown:
        left = ", ".join(html.escape(each) for each in unknown[:5])
        game.said += f" Left out, because no message uses them: {left}{' and more' if len(unknown) > 5 else ''}."
    game.at += 1


def _given(game: Game) -> dict[str, float]:
    """What the models give the word that comes, and what the grammar that made the message gives it."""
    from lm_core.models.grammar_model import GrammarModel
    from lm_core.text.grammar import TRACKING

    context, token = (0, *game.ids[: game.at]), game.ids[game.at]
    models: dict[str, LanguageModel] = {kind: offered_models.offered_model(kind).model for kind in _OTHERS}
    models["source"] = GrammarModel(TRACKING, _tokenizer())  # type: ignore[arg-type]
    return {
        kind: Distribution(model.next_logits([context])[0]).row(token).probability for kind, model in models.items()
    }


def _standings(game: Game, who: str) -> None:
    """Perplexity of everybody over the words so far."""
    names = {
        "You" if who == "me" else "The room": game.mine, "Small Transformer": game.models["transformer"],
        "Bigram": game.models["bigram"],
    }  # fmt: skip
    if game.over:
        names["The grammar that wrote it: nobody can do better on average"] = game.models["source"]
    rows = []
    for name, given in names.items():
        score = Score.of_probabilities(given)
        perplexity = tables.strong(markup.figure(score.perplexity))
        rows.append((name, score.n_tokens, f"{score.cross_entropy:.3f}", perplexity))
    tables.render(["", "words scored", "mean loss, nats", "perplexity"], rows)
    if not game.over and not url_state.presenting():
        return
    last = (0, *game.ids[: game.at - 1])
    model = offered_models.offered_model("transformer").model
    if not url_state.presenting():
        tables.likeliest(
            Distribution(model.next_logits([last])[0]), model.tokenizer, _TOP, "The small Transformer at the last word"
        )


def _end(game: Game, who: str, number: int) -> None:
    mine = Score.of_probabilities(game.mine).perplexity
    markup.show(
        f'<p class="nte-sum" role="status"><b>{markup.figure(mine)}</b> is {"your" if who == "me" else "the room’s"} '
        "perplexity: as unsure as among so many equally likely words</p>"
    )
    _standings(game, who)
    with st.container(horizontal=True):
        st.button("Another message", on_click=url_state.follow, args=({"seed": str(number + 1)}, ("seed",)))
        st.button("The same again", on_click=_forget, args=(number, who))


def _forget(number: int, who: str) -> None:
    st.session_state[_GAMES].pop((number, who), None)


@on_demand.expander("The words that messages use, and how guesses are scored", key="_shannon_how")
def _words() -> None:
    tokenizer = _tokenizer()
    words = [tokenizer.token_bytes(i).decode() for i in range(2, tokenizer.vocab_size)]
    st.text(" ".join(sorted(words, key=str.lower)))
    st.write(
        f"You have {shannon_game.POINTS} points. Words named without a number share {shannon_game.SHARED} of them; "
        f"at least {shannon_game.KEPT} stays for all words you have not named, in equal parts, so that no guess is "
        "infinitely wrong. A room’s points follow how many named each word. Your loss is −ln of the share that the "
        "word had; e to the mean loss is your perplexity. Small Transformer and bigram are scored on the same "
        "words: they were trained on other messages of the same kind."
    )
