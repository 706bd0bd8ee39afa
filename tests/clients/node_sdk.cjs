// One session of the vendor's Node SDK, as the JSON on stdin asks for:
//
//   address     host and port of a TLS server
//   key         the API key; with `token`, one is made from it and used instead
//   parameters  of the transcriber
//   chunks      the audio, each in base64
//   halfway     methods called after half of it: name and argument
//
// Prints what the SDK reports, one event a line.

"use strict";

const { readFileSync } = require("node:fs");
const { AssemblyAI } = require("assemblyai");

const LONG_ENOUGH = 60_000;
const EVENTS = ["open", "speechStarted", "turn", "warning", "heartbeat", "silence"];

function tell(event, about) {
  console.log(JSON.stringify({ event, ...about }));
}

function failed({ code, message }) {
  tell("error", { code, message });
}

async function main({ address, key, token, parameters, chunks, halfway }) {
  const { streaming } = new AssemblyAI({ apiKey: key, streamingBaseUrl: `https://${address}` });
  const transcriber = streaming.transcriber({
    websocketBaseUrl: `wss://${address}/v3/ws`,
    connectTimeout: LONG_ENOUGH, // by itself the SDK waits a second for Begin
    maxConnectionRetries: 0, // by itself it tries even a refused key again
    token: token && (await streaming.createTemporaryToken({ expires_in_seconds: 60 })),
    ...parameters,
  });
  for (const event of EVENTS) transcriber.on(event, (message) => tell(event, message));
  transcriber.on("error", failed);
  transcriber.on("close", (code, reason) => tell("close", { code, reason }));

  await transcriber.connect();
  chunks.forEach((chunk, at) => {
    if (at === chunks.length >> 1)
      for (const [method, argument] of halfway) transcriber[method](argument);
    transcriber.sendAudio(Buffer.from(chunk, "base64"));
  });
  await transcriber.close(true, LONG_ENOUGH);
  tell("over");
}

main(JSON.parse(readFileSync(0))).catch(failed);
