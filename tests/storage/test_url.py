"""Storage URLs, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import BadStoreURL, open_store
from storage.url import LocalPlace, S3Place, parse

KEYS = {"TELEMED_S3_ACCESS_KEY": "access", "TELEMED_S3_SECRET_KEY": "secret/word"}


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///var/lib/objects", "/var/lib/objects"),
        ("file://localhost/data", "/data"),
        ("file:///a%20b/%E5%AD%98", "/a b/存"),
        ("file:///存储/x", "/存储/x"),
    ],
)
def test_local_urls(url: str, folder: str) -> None:
    assert parse(url, {}) == LocalPlace(Path(folder))


def test_s3_urls() -> None:
    assert parse("s3://bucket?endpoint=http://127.0.0.1:9000", KEYS) == S3Place(
        "bucket", "127.0.0.1:9000", False, "us-east-1", "", "access", "secret/word"
    )
    url = "s3://other:se%2Fcret@bucket/?endpoint=https://s3.hospital.cn/&region=cn-north-1&prefix=/telemed/objects/"
    assert parse(url, KEYS) == S3Place("bucket", "s3.hospital.cn", True, "cn-north-1", "telemed/objects/", "other", "se/cret")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "begins with file:/// or s3://"),
        ("/var/lib", "begins with file:/// or s3://"),
        ("http://host/", "begins with file:/// or s3://"),
        ("file://data/objects", "three slashes"),
        ("file:data", "absolute path"),
        ("file:///data?x=1", "no '\\?'"),
        ("file:///data%00", "absolute path"),
        ("s3://bucket", "needs its server"),
        ("s3://bucket?endpoint=127.0.0.1:9000", "needs its server"),
        ("s3://bucket?endpoint=http://host:99999", "needs its server"),
        ("s3://bucket?endpoint=http://host/path", "needs its server"),
        ("s3://Bucket?endpoint=http://host", "small letters"),
        ("s3://b?endpoint=http://host", "small letters"),
        ("s3://bucket/folder?endpoint=http://host", "small letters"),
        ("s3://bucket?endpoint=http://host&regio=x", "endpoint, region and prefix"),
        ("s3://bucket?endpoint=http://host&region=x&region=y", "each once"),
        ("s3://bucket?endpoint=http://host&region=a/b", "region"),
        ("s3://bucket?endpoint=http://host&prefix=a/../b", "prefix"),
        ("s3://bucket?endpoint=http://host&prefix=" + "a/" * 150, "longer than 256"),
        ("s3://[bucket?endpoint=http://host", "brackets"),
    ],
)
def test_wrong_urls(url: str, sentence: str) -> None:
    with pytest.raises(BadStoreURL, match=sentence):
        open_store(url, KEYS)


def test_missing_credentials_name_their_settings() -> None:
    with pytest.raises(BadStoreURL, match="TELEMED_S3_ACCESS_KEY and TELEMED_S3_SECRET_KEY"):
        open_store("s3://bucket?endpoint=http://host", {})


@pytest.mark.parametrize(
    "url",
    [
        "s3://access:hush/hush@bucket?endpoint=http://host",
        "s3://access:hush@Bucket?endpoint=http://host",
        "s3://access:hush@bucket",
        "s3://access:hu#sh@bucket?endpoint=http://host",
        "S4://access:hush@bucket",
        "access:hush@bucket",
        "s3://access:hush@[bucket",
        "file://access:hush@bucket/",
    ],
)
def test_a_secret_is_never_repeated(url: str) -> None:
    with pytest.raises(BadStoreURL) as caught:
        open_store(url, {})
    assert "hush" not in str(caught.value)


def test_a_secret_is_not_shown() -> None:
    assert "secret/word" not in repr(parse("s3://bucket?endpoint=http://host", KEYS))


@given(st.one_of(st.text(), st.text().map("s3://".__add__), st.text().map("s3://bucket?endpoint=http://".__add__)))
def test_any_text_is_a_place_or_a_plain_error(url: str) -> None:
    try:
        place = parse(url, KEYS)
    except BadStoreURL:
        return
    assert isinstance(place, LocalPlace | S3Place)
