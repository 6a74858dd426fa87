"""31 tokens that break displays: markup, Markdown, formulas, links, white space, invisible and turning characters."""

HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>bold</b>", "</td></tr>", "&lt;", "&amp;nbsp;",
    "<a href='http://example.com'>x</a>", "$x^2$", "$$\\frac{1}{2}$$", ":red[a]", ":material/home:", ":smile:",
    "![](http://example.com/x.png)", "[x](javascript:alert(1))", "http://example.com", "a@example.com", "**bold**",
    "_under_", "`code`", "# title", "---", "| a | b |", "{{ template }}", "${x}", "=1+1", "' OR 1=1 --", "\\n",
    " two  spaces ", "tab\tline\nend\r", "\u202eevil\u202c\u200b\ufeff", "nul\0bell\x07",
)  # fmt: skip
assert len(set(HOSTILE)) == 31
