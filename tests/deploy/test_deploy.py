"""What can be known of the files of deploy/ without a Docker engine, a cluster, or the servers they configure."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from spanledger_collector import configuration
from spanledger_collector.command import settings_of
from spanledger_collector.configuration import SETTINGS
from spanledger_collector.counters import COUNTERS, GAUGES, HISTOGRAMS
from spanledger_collector.store.cluster import Cluster

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
MANIFESTS = sorted([*(DEPLOY / "kubernetes").glob("*.yaml"), *(DEPLOY / "helm" / "rendered").glob("*.yaml")])
CHART = DEPLOY / "helm" / "spanledger"
LISTENING = {4317, 4318, 4319}


def run(tool, *arguments):
    command = [str(Path(sys.executable).with_name(tool)), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def documents(path):
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def pods(path):
    return [each["spec"]["template"] for each in documents(path) if "template" in each.get("spec", {})]


def ids(paths):
    return [str(path.relative_to(DEPLOY)) for path in paths]


def test_the_dockerfile_is_well_made():
    run("hadolint", "deploy/Dockerfile")


def test_every_image_is_pinned_by_hash_and_runs_as_nobody():
    text = (DEPLOY / "Dockerfile").read_text()
    installs = [line for line in text.splitlines() if " install" in line and "pip" in line and "--no-deps" not in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)
    for lock in re.findall(r"-r (requirements/\S+)", text):
        assert "--hash=sha256:" in (ROOT / lock).read_text()
    base = text.partition(" AS base")[2]
    assert base.index("USER 10001") < base.index("ENTRYPOINT")


def test_the_locks_of_images_are_of_the_tested_versions():
    tested = set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE))
    for lock in (ROOT / "requirements" / "images").glob("*.txt"):
        pinned = set(re.findall(r"^\S+==\S+", lock.read_text(), re.MULTILINE))
        assert pinned, lock
        assert pinned <= tested, lock


def test_scripts_of_the_shell_are_sound():
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and b"bash" in path.read_bytes()[:30]]
    assert len(scripts) > 5
    run("shellcheck", *scripts)


def test_compose_follows_its_specification():
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml")


def test_services_of_compose_cannot_write_or_gain_rights():
    services = documents(DEPLOY / "compose.yaml")[0]["services"]
    ours = [services[name] for name in ("embedded", "collector", "dashboard")]
    assert all(each["read_only"] and each["cap_drop"] == ["ALL"] for each in ours)
    published = [port for each in services.values() for port in each.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_manifests_follow_the_kubernetes_api():
    run("kubernetes-validate", "--strict", "--quiet", *MANIFESTS)


@pytest.mark.parametrize("path", MANIFESTS, ids=ids(MANIFESTS))
def test_our_containers_run_as_nobody_on_a_read_only_root(path):
    for template in pods(path):
        spec = template["spec"]
        ours = [
            each for each in (*spec["containers"], *spec.get("initContainers", ())) if "spanledger" in each["image"]
        ]
        for container in ours:
            security = spec.get("securityContext", {}) | container["securityContext"]
            assert security["runAsNonRoot"], container["name"]
            assert security["readOnlyRootFilesystem"], container["name"]
            assert container["resources"]["limits"]["memory"], container["name"]


@pytest.mark.parametrize("path", MANIFESTS, ids=ids(MANIFESTS))
def test_what_a_manifest_refers_to_is_there(path):
    objects = documents(path)
    labels = [template["metadata"]["labels"] for template in pods(path)]
    names = {each["metadata"]["name"] for each in objects}
    for each in objects:
        if each["kind"] == "Service":
            assert any(each["spec"]["selector"].items() <= own.items() for own in labels)
            assert {port["port"] for port in each["spec"]["ports"]} <= LISTENING
        if each["kind"] in ("StatefulSet", "Deployment"):
            wanted = each["spec"]["selector"]["matchLabels"]
            assert wanted.items() <= each["spec"]["template"]["metadata"]["labels"].items()
        if each["kind"] == "HorizontalPodAutoscaler":
            assert each["spec"]["scaleTargetRef"]["name"] in names
    for spec in (template["spec"] for template in pods(path)):
        claims = [
            claim["metadata"]["name"]
            for each in objects
            for claim in each.get("spec", {}).get("volumeClaimTemplates", ())
        ]
        volumes = {volume["name"] for volume in spec.get("volumes", ())} | set(claims)
        containers = (*spec["containers"], *spec.get("initContainers", ()))
        assert {mount["name"] for each in containers for mount in each["volumeMounts"]} <= volumes


def test_the_rendered_chart_is_of_this_chart():
    """Rendered by helm, which is not among the packages of the tests: run scripts/render_chart after a change."""
    files = sorted(path.relative_to(ROOT).as_posix() for path in CHART.rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in files)).hexdigest()
    rendered = sorted((DEPLOY / "helm" / "rendered").glob("*.yaml"))
    assert len(rendered) == 2
    assert {path.read_text().partition("\n")[0] for path in rendered} == {f"# chart sha256: {digest}"}


def test_the_chart_defaults_follow_its_schema():
    run("check-jsonschema", "--schemafile", CHART / "values.schema.json", CHART / "values.yaml")


def test_the_settings_a_chart_writes_are_read(tmp_path):
    maps = [each for each in documents(DEPLOY / "helm/rendered/embedded.yaml") if each["kind"] == "ConfigMap"]
    (tmp_path / "s.toml").write_text(maps[0]["data"]["spanledger.toml"])
    assert configuration.read(tmp_path / "s.toml") == {"SPANLEDGER_KEEP_SPANS_DAYS": "30"}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_units_are_verified(tmp_path):
    for unit in (DEPLOY / "systemd").iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/spanledger/bin/spanledger", "/bin/true"))
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])


@pytest.mark.parametrize("name", ["feeds-us.yaml", "fed-by-us.yaml"])
def test_pipelines_of_the_opentelemetry_collector_name_what_is_configured(name):
    config = documents(DEPLOY / "otel-collector" / name)[0]
    for pipeline in config["service"]["pipelines"].values():
        for kind, components in pipeline.items():
            assert set(components) <= set(config[kind])
    assert set(config["service"].get("extensions", ())) <= set(config.get("extensions", {}))


def test_the_cluster_has_what_our_tables_ask_of_it():
    root = ET.parse(DEPLOY / "clickhouse" / "cluster.xml").getroot()
    cluster = Cluster("spanledger")
    asked = set(re.findall(r"{(\w+)}", cluster.path + cluster.replica)) - {"database", "table"}
    assert asked == {each.tag for each in root.find("macros")}
    shards = root.findall(f"remote_servers/{cluster.name}/shard")
    assert [len(shard.findall("replica")) for shard in shards] == [2, 2]
    assert all(shard.findtext("internal_replication") == "true" for shard in shards)
    assert len(root.findall("keeper_server/raft_configuration/server")) == 3


def metrics():
    histograms = {f"{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "sum", "count")}
    return {*COUNTERS, *GAUGES, *histograms}


@pytest.mark.parametrize("name", ["prometheus/rules.yaml", "prometheus/rules_test.yaml", "grafana/collector.json"])
def test_every_metric_named_is_one_of_ours(name):
    text = (DEPLOY / name).read_text()
    named = set(re.findall(r"\bspanledger_[a-z_]+", text))
    assert named
    assert named <= metrics()


def test_every_panel_and_every_rule_asks_something():
    dashboard = json.loads((DEPLOY / "grafana" / "collector.json").read_text())
    rules = documents(DEPLOY / "prometheus" / "rules.yaml")[0]["groups"][0]["rules"]
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all("spanledger_" in each or each.startswith("up{") for each in [*expressions, *(r["expr"] for r in rules)])


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool here")
def test_promtool_reads_rules_and_panels_and_passes_their_tests(tmp_path):
    dashboard = json.loads((DEPLOY / "grafana" / "collector.json").read_text())
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    filled = [each.replace("$__rate_interval", "5m").replace("$instance", ".*") for each in targets]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(filled)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    folder = DEPLOY / "prometheus"
    for command in (
        ["check", "rules", folder / "rules.yaml", tmp_path / "panels.yaml"],
        ["test", "rules", folder / "rules_test.yaml"],
    ):
        done = subprocess.run(["promtool", *map(str, command)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_every_variable_is_a_setting(path):
    named = set(re.findall(r"\bSPANLEDGER_[A-Z_]*[A-Z]\b", path.read_text()))
    assert named <= {each.variable for each in SETTINGS}


def test_every_command_line_is_one_of_ours():
    text = (DEPLOY / "Dockerfile").read_text()
    told = [json.loads(found) for found in re.findall(r"^CMD (\[\"collect.*\])$", text, re.MULTILINE)]
    assert len(told) == 3
    for command in told:
        flags = [flag for flag in command[1:] if flag != "--agent"]
        settings_of(flags, {"SPANLEDGER_TOKEN": "x"})


def test_every_file_says_what_was_not_run():
    said = re.compile(r"[Nn]ot (run|installed)|checked by promtool|promtool test")
    rendered = DEPLOY / "helm"
    silent = [path for path in FILES if not said.search(path.read_text()) and rendered not in path.parents]
    assert ids(silent) == ["systemd/spanledger-backup.timer"]  # its service says it
    assert said.search((CHART / "Chart.yaml").read_text())
