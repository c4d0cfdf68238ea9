"""How the tests are shared out among worker processes."""

from __future__ import annotations

from tests.support.work_units import choose_unit, is_page_unit, sort_by_cost, work_unit


def test_a_file_is_one_unit_because_its_module_fixtures_are_expensive():
    one = work_unit("tests/services/test_faults.py::test_here[tcp reset, light load]")
    assert (
        one == work_unit("tests/services/test_faults.py::test_apart[a frozen peer]") == "tests/services/test_faults.py"
    )
    assert work_unit("notebooks/01_tune_a_voice.ipynb::Cell 0") == "notebooks/01_tune_a_voice.ipynb"


def test_pages_in_light_and_dark_are_units_of_their_own():
    light = work_unit("tests/browser/test_live_page.py::test_every_format_is_downloaded[light-csv]")
    assert light == "tests/browser/test_live_page.py[light]"
    assert light != work_unit("tests/browser/test_live_page.py::test_narrow_outputs_cut_nothing_off[dark]")
    hosts = {work_unit(f"tests/hosts/test_main_job.py::test_a_voice_is_heard[{h}]") for h in ("marimo", "solara")}
    assert len(hosts) == 1, "one server is started while another is tested"


def test_what_takes_long_starts_first_and_the_rest_keeps_its_order():
    paths = ["tests/unit/test_b.py", "tests/unit/test_a.py", "notebooks/01.ipynb", "tests/browser/test_pages.py"]
    assert sort_by_cost(paths) == [paths[3], paths[2], *paths[:2]]


def test_units_that_drive_a_browser_are_known():
    assert is_page_unit("tests/browser/test_live_page.py[light]")
    assert is_page_unit("tests/hosts/test_main_job.py[marimo]")
    assert not is_page_unit("tests/services/test_faults.py")


def test_sound_and_pages_have_a_worker_each_and_no_worker_is_idle():
    rest, page, sound = "tests/unit/test_a.py", "tests/browser/test_pages.py", "tests/hosts/test_colab.py"
    left = [rest, page, sound, "notebooks/01.ipynb"]
    assert [choose_unit(left, worker) for worker in ("gw0", "gw1", "gw2", "gw3")] == [sound, page, rest, rest]
    assert choose_unit([rest, page], "gw0") == page
    assert choose_unit([rest, sound], "gw1") == rest
    assert choose_unit([sound, page], "gw2") == page, "the sound is left to its own worker as long as possible"
