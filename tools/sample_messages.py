"""Write an OTF2 archive of ranks that exchange their borders, for the viewer's tests and pictures.

    /usr/bin/python3 tools/sample_messages.py FOLDER

As Score-P leaves it of a stencil on a ring: each round a rank computes, sends to both neighbours,
and receives from both; at the end all send what they have to rank 0. Needs Debian's python3-otf2.
"""

import sys

import otf2
from otf2.enums import GroupFlag, GroupType, LocationType, Paradigm, RegionRole

RANKS = 8
ROUNDS = 25
BORDER = 64 * 1024  # bytes
RESULT = 1024 * 1024


def write(folder: str) -> None:
    """Write the archive; times are in microseconds."""
    with otf2.writer.open(folder, timer_resolution=1_000_000) as trace:
        definitions = trace.definitions
        compute = definitions.region("sweep", source_file="stencil.f90", begin_line_number=40)
        exchange = definitions.region("MPI_Sendrecv", region_role=RegionRole.POINT2POINT)
        node = definitions.system_tree_node("host")
        locations = []
        for rank in range(RANKS):
            process = definitions.location_group(f"rank {rank}", system_tree_parent=node)
            locations.append(
                definitions.location("main", type=LocationType.CPU_THREAD, group=process)
            )
        of_mpi = {"paradigm": Paradigm.MPI, "group_flags": GroupFlag.NONE}
        definitions.group("", GroupType.COMM_LOCATIONS, members=locations, **of_mpi)
        group = definitions.group("", GroupType.COMM_GROUP, members=range(RANKS), **of_mpi)
        world = definitions.comm("MPI_COMM_WORLD", group=group)
        for rank, location in enumerate(locations):
            writer = trace.event_writer_from_location(location)
            now = 1000
            neighbours = [(rank - 1) % RANKS, (rank + 1) % RANKS]
            for step in range(ROUNDS):
                writer.enter(now, compute)
                writer.leave(now + 700 + 40 * ((rank * 7 + step) % 5), compute)
                now = 1000 + 1000 * (step + 1) - 90
                writer.enter(now, exchange)
                for other in neighbours:
                    writer.mpi_send(now + 5, other, world, step, BORDER)
                for other in neighbours:
                    writer.mpi_recv(now + 70, other, world, step, BORDER)
                writer.leave(now + 80, exchange)
                now += 90
            writer.enter(now, exchange)
            if rank == 0:
                for other in range(1, RANKS):
                    writer.mpi_recv(now + 100 * other, other, world, ROUNDS, RESULT)
            else:
                writer.mpi_send(now + 10, 0, world, ROUNDS, RESULT)
            writer.leave(now + 100 * RANKS, exchange)


if __name__ == "__main__":
    write(sys.argv[1])
