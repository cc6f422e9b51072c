"""Real services for tests, started on loopback in a folder of their own and stopped by number."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

NODES = 4


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def run(*argv: str | Path, **more: object) -> str:
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, timeout=60, **more
    )
    if done.returncode:
        raise RuntimeError(f"{argv[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def wait_until(condition: object, what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that other users may enter, with a path that sockets have room for."""
    with tempfile.TemporaryDirectory(prefix="jl-", dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def kill(pid_file: Path, number: int = signal.SIGTERM) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(pid_file.read_text()), number)


class Sshd:
    """An sshd that lets only this user in, with a key made for the test."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.more = environment or {}
        folder.mkdir(mode=0o700)
        self.port = free_port()
        user = getpass.getuser()
        for name in ("hostkey", "userkey"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
        shutil.copy(folder / "userkey.pub", folder / "authorized_keys")
        lines = "".join(f"{line}\n" for line in options)
        # One line: of several, sshd takes the first.
        pairs = " ".join(f"{name}={value}" for name, value in self.environment().items())
        environment = f"SetEnv {pairs}\n"
        # Of what is said twice, sshd takes the first.
        (folder / "sshd_config").write_text(
            f"{lines}Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/hostkey\n"
            f"PidFile {folder}/sshd.pid\nAuthorizedKeysFile {folder}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
            "Subsystem sftp internal-sftp\n"
            f"AllowUsers {user}\nMaxSessions 64\nMaxStartups 100:30:200\n" + environment
        )
        (folder / "ssh_config").write_text(
            f"Host cluster\nHostName 127.0.0.1\nPort {self.port}\nUser {user}\n"
            f"IdentityFile {folder}/userkey\nIdentitiesOnly yes\nIdentityAgent none\n"
            f"UserKnownHostsFile {folder}/known_hosts\nStrictHostKeyChecking yes\n"
            "KexAlgorithms curve25519-sha256\nLogLevel ERROR\n"
        )
        key = (folder / "hostkey.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key[0]} {key[1]}\n")
        self.start()

    def environment(self) -> dict[str, str]:
        """What a login there finds: a home of its own, and the cluster's configuration."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        found = {"HOME": str(home)} | self.more
        if "SLURM_CONF" in os.environ:
            found["SLURM_CONF"] = os.environ["SLURM_CONF"]
        return found

    def start(self) -> None:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        run("/usr/sbin/sshd", "-f", self.folder / "sshd_config", "-E", self.folder / "sshd.log")
        wait_until(lambda: (self.folder / "sshd.pid").exists(), "sshd does not start")

    def stop(self) -> None:
        kill(self.folder / "sshd.pid")
        wait_until(lambda: not (self.folder / "sshd.pid").exists(), "sshd does not end")

    def drop_connections(self) -> None:
        """Cut every connection that is open, as a network does."""
        for line in run("ps", "-e", "-o", "pid=,args=").splitlines():
            number, _, text = line.strip().partition(" ")
            if "sshd:" in text and self._is_ours(int(number)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)

    def _is_ours(self, number: int) -> bool:
        master = int((self.folder / "sshd.pid").read_text())
        if number == master:
            return False
        while number > 1 and number != master:
            try:
                stat = Path(f"/proc/{number}/stat").read_text()
            except OSError:
                return False
            number = int(stat.rpartition(")")[2].split()[1])
        return number == master

    @property
    def options(self) -> list[str]:
        return ["-F", str(self.folder / "ssh_config")]


class Host:
    """A host with a network of its own, and an sshd there that is called `far`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        number = os.getpid() % 200
        self.name, self.link = f"jlh{os.getpid()}", f"jl{os.getpid()}"
        here, there = f"10.77.{number}.1", f"10.77.{number}.2"
        run("ip", "netns", "add", self.name)
        try:
            peer = ("peer", "name", "veth0", "netns", self.name)
            run("ip", "link", "add", self.link, "type", "veth", *peer)
            run("ip", "addr", "add", f"{here}/30", "dev", self.link)
            run("ip", "link", "set", self.link, "up")
            run("ip", "-n", self.name, "addr", "add", f"{there}/30", "dev", "veth0")
            run("ip", "-n", self.name, "link", "set", "veth0", "up")
            for name in ("hostkey", "userkey"):
                run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
            Path("/run/sshd").mkdir(exist_ok=True)
            home = folder / "home"
            home.mkdir()
            (folder / "sshd_config").write_text(
                f"ListenAddress {there}\nHostKey {folder}/hostkey\nPidFile {folder}/sshd.pid\n"
                f"AuthorizedKeysFile {folder}/userkey.pub\nStrictModes no\nUsePAM no\n"
                f"PermitRootLogin prohibit-password\nMaxSessions 64\nSetEnv HOME={home}\n"
            )
            (folder / "ssh_config").write_text(
                f"Host far\nHostName {there}\nUser {getpass.getuser()}\nIdentityAgent none\n"
                f"IdentityFile {folder}/userkey\nIdentitiesOnly yes\nLogLevel ERROR\n"
                f"UserKnownHostsFile {folder}/known\nStrictHostKeyChecking accept-new\n"
            )
            run("nsenter", f"--net=/run/netns/{self.name}", "/usr/sbin/sshd",
                "-f", folder / "sshd_config")  # fmt: skip
            wait_until(lambda: (folder / "sshd.pid").exists(), "sshd does not start")
        except BaseException:
            self.stop()
            raise

    def cut(self) -> None:
        run("ip", "link", "set", self.link, "down")

    def mend(self) -> None:
        run("ip", "link", "set", self.link, "up")

    def stop(self) -> None:
        kill(self.folder / "sshd.pid")
        run("ip", "netns", "del", self.name)

    @property
    def options(self) -> list[str]:
        return ["-F", str(self.folder / "ssh_config")]


class Slurm:
    """A Slurm of four nodes on one host, each of two processors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("state", "log", "run"):
            (folder / name).mkdir(parents=True)
        for i in range(1, NODES + 1):
            (folder / f"spool/n{i}").mkdir(parents=True)
            (folder / f"tmp/n{i}").mkdir(parents=True)
        self.port = free_port()
        ports = [free_port() for _ in range(NODES)]
        self._munge()
        host, user = socket.gethostname().split(".")[0], getpass.getuser()
        nodes = "".join(
            f"NodeName=n{i} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 Boards=1 "
            "SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN\n"
            for i, port in enumerate(ports, 1)
        )
        lines = [
            f"ClusterName=jl SlurmctldHost=localhost(127.0.0.1) SlurmctldPort={self.port}",
            f"SlurmUser={user} SlurmdUser={user} AuthType=auth/munge CredType=cred/munge",
            f"AuthInfo=socket={folder}/munge/socket MailProg=/bin/true",
            "ProctrackType=proctrack/linuxproc TaskPlugin=task/none",
            "SelectType=select/cons_tres SelectTypeParameters=CR_Core SchedulerType=sched/backfill",
            "SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1",
            "SlurmdParameters=config_overrides JobAcctGatherType=jobacct_gather/linux",
            "JobAcctGatherFrequency=task=1 AccountingStorageType=accounting_storage/none",
            f"StateSaveLocation={folder}/state SlurmdSpoolDir={folder}/spool/%n",
            f"TmpFS={folder}/tmp/%n SlurmctldPidFile={folder}/run/slurmctld.pid",
            f"SlurmdPidFile={folder}/run/slurmd-%n.pid SlurmctldLogFile={folder}/log/slurmctld.log",
            f"SlurmdLogFile={folder}/log/slurmd-%n.log ReturnToService=2 SlurmdTimeout=5",
            "MinJobAge=300 KillWait=2 Waittime=0 OverTimeLimit=0 MaxArraySize=8",
        ]
        self.conf = folder / "slurm.conf"
        self.conf.write_text(
            "\n".join(" ".join(lines).split())
            + f"\n{nodes}PartitionName=debug Nodes=n[1-{NODES}] Default=YES MaxTime=60 State=UP\n"
            "PartitionName=short Nodes=n1 MaxTime=1 State=UP\n"
        )
        self.conf.chmod(0o644)
        os.environ["SLURM_CONF"] = str(self.conf)
        self.start_controller()
        for i in range(1, NODES + 1):
            self.start_node(i)
        wait_until(
            lambda: run("sinfo", "-h", "-p", "debug", "-o", "%D", "-t", "idle").strip() == "4",
            "the nodes do not become idle",
        )

    def _munge(self) -> None:
        place = self.folder / "munge"
        place.mkdir(mode=0o755)
        key = place / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        run(
            "/usr/sbin/munged", "--force", f"--key-file={key}", f"--socket={place}/socket",
            f"--pid-file={place}/pid", f"--log-file={place}/log", f"--seed-file={place}/seed",
        )  # fmt: skip
        wait_until(lambda: (place / "socket").exists(), "munged does not start")

    def start_controller(self) -> None:
        run("slurmctld", "-f", self.conf)

    def start_node(self, number: int) -> None:
        run("slurmd", "-f", self.conf, "-N", f"n{number}")

    def kill_controller(self) -> None:
        kill(self.folder / "run/slurmctld.pid", signal.SIGKILL)

    def resume_nodes(self) -> None:
        """As an operator does: a controller that forgot a job may have drained the job's node."""
        nodes = f"nodename=n[1-{NODES}]"
        with contextlib.suppress(RuntimeError):
            run("scontrol", "update", nodes, "state=resume")

    def kill_node(self, number: int) -> None:
        """Let a node vanish: its daemon, and all that runs for it."""
        kill(self.folder / f"run/slurmd-n{number}.pid", signal.SIGKILL)

    def kill_job(self, number: str) -> None:
        """Let all that runs for a job vanish, with who watches over it."""
        mark = f"SLURM_JOB_ID={number}\0".encode()
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                watches = f"slurmstepd: [{number}." in (place / "cmdline").read_text()
                if watches or mark in (place / "environ").read_bytes():
                    os.kill(int(place.name), signal.SIGKILL)

    def stop(self) -> None:
        for i in range(1, NODES + 1):
            kill(self.folder / f"run/slurmd-n{i}.pid")
        kill(self.folder / "run/slurmctld.pid")
        kill(self.folder / "munge/pid")
