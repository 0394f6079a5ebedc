"""docker-compose.yml, as far as it can be checked without an engine: its schema, its commands against the package's
own, and what makes it safe."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import pytest
import typer

from backend.settings import Settings
from parallax.cli.main import app
from tests.architecture.tree import ROOT
from tests.unit.deployment.compose import OTHERS, OURS, compose, service


def test_the_file_follows_the_compose_specification() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_services_are_those_of_the_design() -> None:
    assert set(compose()["services"]) == {*OURS, *OTHERS}


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_the_package(name: str) -> None:
    """The words are parsed as the command line itself would parse them; nothing is run."""
    parse(list(service(name)["command"]))


@pytest.mark.parametrize("words", ["serve", "db downgrade", "db", "api --porto 1", "api --port x", "dispatcher 2"])
def test_a_command_that_does_not_exist_is_noticed(words: str) -> None:
    usage_error = typer.BadParameter.__base__
    assert usage_error is not None
    with pytest.raises((usage_error, KeyError)):
        parse(words.split())


def parse(words: list[str]) -> None:
    """Reads a command as the command line would, without running it. Raises what it would end with."""
    command: Any = typer.main.get_command(app)
    name = "parallax"
    while hasattr(command, "commands"):
        name = words.pop(0) if words else ""
        command = command.commands[name]
    command.make_context(name, words)


def test_the_images_run_the_package_itself() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "parallax" in scripts and dockerfile.count('ENTRYPOINT ["parallax"]') == 2
    targets = {service(name)["build"]["target"] for name in OURS}
    assert targets == {"web", "worker"}
    assert all(f" AS {target}\n" in dockerfile for target in targets)
    # The light image serves; torch is where work is done.
    assert {service(name)["build"]["target"] for name in OURS if name.startswith("worker")} == {"worker"}
    assert {service(name)["build"]["target"] for name in OURS if not name.startswith("worker")} == {"web"}


def test_only_nginx_publishes_a_port_and_only_to_this_machine_unless_told() -> None:
    published = {name: service(name)["ports"] for name in compose()["services"] if "ports" in service(name)}
    assert published == {"nginx": ["${PARALLAX_BIND:-127.0.0.1}:${PARALLAX_PORT:-8080}:8080"]}


def test_database_and_broker_are_on_networks_without_a_way_out() -> None:
    networks = compose()["networks"]
    for name in ("postgres", "valkey"):
        assert all(networks[network].get("internal") for network in service(name)["networks"])
    assert not [name for name in ("api", "frontend", "nginx") if "broker" in service(name)["networks"]]
    assert "database" not in service("frontend")["networks"]
    assert "edge" in service("nginx")["networks"] and not any(
        "edge" in service(name)["networks"] for name in compose()["services"] if name != "nginx"
    )


def test_every_network_and_volume_is_declared_and_used() -> None:
    services = compose()["services"].values()
    assert {network for one in services for network in one["networks"]} == set(compose()["networks"])
    volumes = {volume.partition(":")[0] for one in services for volume in one.get("volumes", [])}
    assert volumes == set(compose()["volumes"])


def test_every_secret_is_a_file_and_reaches_only_who_needs_it() -> None:
    secrets = compose()["secrets"]
    assert all(set(secret) == {"file"} and secret["file"].startswith("./secrets/") for secret in secrets.values())
    users = {
        name: {user for user in compose()["services"] if name in service(user).get("secrets", [])} for name in secrets
    }
    assert all(users.values()), "a secret that nobody uses"
    assert users["postgres_password"] == {"postgres"} and users["valkey_password"] == {"valkey"}
    assert users["broker_url"] == {"dispatcher", "worker-cpu", "worker-gpu"}
    assert "secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "secrets" not in (ROOT / ".dockerignore").read_text()


@pytest.mark.parametrize("name", (*OURS, *OTHERS))
def test_no_password_stands_in_the_environment(name: str) -> None:
    environment = service(name).get("environment", {})
    for variable, value in environment.items():
        if any(word in variable for word in ("PASSWORD", "SECRET", "DATABASE_URL", "BROKER_URL")):
            assert variable.endswith("_FILE") and value.startswith("/run/secrets/"), variable
            assert value.removeprefix("/run/secrets/") in service(name)["secrets"]


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_in_server_mode_with_settings_that_exist(name: str) -> None:
    environment = service(name)["environment"]
    assert environment["PARALLAX_MODE"] == "server"
    known = {f"PARALLAX_{field.upper()}" for field in Settings.model_fields}
    for variable in environment:
        assert not variable.startswith("PARALLAX_") or variable.removesuffix("_FILE") in known, variable


@pytest.mark.parametrize("name", [name for name in (*OURS, *OTHERS) if name != "migrate"])
def test_each_service_says_how_it_is_and_comes_back(name: str) -> None:
    one = service(name)
    assert one["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries"} <= set(one["healthcheck"])
    assert one["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_migrations_run_once_before_everything_that_reads_the_database() -> None:
    assert service("migrate")["restart"] == "no"
    for name in ("api", "dispatcher", "worker-cpu", "worker-gpu"):
        assert service(name)["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert service("migrate")["depends_on"]["postgres"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu"])
def test_work_does_not_starve_browsing_and_ends_in_good_order(name: str) -> None:
    worker = service(name)
    assert worker["stop_grace_period"] == "60s" and worker["stop_signal"] == "SIGTERM"
    assert worker["cpu_shares"] < 1024 and "cpus" in worker and "mem_limit" in worker


def test_the_gpu_worker_starts_only_when_asked_for_and_gets_a_gpu() -> None:
    worker = service("worker-gpu")
    assert worker["profiles"] == ["gpu"] and worker["environment"]["PARALLAX_DEVICE"] == "cuda"
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "profiles" not in service("worker-cpu") and service("worker-cpu")["environment"]["PARALLAX_DEVICE"] == "cpu"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_more_rights_than_they_need(name: str) -> None:
    one = service(name)
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]


def test_api_and_workers_share_one_store() -> None:
    for name in ("api", "worker-cpu", "worker-gpu"):
        assert "store:/var/lib/parallax/store" in service(name)["volumes"]


def test_postgres_keeps_its_data_where_the_image_of_its_version_puts_it() -> None:
    assert service("postgres")["image"].startswith("postgres:18")
    assert service("postgres")["volumes"] == ["postgres:/var/lib/postgresql"]


def test_the_broker_refuses_rather_than_forgets_and_wants_a_password() -> None:
    shell, option, script = service("valkey")["command"]
    assert (shell, option) == ("sh", "-c")
    assert "noeviction" in script and "requirepass" in script and "exec valkey-server" in script
    assert "--requirepass" not in script, "a password among the arguments shows in every process list"
