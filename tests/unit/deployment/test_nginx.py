"""nginx's configuration: by nginx itself where there is one, and by what it must say everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from backend.settings import Settings
from tests.architecture.tree import ROOT
from tests.unit.deployment.compose import compose, service

TEXT = (ROOT / "docs/deploy/nginx.conf").read_text()
SIZES = {"k": 1024, "m": 1024**2, "g": 1024**3}


def directives(name: str) -> list[str]:
    """Arguments of each directive of that name, anywhere in the file."""
    return re.findall(rf"^\s*{name}\s+(.+?);\s*$", TEXT, re.M)


def location(path: str) -> str:
    """What stands inside a location."""
    found = re.search(rf"location {re.escape(path)} \{{\n(.*?)\n        \}}", TEXT, re.S)
    assert found, path
    return found.group(1)


def size_bytes(text: str) -> int:
    return int(text[:-1]) * SIZES[text[-1]]


def test_nginx_accepts_it(tmp_path: Path) -> None:
    """Blocks are closed in any case; where nginx is installed it reads the file itself."""
    bare = re.sub(r'"[^"\n]*"|\'[^\'\n]*\'|#.*', "", TEXT)
    assert bare.count("{") == bare.count("}")
    for line in filter(None, map(str.strip, bare.splitlines())):
        assert line[-1] in "{};" or line.startswith("gzip_types"), line
    if nginx := shutil.which("nginx"):
        # The pid file and logs of a running nginx of this machine's own are left alone.
        config = tmp_path / "nginx.conf"
        config.write_text(TEXT.replace("/tmp/", f"{tmp_path}/"))
        command = [nginx, "-t", "-c", str(config)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert result.returncode == 0, result.stderr


def test_slow_clients_are_dropped_after_ten_seconds() -> None:
    for name in ("client_header_timeout", "client_body_timeout", "send_timeout"):
        assert directives(name) == ["10s"]


def test_bodies_are_limited_to_what_the_api_accepts() -> None:
    defaults = Settings.model_fields
    uploads = {
        "= /api/v1/datasets": defaults["max_upload_bytes"].default,
        "= /api/v1/checkpoints": defaults["max_checkpoint_bytes"].default,
    }
    for path, accepted in uploads.items():
        inside = location(path)
        limit = re.search(r"client_max_body_size (\w+);", inside)
        assert limit and size_bytes(limit.group(1)) == accepted
        assert "proxy_request_buffering off;" in inside
    everywhere = directives("client_max_body_size")[0]
    assert size_bytes(everywhere) <= 2 * 1024**2


def test_requests_reach_the_services_of_the_compose_file() -> None:
    for name in ("api", "frontend"):
        command = service(name)["command"]
        port = command[command.index("--port") + 1]
        assert f"set ${name} http://{name}:{port};" in TEXT
    assert "proxy_pass $api;" in location("/api/") and "proxy_pass $frontend;" in location("/")
    assert "listen 8080;" in TEXT and service("nginx")["ports"][0].endswith(":8080")
    assert compose()["configs"]["nginx"]["file"] == "./docs/deploy/nginx.conf"


def test_answers_carry_the_headers_that_protect_the_reader() -> None:
    headers = {line.split()[0] for line in directives("add_header")}
    assert headers >= {
        "Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
    }
    assert all(line.endswith(" always") for line in directives("add_header")), "errors need them, too"
    # A location with a header of its own would lose all of these.
    assert "add_header" not in "".join(re.findall(r"location [^{]+\{(.*?)\n        \}", TEXT, re.S))


def test_the_policy_is_the_one_the_pages_are_tested_with() -> None:
    from frontend.app import PageHeaders

    assert f'"" "{PageHeaders.POLICY}";' in TEXT


def test_what_is_written_goes_where_a_read_only_container_can_write() -> None:
    paths = [*directives("client_body_temp_path"), *directives("proxy_temp_path"), *directives("pid")]
    assert paths and all(path.startswith("/tmp/") for path in paths)
    assert service("nginx")["read_only"] is True and service("nginx")["tmpfs"] == ["/tmp"]


def test_a_compressed_answer_can_be_asked_for_again_by_its_etag() -> None:
    assert directives("gzip") == ["on"]
    assert "proxy_set_header If-None-Match $known_etag;" in TEXT
