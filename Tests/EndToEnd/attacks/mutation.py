"""Messages that were sound once, and what a network, a fool or an enemy makes of them."""


def mutated(rng, message):
    """One to four changes: bytes flipped, cut out, doubled, put in, exchanged for a number that is a limit somewhere."""
    message = bytearray(message)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(message) + 1)
        size = rng.choice([1, 1, 2, 4, 16, 64])
        change = rng.randrange(6)
        if change == 0 and at < len(message):
            message[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            del message[at : at + size]
        elif change == 2:
            message[at:at] = message[at : at + size] * rng.choice([1, 2, 50])
        elif change == 3:
            message[at:at] = rng.randbytes(size)
        elif change == 4:
            message[at : at + size] = rng.choice([b"\0", b"\xff", b"\x7f", b"\x80"]) * size
        elif change == 5:
            message = message[:at]
    return bytes(message)


def mutated_text(rng, text, words):
    """The same, by lines and words, so that more of it gets past the first check."""
    lines = text.splitlines(keepends=True)
    for _ in range(rng.randrange(1, 4)):
        if not lines:
            break
        at = rng.randrange(len(lines))
        change = rng.randrange(5)
        if change == 0:
            del lines[at]
        elif change == 1:
            lines[at:at] = [lines[at]] * rng.choice([1, 3, 300])
        elif change == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif change == 3:
            parts = lines[at].split(" ")
            parts[rng.randrange(len(parts))] = rng.choice(words)
            lines[at] = " ".join(parts)
        else:
            head, colon, _ = lines[at].partition(":")
            lines[at] = head + colon + rng.choice(words) + "\r\n"
    return "".join(lines)
