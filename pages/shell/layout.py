"""The layout of every page: navigation, model picker, title and promise above; what comes next below."""

from difflib import get_close_matches

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import components, guided_tour, markup, talk, url_state
from pages.shared.controls import model_picker, provenance
from pages.shared.page_declarations import Entry, entries
from pages.shell import navigation, waiting_room

_stage = st.components.v2.component(
    "stage",
    html='<div class="talk" role="group" aria-label="Talk" hidden><button type="button" aria-label="Scene before">‹'
    '</button><span></span><button type="button" aria-label="Next scene">›</button></div>',
    css=components.styles("talk/talk.css"),
    js=components.script("talk/talk.js"),
)


def render() -> None:
    """Runs the page this visitor asked for inside the frame."""
    st.set_page_config(page_icon=navigation.FAVICON, layout="centered")
    waiting_room.admit()
    presenting = url_state.presenting()
    page, entry = navigation.build("hidden" if presenting else "sidebar")
    running = talk.move(entry)
    url_state.arrive(entry.url or "home")
    url_state.carry("present", presenting, False)
    sheets = ["page/page.css", *(["page/presenter.css"] if presenting else ["page/wide.css"] if entry.wide else [])]
    st.html(f"<style>{components.styles(*sheets)}</style>")  # what all pages wear
    waiting_room.render_placeholder()
    talk.hide_controls()
    if presenting:
        _stage(data=talk.render(running), key="_stage", on_wanted_change=talk.on_event)
    st.title(markup.plain_text(running.scene.title) if running else entry.title, anchor=False)
    if not presenting:
        st.write(entry.promise)
        hint = _tour(entry)
    if entry.model:
        model_picker.render()
    _carry_seed()
    note = provenance.placeholder() if entry.model else None
    _refuse(url_state.begin(entry.parameters), entry)
    with navigation.entered():
        page.run()
    provenance.render(note)
    if not presenting:
        guided_tour.notice(entry.url, url_state.scene())
        _say(hint, entry)
        guided_tour.render_sidebar(entry.url)
        guided_tour.keep()
    _end(entry, presenting)


def _tour(entry: Entry) -> DeltaGenerator:
    """The place of the tour's word on this page; a link that says `tour=1` begins it."""
    if st.session_state[url_state.flag("tour")] and url_state.linked("tour"):
        guided_tour.start()
    place = st.empty()
    _say(place, entry)
    return place


def _say(place: DeltaGenerator, entry: Entry) -> None:
    with place.container():
        guided_tour.render_hint(entry.url)


def _refuse(unknown: list[str], entry: Entry) -> None:
    """Says what of a link this page has no parameter for, so that a misspelt one is not lost in silence."""
    if not unknown:
        return
    named = ", ".join(f"“{name[:40]}”" for name in unknown[:3])
    more = f" and {len(unknown) - 3} more" if unknown[3:] else ""
    known = (*entry.parameters, *url_state.TRAVELLING, "tour")
    near = get_close_matches(unknown[0], known, n=1) if len(unknown) == 1 else []
    meant = f" Was “{near[0]}” meant?" if near else ""
    markup.note(f"The link was not followed in one point: this page has no parameter {named}{more}.{meant}")


def _carry_seed() -> None:
    """A seed in a link goes with the reader even over pages that draw nothing at random."""
    key = url_state.number("seed", 0, 0, 2**32 - 1)
    url_state.carry("seed", st.session_state[key], 0)


def _end(entry: Entry, presenting: bool) -> None:
    """Where to go next; the way into and out of presenter view."""
    order = entries()
    after = order[order.index(entry) + 1 :]
    if presenting:
        leave = "_leave_presenter_view"
        st.button("Leave presenter view", key=leave, on_click=url_state.present, args=(False,), type="tertiary")
        return
    if after and entry.section != "Home":
        st.page_link(after[0].file, label=f"Next: {after[0].title}", icon=":material/arrow_forward:")
    st.sidebar.button(
        "Present this page", on_click=url_state.present, args=(True,), icon=":material/present_to_all:", type="tertiary"
    )
