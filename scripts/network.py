#!/usr/bin/env python3
"""What scripts/network.sh does, once there are programs to run: its head says how it is used.

All of a network lies in one folder: `network.json`, what it is made of and what runs; `chain.json`, its specification
with its boot nodes, which is all that another node needs; and a folder for each process, with its keys, its data and
its log.
"""

import argparse
import errno
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The names of the accounts that everybody knows.
NAMES = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"]
# What keepers bond for.
CAPACITY_MIB = 256
# What accounts own that the preset does not know, in ODA.
ENDOWMENT = 1_000_000
# What each validator has bonded, in ODA.
BOND = 10_000
# A network that does not get going ends; nothing is expected to take this long.
PATIENCE = 300
# A node gives its tasks 60 seconds to end.
STOPPING = 90
# From here on the system gives ports to whoever asks for any.
EPHEMERAL = 32_768


class Failed(Exception):
    """What was asked for cannot be done."""


@dataclass
class Member:
    """A process of the network."""

    name: str
    kind: str  # "node" or "worker"
    does: str
    address: str
    ports: dict[str, int]
    command: list[str]
    peer: str
    namespace: str | None = None
    pid: int | None = None
    # When the process began, in the kernel's count: another process may get the same number.
    began: int | None = None

    @property
    def rpc(self) -> str:
        return f"http://{self.address}:{self.ports['rpc']}"

    @property
    def metrics(self) -> str:
        return f"http://{self.address}:{self.ports['metrics']}/metrics"


@dataclass
class Network:
    base: Path
    asked: dict
    members: list[Member] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.base / "network.json"

    def log(self, member: Member) -> Path:
        return self.base / member.name / "log"

    def save(self) -> None:
        text = json.dumps({"asked": self.asked, "members": [asdict(member) for member in self.members]}, indent=2)
        new = self.file.with_suffix(".new")
        new.write_text(text + "\n")
        new.replace(self.file)

    @staticmethod
    def load(base: Path) -> "Network | None":
        try:
            found = json.loads((base / "network.json").read_text())
        except FileNotFoundError:
            return None
        return Network(base, found["asked"], [Member(**member) for member in found["members"]])


def run(*command: str | Path, **options) -> subprocess.CompletedProcess:
    """Runs a command to its end."""
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if ended.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended


# --- Processes


def begun(pid: int) -> int | None:
    """When a process began; nothing of one that has ended."""
    try:
        # The name of the program, in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def alive(member: Member) -> bool:
    # One that had ended before it could be asked when it began has no beginning.
    return member.pid is not None and member.began is not None and begun(member.pid) == member.began


def start(network: Network, member: Member) -> None:
    if member.namespace is None:
        for use, port in member.ports.items():
            with socket.socket() as probe:
                # As the programs do: what a connection of before still holds is no obstacle.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((member.address, port))
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                    raise Failed(
                        f"port {port}, for {member.name}'s {use}, is taken: stop what listens there, or make the "
                        "network with another --first-port"
                    ) from None
    command = member.command
    if member.namespace is not None:
        command = ["ip", "netns", "exec", member.namespace, *command]
    with open(network.log(member), "ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    member.pid, member.began = process.pid, begun(process.pid)
    network.save()


def stop(network: Network, members: list[Member]) -> None:
    running = [member for member in members if alive(member)]
    for member in running:
        os.kill(member.pid, signal.SIGTERM)
        # One that was stopped where it is hears of it only when it goes on.
        os.kill(member.pid, signal.SIGCONT)
    until = time.monotonic() + STOPPING
    while any(map(alive, running)) and time.monotonic() < until:
        time.sleep(0.2)
    for member in running:
        if alive(member):
            print(f"network.sh: {member.name} did not end in {STOPPING} s, and is killed", file=sys.stderr)
            os.kill(member.pid, signal.SIGKILL)
    for member in members:
        member.pid = member.began = None
    network.save()


# --- Hosts of their own. The end-to-end tests make such networks as well (tests/src/lan.rs): a number is whose bridge it is.


def numbered(number: int) -> str:
    return f"oda{number}"


def hosts(network: Network) -> None:
    """Makes the bridge, and a namespace for each process, unless they are there."""
    number = network.asked["hosts"]
    bridge = numbered(number)
    if any(map(alive, network.members)):
        return
    if subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], capture_output=True).returncode != 0:
        # What a machine that went down left is gone with it; so it is somebody else's, or that of `up` that failed.
        if not (network.base / "hosts").exists():
            raise Failed(f"the network {bridge} is somebody else's now: down --purge, and make another")
        no_hosts(network)
        run("ip", "link", "add", bridge, "type", "bridge")
    (network.base / "hosts").touch()
    run("ip", "addr", "add", f"10.231.{number}.1/24", "dev", bridge)
    run("ip", "link", "set", bridge, "up")
    for index, member in enumerate(network.members):
        outside, inside = f"o{number}oh{index}", f"o{number}ih{index}"
        run("ip", "netns", "add", member.namespace)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", member.namespace)
        run("ip", "link", "set", outside, "master", bridge, "up")
        for command in (
            "link set lo up",
            f"addr add {member.address}/24 dev {inside}",
            f"link set {inside} up",
            f"route add default via 10.231.{number}.1",
        ):
            run("ip", "-n", member.namespace, *command.split())
        # As docs/operations.md says.
        run("ip", "netns", "exec", member.namespace, "tee", "/proc/sys/net/ipv4/tcp_retries2", input="6")
        shape(network, member, inside)


def shape(network: Network, member: Member, device: str) -> None:
    """Delays what a host sends, and loses some of what it receives."""
    delay, loss = network.asked["delay"], network.asked["loss"]
    try:
        if delay:
            netem = ["netem", "delay", f"{delay}ms"]
            run("tc", "-n", member.namespace, "qdisc", "add", "dev", device, "root", *netem)
    except (Failed, FileNotFoundError) as error:
        raise Failed(f"this machine cannot delay packets (sch_netem, tc): leave --delay out\n  {error}") from error
    try:
        if loss:
            lost = f'iifname "{device}" numgen random mod 10000 < {round(100 * loss)} counter drop;'
            rules = f"table inet loss {{ chain received {{ type filter hook input priority filter; {lost} }}\n}}\n"
            run("ip", "netns", "exec", member.namespace, "nft", "--file", "-", input=rules)
    except (Failed, FileNotFoundError) as error:
        raise Failed(f"this machine cannot lose packets (nftables): leave --loss out\n  {error}") from error


def no_hosts(network: Network) -> None:
    number = network.asked["hosts"]
    for index, member in enumerate(network.members):
        # The pair first: the kernel removes that of a deleted namespace some time later.
        subprocess.run(["ip", "link", "del", f"o{number}oh{index}"], capture_output=True)
        subprocess.run(["ip", "netns", "del", member.namespace], capture_output=True)
    subprocess.run(["ip", "link", "del", numbered(number)], capture_output=True)
    (network.base / "hosts").unlink(missing_ok=True)


def free_number() -> int:
    """A number whose bridge nobody has."""
    if os.geteuid() != 0:
        raise Failed("--hosts takes root: network namespaces and a bridge are made")
    if shutil.which("ip") is None:
        raise Failed("--hosts takes the program ip: apt-get install iproute2")
    for step in range(254):
        number = (os.getpid() + step) % 254 + 1
        if not Path(f"/sys/class/net/{numbered(number)}").exists():
            return number
    raise Failed("all networks of hosts are taken: `ip link show type bridge` lists them")


# --- Making it


def program(name: str) -> Path:
    path = Path(os.environ["ODA_BIN"]).resolve() / name
    if not path.exists():
        raise Failed(f"{path} is missing: build it with `cargo build --locked --workspace --bin {name}`, or unset ODA_BIN")
    return path


def account(number: int) -> str:
    """The secret of an account by its number."""
    return f"//{NAMES[number]}" if number < len(NAMES) else f"//Account//{number}"


def public(node: Path, secret: str, scheme: str = "sr25519") -> str:
    shown = run(node, "key", "inspect", "--scheme", scheme, "--output-type", "json", secret)
    return json.loads(shown.stdout)["ss58Address"]


def private_file(path: Path, text: str) -> None:
    """A file that nobody but its owner may read, as the worker wants its keys."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def peer_key(node: Path, path: Path) -> str:
    """Makes a peer's key; the peer's id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    private_file(path, "")
    return run(node, "key", "generate-node-key", "--file", path).stderr.strip().splitlines()[-1]


def place(network: Network, index: int) -> tuple[str, dict[str, int], str | None]:
    """The address, the ports and the namespace of a process."""
    if number := network.asked["hosts"]:
        return f"10.231.{number}.{10 + index}", {"peers": 30_333, "rpc": 9_944, "metrics": 9_615}, f"{numbered(number)}-{index}"
    first = network.asked["first_port"] + 10 * index
    return "127.0.0.1", {"peers": first, "rpc": first + 1, "metrics": first + 2}, None


def make(network: Network) -> None:
    node, worker = program("oda-node"), program("ml-worker")
    asked, base = network.asked, network.base
    count = asked["validators"]
    plain, chain = base / "chain-plain.json", base / "chain.json"

    # Who it is.
    run(node, "export-chain-spec", "--chain", "local", "--output", plain)
    patch = json.loads(plain.read_text())["genesis"]["runtimeGenesis"]["patch"]
    owners = {owner for owner, _ in patch["balances"]["balances"]}
    known = {public(node, f"//{name}"): f"//{name}" for name in NAMES}
    verifiers = [known[verifier] for verifier, *_ in patch["verification"]["verifiers"]]
    extra = max(0, asked["workers"] - len(verifiers) - 2)
    keepers = ["//Ferdie", *(f"//Keeper//{number}" for number in range(2, extra + 2))]
    roles = [
        *(("verifier", secret) for secret in verifiers),
        ("keeper", keepers[0]),
        ("watcher", "//Bob"),
        *(("keeper", secret) for secret in keepers[1:]),
    ]
    secrets = [account(index) for index in range(count)]
    accounts = [public(node, secret) for secret in secrets]
    genesis = {
        "validators": [
            {
                "account": who,
                "bond": BOND,
                "keys": {"babe": who, "grandpa": public(node, secret, "ed25519"), "im_online": who},
            }
            for who, secret in zip(accounts, secrets)
        ],
        "balances": [
            {"account": who, "oda": ENDOWMENT}
            for who in [*accounts, *(public(node, secret) for _, secret in roles)]
            if who not in owners and not owners.add(who)
        ],
    }
    (base / "genesis.json").write_text(json.dumps(genesis, indent=2) + "\n")

    # Where it is.
    boot_nodes = []
    for index in range(count):
        name = f"validator-{index + 1}"
        address, ports, namespace = place(network, index)
        peer = peer_key(node, base / name / "node-key")
        listen = f"/ip4/{address}/tcp/{ports['peers']}"
        boot_nodes.append(f"{listen}/p2p/{peer}")
        command = [
            node, "--chain", chain, "--base-path", base / name, "--name", name, "--validator",
            "--node-key-file", base / name / "node-key", "--listen-addr", listen,
            "--rpc-port", ports["rpc"], "--prometheus-port", ports["metrics"], "--no-telemetry", "--no-mdns",
        ]  # fmt: skip
        if namespace is not None:
            # Workers are on other hosts, all of them on this machine.
            command += ["--unsafe-rpc-external", "--rpc-methods", "safe", "--rpc-cors", "all", "--prometheus-external"]
        if count == 1:
            # It would wait for peers.
            command += ["--force-authoring"]
        does = f"validator {secrets[index]}"
        network.members.append(Member(name, "node", does, address, ports, [str(part) for part in command], peer, namespace))
    spec = [plain, base / "genesis.json", plain, *(part for boot_node in boot_nodes for part in ("--boot-node", boot_node))]
    run(sys.executable, ROOT / "chain-spec/genesis.py", *spec)
    run(node, "export-chain-spec", "--chain", plain, "--raw", "--output", chain)
    for index, secret in enumerate(secrets):
        for scheme, kind in (("sr25519", "babe"), ("ed25519", "gran"), ("sr25519", "imon")):
            keystore = ["--chain", chain, "--base-path", base / f"validator-{index + 1}"]
            run(node, "key", "insert", *keystore, "--scheme", scheme, "--key-type", kind, "--suri", secret)

    # Roles that no process of its own is asked for run beside others.
    bootstrap = None
    for index in range(asked["workers"]):
        name = f"worker-{index + 1}"
        address, ports, namespace = place(network, count + index)
        ports = {"peers": ports["peers"], "metrics": ports["metrics"]}
        folder = base / name
        peer = peer_key(node, folder / "network" / "key")
        listen = f"/ip4/{address}/tcp/{ports['peers']}"
        own = roles[index :: asked["workers"]]
        at = network.members[index % count]
        text = (
            f'node = "ws://{at.address}:{at.ports["rpc"]}"\n'
            f'base_path = "{folder}"\n'
            f'prometheus = "{address}:{ports["metrics"]}"\n\n'
            f"[engine]\nthreads = 1\n\n"
            f'[network]\nlisten = ["{listen}"]\nbootstrap = {json.dumps([bootstrap] if bootstrap else [])}\nmdns = false\n'
        )
        bootstrap = bootstrap or f"{listen}/p2p/{peer}"
        for kind, secret in own:
            key = folder / f"{kind}-{secret.replace('/', '')}.key"
            private_file(key, secret + "\n")
            text += f'\n[[role]]\nkind = "{kind}"\nkey_file = "{key}"\n'
            if kind == "keeper":
                text += f"capacity_mib = {CAPACITY_MIB}\n"
        (folder / "config.toml").write_text(text)
        command = [str(worker), "run", "--config", str(folder / "config.toml")]
        does = ", ".join(f"{kind} {secret}" for kind, secret in own)
        network.members.append(Member(name, "worker", does, address, ports, command, peer, namespace))
    network.save()


# --- Looking at it


def call(member: Member, method: str, *params: object) -> object:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    asked = urllib.request.Request(member.rpc, json.dumps(request).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        found = json.load(answer)
    if "error" in found:
        raise OSError(found["error"]["message"])
    return found["result"]


def measured(member: Member, metric: str) -> int | None:
    with urllib.request.urlopen(member.metrics, timeout=10) as answer:
        found = re.search(rf"^{metric} (\S+)$", answer.read().decode(), re.MULTILINE)
    return int(float(found[1])) if found else None


def state(member: Member) -> dict:
    """What a process says of itself, as far as it does."""
    said = {"alive": alive(member), "best": None, "finalised": None, "peers": None, "error": None}
    if said["alive"]:
        try:
            if member.kind == "node":
                said["best"] = int(call(member, "chain_getHeader")["number"], 16)
                head = call(member, "chain_getFinalizedHead")
                said["finalised"] = int(call(member, "chain_getHeader", head)["number"], 16)
                said["peers"] = call(member, "system_health")["peers"]
            else:
                said["finalised"] = measured(member, "oda_worker_finalised_block")
                said["peers"] = measured(member, "oda_worker_network_peers")
        except OSError as error:
            # It starts, or is busy.
            said["error"] = str(error)
    return said


def show(network: Network, as_json: bool = False) -> bool:
    """Prints the state of each process; whether all are alive."""
    states = [(member, state(member)) for member in network.members]
    if as_json:
        for member, said in states:
            places = {"address": member.address, "ports": member.ports, "peer": member.peer, "pid": member.pid}
            print(json.dumps({"name": member.name, "does": member.does, **places, **said, "log": str(network.log(member))}))
    else:
        rows = [("process", "", "best", "final", "peers", "JSON-RPC", "metrics", "does")]
        for member, said in states:
            numbers = ["-" if said[name] is None else str(said[name]) for name in ("best", "finalised", "peers")]
            rpc = member.rpc.replace("http", "ws") if member.kind == "node" else "-"
            rows.append((member.name, "alive" if said["alive"] else "dead", *numbers, rpc, member.metrics, member.does))
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        print(f"chain: {network.base / 'chain.json'}\nlogs: {network.base}/*/log")
        if entry := next((member for member in network.members if member.kind == "worker"), None):
            print(f"workers: --bootstrap /ip4/{entry.address}/tcp/{entry.ports['peers']}/p2p/{entry.peer}")
    return all(said["alive"] for _, said in states)


def wait(network: Network, what: str, there, members: list[Member]) -> None:
    """Waits until all members are so far; an error as soon as one of the network has ended."""
    until = time.monotonic() + PATIENCE
    while not all(map(there, members)):
        for member in network.members:
            if member.pid is not None and not alive(member):
                lines = network.log(member).read_text(errors="replace").splitlines()[-15:]
                raise Failed(f"{member.name} has ended; the end of {network.log(member)}:\n  " + "\n  ".join(lines))
        if time.monotonic() > until:
            said = {member.name: state(member)["error"] for member in network.members}
            errors = "".join(f"\n  {name}: {error}" for name, error in said.items() if error)
            raise Failed(f"{what} within {PATIENCE} s: see {network.base}/*/log{errors}")
        time.sleep(0.5)


# --- The commands


def up(options: argparse.Namespace) -> bool:
    base = options.base
    network = Network.load(base)
    wanted = {"validators": options.validators, "workers": options.workers, "first_port": options.first_port}
    wanted |= {"delay": options.delay, "loss": options.loss}
    if network is None:
        if any(entry.name != "lock" for entry in base.iterdir()):
            raise Failed(f"{base} holds something else: name a folder that is empty, or new")
        asked = {"validators": 4, "workers": 5, "first_port": 30_400, "delay": 0, "loss": 0.0}
        asked |= {name: value for name, value in wanted.items() if value is not None}
        if asked["validators"] < 1 or asked["workers"] < 0 or asked["validators"] + asked["workers"] > 190:
            raise Failed("a network has a validator at least, and 190 processes at most")
        if asked["first_port"] < 1_024 or asked["first_port"] + 10 * (asked["validators"] + asked["workers"]) > EPHEMERAL:
            raise Failed(f"the ports have to lie between 1024 and {EPHEMERAL}: --first-port")
        if not 0 <= asked["loss"] <= 100 or asked["delay"] < 0:
            raise Failed("--loss is a share of 100, --delay is not negative")
        if (asked["delay"] or asked["loss"]) and not options.hosts:
            raise Failed("--delay and --loss take --hosts")
        asked["hosts"] = free_number() if options.hosts else None
        network = Network(base, asked)
        try:
            make(network)
        except BaseException:
            # What is half made is made anew.
            for entry in base.iterdir():
                if entry.name != "lock":
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            raise
    else:
        other = [name for name, value in wanted.items() if value not in (None, network.asked[name])]
        if options.hosts and not network.asked["hosts"]:
            other.append("hosts")
        if other:
            is_now = ", ".join(f"{name} {network.asked[name]}" for name in other)
            raise Failed(f"there is a network already, with {is_now}: `down --purge` first, or another --base")
        if all(map(alive, network.members)):
            print("already up")
            return show(network)
        program("oda-node"), program("ml-worker")
        if network.asked["hosts"]:
            free_number()

    started: list[Member] = []

    def begin(members: list[Member]) -> None:
        for member in members:
            if not alive(member):
                print(f"starting {member.name}, {member.does}", flush=True)
                start(network, member)
                started.append(member)

    nodes = [member for member in network.members if member.kind == "node"]
    others = [member for member in network.members if member.kind == "worker"]
    try:
        if network.asked["hosts"]:
            hosts(network)
        begin(nodes)
        wait(network, "not all nodes answered", lambda node: state(node)["best"] is not None, nodes)
        begin(others)
        # One more than there was: a chain that goes on has final blocks from the start.
        before = max(state(node)["finalised"] or 0 for node in nodes)
        print("waiting until the chain finalises", flush=True)
        wait(network, "nothing became final", lambda node: (state(node)["finalised"] or 0) > before, nodes)
        wait(network, "not all workers answered", lambda one: state(one)["finalised"] is not None, others)
    except BaseException:
        # Nothing is left running that nobody was told of.
        stop(network, started)
        if network.asked["hosts"] and not any(map(alive, network.members)):
            no_hosts(network)
        raise
    return show(network)


def status(options: argparse.Namespace) -> bool:
    network = Network.load(options.base)
    if network is None:
        raise Failed(f"there is no network in {options.base}")
    return show(network, options.json)


def down(options: argparse.Namespace) -> bool:
    network = Network.load(options.base)
    if network is None:
        print(f"there is no network in {options.base}")
        return True
    stop(network, network.members)
    if network.asked["hosts"]:
        no_hosts(network)
    if options.purge:
        shutil.rmtree(options.base)
    print(f"stopped; {options.base} is {'gone' if options.purge else 'kept'}")
    return True


def main() -> None:
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "oda/network"
    parser = argparse.ArgumentParser(prog="network.sh", allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    for command in (up, status, down):
        one = commands.add_parser(command.__name__, allow_abbrev=False)
        one.set_defaults(command=command)
        one.add_argument("--base", type=Path, default=home)
        if command is up:
            for name, kind in (("validators", int), ("workers", int), ("first-port", int), ("delay", int), ("loss", float)):
                one.add_argument(f"--{name}", type=kind)
            one.add_argument("--hosts", action="store_true")
        elif command is status:
            one.add_argument("--json", action="store_true")
        else:
            one.add_argument("--purge", action="store_true")
    options = parser.parse_args()
    options.base = options.base.absolute()
    # What is begun is taken back: by the errors' road.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("network.sh: ended"))
    try:
        if options.command is up:
            options.base.mkdir(parents=True, exist_ok=True)
        elif not options.base.is_dir():
            if options.command is status:
                raise Failed(f"there is no network in {options.base}")
            print(f"there is no network in {options.base}")
            return
        with open(options.base / "lock", "w") as lock:
            if options.command is not status:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Failed(f"another command works on {options.base}") from None
            good = options.command(options)
    except Failed as failed:
        sys.exit(f"network.sh: {failed}")
    except BrokenPipeError:
        # Whoever read has seen enough; what Python still holds cannot be written.
        os._exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
