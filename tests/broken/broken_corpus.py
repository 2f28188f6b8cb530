"""Files that no program wrote on purpose, and some that somebody did: made from small sound ones.

Everything is drawn from fixed seeds. A case is (family, what is wrong, path).
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from broken_bombs import bombs
from broken_contents import absurd_grids, edited, hostile_grids
from broken_samples import sound

Case = tuple[str, str, Path]
SHARES = (0.0, 0.01, 0.1, 0.4, 0.7, 0.9, 0.97, 0.999)
FLIPS = 10


def damaged_bytes(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Cut, flipped, blanked, repeated."""
    for share in SHARES:
        yield f"cut at {share:g}", data[: int(share * len(data))]
    for i in range(FLIPS):
        place = rng.randrange(min(len(data), 2 ** (6 + i)))
        yield (
            f"bit flipped at {place}",
            data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :],
        )
    for _ in range(3):
        place = rng.randrange(len(data))
        size = min(1 + rng.randrange(512), len(data) - place)
        yield f"{size} bytes blank at {place}", data[:place] + bytes(size) + data[place + size :]
    place = rng.randrange(len(data))
    yield "random from the middle on", data[:place] + rng.randbytes(len(data) - place)
    yield "twice the same", data + data


def plain_files(made: dict[str, Path], out: Path) -> Iterator[Case]:
    for family in ("netcdf3", "netcdf4", "grib", "archive zip", "store zip", "weights"):
        source, rng = made[family], random.Random(family)
        for i, (wrong, data) in enumerate(damaged_bytes(source.read_bytes(), rng)):
            path = out / f"{family.replace(' ', '-')}-{i}{''.join(source.suffixes)}"
            path.write_bytes(data)
            yield family, wrong, path


def folders(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Stores of many files: one of them is cut, flipped, emptied or gone."""
    for family in ("zarr2", "zarr3", "archive", "store", "adaptive store"):
        rng = random.Random(family)
        files = sorted(p.relative_to(made[family]) for p in made[family].rglob("*") if p.is_file())
        for i in range(24):
            name = files[i % len(files)]
            path = out / f"{family.replace(' ', '-')}-{i}.zarr"
            shutil.copytree(made[family], path)
            data = (path / name).read_bytes()
            kind = ("cut", "flipped", "gone", "empty", "noise")[
                i // len(files) % 5 if i >= len(files) else i % 5
            ]
            if kind == "gone":
                (path / name).unlink()
            else:
                place = rng.randrange(max(len(data), 1))
                new = {
                    "cut": data[:place],
                    "flipped": data[:place] + bytes([(data or b"\0")[place] ^ 4]) + data[place + 1 :],
                    "empty": b"",
                    "noise": rng.randbytes(len(data)),
                }[kind]
                (path / name).write_bytes(new)
            yield family, f"{name} {kind}", path


def zips(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Bombs, paths that lead out, and members that are not what they say."""
    for i, member in enumerate(
        [
            "../evil/zarr.json",
            "/etc/zarr.json",
            "C:\\zarr.json",
            "a/../../zarr.json",
            "..\\..\\x\\zarr.json",
            "~/../../x",
        ]
    ):
        path = out / f"traversal-{i}.zip"
        shutil.copy(made["archive zip"], path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(member, "{}")
        yield "zip", f"member {member}", path
    for i, size in enumerate((2**24, 2**28)):
        path = out / f"bomb-{i}.zip"
        with (
            zipfile.ZipFile(made["archive zip"]) as whole,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in whole.namelist():
                with archive.open(name, "w") as file:
                    if "t2m/c" in name:
                        for _ in range(size >> 20):
                            file.write(bytes(2**20))
                    else:
                        file.write(whole.read(name))
        yield "zip", f"a bomb of {size} bytes", path
    data = bytearray(made["store zip"].read_bytes())
    central = data.rfind(b"PK\x01\x02")
    for i, (offset, value) in enumerate(
        [(24, 2**32 - 2), (20, 2**32 - 2), (24, 0), (42, 2**31), (10, 99), (28, 65535)]
    ):
        changed = bytearray(data)
        struct.pack_into("<H" if offset in (10, 28) else "<I", changed, central + offset, value)
        path = out / f"claims-{i}.zip"
        path.write_bytes(changed)
        yield "zip", f"claims {value} at {offset}", path
    for i, size in enumerate((0, 1, 4, 22, 1000)):
        path = out / f"no-zip-{i}.zip"
        path.write_bytes(b"PK\x05\x06" * (size // 4) + bytes(size % 4))
        yield "zip", f"{size} bytes of no zip", path
    with zipfile.ZipFile(out / "twice.zip", "w") as archive:
        for _ in range(2):
            archive.writestr("zarr.json", '{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    yield "zip", "a member twice", out / "twice.zip"
    with zipfile.ZipFile(out / "deep.zip", "w") as archive:
        archive.writestr("/".join("d" * 500) + "/zarr.json", '{"zarr_format": 3, "node_type": "group"}')
    yield "zip", "a store in 500 folders", out / "deep.zip"
    with zipfile.ZipFile(out / "json.zip", "w") as archive:
        archive.writestr("zarr.json", "[" * 200_000)
    yield "zip", "metadata of brackets", out / "json.zip"


def weights(made: dict[str, Path], out: Path) -> Iterator[Case]:
    """Headers that lie."""
    data = made["weights"].read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]

    def written(change: Callable[[dict], None]) -> bytes:
        told = json.loads(json.dumps(header))
        change(told)
        text = json.dumps(told).encode()
        return struct.pack("<Q", len(text)) + text + body

    def card(**values: object) -> Callable[[dict], None]:
        def change(told: dict) -> None:
            own = json.loads(told["__metadata__"]["fsae"])
            told["__metadata__"]["fsae"] = json.dumps({**own, **values})

        return change

    first = next(k for k in header if k != "__metadata__")
    changes: dict[str, Callable[[dict], None]] = {
        "no metadata": lambda t: t.pop("__metadata__"),
        "metadata of noise": lambda t: t["__metadata__"].__setitem__("fsae", "{"),
        "a tensor less": lambda t: t.pop(first),
        "another shape": lambda t: t[first].__setitem__("shape", [10**9]),
        "another kind": lambda t: t[first].__setitem__("dtype", "Q128"),
        "offsets beyond the file": lambda t: t[first].__setitem__("data_offsets", [0, 10**15]),
        "offsets the wrong way": lambda t: t[first].__setitem__("data_offsets", [100, 0]),
        "another format": card(format=99),
        "ratios of nothing": card(ratios=[]),
        "ratios of text": card(ratios=["many"]),
        "a ratio of a million": card(ratios=[10**6]),
        "zooms of text": card(zooms="all"),
        "an absurd width": card(config={"levels": 2, "width": 10**7}),
        "negative levels": card(config={"levels": -1}),
        "a configuration of text": card(config="big"),
        "an unknown family": card(family="../../x"),
        "variables of numbers": card(variables=[1, 2]),
    }
    for i, (wrong, change) in enumerate(changes.items()):
        path = out / f"lying-{i}.safetensors"
        path.write_bytes(written(change))
        yield "weights", wrong, path
    for i, claimed in enumerate((0, 2**63, size + 1, size - 1)):
        path = out / f"header-{i}.safetensors"
        path.write_bytes(struct.pack("<Q", claimed) + data[8:])
        yield "weights", f"a header of {claimed} bytes", path


def names(out: Path) -> Iterator[Case]:
    """What is no file of any kind."""
    for i, (suffix, data) in enumerate(
        [(".nc", b""), (".grib", b"GRIB"), (".zarr", b"no folder"), (".grb2", b"GRIB\0\0\0\2" + b"\xff" * 8),
         (".nc", b"\x89HDF\r\n\x1a\n"), (".nc", b"CDF\x05"), (".dat", bytes(1000)), (".safetensors", b"{}")]
    ):  # fmt: skip
        path = out / f"odd-{i}{suffix}"
        path.write_bytes(data)
        yield "odd", f"{data[:8]!r} as {suffix}", path
    (out / "empty.zarr").mkdir()
    yield "odd", "an empty folder", out / "empty.zarr"
    (out / "loop.zarr").symlink_to(out / "loop.zarr")
    yield "odd", "a link to itself", out / "loop.zarr"


def corpus(folder: Path) -> list[Case]:
    """All cases, written below a folder."""
    made, out = sound(folder / "sound"), folder / "broken"
    out.mkdir()
    cases = [*plain_files(made, out), *folders(made, out), *hostile_grids(out), *edited(made, out)]
    cases += bombs(made, out)
    return [*cases, *absurd_grids(out), *zips(made, out), *weights(made, out), *names(out)]
