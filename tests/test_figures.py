"""The look of the figures: explicit settings, colours that everyone can tell apart, refused input."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from smbook import figures
from smbook.statistics import Estimate

mpl.use("Agg")

# Linear RGB as seen with protanopia and deuteranopia (Vienot, Brettel and Mollon 1999) and with tritanopia
# (Machado, Oliveira and Fernandes 2009).
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


@pytest.fixture(autouse=True)
def own_settings():
    """Give each test its own settings, and close its figures."""
    import matplotlib.pyplot as plt

    with mpl.rc_context():
        yield
    plt.close("all")


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(color):
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    """Contrast ratio of the Web Content Accessibility Guidelines, 1 ... 21."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIE L*a*b* of linear RGB under D65."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.clip(matrix @ rgb, 1e-4, None) / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one, other, blindness):
    seen = [lab(np.clip(BLINDNESS[blindness] @ linear(color), 0, 1)) for color in (one, other)]
    return np.linalg.norm(seen[0] - seen[1])


def test_import_loads_no_matplotlib_and_so_changes_no_setting():
    code = "import sys, smbook.figures; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_style_does_not_depend_on_what_was_set_before():
    figures.use_style()
    clean = dict(mpl.rcParams)
    mpl.rcdefaults()
    mpl.rcParams.update({"figure.facecolor": "black", "axes.facecolor": "none", "font.size": 3})
    mpl.rcParams.update({"text.color": "white", "savefig.transparent": True, "font.family": "serif"})
    figures.use_style()
    changed = {key for key in clean if clean[key] != mpl.rcParams[key]}
    assert changed <= {"backend", "interactive"}


def test_paper_is_opaque_white():
    import io

    import matplotlib.pyplot as plt

    figures.use_style()
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    pixels = plt.imread(buffer)
    assert pixels.shape[2] == 3 or (pixels[..., 3] == 1).all()
    assert (pixels[0, 0, :3] == 1).all()
    assert figure.get_layout_engine() is not None
    assert 600 <= pixels.shape[1] <= 1000


def test_lines_take_the_palette_in_order():
    figures.use_style()
    ax = figures.measured([0.0], [(0.0, 1.0)])
    colors = [ax.plot([0, 1])[0].get_color() for _ in figures.PALETTE]
    assert colors == [*figures.PALETTE[1:], figures.PALETTE[0]]


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_palette_can_be_told_apart(blindness):
    colors = figures.PALETTE
    assert isinstance(colors, tuple)
    closest = min(distance(a, b, blindness) for k, a in enumerate(colors) for b in colors[:k])
    assert closest > 15
    assert min(distance(a, b, blindness) for k, a in enumerate(colors[:3]) for b in colors[:k]) > 20


def test_distance_catches_red_beside_green():
    assert distance("#A05000", "#607000", "none") > 25
    assert distance("#A05000", "#607000", "deutan") < 15


@pytest.mark.parametrize("color", figures.PALETTE)
def test_palette_shows_on_white(color):
    assert contrast(color, "white") > 2


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_spin_colours_can_be_told_apart(blindness):
    assert distance(figures.UP, figures.DOWN, blindness) > 50


def test_spin_colours_differ_in_lightness_and_show_on_light_and_dark_pages():
    assert contrast(figures.UP, figures.DOWN) > 4
    for page in ("#FFFFFF", "#121212"):
        assert min(contrast(figures.UP, page), contrast(figures.DOWN, page)) > 1.8


@pytest.mark.parametrize("dtype", [np.int8, np.int64, float])
def test_spins_are_drawn_in_their_colours(dtype):
    spins = np.array([[1, -1, -1], [-1, 1, 1]], dtype=dtype)
    ax = figures.show_spins(spins)
    (image,) = ax.images
    drawn = image.cmap(image.norm(image.get_array()))[..., :3]
    expected = np.where(spins[..., None] == 1, to_rgb(figures.UP), to_rgb(figures.DOWN))
    np.testing.assert_allclose(drawn, expected)
    assert ax.get_aspect() == 1
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_ordered_lattice_keeps_its_colour(sign):
    (image,) = figures.show_spins(np.full((3, 3), sign)).images
    color = image.cmap(image.norm(image.get_array()))[0, 0, :3]
    np.testing.assert_allclose(color, to_rgb(figures.UP if sign == 1 else figures.DOWN))


def test_a_chain_is_one_row():
    (image,) = figures.show_spins([1, -1, 1, 1]).images
    assert image.get_array().shape == (1, 4)


def test_axes_are_used_and_returned():
    import matplotlib.pyplot as plt

    _, (left, right) = plt.subplots(1, 2)
    assert figures.show_spins([[1, -1]], ax=left) is left
    assert figures.measured([1.0], [Estimate(1.0, 0.1)], ax=right) is right
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("spins", "error", "message"),
    [
        (np.ones((2, 2, 2)), ValueError, r"got \(2, 2, 2\)"),
        (1, ValueError, r"got \(\)"),
        ([], ValueError, r"got \(0,\)"),
        ([[1, 0]], ValueError, "must be -1 or \\+1; got 0"),
        ([1.0, 0.5], ValueError, "got 0.5"),
        ([1.0, np.nan], ValueError, "must be finite"),
        ([True, False], TypeError, "dtype bool"),
        (["up"], TypeError, "must hold real numbers"),
    ],
)
def test_refuses_what_are_no_spins(spins, error, message):
    import matplotlib.pyplot as plt

    with pytest.raises(error, match=message):
        figures.show_spins(spins)
    assert plt.get_fignums() == []


def test_points_carry_their_error_bars():
    estimates = [Estimate(0.5, 0.1), Estimate(0.7, 0.2)]
    ax = figures.measured([1.0, 2.0], estimates, label="Monte Carlo", color=figures.UP)
    (container,) = ax.containers
    points, _, (bars,) = container.lines
    np.testing.assert_allclose(points.get_xydata(), [[1.0, 0.5], [2.0, 0.7]])
    np.testing.assert_allclose(bars.get_segments(), [[[1, 0.4], [1, 0.6]], [[2, 0.5], [2, 0.9]]])
    assert points.get_color() == figures.UP
    assert points.get_linestyle() == "None"
    assert container.get_label() == "Monte Carlo"


@pytest.mark.parametrize("estimates", [[], [(0.5, 0.1)], [(0.5, 0.1, 1), (0.5, 0.1, 1)]])
def test_refuses_points_without_errors(estimates):
    with pytest.raises(ValueError, match="estimates must be 2 pairs"):
        figures.measured([1.0, 2.0], estimates)


def test_a_circuit_has_its_boxes_circles_wires_and_words():
    ax = figures.draw_circuit(
        boxes=[(0, 0, "+"), (2, 0, "tanh")],
        wires=[[(0.3, 0), (1.2, 0)], [(2.8, 0), (4, 0), (4, -1), (0, -1), (0, -0.3)]],
        labels=[(0.7, 0.3, "input")],
    )
    assert [type(patch).__name__ for patch in ax.patches] == ["Circle", "Rectangle"]
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["+", "tanh", "input"]
    assert len(ax.lines) == 2
    assert ax.get_aspect() == 1


@pytest.mark.parametrize("wire", [[(0, 0)], [0, 1], [(0, 0, 0), (1, 1, 1)]])
def test_a_wire_without_two_corners_is_refused(wire):
    with pytest.raises(ValueError, match="each wire must have two corners"):
        figures.draw_circuit([], [wire])
