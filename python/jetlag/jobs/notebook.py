"""Jobs in a notebook: a card that keeps up with its job."""

from __future__ import annotations

import html
import threading
import time
from typing import Any

from jetlag.jobs.job import Job

_REFRESH_SECONDS = 0.5
_LOG_BYTES = 2000
_COLOURS = {"finished": "#2a7f3f", "failed": "#b3261e", "cancelled": "#7a7a7a"}


def card(job: Job[Any]) -> str:
    """The job as a piece of a page."""
    info = job.info
    colour = _COLOURS.get(info["state"], "#1f5fbf")
    begun, ended = info["started"] or info["created"], info["ended"] or time.time()
    head = (
        f'<b style="color:{colour}">{_text(info["state"])}</b> '
        f"{_text(info['name'] or info['id'])} on {_text(info['machine'])}, "
        f"{max(ended - begun, 0):.1f} s, <code>{_text(info['id'])}</code>"
    )
    rows = [head]
    if info["reason"]:
        rows.append(_text(info["reason"]))
    if (told := job.progress) is not None:
        rows.append(_bar(told))
    tail = job._ask("GET", "/log/stdout", **{"from": -_LOG_BYTES}).decode(errors="replace")
    if tail:
        rows.append(f'<pre style="max-height:12em;overflow:auto">{_text(tail)}</pre>')
    return "<div>" + "<br>".join(rows) + "</div>"


def show(job: Job[Any]) -> None:
    """Show the card, and keep it as the job is until it has ended; with a button to cancel."""
    from IPython.display import HTML, display  # type: ignore[import-not-found, unused-ignore]

    handle = display(HTML(card(job)), display_id=True)
    button = None if job.info["final"] else _button(job)
    if button is not None:
        display(button)
    if handle is None or job.info["final"]:
        return

    def keep_up() -> None:
        while True:
            final = job.info["final"]
            handle.update(HTML(card(job)))
            if final:
                break
            time.sleep(_REFRESH_SECONDS)
        if button is not None:
            button.close()

    threading.Thread(target=keep_up, daemon=True, name="jetlag job card").start()


def _button(job: Job[Any]) -> Any:  # noqa: ANN401
    try:
        import ipywidgets  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        return None
    button = ipywidgets.Button(description="Cancel", tooltip=f"stop job {job.id}")
    button.on_click(lambda _: job.cancel())
    return button


def _bar(told: dict[str, Any]) -> str:
    text = _text(told.get("text", ""))
    done, total = told.get("done", 0), told.get("total")
    if not total:
        return f"{_text(done)} {text}"
    bar = f'<progress value="{float(done)}" max="{float(total)}"></progress>'
    return f"{bar} {_text(done)} of {_text(total)} {text}"


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)
