"""TODO docstring of analysis/render/html.py."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2

from analysis.render.markdown import in_cell


def render_html(template: str, context: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=".html" in template,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["in_cell"] = in_cell
    return environment.get_template(template).render(context)


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
