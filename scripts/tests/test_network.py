"""What scripts/network.py and chain-spec/genesis.py say where something is wrong, without a chain."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

SCRIPTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SCRIPTS))
import network  # noqa: E402

ACCOUNTS = ["5" + letter * 47 for letter in "ABCDEF"]


class NetworkTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.base = Path(folder.name) / "network"

    def member(self, name: str, port: int, command: list[str]) -> network.Member:
        (self.base / name).mkdir(parents=True)
        return network.Member(name, "node", "validator", "127.0.0.1", {"peers": port}, command, "12D3")

    def go(self, *arguments: str) -> tuple[str, object]:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), mock.patch.object(sys, "argv", ["network.sh", *arguments]):
            with self.assertRaises(SystemExit) as ended:
                network.main()
        return printed.getvalue(), ended.exception.code

    def test_a_taken_port_is_named(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with self.assertRaisesRegex(network.Failed, f"port {port}, for one's peers, is taken"):
                network.start(network.Network(self.base, {}), self.member("one", port, ["true"]))

    def test_what_was_started_is_alive_until_it_is_stopped_and_outlives_the_command(self) -> None:
        made = network.Network(self.base, {"hosts": None})
        made.members = [self.member("one", 0, ["sleep", "1000"])]
        network.start(made, made.members[0])
        found = network.Network.load(self.base)
        self.assertTrue(network.alive(found.members[0]))
        network.stop(found, found.members)
        self.assertFalse(network.alive(made.members[0]))
        self.assertIsNone(network.Network.load(self.base).members[0].pid)

    def test_another_process_of_the_same_number_is_not_taken_for_the_networks(self) -> None:
        member = self.member("one", 0, ["true"])
        member.pid, member.began = os.getpid(), 1
        self.assertFalse(network.alive(member))

    def test_a_process_that_ended_before_it_was_looked_at_is_not_alive(self) -> None:
        member = self.member("one", 0, ["true"])
        ended = subprocess.Popen(["true"])
        ended.wait()
        member.pid, member.began = ended.pid, None
        self.assertFalse(network.alive(member))

    def test_the_end_of_the_log_is_shown_of_a_process_that_has_ended(self) -> None:
        made = network.Network(self.base, {"hosts": None})
        made.members = [self.member("one", 0, ["sh", "-c", "echo so it goes; exit 3"])]
        network.start(made, made.members[0])
        with self.assertRaisesRegex(network.Failed, "(?s)one has ended.*so it goes"):
            network.wait(made, "it answers", lambda _: False, made.members)

    def test_a_network_is_not_taken_for_one_of_another_size(self) -> None:
        self.base.mkdir()
        asked = {"validators": 4, "workers": 5, "first_port": 30_400, "delay": 0, "loss": 0, "hosts": None}
        network.Network(self.base, asked).save()
        _, said = self.go("up", "--base", str(self.base), "--validators", "3")
        self.assertIn("there is a network already, with validators 4", said)

    def test_a_folder_of_something_else_is_left_alone(self) -> None:
        self.base.mkdir()
        (self.base / "letters").touch()
        _, said = self.go("up", "--base", str(self.base))
        self.assertIn("holds something else", said)
        self.go("down", "--purge", "--base", str(self.base))
        self.assertTrue((self.base / "letters").exists())

    def test_programs_that_are_missing_are_named_and_nothing_is_left(self) -> None:
        with mock.patch.dict(os.environ, {"ODA_BIN": str(self.base)}):
            _, said = self.go("up", "--base", str(self.base))
        self.assertRegex(said, "oda-node is missing: build it with")
        self.assertEqual([entry.name for entry in self.base.iterdir()], ["lock"])

    def test_stopping_what_is_not_there_is_no_error(self) -> None:
        ended = subprocess.run(
            [sys.executable, SCRIPTS / "network.py", "down", "--base", self.base], capture_output=True, text=True
        )
        self.assertEqual((ended.returncode, ended.stdout), (0, f"there is no network in {self.base}\n"))


class GenesisTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        patch = {"session": {"keys": []}, "balances": {"balances": []}, "staking": {"validators": [], "verifiers": []}, "verification": {"verifiers": []}}
        plain = {"name": "N", "id": "n", "bootNodes": [], "genesis": {"runtimeGenesis": {"patch": patch}}}
        (self.folder / "plain.json").write_text(json.dumps(plain))
        (self.folder / "local.json").write_text(json.dumps([ACCOUNTS[5]]))
        self.people = {
            "validators": [
                {
                    "account": ACCOUNTS[0],
                    "bond": 2_000,
                    "keys": {"babe": ACCOUNTS[1], "grandpa": ACCOUNTS[2], "im_online": ACCOUNTS[1]},
                }
            ],
            "verifiers": [{"account": ACCOUNTS[3], "bond": 1_000, "hours": 1, "gib": 16}],
            "balances": [{"account": ACCOUNTS[3], "oda": "1000.5"}, {"account": ACCOUNTS[0], "oda": 2_001}],
        }

    def make(self, *options: str) -> subprocess.CompletedProcess:
        (self.folder / "genesis.json").write_text(json.dumps(self.people))
        files = ["plain.json", "genesis.json", "out.json"]
        command = [sys.executable, SCRIPTS.parent / "chain-spec/genesis.py", *files, *options]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def refused(self, why: str, *options: str) -> None:
        ended = self.make(*options)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(why, ended.stderr)
        self.assertFalse((self.folder / "out.json").exists())

    def test_all_of_it_is_in_the_specification(self) -> None:
        boot_node = "/dns/boot.example.org/tcp/30333/p2p/12D3KooWK54RXhLe7f9eW3jsfyXuPDKHnzpREaM9kUWYEoztQQa1"
        ended = self.make("--boot-node", boot_node, "--id", "mine", "--refuse", "local.json")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        made = json.loads((self.folder / "out.json").read_text())
        patch = made["genesis"]["runtimeGenesis"]["patch"]
        keys = {"babe": ACCOUNTS[1], "grandpa": ACCOUNTS[2], "im_online": ACCOUNTS[1]}
        self.assertEqual(patch["session"]["keys"], [[ACCOUNTS[0], ACCOUNTS[0], keys]])
        owned = [[ACCOUNTS[3], 1_000_500_000_000_000], [ACCOUNTS[0], 2_001_000_000_000_000]]
        self.assertEqual(patch["balances"]["balances"], owned)
        self.assertEqual(patch["staking"]["validators"], [[ACCOUNTS[0], 2_000_000_000_000_000, 0]])
        self.assertEqual(patch["staking"]["verifiers"], [[ACCOUNTS[3], 1_000_000_000_000_000, 0]])
        room = [[ACCOUNTS[3], 3_600_000_000_000_000, 16 * 2**30]]
        self.assertEqual(patch["verification"]["verifiers"], room)
        self.assertEqual((made["bootNodes"], made["name"], made["id"]), ([boot_node], "N", "mine"))

    def test_a_key_that_everybody_knows_is_refused(self) -> None:
        self.people["validators"][0]["keys"]["grandpa"] = ACCOUNTS[5]
        self.refused("everybody knows the secret of", "--refuse", "local.json")

    def test_a_chain_without_validators_is_refused(self) -> None:
        self.people["validators"] = []
        self.refused("a chain without any makes no block")

    def test_a_key_of_two_validators_is_refused(self) -> None:
        keys = {"babe": ACCOUNTS[4], "grandpa": ACCOUNTS[2], "im_online": ACCOUNTS[4]}
        self.people["validators"].append({"account": ACCOUNTS[4], "bond": 2_000, "keys": keys})
        self.refused("two have the grandpa key")

    def test_a_bond_without_the_money_is_refused(self) -> None:
        self.people["balances"][0]["oda"] = 1_000
        self.refused("verifiers: " + ACCOUNTS[3] + " has not more than its bond")

    def test_one_balance_answers_for_both_bonds(self) -> None:
        self.people["validators"][0]["account"] = ACCOUNTS[3]
        self.refused("has not more than its bond")

    def test_a_verifier_without_room_is_refused(self) -> None:
        for hours in (0, -1, 1.5, "1", True):
            self.people["verifiers"][0]["hours"] = hours
            self.refused("hours is a positive integer")

    def test_an_amount_that_is_none_is_refused(self) -> None:
        for oda in ("many", 0, -1, "0.0000000000001", "Infinity"):
            self.people["balances"][0]["oda"] = oda
            self.refused("ODA")

    def test_an_unknown_section_is_refused(self) -> None:
        self.people["validator"] = []
        self.refused("there is no section validator")

    def test_a_boot_node_without_its_peer_is_refused(self) -> None:
        self.refused("is no boot node's address", "--boot-node", "/dns/boot.example.org/tcp/30333")


if __name__ == "__main__":
    unittest.main()
