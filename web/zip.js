// A zip archive without compression: pictures are compressed already.

const TEXT = new TextEncoder();
const UTF8_NAMES = 0x0800;
const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/**
 * Return the archive; a name that comes again gets a number.
 * @param {{name: string, blob: Blob}[]} files
 * @returns {Promise<Blob>}
 */
export async function zip(files) {
  const parts = [], index = [];
  const taken = new Set();
  let offset = 0;
  for (const { name, blob } of files) {
    const title = TEXT.encode(unused(name, taken));
    const facts = { title, size: blob.size, sum: crc(new Uint8Array(await blob.arrayBuffer())), offset };
    const head = header(0x04034b50, facts);
    parts.push(head, blob);
    index.push(header(0x02014b50, facts));
    offset += head.length + blob.size;
  }
  const length = index.reduce((sum, entry) => sum + entry.length, 0);
  return new Blob([...parts, ...index, ending(files.length, length, offset)], { type: "application/zip" });
}

function unused(name, taken) {
  const [, stem, suffix] = name.match(/^(.*?)(\.\w+)?$/s) ?? ["", name, ""];
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${stem} ${number}${suffix ?? ""}`;
  taken.add(free);
  return free;
}

/** A file's header: the local one, or with its fields of the central directory (APPNOTE 4.3). */
function header(signature, { title, size, sum, offset }) {
  const central = signature === 0x02014b50;
  const fields = [[4, signature], ...(central ? [[2, 20]] : []), [2, 20], [2, UTF8_NAMES], [2, 0], ...now()];
  fields.push([4, sum], [4, size], [4, size], [2, title.length], [2, 0]);
  if (central) fields.push([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
  return joined(fields, title);
}

const ending = (count, length, offset) =>
  joined([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0]], new Uint8Array());

function now() {
  const time = new Date();
  const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
  const date = ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate();
  return [[2, clock], [2, date]];
}

function joined(fields, tail) {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0) + tail.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  bytes.set(tail, at);
  return bytes;
}
