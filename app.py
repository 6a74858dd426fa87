"""The server's entry and each visitor's.

Imported by the server, this file makes the ASGI application; run by Streamlit for a visitor, it draws the
navigation and the frame around the page. Start it with `make run` or `streamlit run app.py`.
"""

import os

# Before torch can be imported: two torch threads on two busy cores ran 6 to 17 times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.server import asgi, downloads, ended_sessions, origin_check
from pages.shared import callbacks
from pages.shell import layout

if get_script_run_ctx(suppress_warning=True) is None:
    asgi.check_settings()
    origin_check.allow_own_names()
    asgi.end_cleanly()
    callbacks.carry_out_whole()
    downloads.keep_for_a_while()
    ended_sessions.end_the_forgotten()
    app = st.App("app.py", lifespan=asgi.lifespan, routes=asgi.ROUTES, middleware=asgi.MIDDLEWARE)
else:
    layout.render()
