"""What rounds of a measure come to."""

from benchmarks.rounds import percentile, spread


def test_percentiles_are_told_to_a_tenth() -> None:
    values = [float(value) for value in range(1001)]
    assert [percentile(values, percent) for percent in (50, 99, 99.9)] == [500, 990, 999]


def test_a_spread_is_told_beside_another_unless_that_was_too_little_to_be_seen() -> None:
    figures, nothing = [{"CPU": 3.0}, {"CPU": 1.0}, {"CPU": 2.0}], [{"CPU": 0.0}]
    assert str(spread(figures, "CPU")) == "2 (1–3)"
    assert spread(figures, "CPU").times(spread([{"CPU": 4.0}], "CPU")) == "0.5"
    assert spread(figures, "CPU").times(spread(nothing, "CPU")) == "unknown"
