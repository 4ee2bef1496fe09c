"""Prints numbered lines of 64 bytes until the wanted size is reached, to both outputs."""
import os

import tc


def flood(fd, size):
    line, n = 0, 0
    while n < size:
        block = b"".join(b"%-63d\n" % (line + i) for i in range(4096))
        line += 4096
        block = block[:size - n]
        while block:
            w = os.write(fd, block)
            n += w
            block = block[w:]


def main():
    app = tc.App(tc.params())
    size, error_size = int(app.p.get("bytes") or 1 << 30), int(app.p.get("error_bytes") or 1 << 20)
    flood(2, error_size)
    flood(1, size)
    app.exit(0, "printed %d and %d bytes" % (size, error_size))


if __name__ == "__main__":
    main()
