"""How servers, proxies and libraries write a text that they repeat."""

import base64
import html
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "upper case": str.upper,
    "a JSON string": json.dumps,
    "JSON escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "some JSON escapes": lambda text: "".join(
        f"\\u{ord(char):04X}" if place % 3 else char for place, char in enumerate(text)
    ),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"key": text})),
    "JavaScript escapes": lambda text: "".join(f"\\u{{{ord(char):x}}}" for char in text),
    "Python escapes": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "percent": lambda text: "".join(f"%{ord(char):02x}" for char in text),
    "percent twice": lambda text: "".join(f"%25{ord(char):02X}" for char in text),
    "percent three times": lambda text: "".join(f"%2525{ord(char):02X}" for char in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "HTML, decimal": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "HTML twice": lambda text: html.escape("".join(f"&#{ord(char)};" for char in text)),
    "percent in JSON": lambda text: "".join(f"\\u0025{ord(char):02x}" for char in text),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal with colons": lambda text: text.encode().hex(":").upper(),
    "codes of bytes": lambda text: json.dumps(list(text.encode())),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "a login": lambda text: "Basic " + base64.b64encode(f"user:{text}".encode()).decode(),
    "a login in a URL": lambda text: quote(base64.b64encode(f"u:{text}".encode()).decode(), ""),
    "a header in base64": lambda text: base64.urlsafe_b64encode(
        f'{{"Authorization": "{text}", "Accept": "*/*"}}'.encode()
    ).decode(),
    "base64 in lines": lambda text: base64.encodebytes(
        f"{'x' * 40}{text}{'y' * 40}".encode()
    ).decode(),
    "spaced": " ".join,
    "with dashes": lambda text: "-".join(text[at : at + 4] for at in range(0, len(text), 4)),
    "with invisible characters": "\u200b".join,
    "with accents": "\u0301".join,
    "with zeros": "\0".join,
    "in two lines": lambda text: f"{text[:20]}\r\n {text[20:]}",
    "its beginning": lambda text: text[:20],
    "its end": lambda text: f"{'*' * 12}{text[12:]}",
    "masked in the middle": lambda text: text[:16] + "…" + text[-16:],
}
