// Finished results stay in this browser (IndexedDB), so that a reload loses nothing.

const NAME = "studio";
const STORE = "results";
const KEPT = ["id", "name", "file", "size", "boxes", "thumb", "report", "picture", "recipe", "took"];

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} act
 */
async function within(mode, act) {
  const request = act((await database()).transaction(STORE, mode).objectStore(STORE));
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {import("./queue.js").Item} item */
export function keep(item) {
  const record = Object.fromEntries(KEPT.map((name) => [name, item[name] ?? null]));
  return within("readwrite", (store) => store.put({ ...record, kept: Date.now() }));
}

/** @param {string} id */
export const forget = (id) => within("readwrite", (store) => store.delete(id));

/** Return what was kept, the oldest first. */
export async function kept() {
  const records = await within("readonly", (store) => store.getAll());
  return records.sort((one, other) => one.kept - other.kept);
}
