"""The sketch of a VAE and the movie of its training."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from minivae import plots
from minivae.plots.schematic import PLACES


def texts(figure):
    return [text for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("here", [(), *PLACES, ("sigma", "z"), ("x", "x_hat", "log_likelihood")])
def test_the_sketch_says_where_the_reader_is_and_nothing_is_clipped_or_covered(here):
    figure = plots.schematic(here)
    marked = (here,) if isinstance(here, str) else here
    written = [text.get_text() for text in texts(figure)]
    assert all(place[2] in written for place in PLACES.values()) and written.count("you are here") == bool(here)
    assert all(PLACES[name][3] in figure.alt for name in marked) and ("you are here" in figure.alt) == bool(here)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in texts(figure)]
    width, height = figure.bbox.width, figure.bbox.height
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1:])


def test_a_part_that_is_not_there():
    for wrong in ("loss", ("z", "logits")):
        with pytest.raises(ValueError, match="here must name parts of the sketch, x, encoder, .*; got '(loss|logits)'"):
            plots.schematic(wrong)


def test_a_movie_has_a_frame_for_each_epoch_and_rests_on_the_last(tmp_path):
    path, frames = tmp_path / "learning.gif", np.linspace(0, 1, 3)[:, None, None] * np.ones((3, 5, 12))
    plots.save_movie(path, frames, (3, 4), seconds=0.2)
    with Image.open(path) as movie:
        means, times = [], []
        for i in range(movie.n_frames):
            movie.seek(i)
            means.append(np.asarray(movie.convert("L")).mean())
            times.append(movie.info["duration"])
    assert means == sorted(means) and means[-1] > means[0] + 50
    assert times[:2] == [200, 200] and sum(times) == 200 * (3 + 4)
    assert list(tmp_path.iterdir()) == [path] and path.stat().st_size < 60_000


@pytest.mark.parametrize("change, message", [
    ({"path": "learning.png"}, "path must end in .gif"), ({"frames": []}, "at least one"),
    ({"captions": ["one"]}, "captions must hold one for each of the 2 frames; got 1"),
    ({"seconds": 0}, "seconds must be above 0"), ({"frames": [np.zeros((2, 12)), np.zeros((3, 12))]}, r"got \[2, 3\]"),
    ({"frames": [np.zeros((2, 11))]}, r"frames\[0\] must have shape"),
    ({"frames": [np.full((2, 12), np.nan)]}, "finite"),
])
def test_a_movie_that_cannot_be_made_leaves_the_old_one(tmp_path, change, message):
    (tmp_path / "learning.gif").write_text("old")
    arguments = {"path": "learning.gif", "frames": [np.zeros((2, 12))] * 2, "image_shape": (3, 4)} | change
    with pytest.raises(ValueError, match=message):
        plots.save_movie(**arguments | {"path": tmp_path / arguments["path"]})
    assert (tmp_path / "learning.gif").read_text() == "old" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        plots.save_movie(tmp_path / "nowhere" / "a.gif", [np.zeros((2, 12))], (3, 4))
