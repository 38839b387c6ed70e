"""Orders: each pixel has one place, and the named ones are what they are called."""

from __future__ import annotations

import pytest
import torch

from minigen import orders, plans


@pytest.mark.parametrize("size", [1, 2, 8, 16])
@pytest.mark.parametrize("name", orders.NAMES)
def test_every_pixel_has_a_place_of_its_own(name: str, size: int) -> None:
    """Whatever the size, and as whole numbers."""
    places = orders.order(name, size)
    assert places.dtype == torch.int64
    assert sorted(places.tolist()) == list(range(size * size))


def test_rows_are_the_order_of_reading_and_patches_those_of_the_raster() -> None:
    """As the plans of chapters 4 and 5 have it."""
    assert orders.order("rows").tolist() == list(range(256))
    assert orders.order("columns", 3).view(3, 3).tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    by_patches = orders.order("patches").div(16, rounding_mode="floor")
    assert torch.equal(by_patches, plans.raster(4).places((1, 16, 16))[0])


def test_the_centre_comes_first_and_the_edge_last_or_the_other_way_round() -> None:
    """Four corners end the one and begin the other; a spiral goes on to a neighbour, except from ring to ring."""
    corners = [0, 15, 240, 255]
    assert {orders.order("centre")[corner].item() for corner in corners} == {252, 253, 254, 255}
    assert {orders.order("edge")[corner].item() for corner in corners} == {0, 1, 2, 3}
    for name in ("outwards", "inwards"):
        walked = orders.order(name).argsort()
        walked = walked if name == "outwards" else walked.flip(0)
        row, column = walked // 16, walked % 16
        apart = torch.maximum(row.diff().abs(), column.diff().abs())
        rings = torch.maximum((row - 7.5).abs(), (column - 7.5).abs())
        assert bool((rings.diff() >= 0).all())
        assert bool((apart[rings.diff() == 0] == 1).all())


def test_a_checkerboard_writes_no_neighbours_in_its_first_half() -> None:
    """And the second half lies between."""
    first = orders.order("checkerboard").view(16, 16) < 128
    assert not bool((first[:, 1:] & first[:, :-1]).any() | (first[1:] & first[:-1]).any())
    assert int(first.sum()) == 128


def test_dither_is_bayers_matrix() -> None:
    """The 4 x 4 one as it is printed; and its first 4, 16, 64 places are a grid, as far apart as can be."""
    assert orders.order("dither", 4).tolist() == [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5]
    for count, step in ((4, 8), (16, 4), (64, 2)):
        grid = torch.zeros(16, 16, dtype=torch.bool)
        grid[::step, ::step] = True
        assert torch.equal(orders.order("dither").view(16, 16) < count, grid)


def test_a_ramp_in_an_order_is_the_one_in_reading_order_with_its_columns_moved() -> None:
    """Of any width; at width 1 the order makes no difference; and it can be written to a file."""
    for width in (1 / 256, 0.25, 1.0):
        places = orders.order("centre")
        moved = plans.ramp(width, places).matrix((1, 16, 16), 16)
        assert torch.equal(moved, plans.ramp(width).matrix((1, 16, 16), 16)[:, places])
        again = plans.build({**plans.ramp(width, places).config(), "order": places.tolist()})
        assert again == plans.ramp(width, places)
    assert torch.equal(moved, plans.diffusion().matrix((1, 16, 16), 16))


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (
            [0, 1, 1, 3],
            r"order has 4 places, and not 2 among them; allowed: each from 0 to 3 once, or 'raster', 'random'",
        ),
        ([1, 2, 3, 4], "order has 4 places, and not 0 among them"),
        ([], "order has 0 places"),
        ("centre", "order is 'centre'; allowed: 'raster', 'random'"),
    ],
)
def test_wrong_orders_are_refused(order: list[int] | str, said: str) -> None:
    """When the plan is made."""
    with pytest.raises(ValueError, match=said):
        plans.ramp(0.5, order)


def test_an_order_of_another_size_is_refused_when_it_is_walked() -> None:
    """Before anything is drawn."""
    with pytest.raises(ValueError, match=r"order has 4 places; allowed: one a pixel, 256"):
        plans.ramp(0.5, [0, 1, 2, 3]).matrix((1, 16, 16))
    with pytest.raises(ValueError, match=r"size is 6; allowed with the order dither: powers of 2"):
        orders.order("dither", 6)
    with pytest.raises(ValueError, match=r"name is 'center'.*did you mean 'centre'"):
        orders.order("center")
