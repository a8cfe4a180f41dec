"""Plays docker/compose.yaml once, for scripts/images.sh: each service in its image, on a host of its own.

What an engine adds and this does not: the file system of an image is not read-only here, processes are not apart, and
nothing restarts.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import network
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docker/compose.yaml"
# The user that the images run as.
USER = 10_001
# What services print when they do their work.
SAYS = {
    "node": r"Imported #[3-9]",
    "verifier": r"^verifying as",
    "watcher": r"^watching",
    "keeper": r"^keeping up to",
    "publisher": r"^serving at",
}


class Service:
    """A service of the file, in a container of its own."""

    def __init__(self, name: str, settings: dict, member: network.Member, base: Path, hosts: list[str]):
        self.name, self.settings, self.member, self.base = name, settings, member, base
        self.log = base / f"{name}.log"
        self.container = f"oda-play-{name}"
        image = json.loads(network.run("buildah", "inspect", "--type", "image", settings["image"]).stdout)["Docker"]["config"]
        self.entrypoint, self.health = image["Entrypoint"], image["Healthcheck"]["Test"]
        options = [part for host in hosts for part in ("--add-host", host)]
        network.run("buildah", "from", "--pull-never", "--name", self.container, *options, settings["image"])
        for key, value in settings.get("environment", {}).items():
            network.run("buildah", "config", "--env", f"{key}={value}", self.container)
        self.volumes = []
        for volume in settings.get("volumes", []):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                folder = (FILE.parent / source).resolve()
            else:
                # A new volume is as the image's folder is.
                folder = base / "volumes" / source
                if not folder.exists():
                    folder.mkdir(parents=True, mode=0o700)
                    shutil.chown(folder, USER, USER)
            self.volumes += ["--volume", ":".join([str(folder), target, *mode])]
        self.process: subprocess.Popen | None = None

    def command(self, *arguments: str) -> list[str]:
        drop = [part for capability in self.settings["cap_drop"] for part in ("--cap-drop", capability)]
        inside = ["buildah", "run", *drop, *self.volumes, self.container, "--", *arguments]
        return ["ip", "netns", "exec", self.member.namespace, *inside]

    def start(self) -> None:
        with open(self.log, "wb") as log:
            command = self.command(*self.entrypoint, *self.settings["command"])
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def wait(self, what: str, there) -> None:
        until = time.monotonic() + network.PATIENCE
        while not there():
            if self.process.poll() is not None or time.monotonic() > until:
                raise network.Failed(f"{self.name}: {what}:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(1)

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.log.read_text(errors="replace"), re.MULTILINE) is not None

    def healthy(self) -> bool:
        return self.health[0] == "CMD" and subprocess.run(self.command(*self.health[1:]), capture_output=True).returncode == 0

    def stop(self) -> None:
        """As an engine does: SIGTERM to the program, and the time that the file grants it."""
        pids = network.run("ip", "netns", "pids", self.member.namespace).stdout.split()
        programs = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text().strip() == self.entrypoint[0]]
        network.run("kill", "-TERM", *programs)
        grace = int(self.settings["stop_grace_period"].removesuffix("s"))
        status = self.process.wait(timeout=grace)
        if status != 0:
            raise network.Failed(f"{self.name} ended with status {status}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def end(self) -> None:
        pids = subprocess.run(["ip", "netns", "pids", self.member.namespace], capture_output=True, text=True).stdout.split()
        subprocess.run(["kill", "-KILL", *pids], capture_output=True)
        subprocess.run(["buildah", "rm", self.container], capture_output=True)


def answer(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as said:
        return said.read().decode()


def main() -> None:
    settings = yaml.safe_load(FILE.read_text())["services"]
    # Those that `up` starts, and the one for single commands.
    names = [name for name, service in settings.items() if service.get("profiles", ["command"]) == ["command"]]
    number = network.free_number()
    members = [
        network.Member(name, "service", "", f"10.231.{number}.{10 + index}", {}, [], "", f"oda{number}-{index}")
        for index, name in enumerate(names)
    ]
    base = Path(tempfile.mkdtemp(prefix="oda-images-"))
    base.chmod(0o755)
    lan = network.Network(base, {"hosts": number, "delay": 0, "loss": 0}, members)
    services: dict[str, Service] = {}
    try:
        network.hosts(lan)
        hosts = [f"{member.name}:{member.address}" for member in members]
        for member in members:
            services[member.name] = Service(member.name, settings[member.name], member, base, hosts)
        single = services["worker"]
        running = [service for name, service in services.items() if name != "worker"]

        waiting = list(running)
        while waiting:
            service = waiting.pop(0)
            for name, on in service.settings.get("depends_on", {}).items():
                if on["condition"] == "service_healthy":
                    services[name].wait("it does not become healthy", services[name].healthy)
            print(f"starting {service.name}: {' '.join(service.settings['command'])}", flush=True)
            service.start()
        for service in running:
            service.wait(f"it did not print {SAYS[service.name]}", lambda: service.says(SAYS[service.name]))
            print(f"{service.name} works", flush=True)
        for service in running:
            if service.name != "node":
                service.wait("it is not healthy", service.healthy)
        print("all are healthy", flush=True)

        # What Prometheus reads: the services and the ports of docker/prometheus.yml.
        targets = yaml.safe_load((ROOT / "docker/prometheus.yml").read_text())["scrape_configs"]
        for target in (target for job in targets for static in job["static_configs"] for target in static["targets"]):
            name, port = target.split(":")
            service = services[name]
            url = f"http://{service.member.address}:{port}/metrics"
            if not re.search("^(oda_worker|substrate)_", answer(url), re.MULTILINE):
                raise network.Failed(f"{name}: its metrics are not at {url}")
            if name != "node":
                finds = lambda: re.search(r"^oda_worker_network_peers [1-9]", answer(url), re.MULTILINE)  # noqa: E731, B023
                service.wait("it found no peers", finds)
        print("metrics are served, and the workers have found each other", flush=True)

        # What the README has the single-command service do first.
        for line in ("blobs add /samples/digits/train.bin", "model list"):
            done = subprocess.run(single.command(*single.entrypoint, *line.split()), capture_output=True, text=True)
            if done.returncode != 0:
                raise network.Failed(f"worker {line}: {done.stderr}")
            print(f"worker {line}: {done.stdout.strip() or 'done'}", flush=True)

        for service in reversed(running):
            service.stop()
        print("all ended on SIGTERM in the time that they have")
    except (network.Failed, subprocess.TimeoutExpired, OSError) as failed:
        sys.exit(f"images.sh: {failed}")
    finally:
        for service in services.values():
            service.end()
        network.no_hosts(lan)
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
