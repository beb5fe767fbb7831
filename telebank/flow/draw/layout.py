"""A flow as a page: boxes in layers from the top down, leaves beside the box that leads to them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from telebank.flow.check.graph import Edge, edges
from telebank.flow.draw import content
from telebank.flow.draw.graph import Shape, shape
from telebank.flow.draw.scene import PAD, SIZES, Arrow, Box, Measure, Page, Role, Text, Way, Words
from telebank.flow.draw.words import Wording
from telebank.flow.draw.wrap import wrapped
from telebank.flow.model import AskingNode, Collect, Enter, Flow
from telebank.flow.release import Release

WIDTH = 218.0
"""Of a box; one whose ways need more room beneath it is wider."""
SIDE_WIDTH = 196.0
COLUMN_GAP = 26.0
ROW_GAP = 8.0
"""Between leaves beside a box."""
LANE = 8.0
"""Between arrows that pass layers along the left side of a page."""
LAYER_GAP = 30.0
TRACK = 7.0
"""Between arrows that run beside each other."""
TRUNK = 9.0
"""From a box to the line that its leaves hang on."""
MARGIN = 24.0
HEAD = 54.0
"""Of the page's head, above its boxes."""
FOOT = 34.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a page is drawn with."""

    release: Release
    word: Wording
    measure: Measure
    titles: Mapping[str, str]
    """What each flow is called."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What is known of a flow before anything is placed."""

    drawing: Drawing
    flow: Flow
    where: Shape
    ways: Mapping[str, list[Way]]
    common: frozenset[tuple[str, str]]
    numbers: Mapping[str, int]

    def drawn(self, node: str) -> list[Way]:
        """The ways out of a node that are arrows."""
        return [way for way in self.ways[node] if (node, way.target) in self.where.drawn]

    def told(self, node: str) -> list[Way]:
        """The others, but for what holds everywhere."""
        return [
            way
            for way in self.ways[node]
            if (node, way.target) not in self.where.drawn
            and (way.via, way.target) not in self.common
        ]

    def broken(self, text: str, role: Role, width: float) -> list[str]:
        """A text in lines."""
        return wrapped(text, role, width, self.drawing.measure)


def page_of(drawing: Drawing, flow: Flow, keys: str) -> Page:
    """The page of one flow, its boxes placed and its ways told."""
    where, ways = shape(flow), _ways(drawing, flow)
    numbers = {node: at for at, node in enumerate(where.order, 1)}
    sheet = _Sheet(drawing, flow, where, ways, _common(flow, ways), numbers)
    boxes = {node: _box(sheet, node) for node in where.order}
    plan = _plan(sheet, boxes)
    _widen(plan)
    _place_ends(plan, _place(plan, MARGIN + HEAD + 12) + LAYER_GAP)
    page = Page(flow.name, drawing.titles[flow.name], keys, list(boxes.values()), _arrows(plan))
    page.everywhere = _everywhere(sheet)
    _size(drawing, page)
    return page


def _ways(drawing: Drawing, flow: Flow) -> dict[str, list[Way]]:
    return {
        node.name: [
            Way(e.source, e.target, e.via, content.label(drawing.release, node, e, drawing.word))
            for e in edges(flow, node)
            if e.target
        ]
        for node in flow.nodes.values()
    }


def _width(where: Shape, node: str) -> float:
    beside = any(node in leaves for leaves in where.sides.values())
    return SIDE_WIDTH if beside or node in where.ends else WIDTH


def _common(flow: Flow, ways: Mapping[str, list[Way]]) -> frozenset[tuple[str, str]]:
    """The inherited ways that most of the nodes have that could have them; told once for the page.

    Keys such as `0#` are for entries alone."""
    asking = [node for node in flow.nodes.values() if isinstance(node, AskingNode)]
    entries = sum(isinstance(node, Collect) for node in asking)
    counted: Counter[tuple[str, str]] = Counter()
    for node in asking:
        told = zip(ways[node.name], _edges(flow, node.name), strict=True)
        counted.update((w.via, w.target) for w, edge in told if content.inherited(node, edge))
    return frozenset(
        (via, target)
        for (via, target), count in counted.items()
        if count > 1 and 2 * count > (entries if via.startswith("key 0#") else len(asking))
    )


def _edges(flow: Flow, node: str) -> list[Edge]:
    return [edge for edge in edges(flow, flow.nodes[node]) if edge.target]


def _everywhere(sheet: _Sheet) -> list[Text]:
    """What holds at most nodes, for under the page's head; places come later."""
    word, found = sheet.drawing.word, list[Text]()
    for via, target in sorted(sheet.common):
        way = Way("", target, via, _label(word, via))
        told = f"{way.label} {word.say('to', number=sheet.numbers[target])}"
        found.append(Text(told, 0.0, 0.0, "note", way))
    return found


def _label(word: Wording, via: str) -> str:
    what, _, key = via.partition(" ")
    return word.say("key", of=key) if what == "key" else word.say(what)


# -- boxes ------------------------------------------------------------------------------------


def _box(sheet: _Sheet, name: str) -> Box:
    node, width = sheet.flow.nodes[name], _width(sheet.where, name)
    release, word = sheet.drawing.release, sheet.drawing.word
    head = content.head(release, sheet.flow.name, node, sheet.drawing.titles, word)
    lines = [Words(line, "head") for line in sheet.broken(head, "head", width - 2 * PAD - 14)]
    texts: list[tuple[str, Role]] = [(text, "body") for text in content.heard(release, node, word)]
    texts += [(text, "note") for text in content.notes(release, node, word)]
    for text, role in texts:
        lines += [Words(line, role) for line in sheet.broken(text, role, width - 2 * PAD)]
    for way in sheet.told(name):
        text = f"{way.label} {word.say('to', number=sheet.numbers[way.target])}".strip()
        broken = sheet.broken(text, "way", width - 2 * PAD)
        lines += [Words(line, "way", None if at else way) for at, line in enumerate(broken)]
    return Box(
        node=name,
        number=sheet.numbers[name],
        kind=content.kind_of(release, sheet.flow.name, node),
        mark=content.mark_of(release, node),
        lines=lines,
        width=width,
        link=node.flow if isinstance(node, Enter) else None,
    )


@dataclass(frozen=True, slots=True)
class _Port:
    """One arrow: all ways from a node to a target."""

    target: str
    ways: tuple[Way, ...]

    @property
    def label(self) -> str:
        """Of all of them."""
        return "、".join(way.label for way in self.ways if way.label)


def _ports(ways: list[Way]) -> list[_Port]:
    targets = dict.fromkeys(way.target for way in ways)
    return [_Port(to, tuple(way for way in ways if way.target == to)) for to in targets]


def _widen(plan: "_Plan") -> None:
    """Room beneath a box for the labels of its arrows."""
    for node, box in plan.boxes.items():
        wide = [plan.measure(port.label, SIZES["way"]) + 14 for port in plan.down(node)]
        if len(wide) > 1:
            box.width = max(box.width, max(wide) * (len(wide) + 1))


# -- places -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Plan:
    """A page while its boxes find their places."""

    where: Shape
    boxes: Mapping[str, Box]
    drawn: Mapping[str, list[Way]]
    measure: Measure
    parents: dict[str, list[str]]
    floors: list[float]
    """For each layer where its boxes, and the leaves beside them, end."""

    @property
    def lanes(self) -> int:
        """Arrows that pass layers."""
        ports = ((node, port.target) for node in self.where.depth for port in self.down(node))
        return sum(self.where.far(node, target) for node, target in ports)

    @property
    def left(self) -> float:
        """Where boxes begin: right of what passes them."""
        return MARGIN + LANE * self.lanes

    def tracks(self, layer: int) -> int:
        """Arrows that run along in the gap below a layer: those that leave it, and those that come
        from further up and end in the next one."""
        leaving = sum(len(self.down(node)) for node in self.where.layers[layer])
        coming = [
            (node, port.target)
            for node in self.where.depth
            for port in self.down(node)
            if self.where.depth[port.target] == layer + 1
        ]
        return leaving + sum(self.where.far(node, target) for node, target in coming)

    def down(self, node: str) -> list[_Port]:
        """The arrows from a node to the layer below."""
        leaves = self.where.sides.get(node, ())
        return _ports([way for way in self.drawn[node] if way.target not in leaves])

    def beside(self, node: str) -> list[_Port]:
        """The arrows from a node to the leaves beside it."""
        leaves = self.where.sides.get(node, ())
        return _ports([way for way in self.drawn[node] if way.target in leaves])

    def near(self, node: str) -> list[str]:
        """The nodes one layer above that lead to a node."""
        return [up for up in self.parents.get(node, ()) if not self.where.far(up, node)]

    def gutter(self, node: str) -> float:
        """Room between a node and its leaves, for the labels of their arrows."""
        wide = [self.measure(port.label, SIZES["way"]) for port in self.beside(node)]
        return TRUNK + max(wide) + 16 if wide else 0.0


def _plan(sheet: _Sheet, boxes: Mapping[str, Box]) -> _Plan:
    drawn = {node: sheet.drawn(node) for node in sheet.where.order}
    parents: dict[str, list[str]] = {}
    for node, ways in drawn.items():
        for way in ways:
            parents.setdefault(way.target, []).append(node)
    return _Plan(sheet.where, boxes, drawn, sheet.drawing.measure, parents, [])


def _place(plan: _Plan, top: float) -> float:
    """Give every box of the layers its place, from `top` down; returns where they end."""
    y = top
    for at, layer in enumerate(plan.where.layers):
        x, floor = plan.left, y
        for node in layer:
            box = plan.boxes[node]
            above = [plan.boxes[parent].x for parent in plan.near(node)]
            box.x, box.y = max(x, sum(above) / len(above) if above else x), y
            right, bottom = _place_beside(plan, node)
            x, floor = right + COLUMN_GAP, max(floor, bottom)
        plan.floors.append(floor)
        y = floor + LAYER_GAP + TRACK * max(0, plan.tracks(at) - 1)
    return plan.floors[-1] if plan.floors else top


def _place_beside(plan: _Plan, node: str) -> tuple[float, float]:
    """Give the leaves beside a node their places; returns the right and lower edge of them all."""
    box = plan.boxes[node]
    right, bottom = box.right, box.bottom
    x, y = box.right + plan.gutter(node), box.y
    for leaf in plan.where.sides.get(node, ()):
        beside = plan.boxes[leaf]
        beside.x, beside.y = x, y
        y = beside.bottom + ROW_GAP
        right, bottom = max(right, beside.right), max(bottom, beside.bottom)
    return right, bottom


def _place_ends(plan: _Plan, top: float) -> None:
    """Ends and tellers, in rows at the foot of the page."""
    inner = [box.right for node, box in plan.boxes.items() if node not in plan.where.ends]
    limit = max(max(inner, default=0.0), plan.left + 3 * SIDE_WIDTH + COLUMN_GAP)
    x, y, floor = plan.left, top, top
    for node in plan.where.ends:
        box = plan.boxes[node]
        if x > plan.left and x + box.width > limit:
            x, y = plan.left, floor + ROW_GAP
        box.x, box.y = x, y
        x, floor = box.right + COLUMN_GAP / 2, max(floor, box.bottom)


# -- arrows -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Run:
    """One arrow between layers: where it leaves and where it comes in."""

    node: str
    port: _Port
    start: tuple[float, float]
    end: tuple[float, float]

    @property
    def turns_after(self) -> float:
        """Those that go right turn first where they begin furthest right, and the other way about:
        so none runs along another."""
        x = self.start[0]
        return -x if self.end[0] >= x else x


def _arrows(plan: _Plan) -> list[Arrow]:
    turns = [floor + LAYER_GAP / 2 for floor in plan.floors]
    """Where the next arrow runs along, in the gap below each layer."""
    lane, arrows = MARGIN, list[Arrow]()
    for run in _runs(plan):
        depth = plan.where.depth
        below = [depth[run.node]]
        if plan.where.far(run.node, run.port.target):
            below.append(depth[run.port.target] - 1)
        points = _falling(run.start, run.end, [turns[layer] for layer in below], lane)
        label_at = (run.start[0] + 3, run.start[1] + SIZES["way"] + 2)
        arrows.append(Arrow(run.port.ways, run.port.label, points, label_at))
        lane += LANE * (len(below) - 1)
        for layer in below:
            turns[layer] += TRACK
    for layer_nodes in plan.where.layers:
        for node in layer_nodes:
            arrows += _beside(plan, node)
    return arrows


def _runs(plan: _Plan) -> list[_Run]:
    """The arrows between layers, from the top down, each layer's in the order that they turn."""
    into = Counter(port.target for node in plan.where.depth for port in plan.down(node))
    came: Counter[str] = Counter()
    found: list[_Run] = []
    for nodes in plan.where.layers:
        runs: list[_Run] = []
        for node in nodes:
            box, ports = plan.boxes[node], plan.down(node)
            for at, port in enumerate(ports, 1):
                came[port.target] += 1
                target = plan.boxes[port.target]
                start = box.x + box.width * at / (len(ports) + 1)
                end = target.x + target.width * came[port.target] / (into[port.target] + 1)
                runs.append(_Run(node, port, (start, box.bottom), (end, target.y)))
        found += sorted(runs, key=lambda run: run.turns_after)
    return found


def _falling(
    start: tuple[float, float], end: tuple[float, float], along: list[float], lane: float
) -> tuple[tuple[float, float], ...]:
    """Down from a box, along, and down to another; or twice along, with the lane between."""
    (x, _), (to, _) = start, end
    if len(along) == 1:
        return (start, (x, along[0]), (to, along[0]), end)
    down = ((lane, along[0]), (lane, along[1]))
    return (start, (x, along[0]), *down, (to, along[1]), end)


def _beside(plan: _Plan, node: str) -> list[Arrow]:
    """From a box to the leaves beside it, along one line."""
    box = plan.boxes[node]
    trunk, found = box.right + TRUNK, list[Arrow]()
    for port in plan.beside(node):
        target = plan.boxes[port.target]
        y = target.y + 13
        points = ((box.right, box.y + 13), (trunk, box.y + 13), (trunk, y), (target.x, y))
        found.append(Arrow(port.ways, port.label, points, (trunk + 4, y - 3)))
    return found


def _size(drawing: Drawing, page: Page) -> None:
    """As large as what is on it; and the ways of everywhere in lines under the head."""
    page.width = max([box.right for box in page.boxes] + [MARGIN + 360.0]) + MARGIN
    page.height = max([box.bottom for box in page.boxes], default=MARGIN + HEAD) + MARGIN + FOOT
    x = MARGIN + drawing.measure(drawing.word.say("everywhere"), SIZES["note"]) + 4
    placed = list[Text]()
    for text in page.everywhere:
        placed.append(Text(text.text, x, MARGIN + HEAD - 4, text.role, text.way))
        x += drawing.measure(text.text, SIZES["note"]) + 18
    page.everywhere = placed
    page.width = max(page.width, x + MARGIN)
