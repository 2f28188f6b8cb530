"""What a page consists of, told to the template: panes, groups of controls, figures in large type."""

from __future__ import annotations

__all__ = ["Group", "Layout", "Metric", "Pane"]

from dataclasses import dataclass


@dataclass(frozen=True)
class Pane:
    """One picture with its caption; the words behind its name are ``note_{key}``.

    short: its name on a phone, where panes are tabs.
    swipe: two figures, one over the other with a divider between (and a button that blinks them).
    wide: as wide as the page.
    shape: how many times its frame is as wide as it is high; maps have 2.
    natural: any Panel object as high as it is, instead of a figure of the maps' shape.
    late: it is not in the first view: its figures come when what is seen first is there.
    tall: as high as two panes beside it.
    still: a picture stands in for it while it is late.
    help: what it shows and how to read it, in a sentence or two.
    """

    key: str
    name: str
    short: str = ""
    swipe: tuple[str, str] | None = None
    wide: bool = False
    shape: float = 2.0
    natural: bool = False
    late: bool = False
    tall: bool = False
    still: bool = False
    help: str = ""

    @property
    def tab(self) -> str:
        return self.short or self.name

    @property
    def roots(self) -> tuple[str, ...]:
        """Names of the parts that fill it."""
        return self.swipe or (self.key,)


@dataclass(frozen=True)
class Group:
    """Controls that belong together, in the sidebar.

    heading: its name is written over it; otherwise it is only read aloud.
    phone: groups with a lower number come first on a phone.
    """

    key: str
    name: str
    heading: bool = False
    phone: int = 0


@dataclass(frozen=True)
class Metric:
    """A number in large type; its words are ``{key}`` and, below it, ``{key}_note``.

    help: what it means, in a sentence or two.
    """

    key: str
    name: str
    help: str = ""


@dataclass(frozen=True)
class Layout:
    """A page's skeleton. columns: panes beside each other on a desk (three on a very wide one)."""

    panes: tuple[Pane, ...]
    groups: tuple[Group, ...]
    metrics: tuple[Metric, ...] = ()
    columns: int = 2

    @property
    def pictured(self) -> bool:
        """Whether there is a figure to be saved as a picture."""
        return any(not pane.natural for pane in self.panes)

    @property
    def roots(self) -> frozenset[str]:
        """Names of the parts that a page with this layout has to give."""
        return frozenset(root for pane in self.panes for root in pane.roots) | {g.key for g in self.groups}

    def words(self) -> dict[str, str]:
        """Every place for words, empty."""
        keys = ["title", "when", "simulated", "attribution"]
        for metric in self.metrics:
            keys += [metric.key, f"{metric.key}_note"]
        keys += [f"note_{pane.key}" for pane in self.panes]
        return dict.fromkeys(keys, "")
