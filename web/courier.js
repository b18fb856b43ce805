// A worker that talks to the studio: large replies are read and unpacked off the page's own thread.

const TRIES = 3; // of a request with a key: whether the first arrived nobody knows, and the key makes it once
const PAUSE = 1000; // milliseconds between two of them
const LARGE = 24_000_000; // bytes; what is larger goes past the limits of a request, by a signed upload

/** @type {Map<number, AbortController>} */
const open = new Map();

onmessage = async ({ data }) => {
  if (data.abort) return void open.get(data.id)?.abort();
  const controller = new AbortController();
  open.set(data.id, controller);
  try {
    postMessage({ id: data.id, ...(await ask(data, controller.signal)) });
  } catch (error) {
    const code = controller.signal.aborted ? "cancelled" : "unreachable";
    postMessage({ id: data.id, problem: { code, retryable: true, detail: String(error.message ?? error) } });
  } finally {
    open.delete(data.id);
  }
};

async function ask(data, signal) {
  const { path, method, fields, files, headers } = data;
  if (files.image?.blob.size > LARGE && !files.background && !fields.dry_run) return upload(data, signal);
  const reply = await insist(path, { method, body: body(fields, files), headers, signal });
  const type = reply.headers.get("Content-Type") ?? "";
  if (!reply.ok) return { problem: await problem(reply, type) };
  if (!type.includes("json")) return { report: null, picture: await reply.blob() };
  const { image, image_url, content_type, image_url_expires, mask, ...report } = await reply.json(); // a mask is a picture, too large for a report
  if (image_url) return { report, picture: await (await fetch(image_url, { signal })).blob() };
  return { report, picture: image ? new Blob([unpacked(image)], { type: content_type }) : null };
}

/** Ask again where no answer came and asking twice does no harm. */
async function insist(path, request) {
  const tries = request.headers["Idempotency-Key"] ? TRIES : 1;
  for (let left = tries - 1; ; left--) {
    try {
      const reply = await fetch(path, request);
      if (reply.status !== 409 || !left) return reply;
      left++; // the first try is being worked on: its answer comes
    } catch (error) {
      if (request.signal.aborted || !left) throw error;
    }
    await pause(request.signal);
  }
}

/** Send a large picture to a signed address, and ask until the job is done. */
async function upload({ path, fields, files, headers }, signal) {
  const { blob } = files.image;
  const asked = { operation: path.split("/").pop(), content_type: blob.type, bytes: blob.size, options: JSON.parse(fields.recipe) };
  const ticket = await fetch("/v1/uploads", { method: "POST", body: JSON.stringify(asked), headers: { ...headers, "Content-Type": "application/json" }, signal });
  if (!ticket.ok) return { problem: await problem(ticket, ticket.headers.get("Content-Type") ?? "") };
  const { upload_url, method, headers: bound, url } = await ticket.json();
  const sent = await fetch(upload_url, { method, body: blob, headers: bound, signal });
  if (!sent.ok) return { problem: await problem(sent, sent.headers.get("Content-Type") ?? "") };
  for (;;) {
    const { status, report, picture, problem: failure } = await (await fetch(url, { signal })).json();
    if (status === "failed") return { problem: failure };
    if (status === "done") return { report, picture: picture ? await (await fetch(picture.url, { signal })).blob() : null };
    await pause(signal);
  }
}

async function pause(signal) {
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  signal.throwIfAborted();
}

function body(fields, files) {
  if (!fields) return undefined;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const [name, { blob, title }] of Object.entries(files)) form.append(name, blob, title);
  return form;
}

async function problem(reply, type) {
  if (type.includes("json")) return reply.json();
  return { code: "no-answer", status: reply.status, retryable: reply.status >= 500, detail: reply.statusText };
}

function unpacked(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
