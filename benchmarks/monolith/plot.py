"""The picture of the page: CPU of a request by operation, both sides, in the parts that took it. SVG by hand: a dozen
bars are no reason for a plotting library among the dependencies."""

from collections.abc import Mapping, Sequence
from html import escape

Parts = Sequence[tuple[str, float]]
"""The parts of a bar, from the left, by colour."""

_LEFT, _WIDTH, _BAR, _GAP, _TOP = 110, 560, 13, 16, 46
_TEXT = 'font-family="sans-serif" font-size="12" fill="#24292f"'


def as_svg(title: str, bars: Mapping[str, Sequence[tuple[str, Parts]]], colours: Mapping[str, str]) -> str:
    """For every label its bars, each with a name of its own and the parts in milliseconds."""
    longest = max((sum(size for _, size in parts) for group in bars.values() for _, parts in group), default=0) or 1.0
    lines, y = [_text(12, 20, title), *_legend(colours)], _TOP
    for label, group in bars.items():
        lines.append(_text(12, y + _BAR - 2, label))
        for name, parts in group:
            x: float = _LEFT
            for part, size in parts:
                width = size / longest * _WIDTH
                lines.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colours[part]}">'
                    f"<title>{escape(f'{name}: {part} {size:.2f} ms')}</title></rect>"
                )
                x += width
            lines.append(_text(x + 5, y + _BAR - 2, f"{sum(size for _, size in parts):.2f} {name}"))
            y += _BAR + 2
        y += _GAP
    extent = f'width="{_LEFT + _WIDTH + 110}" height="{y}"'
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {extent}>', ground, *lines, "</svg>", ""])


def _legend(colours: Mapping[str, str]) -> list[str]:
    lines = []
    for place, (name, colour) in enumerate(colours.items()):
        x = _LEFT + place * 100
        lines += [f'<rect x="{x}" y="28" width="11" height="11" fill="{colour}"/>', _text(x + 16, 38, name)]
    return lines


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" {_TEXT}>{escape(text)}</text>'
