"""Malformed requests to a server of jobs that was built with sanitizers (tools/fuzz_jobs.sh).

python tests/fuzz/malformed.py SERVER [COUNT [SEED]]

The server has to answer to the end, the sanitizers have to stay silent, and no answer may hold what
its asker has no right to: without a token, or with another user's, the words of a job; with the
owner's a file beside its folder.
"""

import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECRET = "the-words-of-a-job-4711"
CANARY = "the-file-beside-the-folder-0815"
CLIENTS = 8
LIMIT = 60  # seconds for an answer

HOSTILE = [
    "", "'", '"', "`id`", "$(id)", "; id", "| id", "\n", "\r\nX: y", "\0", "%00", "%2e%2e%2f", "..",
    "../../../../etc/passwd", "-rf", "--help", "<script>alert(1)</script>", "' OR 1=1 --", "\u202e",
    "é" * 50, "a" * 4096, "%", "%zz", "\\", "{}", "[]", "null", "\x7f", "\u0000", "😀", "~", "*", "?",
]  # fmt: skip
FIELDS = [
    "id", "name", "machine", "function", "command", "inputs", "outputs", "environment", "after",
    "notify", "attempts", "key", "nodes", "tasks", "cores", "memory", "gpus", "seconds", "account",
    "partition", "reservation", "directives", "note", "ssh", "options", "root", "python", "setup",
    "image", "runner", "runner_options",
]  # fmt: skip


class Maker:
    """Requests of which most are wrong in one way or another."""

    def __init__(self, seed: int, job: str) -> None:
        self.random = random.Random(seed)
        self.job = job

    def value(self, depth: int = 0) -> object:
        pick = self.random.randrange(12 if depth < 3 else 8)
        if pick < 4:
            return self.random.choice(HOSTILE)
        if pick < 6:
            return self.random.choice([-1, 0, 1, 2**31, 2**63, -(2**63), 1e308, 10**30, True, None])
        if pick < 8:
            return {"path": self.random.choice(HOSTILE), "digest": "0" * 64}
        if pick < 10:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.random.choice(FIELDS): self.value(depth + 1) for _ in range(3)}

    def body(self) -> bytes:
        pick = self.random.randrange(8)
        if pick == 0:
            return self.random.randbytes(self.random.randrange(200))
        if pick == 1:
            return (self.random.choice("[{") * self.random.choice([10, 1000, 100_000])).encode()
        if pick == 2:
            deep = self.random.choice([50, 5000, 200_000])
            return b'{"command":["true"],"note":' + b"[" * deep + b"]" * deep + b"}"
        asked = {self.random.choice(FIELDS): self.value() for _ in range(self.random.randrange(5))}
        if self.random.random() < 0.5:
            asked["command"] = [self.random.choice(HOSTILE) for _ in range(2)]
        text = json.dumps(asked, ensure_ascii=self.random.random() < 0.5)
        data = bytearray(text.encode(errors="replace"))
        for _ in range(self.random.choice([0, 0, 1, 5])):
            if data:
                data[self.random.randrange(len(data))] = self.random.randrange(256)
        return bytes(data)

    def path(self) -> str:
        part = self.random.choice([*HOSTILE, self.job, self.job[:4], "0" * 16])
        other = self.random.choice([*HOSTILE, "stdout", "script.log", "../../../canary"])
        path = self.random.choice(
            ["/v1/jobs", "/v1/jobs/{}", "/v1/jobs/{}/log/{}", "/v1/jobs/{}/files", "/{}/{}",
             "/v1/jobs/{}/file?name={}", "/v1/jobs/{}/history", "/v1/jobs/{}/cancel", "{}",
             "/v1/jobs/{}/resubmit", "/v1/results/{}", "/v1/blobs/{}", "/v1/machines/{}",
             "/v1/machines", "/v1/tokens", "/v1/tokens/{}", "/v1/traces/job-{}-1/{}", "/v1/jobs?limit={}&before={}", "/v1/jobs?state={}&text={}"]
        ).format(part, other)  # fmt: skip
        if self.random.random() < 0.5:
            from urllib.parse import quote

            path = quote(path, safe="/?&=%")
        return path

    def request(self, token: str) -> bytes:
        method = self.random.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "", "G T"])
        body = self.body() if self.random.random() < 0.6 else b""
        length = (
            str(len(body))
            if self.random.random() < 0.8
            else self.random.choice(
                ["-1", "0", "99999999999999999999", "x", str(len(body) + 1), "4294967296"]
            )
        )
        lines = [f"{method} {self.path()} HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
        if self.random.random() < 0.9:
            lines.append("Connection: close")
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if self.random.random() < 0.3:
            name = self.random.choice(["Transfer-Encoding", "Range", "Cookie", "Origin", "Expect"])
            lines.append(f"{name}: {self.random.choice([*HOSTILE, 'chunked', 'bytes=0-,5-1'])}")
        if self.random.random() < 0.1:
            lines.append("X: " + "y" * 70_000)
        end = self.random.choice(["\r\n"] * 8 + ["\n", ""])
        head = "\r\n".join(lines).encode("utf-8", "replace") + (end * 2).encode()
        data = head + body
        if self.random.random() < 0.1:
            data = data[: self.random.randrange(len(data) + 1)]
        return data


def exchange(port: int, data: bytes, patience: float = 0.3) -> bytes:
    """What is answered. Who waits for more than was sent hears that no more comes."""
    with socket.create_connection(("127.0.0.1", port), LIMIT) as s:
        answer = b""
        try:
            s.sendall(data)
            s.settimeout(patience)
            while len(answer) < 4 << 20:
                try:
                    piece = s.recv(1 << 16)
                except TimeoutError:
                    if s.gettimeout() == LIMIT:
                        raise
                    s.shutdown(socket.SHUT_WR)
                    s.settimeout(LIMIT)
                    continue
                if not piece:
                    break
                answer += piece
        except TimeoutError:
            raise
        except OSError:
            pass  # it closed before it had read all: a refusal
        return answer


def ask(port: int, token: str, method: str, path: str, body: object = None) -> bytes:
    data = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    head += f"Connection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    return exchange(port, head.encode() + data, LIMIT)


def main(server: str, count: int = 20_000, seed: int = 0) -> int:
    from concurrent.futures import ThreadPoolExecutor

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / "canary").write_text(CANARY)
        process = subprocess.Popen(
            [server, f"{folder}/store"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout and process.stderr and process.stdin
        port_text, owner, alice, bob = process.stdout.readline().split()
        port = int(port_text)
        asked = ask(port, alice, "POST", "/v1/jobs", {"command": ["echo", SECRET]})
        job = json.loads(asked.partition(b"\r\n\r\n")[2])["id"]
        while SECRET.encode() not in ask(port, alice, "GET", f"/v1/jobs/{job}/log/stdout"):
            time.sleep(0.05)
        kinds: dict[str, int] = {}

        def work(number: int) -> None:
            maker = Maker(seed * 1000 + number, job)
            for i in range(number, count, CLIENTS):
                token = maker.random.choice([owner, bob, bob, ""])
                answer = exchange(port, maker.request(token))
                assert CANARY.encode() not in answer, (
                    f"request {i} has read a file beside the folder"
                )
                if token != owner:
                    assert SECRET.encode() not in answer, f"request {i} has read another's words"
                    for other in (owner, alice):
                        assert other.encode() not in answer, f"request {i} was told a token"
                kind = answer[9:12].decode("latin-1")
                kinds[kind] = kinds.get(kind, 0) + 1

        begin = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, range(CLIENTS)))
        alive = SECRET.encode() in ask(port, alice, "GET", f"/v1/jobs/{job}/log/stdout")
        process.stdin.close()
        said = process.stderr.read()
        code = process.wait(120)
        print(
            f"{count} requests in {time.monotonic() - begin:.0f} s, answers: {sorted(kinds.items())}"
        )
        if not alive or code or "Sanitizer" in said or "runtime error" in said:
            print(f"the server ended with {code}, alive before: {alive}\n{said[-8000:]}")
            return 1
        print("no crash, nothing found by the sanitizers, nothing leaked")
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
