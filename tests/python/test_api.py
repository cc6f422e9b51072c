"""The description of the interface: real answers are as it says, and the page's types are its."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.jobs import digest as digests
from serving import Served, identity

ROOT = Path(__file__).parents[2]
KINDS = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def described(what: str) -> str:
    tool = Path(sys.executable).parent / "jetlag"
    return subprocess.run(
        [str(tool), "describe", what], capture_output=True, check=True, text=True
    ).stdout


def misfits(value: Any, schema: dict[str, Any], shapes: dict[str, Any], at: str) -> Iterator[str]:
    """Where a value is not what a schema says; of JSON Schema as much as the description uses."""
    if "$ref" in schema:
        yield from misfits(value, shapes[schema["$ref"].rpartition("/")[2]], shapes, at)
    elif "anyOf" in schema:
        if all(any(misfits(value, one, shapes, at)) for one in schema["anyOf"]):
            yield f"{at}: {value!r} is none of {schema['anyOf']}"
    elif "type" in schema:
        kind = schema["type"]
        is_flag = isinstance(value, bool)
        if not isinstance(value, KINDS[kind]) or (is_flag and kind != "boolean"):
            yield f"{at}: {value!r} is no {kind}"
        elif kind == "array":
            for i, one in enumerate(value):
                yield from misfits(one, schema["items"], shapes, f"{at}[{i}]")
        elif kind == "object":
            known = schema.get("properties", {})
            others = schema["additionalProperties"]
            for name in set(schema.get("required", [])) - set(value):
                yield f"{at}.{name} is missing"
            for name, one in value.items():
                if name not in known and others is False:
                    yield f"{at}.{name} is not described"
                else:
                    yield from misfits(one, known.get(name, others), shapes, f"{at}.{name}")


@jl.jit
def chain(x, rounds):
    for _ in range(rounds):
        x = np.sqrt(x @ x.T + 1.0)[:, : x.shape[1]]
    return x


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("traces")
    with jl.trace(folder / "run.jlt"):
        chain(np.ones((900, 300)), 4)
    (folder / "no.jlt").write_bytes((folder / "run.jlt").read_bytes())
    server = Served("--jobs", str(tmp_path_factory.mktemp("jobs")), str(folder))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return json.loads(described("api"))


def schema_of(api: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    [content] = api["paths"][path][method]["responses"]["2XX"]["content"].values()
    return content["schema"]


def asked(served: Served, *command: str) -> str:
    """A new job."""
    _, body, _ = served.ask("/v1/jobs", method="POST", body=json.dumps({"command": command}))
    return json.loads(body)["id"]


def ran(served: Served) -> str:
    """A job that has finished, and left a file."""
    job = asked(served, "touch", "left")
    while not served.json(f"/v1/jobs/{job}")["final"]:
        time.sleep(0.05)
    return job


def test_every_answer_is_as_described(served: Served, api: dict[str, Any]) -> None:
    trace = identity(served, "run.jlt")
    parts = {"trace": trace, "span": 0, "task": 1, "file": 0, "node": 0, "counter": 0}
    digest = digests.of_bytes(b"kept")
    assert served.ask(f"/v1/blobs/{digest}", method="PUT", body="kept")[0] == 200
    parts |= {"job": ran(served), "machine": "local", "digest": digest}
    checked = []
    for path, methods in api["paths"].items():
        if "get" not in methods or "key" in path:
            continue
        [media] = methods["get"]["responses"]["2XX"]["content"]
        if media != "application/json":
            continue
        answer = served.json(path.format(**parts))
        schema = schema_of(api, "get", path)
        assert list(misfits(answer, schema, api["components"]["schemas"], path)) == []
        checked.append(path)
    assert len(checked) > 25


def test_what_is_changed_answers_as_described(served: Served, api: dict[str, Any]) -> None:
    job = ran(served)
    waits = asked(served, "sleep", "60")
    trace = (Path(served.json(f"/v1/traces/{identity(served, 'run.jlt')}")["path"])).read_bytes()
    sent = [
        ("post", "/v1/jobs", "/v1/jobs", json.dumps({"command": ["true"]})),
        ("post", "/v1/jobs/{job}/cancel", f"/v1/jobs/{waits}/cancel", ""),
        ("post", "/v1/jobs/{job}/resubmit", f"/v1/jobs/{job}/resubmit", ""),
        ("post", "/v1/tokens", "/v1/tokens", json.dumps({"user": "alice", "seconds": 60})),
        ("post", "/v1/traces", "/v1/traces?name=sent.jlt", trace),
        ("delete", "/v1/traces/{trace}", f"/v1/traces/{identity(served, 'no.jlt')}", ""),
        (
            "post",
            "/v1/traces/{trace}/sql",
            f"/v1/traces/{identity(served, 'run.jlt')}/sql",
            "SELECT number, name, task, NULL, 0.5 FROM spans",
        ),
    ]
    for method, path, address, body in sent:
        status, answer, _ = served.ask(address, method=method.upper(), body=body)
        assert status < 300, answer
        schema = schema_of(api, method, path)
        assert list(misfits(json.loads(answer), schema, api["components"]["schemas"], path)) == []


def test_a_refusal_is_as_described(served: Served, api: dict[str, Any]) -> None:
    shapes = api["components"]["schemas"]

    _, body, _ = served.ask("/v1/traces/none")

    assert list(misfits(json.loads(body), shapes["ProblemDetails"], shapes, "")) == []


def test_the_server_tells_the_same(served: Served, api: dict[str, Any]) -> None:
    assert served.json("/v1/api") == api


def test_a_misfit_is_found(api: dict[str, Any]) -> None:
    shapes = api["components"]["schemas"]
    right = {"id": "1", "name": "a", "bytes": 1, "changed": 2}

    def found(value: Any) -> list[str]:
        return list(misfits(value, shapes["ListedTrace"], shapes, "it"))

    assert found(right) == []
    assert found(right | {"bytes": "1"}) == ["it.bytes: '1' is no number"]
    assert found(right | {"more": 1}) == ["it.more is not described"]
    assert found({"id": "1", "name": "a", "bytes": 1}) == ["it.changed is missing"]


def test_the_types_of_the_page_are_those_of_the_description() -> None:
    written = (ROOT / "web/src/api/answers.ts").read_text()

    assert written == described("typescript"), (
        "renew it: jetlag describe typescript > web/src/api/answers.ts"
    )
