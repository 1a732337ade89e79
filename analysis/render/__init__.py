"""The report's document as files: a page of HTML that carries all it needs, and Markdown beside its figures."""
