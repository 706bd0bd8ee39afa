// What one writes after reading the vendor's guide: a WAV file, a socket, a chunk every 100 ms.
//
// node quickstart.cjs URL FILE, with the key in ASSEMBLYAI_API_KEY. Prints what the server says,
// one message a line, and at last how the socket was closed.

"use strict";

const { readFileSync } = require("node:fs");
const WebSocket = require("ws");

const CHUNK_MS = 100;

/** The sample rate and the samples of a mono 16-bit WAV file. */
function readWav(path) {
  const file = readFileSync(path);
  let rate = 0;
  for (let at = 12; at + 8 <= file.length; ) {
    const id = file.toString("latin1", at, at + 4);
    const size = file.readUInt32LE(at + 4);
    const body = at + 8;
    if (id === "fmt ") rate = file.readUInt32LE(body + 4);
    if (id === "data") return { rate, samples: file.subarray(body, body + size) };
    at = body + size + (size % 2);
  }
  throw new Error(`${path} holds no samples`);
}

/** Sends each chunk when it is due on the clock, then says that this was all. */
function stream(socket, { rate, samples }) {
  const size = ((rate * CHUNK_MS) / 1000) * 2;
  const start = performance.now();
  let sent = 0;

  function next() {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (sent * size >= samples.length) {
      socket.send(JSON.stringify({ type: "Terminate" }));
      return;
    }
    socket.send(samples.subarray(sent * size, (sent + 1) * size));
    sent += 1;
    setTimeout(next, start + sent * CHUNK_MS - performance.now());
  }

  next();
}

const [url, path] = process.argv.slice(2);
const wav = readWav(path);
const query = new URLSearchParams({ speech_model: "u3-rt-pro", sample_rate: wav.rate });
const socket = new WebSocket(`${url}?${query}`, {
  headers: { Authorization: process.env.ASSEMBLYAI_API_KEY },
});
socket.on("open", () => stream(socket, wav));
socket.on("message", (message) => console.log(message.toString()));
socket.on("error", (error) => console.error(error.message));
socket.on("close", (code, reason) => console.log(JSON.stringify({ code, reason: `${reason}` })));
